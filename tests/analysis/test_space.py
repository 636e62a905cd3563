"""Axes: measures of ranges, places of values, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from seqlab.analysis.space import axis, scale, unscale
from seqlab.errors import DataError, SettingsError


@pytest.mark.parametrize("sampling", ["linear", "log", "reverse_log"])
def test_scale_and_unscale_are_inverse_and_rise_from_0_to_1(sampling):
    values = np.array([2.0, 3, 7, 50])
    places = scale(values, 2, 50, sampling)
    assert places[0] == pytest.approx(0) and places[-1] == pytest.approx(1) and (np.diff(places) > 0).all()
    np.testing.assert_allclose(unscale(places, 2, 50, sampling), values)


def test_log_gives_each_factor_the_same_length():
    found = axis("rate", "float", 1e-6, 1e-2, "log").place([1e-6, 1e-5, 1e-4, 1e-2])
    np.testing.assert_allclose(found, [0, 0.25, 0.5, 1], atol=1e-12)
    reverse = axis("decay", "float", 1, 100, "reverse_log").place([1, 91, 100])
    np.testing.assert_allclose(reverse, [0, 0.5, 1], atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("Int", {"min_value": 2, "max_value": 9}),
        ("Int", {"min_value": 2, "max_value": 9, "sampling": "log"}),
        ("Int", {"min_value": 2, "max_value": 9, "sampling": "reverse_log"}),
        ("Int", {"min_value": 2, "max_value": 11, "step": 3}),
        ("Int", {"min_value": 2, "max_value": 33, "step": 2, "sampling": "log"}),
        ("Float", {"min_value": 0.1, "max_value": 0.5, "step": 0.2}),
        ("Choice", {"values": [5, 1, 3]}),
        ("Boolean", {}),
    ],
    ids=str,
)
def test_cells_are_as_long_as_keras_tuner_is_likely_to_draw_them(kind, arguments):
    """Its draws at evenly spaced probabilities, counted."""
    hyperparameters = pytest.importorskip("keras_tuner").engine.hyperparameters
    theirs = getattr(hyperparameters, kind)("x", **arguments)
    drawn = [theirs.prob_to_value(p) for p in (np.arange(4000) + 0.5) / 4000]
    ours = axis(
        "x",
        kind.lower(),
        arguments.get("min_value"),
        arguments.get("max_value"),
        arguments.get("sampling", "linear"),
        arguments.get("step"),
        arguments.get("values", ()),
    )
    share = [np.mean([abs(value - level) < 1e-6 for value in drawn]) for level in ours.levels]
    np.testing.assert_allclose(np.diff(ours.edges), share, atol=1e-3)
    assert sum(share) == pytest.approx(1)
    assert len(set(ours.place(drawn).tolist())) == len(ours.levels)


@pytest.mark.parametrize(
    "found",
    [
        axis("a", "float", 1, 100, "log"),
        axis("b", "int", 1, 6, "log"),
        axis("c", "choice", values=["x", "y", "z"]),
        axis("d", "int", 0, 10**6),
    ],
    ids=lambda found: found.name,
)
def test_draws_follow_the_measure(found):
    drawn = found.draw(4000, np.random.default_rng(0))
    if found.edges is None:
        counts, _ = np.histogram(drawn, 4, (0, 1))
        np.testing.assert_allclose(counts / 4000, 0.25, atol=0.03)
        return
    places = found.middles if found.ordered else np.arange(3)
    share = [(drawn == place).mean() for place in places]
    np.testing.assert_allclose(share, np.diff(found.edges), atol=0.03)
    assert sum(share) == 1


def test_cuts_fall_between_cells_as_the_trees_compare():
    whole = axis("units", "int", 1, 4)
    np.testing.assert_allclose(whole.cut(np.array([0.2, 0.49, 0.7])), [0.25, 0.5, 0.75])
    # A threshold on the middle itself leaves its cell to the left: trees ask for x <= threshold.
    assert whole.cut(whole.middles[1:2])[0] == 0.5
    assert axis("rate", "float", 0, 1).cut(np.array([0.3]))[0] == 0.3


def test_grids_hold_all_levels_or_so_many_points():
    places, values = axis("c", "choice", values=["x", "y", "z"]).grid(2)
    assert values == ["x", "y", "z"] and places.tolist() == [0, 1, 2]
    places, values = axis("units", "int", 1, 200).grid(5)
    assert len(places) == 5 and values[0] == 1 and values[-1] == 200
    places, values = axis("rate", "float", 1, 100, "log").grid(2)
    np.testing.assert_allclose(values, [100**0.25, 100**0.75])


def test_unset_values_have_no_place():
    assert np.isnan(axis("rate", "float", 0, 1).place([None, 0.5])).tolist() == [True, False]
    assert np.isnan(axis("c", "choice", values=["x", "y", "z"]).place([None, "y"])).tolist() == [True, False]


def test_booleans_and_words_in_tables():
    assert axis("bias", "boolean").place([False, True, "true", "False"]).tolist() == [0.25, 0.75, 0.75, 0.25]
    assert axis("bias", "choice", values=[True, False]).place([True]).tolist() == [0.75]
    assert axis("two", "choice", values=["x", "y"]).ordered and not axis("c", "choice", values="xyz").ordered
    with pytest.raises(SettingsError, match="continuous"):
        _ = axis("rate", "float", 0, 1).middles


@pytest.mark.parametrize(
    ("found", "value"),
    [
        (axis("rate", "float", 0, 1), 1.5),
        (axis("rate", "float", 0, 1), "high"),
        (axis("units", "int", 1, 4), 7),
        (axis("units", "int", 1, 4), 1.5),
        (axis("c", "choice", values=["x", "y", "z"]), "w"),
        (axis("one", "float", 2, 2), 3.0),
    ],
    ids=str,
)
def test_values_outside_are_refused(found, value):
    with pytest.raises(DataError, match=rf"study.csv: {found.name} = .* outside its range"):
        found.place([value], "study.csv")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x", "real", 0, 1), "kind float, int"),
        (("x", "float", 0, 1, "log"), "above 0 for the sampling log"),
        (("x", "float", 2, 1), "low <= high"),
        (("x", "float", None, 1), "low <= high"),
        (("x", "float", 1, 2, "exp"), "sampling of linear"),
        (("x", "int", 1, 9, "log", 1), "step above 1"),
        (("x", "float", 1, 9, "linear", 0), "step above 0"),
        (("x", "choice"), "without values"),
    ],
)
def test_bad_ranges(arguments, message):
    with pytest.raises(SettingsError, match=message):
        axis(*arguments)
