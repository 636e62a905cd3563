"""Findings: options, tables of shares, and the folder that is written."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from seqlab.analysis.document import Document
from seqlab.analysis.fanova import Importance
from seqlab.analysis.findings import Findings, Options
from seqlab.errors import DataError, SettingsError
from tests.analysis.common import trials


@pytest.fixture
def findings():
    return Findings(Options(trees=2, leaf=4, jobs=1), Document("A title"))


def test_shares_are_listed_from_the_greatest_and_written_as_csv(findings, tmp_path):
    shares = np.array([[0.1, 0.5], [0.1, 0.7]])
    pairs = {("a", "b"): np.array([0.2, 0.2])}
    findings.importance(Importance(("a", "b"), shares, pairs, np.ones(2)), "study", "score")
    ((_, (header, rows)),) = findings.document.blocks
    assert header == ["", "share", "over trees", "over forests"]
    assert [row[:2] for row in rows] == [["b", "60.0%"], ["a", "10.0%"], ["a x b", "20.0%"], ["higher order", "10.0%"]]
    assert rows[0][2:] == ["± 14.14%", "± 10.00%"]
    findings.write(tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["importances.csv", "report.html", "report.md"]
    with (tmp_path / "out" / "importances.csv").open(encoding="utf-8") as file:
        first = next(iter(csv.DictReader(file)))
    assert first.keys() == {"study", "of", "hyperparameters", "share", "over_trees", "over_forests"}
    assert (first["study"], first["of"], first["hyperparameters"]) == ("study", "score", "b")
    assert float(first["share"]) == pytest.approx(0.6)


def test_a_report_is_replaced_and_nothing_else(findings, tmp_path):
    (tmp_path / "out").mkdir()
    findings.write(tmp_path / "out")
    findings.document.text("more")
    findings.write(tmp_path / "out")
    assert "more" in (tmp_path / "out" / "report.md").read_text("utf-8")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("x", encoding="utf-8")
    with pytest.raises(FileExistsError, match="choose another name"):
        findings.write(tmp_path / "other")
    assert (tmp_path / "other" / "thesis.tex").is_file()


def test_forests_are_grown_by_the_options(findings):
    small = trials()
    forest = findings.fanova(small.sample(), small)
    assert len(forest.forest) == 2 and len(forest.forest[0].values) < 90 / 3
    findings.options = Options(trees=2, leaf=4, seed=7)
    assert not np.array_equal(forest.forest[0].values, findings.fanova(small.sample(), small).forest[0].values)
    few = small.where(np.arange(len(small)) < 9)
    with pytest.raises(DataError, match=r"small/trials.csv: small: .* at least 10 trials with a value, received 9"):
        findings.fanova(few.sample(), few)


def test_notes_are_kept_and_told(findings):
    findings.note("no tests")
    assert findings.notes == ["no tests"] and "Note: no tests" in findings.document.plain()


def test_options():
    Options(group="variant", baseline="V").check()
    with pytest.raises(SettingsError, match="name the group too"):
        Options(baseline="V").check()
    with pytest.raises(SettingsError, match="`pairs` must be at least 0"):
        Options(pairs=-1).check()
    assert Options().label("loss") == "loss" and Options(measure="test").label("loss") == "test loss"
    assert Options(measure="test").label("valid_nll") == "test nll"
    assert Options().drawn(1) is None and Options(cap=2.0).drawn(-1) == (2.0, -1)


def test_captions_tell_the_cap(findings):
    assert findings.capped == ""
    findings.options = Options(cap=11.0)
    assert findings.capped == " What is worse than 11 is drawn as it."
