"""The part of a report about groups."""

from __future__ import annotations

import re

import numpy as np
import pytest

from seqlab.analysis.comparison import best, compare
from seqlab.analysis.document import Document
from seqlab.analysis.findings import Findings, Options
from seqlab.analysis.groups import add_importances, add_tests, add_winners
from seqlab.errors import DataError
from tests.analysis.common import trials
from tests.analysis.test_trials import LOST, few

pytest.importorskip("matplotlib")


def findings(**options):
    return Findings(Options(group="variant", trees=2, **options), Document("A title"))


def tables(found):
    return [content for kind, content in found.document.blocks if kind == "table"]


def test_winners_are_by_validation_score():
    small, found = trials(), findings()
    groups = {**small.groups("variant"), "lost": few(LOST[1])}
    add_winners(found, groups)
    ((_, rows),) = tables(found)
    first = groups["V"].numbers
    place = int(np.nanargmin(first["score"]))
    assert rows[0][:5] == [
        "V",
        "30",
        str(groups["V"].diverged),
        f"{first['score'][place]:.5g}",
        f"{first['test'][place]:.5g}",
    ]
    assert f"rate {groups['V'].values['rate'][place]:.4g}, layers {groups['V'].values['layers'][place]}" in rows[0][5]
    assert rows[3] == ["lost", "1", "1", "-", "-", "-"]


def test_tests_of_the_best():
    small, found = trials(per_group=40), findings(best=0.2, power=0.9)
    groups = small.groups("variant")
    add_tests(found, small, groups, "boxes.png")
    wanted = compare(groups, "V", 0.2, power=0.9)
    ((header, rows),) = tables(found)
    assert [row[0] for row in rows] == ["V", "NFG", "NP"] and {row[1] for row in rows} == {"8"}
    told = dict(zip(header, rows[1], strict=True))
    assert told["verdict"] == "worse" and told["detectable"] == f"{wanted[0].detectable:.4g}"
    assert told["p corrected"] == f"{wanted[0].corrected:.2g}" and told["difference"].startswith("+")
    assert rows[0][2] == f"{best(groups['V'], 0.2).numbers['test'].mean():.4g}"
    assert [row[:2] for row in found.rows["tests"]] == [["small", "V"], ["small", "NFG"], ["small", "NP"]]
    assert found.rows["tests"][1][3:] == [  # as they are, not as they are shown
        wanted[0].values.mean(),
        *wanted[0].welch,
        wanted[0].corrected,
        wanted[0].detectable,
        "worse",
    ]
    text = found.document.plain()
    assert (
        "variant against V" in text and "Welch's t-tests of the test values of the best 20%" in text and "90%" in text
    )
    titles = [axes.get_title() for axes in found.document.figures["boxes.png"].axes]
    assert {"all trials", "best 20% by validation score"} <= set(titles) and not found.notes


def test_another_baseline_and_validation_scores():
    small, found = trials(per_group=40, test=False), findings(best=0.2, baseline="NFG")
    add_tests(found, small, small.groups("variant"), "boxes.png")
    ((_, rows),) = tables(found)
    assert [row[0] for row in rows] == ["NFG", "V", "NP"] and [row[-1] for row in rows] == ["-", "better", "better"]
    assert "validation scores (there are no test values)" in found.document.plain()


def test_what_cannot_be_tested_is_noted_and_drawn_all_the_same():
    small, found = trials(per_group=10), findings()  # the best 10 % of 10 is one
    add_tests(found, small, small.groups("variant"), "boxes.png")
    assert len(found.notes) == 1 and "no tests: " in found.notes[0] and "at least 2 values" in found.notes[0]
    assert "boxes.png" in found.document.figures and not tables(found) and not found.rows["tests"]


def test_importances_within_groups():
    small, found = trials(), findings()
    groups = small.groups("variant")
    groups["NP"] = groups["NP"].where(np.arange(30) < 9)
    bars = add_importances(found, groups, "small")
    assert list(bars) == ["small: V", "small: NFG"]
    ((header, rows),) = tables(found)
    assert header == ["", "trials", "rate", "layers", "residual", "pairs", "higher order"] and len(rows) == 2
    assert [row[1] for row in rows] == [str(len(groups[name])) for name in ("V", "NFG")]
    assert sum(float(cell.split("%")[0]) for cell in rows[0][2:]) == pytest.approx(100, abs=0.3)
    assert all(re.fullmatch(r"[\d.]+% ± \d+%", cell) for cell in rows[0][2:5])
    assert len(found.notes) == 1 and "within small: NP" in found.notes[0] and "received 9" in found.notes[0]
    written = [row[2] for row in found.rows["importances"] if row[:2] == ["small: V", "score"]]
    singles, pairs = {"rate", "layers", "residual"}, {"rate x layers", "rate x residual", "layers x residual"}
    assert set(written) == singles | pairs | {"higher order"} and written[0] == "rate"
    assert list(add_importances(findings(), {"V": groups["V"]})) == ["V"]


def test_one_group_that_cannot_be_tested_leaves_the_others():
    small, found = trials(per_group=40), findings(best=0.2)
    groups = small.groups("variant")
    groups["NFG"].numbers["test"][np.nanargmin(groups["NFG"].numbers["score"])] = np.nan
    add_tests(found, small, groups, "boxes.png")
    ((_, rows),) = tables(found)
    assert [row[0] for row in rows] == ["V", "NP"] and len(found.notes) == 1
    assert found.notes[0].startswith("no test: ") and "NFG: 1 of the 8 best trials have no test" in found.notes[0]
    (test,) = compare(groups, "V", 0.2, skipped=(skipped := []))
    assert len(skipped) == 1 and test.corrected == pytest.approx(min(1, 2 * test.welch.p))  # two were planned
    assert "p times 2 (Bonferroni)" in found.document.plain()
    with pytest.raises(DataError, match="NFG: 1 of the 8"):
        compare(groups, "V", 0.2)
    with pytest.raises(DataError, match="NFG: 1 of the 8"):
        compare(groups, "NFG", 0.2, skipped=[])
