"""Trials as arrays: what counts, how diverged ones enter, groups and conditions."""

from __future__ import annotations

import numpy as np
import pytest

from seqlab.analysis.trials import Trials
from seqlab.errors import DataError, SettingsError
from seqlab.studies import Condition, Objective, Parameter, Study, Trial
from tests.analysis.common import study, trials

RATE = Parameter("rate", "float", 0, 1)


def few(*rows, direction="min", space=(RATE,)):
    """Trials of (status, score, test, seconds)."""
    made = [
        Trial(str(k), status, {"rate": k / len(rows)}, score, test, seconds=seconds)
        for k, (status, score, test, seconds) in enumerate(rows)
    ]
    return Trials.of(Study(Objective("loss", direction), space, trials=tuple(made)), "few", "few.csv")


LOST = [
    ("completed", 1.0, 1.5, 5.0),
    ("diverged", None, None, 1.0),
    ("completed", 4.0, 3.5, 6.0),
    ("failed", None, None, 2.0),
    ("timed_out", 2.0, 2.0, 9.0),
    ("diverged", 3.0, 3.0, 4.0),
]


def test_failed_and_timed_out_trials_count_nowhere():
    found = few(*LOST)
    assert (
        len(found) == 4
        and found.diverged == 2
        and found.without_score == 1
        and found.dropped == {"failed": 1, "timed_out": 1}
    )
    text = "4 trials count, 3 of them with a score, 2 diverged; left out: 1 failed, 1 timed out"
    assert str(found) == text
    with pytest.raises(DataError, match=r"few.csv: no finished trial among 1"):
        few(LOST[3])


@pytest.mark.parametrize(
    ("options", "targets", "words"),
    [
        ({}, [1, 4, 4, 3], "4 trials, 1 diverged counted as the worst value, 4"),
        ({"diverged": "leave_out"}, [1, 4, 3], "4 trials, 1 diverged left out"),
        ({"cap": 3.5}, [1, 3.5, 3.5, 3], "4 trials, 1 diverged counted as 3.5, 1 worse than 3.5 counted as it"),
        ({"cap": 3.5, "diverged": "leave_out"}, [1, 3.5, 3], "4 trials, 1 diverged left out, 1 worse than 3.5"),
        ({"measure": "test"}, [1.5, 3.5, 3.5, 3], "4 trials, 1 diverged counted as the worst value, 3.5"),
        ({"measure": "seconds"}, [5, 6], "4 trials, 2 diverged left out"),
    ],
)
def test_diverged_trials_in_an_analysis_of_variance(options, targets, words):
    found = few(*LOST).sample(**options)
    assert found.targets.tolist() == targets and found.note.startswith(words)
    assert len(found.places) == len(targets)


def test_the_worst_is_the_least_where_the_greatest_is_best():
    found = few(*LOST, direction="max")
    assert found.sample().targets.tolist() == [1, 1, 4, 3]
    assert found.sample(cap=2).targets.tolist() == [2, 2, 4, 3]


def test_values_that_miss_are_left_out_and_counted():
    rows = [*LOST[:3], ("completed", 2.0, None, None)]
    found = few(*rows).sample("test")
    assert found.targets.tolist() == [1.5, 3.5, 3.5] and "1 without test left out" in found.note
    with pytest.raises(DataError, match="few.csv: few: no trial has a finite value of 'test'"):
        few(*[(*row[:2], None, 1.0) for row in LOST]).sample("test")
    with pytest.raises(DataError, match="no trial has a finite value of 'score'"):
        few(LOST[1], LOST[1]).sample()


def test_axes_are_the_hyperparameters_that_vary():
    small = trials()
    assert [one.name for one in small.sample().axes] == ["variant", "rate", "layers", "residual"]
    group = small.groups("variant")["NFG"]
    assert [one.name for one in group.sample().axes] == ["rate", "layers", "residual"]


def test_conditions_switch_values_off():
    small = trials()
    layers, residual = small.values["layers"], small.values["residual"]
    assert {r is None for n, r in zip(layers, residual, strict=True) if n == 1} == {True}
    assert {r is None for n, r in zip(layers, residual, strict=True) if n > 1} == {False}
    unset = np.isnan(small.sample().places[:, 3])
    assert unset.tolist() == [n == 1 for n in layers]


def test_conditions_of_conditions():
    space = (
        Parameter("c", "boolean", conditions=(Condition("b", (True,)),)),
        Parameter("b", "boolean", conditions=(Condition("a", (True,)),)),
        Parameter("a", "boolean"),
    )
    made = Study(
        Objective("f", "max"), space, trials=(Trial("1", "completed", {"a": False, "b": True, "c": True}, 1.0),)
    )
    assert Trials.of(made, "x", "").values == {"a": (False,), "b": (None,), "c": (None,)}


def test_groups():
    small = trials()
    found = small.groups("variant")
    assert list(found) == ["V", "NFG", "NP"] and sum(map(len, found.values())) == len(small)
    assert all("variant" not in [item.name for item in one.parameters] for one in found.values())
    assert set(found["NP"].values["variant"]) == {"NP"}
    assert list(small.groups("residual")) == ["False", "True"]
    assert list(small.groups("epochs")) == ["5"]
    with pytest.raises(SettingsError, match="'rate' is a float; expected a choice"):
        small.groups("rate")
    with pytest.raises(
        SettingsError, match=r"trials.csv: there is no hyperparameter 'variants' .* Did you mean 'variant'"
    ):
        small.groups("variants")


def test_a_trial_of_another_space_is_refused():
    made = study()
    wrong = Trial("x", "completed", {"variant": "V", "rate": 5.0, "layers": 1}, 1.0)
    both = Study(made.objective, made.space, trials=(*made.trials, wrong))
    with pytest.raises(DataError, match=r"small.csv: rate = 5.0 is outside its range, 0.0001 to 0.1"):
        Trials.of(both, "small", "small.csv").sample()


def test_where():
    small = trials()
    chosen = small.where(np.arange(len(small)) < 7, "seven")
    assert len(chosen) == 7 and chosen.name == "seven" and len(chosen.values["rate"]) == 7
    assert small.sign == 1 and trials(direction="max").sign == -1
