from __future__ import annotations

import gradient_reach as script
import pytest


@pytest.mark.slow
def test_layers_above_a_task_and_heads_of_others_do_not_move():
    lines = script.table("lstm_d", layers=2).splitlines()
    assert lines[0].split() == ["lstm_d", *script.COLUMNS]
    marks = {line.split()[0]: line.split()[1:] for line in lines[1:]}
    assert {tuple(moved) for name, moved in marks.items() if "head_pos" in name} == {("x", ".", ".")}
    assert {tuple(moved) for name, moved in marks.items() if "layer_1" in name} == {(".", ".", "x")}
    assert {tuple(moved) for name, moved in marks.items() if "layer_0" in name} == {("x", "x", "x")}


@pytest.mark.slow
def test_every_task_teaches_the_words_beside_each_token(monkeypatch, capsys):
    monkeypatch.setattr(script, "ENCODERS", {"stl": None, "lstm_s": None})
    script.main(["--language"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["lstm_s", *script.COLUMNS]  # separate networks are left out
    found = [line.split()[1:] for line in lines if line.startswith("language/")]
    assert len(found) == 8 and all(moved == ["x", "x", "x"] for moved in found)
