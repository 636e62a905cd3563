"""The whole report."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from seqlab.analysis.findings import Options
from seqlab.analysis.report import analyse
from seqlab.errors import DataError, SettingsError
from tests.analysis.common import study, trials

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A report on two studies, by groups. Figures are drawn in the tests of plots and of the command."""
    folder = tmp_path_factory.mktemp("analysis") / "out"
    findings = analyse([trials("one"), trials("two", seed=1)], Options(group="variant", trees=3, pairs=1))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("matplotlib.figure.Figure.savefig", lambda self, path, **options: path.write_bytes(b"PNG"))
        findings.write(folder)
    return findings, folder


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_everything_is_there(two):
    findings, folder = two
    kinds = ("boxes", "marginals", "pairs", "times", "baseline-marginals", "baseline-pairs")
    figures = {f"{number}-{name}.png" for number in (1, 2) for name in kinds}
    tables = {"importances.csv", "marginals.csv", "tests.csv"}
    assert {path.name for path in folder.iterdir()} == figures | tables | {
        "importances.png",
        "report.md",
        "report.html",
    }
    text = (folder / "report.md").read_text("utf-8")
    assert text.startswith("# Analysis of one, two\n") and all(f"]({name})" in text for name in figures)
    for wanted in ("90 trials count", "left out: 1 failed", "Score: loss, the minimum is best", "exact for each of 3"):
        assert wanted in text
    assert len(findings.document.figures["1-pairs.png"].axes) == 4  # two panels with their scales
    assert not findings.notes and "### Marginals within V" in text and "### Pairs within V" in text
    panels = findings.document.figures["1-baseline-marginals.png"].axes
    assert {axes.get_xlabel() for axes in panels} - {""} == {"rate", "layers", "residual"}


def test_pairs_leave_out_what_makes_the_groups():
    small = trials()
    whole, grouped = (analyse([small], Options(trees=2, group=name, pairs=9)) for name in (None, "variant"))
    drawn = [
        {frozenset((axes.get_xlabel(), axes.get_ylabel())) for axes in found.document.figures["pairs.png"].axes}
        for found in (whole, grouped)
    ]
    assert any("variant" in pair for pair in drawn[0]) and not any("variant" in pair for pair in drawn[1])


def test_a_baseline_of_few_trials_has_no_part_of_its_own():
    small = trials()
    keep = np.array([value != "NP" for value in small.values["variant"]])
    keep[np.flatnonzero(~keep)[:9]] = True
    found = analyse([small.where(keep)], Options(trees=2, group="variant", baseline="NP"))
    assert "baseline-marginals.png" not in found.document.figures
    assert any(note.startswith("no marginals within NP: ") for note in found.notes)


def test_shares_of_studies_and_groups(two):
    _, folder = two
    shares = rows(folder / "importances.csv")
    assert {row["study"] for row in shares} == {
        f"{name}{group}" for name in ("one", "two") for group in ("", ": V", ": NFG", ": NP")
    }
    whole = {
        row["hyperparameters"]: float(row["share"]) for row in shares if (row["study"], row["of"]) == ("one", "score")
    }
    assert max(whole, key=lambda name: whole[name]) == "rate" and sum(whole.values()) == pytest.approx(1)
    time = {
        row["hyperparameters"]: float(row["share"]) for row in shares if (row["study"], row["of"]) == ("one", "seconds")
    }
    assert time["layers"] > 0.9 and {row["group"] for row in rows(folder / "tests.csv")} == {"V", "NFG", "NP"}


def test_marginals_are_written(two):
    _, folder = two
    every = rows(folder / "marginals.csv")
    assert {row["study"] for row in every} == {"one", "one: V", "two", "two: V"}
    found = [row for row in every if row["study"] == "one"]
    assert {(row["of"], row["hyperparameter"]) for row in found} == {
        (of, name) for of in ("score", "seconds") for name in ("variant", "rate", "layers", "residual")
    }
    levels = {
        row["value"]: float(row["mean"]) for row in found if (row["of"], row["hyperparameter"]) == ("seconds", "layers")
    }
    assert list(levels) == ["1", "2", "3"] and levels["1"] < levels["2"] < levels["3"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "their values count as the worst finite one;"),
        ({"diverged": "leave_out"}, "their values are left out;"),
        ({"cap": 6.0}, "their values count as 6, and values worse than 6 count as it;"),
        ({"cap": 6.0, "diverged": "leave_out"}, "their values are left out, and values worse than 6 count as it;"),
        ({"measure": "test"}, "variance of the test their values"),
    ],
)
def test_what_becomes_of_diverged_trials_is_told_and_done(options, words):
    small = trials()
    found = analyse([small], Options(trees=1, pairs=0, **options))
    text = found.document.plain()
    assert words in text and f"Analysis of variance over {small.sample(**options).note}." in text
    assert set(found.document.figures) == {"marginals.png", "importances.png", "times.png"}


def test_without_times_there_is_nothing_about_them():
    small = trials()
    small.numbers["seconds"][:] = np.nan
    found = analyse([small], Options(trees=1))
    assert "times.png" not in found.document.figures and "explains the time" not in found.document.plain()
    small.numbers["seconds"][:] = 5.0
    assert "no analysis of times: " in analyse([small], Options(trees=1)).notes[0]


def test_a_baseline_of_equal_times_keeps_its_marginals_of_the_score():
    small = trials()
    small.numbers["seconds"][[value == "V" for value in small.values["variant"]]] = 5.0
    found = analyse([small], Options(trees=1, group="variant"))
    assert "baseline-marginals.png" in found.document.figures
    assert any(note.startswith("no analysis of times within V: ") for note in found.notes)


def test_captions_say_how_many_trials():
    small = trials()
    document = analyse([small], Options(trees=1, group="variant", cap=8.0)).document
    text = " ".join(content[1] for kind, content in document.blocks if kind == "figure")
    whole, own = (one.sample(cap=8.0).note for one in (small, small.groups("variant")["V"]))
    assert whole != own and text.count(f"Over {whole}.") == 2 == text.count(f"Over {own}.")
    assert "So it counts in these means; below the names stands how often." in text


def test_errors_name_the_study():
    small = trials()
    few = small.where(np.arange(len(small)) < 9)
    with pytest.raises(DataError, match=r"small/trials.csv: small: .*at least 10 trials"):
        analyse([few])
    small.numbers["score"][:] = 2.0
    with pytest.raises(DataError, match=r"small/trials.csv: small: All 90 values are 2"):
        analyse([small])
    small.numbers["score"][:] = np.nan
    with pytest.raises(DataError, match=r"no trial has a finite value of 'score'"):
        analyse([small])
    with pytest.raises(SettingsError, match="names of their own, received small, small"):
        analyse([small, small])
    with pytest.raises(SettingsError, match="name the group too"):
        analyse([trials()], Options(baseline="V"))
    with pytest.raises(SettingsError, match=r"small: all 90 values of 'score' are 1 or worse, which is the cap"):
        analyse([trials()], Options(cap=1.0))
    assert study().objective.name == "loss"
