from __future__ import annotations

import io

from seqlab.progress import counting_bar, reading_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_on_a_terminal(monkeypatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen = Terminal()
    with reading_bar("folder/glove.txt", screen) as move:
        assert screen.getvalue() == ""
        move(50, 200)
        move(200, 200)
    assert "reading glove.txt" in screen.getvalue() and "200/200 bytes" in screen.getvalue()


def test_a_bar_that_counts(monkeypatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen = Terminal()
    with counting_bar("sentences", screen) as move:
        move(5, 20)
        move(20, 20)
    assert "sentences" in screen.getvalue() and "20/20" in screen.getvalue()


def test_nothing_elsewhere() -> None:
    file = io.StringIO()
    with reading_bar("glove.txt", file) as move:
        move(50, 200)
    assert file.getvalue() == ""


def test_nothing_for_what_came_from_a_cache() -> None:
    screen = Terminal()
    with reading_bar("glove.txt", screen):
        pass
    assert "glove" not in screen.getvalue()
