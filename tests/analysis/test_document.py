"""Reports as Markdown, HTML and for a terminal."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from seqlab.analysis.document import Document, write_report


class Picture:
    """What a report needs of a matplotlib figure."""

    def savefig(self, path, dpi):
        path.write_bytes(b"PNG")


@pytest.fixture
def document():
    found = Document("Study <1>")
    found.heading("Shares")
    found.text("a < b")
    found.table(["", "share"], [["rate|x", 0.5], ["units", "10 %"]])
    found.heading("Picture", 3)
    found.figure("a.png", Picture(), 'What "it" shows')
    return found


def test_markdown(document):
    assert document.markdown() == (
        "# Study <1>\n\n## Shares\n\na < b\n\n|  | share |\n| --- | --- |\n| rate\\|x | 0.5 |\n| units | 10 % |\n\n"
        '### Picture\n\n![What "it" shows](a.png)\n\nWhat "it" shows\n'
    )


def test_terminal_shows_no_figure_and_no_heading_of_one(document):
    assert document.plain() == "Study <1>\n## Shares\na < b\n        share\nrate|x    0.5\nunits    10 %\n"


def test_html_holds_its_pictures_and_is_escaped_and_nested(document, tmp_path):
    document.write(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "report.html", "report.md"]
    assert (tmp_path / "report.md").read_text("utf-8") == document.markdown()
    page = (tmp_path / "report.html").read_text("utf-8")
    stack, seen, text, pictures = [], [], [], []

    class Parser(HTMLParser):
        def handle_starttag(self, tag, attrs):
            seen.append(tag)
            pictures.extend(value for name, value in attrs if name == "src")
            if tag not in ("meta", "img", "br"):
                stack.append(tag)

        def handle_endtag(self, tag):
            assert stack.pop() == tag

        def handle_data(self, data):
            text.append(data.strip())

    Parser().feed(page)
    assert not stack and seen.count("tr") == 3 and seen.count("th") == 2
    assert {"Study <1>", "a < b", "rate|x", 'What "it" shows'} <= set(text)
    assert pictures == ["data:image/png;base64,UE5H"]


def test_tables_are_written_beside_the_report(document, tmp_path):
    out = tmp_path / "out"
    write_report(document, {"shares": [["name", "share"], ["rate|x", 0.5]], "empty": [["name"]]}, out)
    assert sorted(path.name for path in out.iterdir()) == ["a.png", "report.html", "report.md", "shares.csv"]
    assert (out / "shares.csv").read_text("utf-8") == "name,share\nrate|x,0.5\n"
    write_report(document, {}, out)
    assert not (out / "shares.csv").exists()
    (tmp_path / "note.txt").touch()
    with pytest.raises(FileExistsError, match="exists: choose another name"):
        write_report(document, {}, tmp_path)
