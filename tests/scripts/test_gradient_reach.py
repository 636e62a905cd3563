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
