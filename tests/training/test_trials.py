"""Whole trials: the rule of epochs and patience, what counts as best, and models side by side."""

from __future__ import annotations

import math
from dataclasses import replace

import keras
import numpy as np
import pytest

from seqlab.corpora.piano_roll import PianoRolls
from seqlab.errors import SettingsError
from seqlab.training.trials import Pieces, Progress, Trial, _outcome, rates_of, run_population, run_trial, width_of

jax_only = pytest.mark.skipif(keras.backend.backend() != "jax", reason="compiled epochs run on JAX")
TRIAL = Trial("CIFG", 5, learning_rate=0.02, momentum=0.5, noise=0.2, seed=3)


@pytest.fixture(scope="module")
def pieces():
    generator = np.random.default_rng(1)
    parts = [
        tuple((generator.random((size, 4)) < 0.3).astype("uint8") for size in sizes)
        for sizes in ((5, 5, 4), (4, 5), (5, 3))
    ]
    return Pieces.of(PianoRolls(*parts))


def test_patience_counts_epochs_without_a_better_value():
    progress = Progress(patience=2)
    better = [progress.observe(value) for value in (3.0, 2.0, 2.0, 2.5)]
    assert better == [True, True, False, False]
    assert (progress.best, progress.epochs, progress.stopped) == (2.0, 4, True)


def test_a_better_value_starts_the_count_anew():
    progress = Progress(patience=2)
    for value in (3.0, 4.0, 2.0, 4.0):
        progress.observe(value)
    assert not progress.stopped


def test_no_number_ends_it_and_what_was_best_stays():
    progress = Progress(patience=5)
    assert progress.observe(3.0) and not progress.observe(math.nan)
    assert (progress.best, progress.stopped) == (3.0, True)
    assert "from epoch 2 on" in progress.error


@pytest.mark.parametrize(("units", "width"), [(20, 28), (28, 28), (29, 40), (153, 200), (200, 200), (201, 232)])
def test_sizes_are_rounded_up(units, width):
    assert width_of(units) == width


@jax_only
def test_a_trial_is_what_its_best_weights_give(pieces):
    found = run_trial(TRIAL, pieces, epochs=3)
    assert (found.status, found.epochs, found.error) == ("completed", 3, "")
    assert found.weights == sum(weight.size for weight in found.best)
    assert [weight.shape for weight in found.best] == [(4, 15), (5, 15), (15,), (10,), (5, 4), (4,)]
    from seqlab.training.compiled import Program

    program = Program("CIFG", width_of(5), 4, pieces.train.bounds)
    for part, value in ((pieces.valid, found.score), (pieces.test, found.test)):
        total = float(program.totals(program.widened(found.best, 5), part.split()))
        assert value == pytest.approx(total / part.lengths.sum(), rel=1e-5)


@jax_only
@pytest.mark.parametrize("name", ["learning_rate", "momentum", "noise", "seed", "units"])
def test_each_hyperparameter_changes_the_result(pieces, name):
    base = run_trial(TRIAL, pieces, epochs=1)
    again = run_trial(TRIAL, pieces, epochs=1)
    other = run_trial(replace(TRIAL, **{name: {"seed": 4, "units": 6}.get(name, 0.9)}), pieces, epochs=1)
    assert base.score == again.score
    assert base.score != other.score


def test_momentum_lowers_the_rate():
    rates = rates_of(replace(TRIAL, learning_rate=0.5, momentum=0.75))
    assert [float(rate) for rate in rates] == pytest.approx([0.125, 0.75, 0.2])


@jax_only
def test_without_progress_patience_ends_it(pieces):
    found = run_trial(replace(TRIAL, learning_rate=0.0), pieces, epochs=9, patience=2)
    assert (found.status, found.epochs) == ("completed", 3)


@jax_only
def test_divergence_is_told(pieces):
    found = run_trial(replace(TRIAL, learning_rate=1e38), pieces, epochs=5)
    assert (found.status, found.score, found.test, found.epochs) == ("diverged", None, None, 1)
    assert "from epoch 1 on" in found.error and not found.best


class Program:
    """A model of one weight whose loss is no number for groups that hold NaN."""

    population = False

    def shapes(self, units):
        return [(units,)]

    def totals(self, weights, groups):
        return float(np.sum([np.sum(weights[0] * group) for group in groups]))

    def narrowed(self, weights, units):
        return list(weights)


class Part:
    lengths = np.array([2])

    def __init__(self, value):
        self.value = value

    def split(self):
        return [self.value]


@pytest.mark.parametrize(
    ("values", "test", "wanted"),
    [
        ([3.0, 4.0], 6.0, ("completed", 3.0, 3.0, "")),
        ([3.0, math.nan], 6.0, ("diverged", 3.0, 3.0, "the loss is no number from epoch 2 on")),
        ([3.0], math.inf, ("completed", 3.0, None, "the loss of the test pieces is no number")),
        ([math.inf], 6.0, ("diverged", None, None, "the loss is no number from epoch 1 on")),
        ([3.0, math.nan], math.nan, ("diverged", 3.0, None, "epoch 2 on; the loss of the test pieces is no number")),
    ],
)
def test_what_was_best_counts_and_what_is_no_number_does_not(values, test, wanted):
    progress = Progress(patience=9)
    for value in values:
        if progress.observe(value):
            progress.weights = [np.ones(1)]
    found = _outcome(Program(), TRIAL, progress, Part(test), (1.0, 1.0))
    assert (found.status, found.score, found.test) == wanted[:3]
    assert found.error.endswith(wanted[3]) and bool(found.error) == bool(wanted[3])


@jax_only
def test_a_population_equals_its_members(pieces):
    members = [TRIAL, replace(TRIAL, units=3, learning_rate=0.01), replace(TRIAL, momentum=0.9, noise=0.6)]
    members.append(replace(TRIAL, learning_rate=1e38))
    together = run_population(members, pieces, epochs=2, order_seed=TRIAL.seed)
    for found, member in zip(together, members, strict=True):
        alone = run_trial(member, pieces, epochs=2)
        assert (found.status, found.epochs, found.weights) == (alone.status, alone.epochs, alone.weights)
        if alone.score is not None:
            assert (found.score, found.test) == pytest.approx((alone.score, alone.test), rel=1e-5)
        for weight, wanted in zip(found.best, alone.best, strict=True):
            np.testing.assert_allclose(weight, wanted, rtol=1e-4, atol=1e-6)
    reordered = run_population(members, pieces, epochs=2, order_seed=TRIAL.seed + 1)
    assert reordered[0].score != together[0].score


@pytest.mark.parametrize("variants", [[], ["V", "NP"]])
def test_a_population_is_of_one_variant(pieces, variants):
    with pytest.raises(SettingsError, match="A population is of one variant"):
        run_population([replace(TRIAL, variant=variant) for variant in variants], pieces)


def test_counts_are_checked(pieces):
    with pytest.raises(SettingsError, match="`epochs` must be"):
        run_trial(TRIAL, pieces, epochs=0)
    with pytest.raises(SettingsError, match="`patience` must be"):
        run_trial(TRIAL, pieces, patience=0)


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX is what it needs")
def test_another_backend_is_refused(pieces):
    with pytest.raises(SettingsError, match="set KERAS_BACKEND=jax"):
        run_trial(TRIAL, pieces)
