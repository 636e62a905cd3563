"""Shares and marginals: exact against brute force, near closed forms, and their errors."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from seqlab.analysis.fanova import Fanova, Line, variances
from seqlab.analysis.forest import columns
from seqlab.analysis.space import axis
from seqlab.errors import DataError, SettingsError
from tests.analysis.common import MIXED, sample
from tests.oracles import fanova as oracle

GRID = [
    axis("units", "int", 1, 4, "log"),
    axis("cell", "choice", values=["a", "b", "c"]),
    axis("bias", "boolean"),
    axis("size", "choice", values=[8, 32, 16]),
    axis("head", "choice", values=["x", "y", "z", "w"]),
]
CONTINUOUS = [axis("rate", "float", 1e-3, 1, "log"), axis("cell", "choice", values=["a", "b", "c"]), *GRID[:1]]


def grown(axes, count, trees=2, **options):
    """A forest, and for each tree the table of what it predicts on the grid of its own cells, with their masses."""
    places, targets = sample(axes, count)
    found = Fanova(axes, places, targets, trees=trees, leaf=1, **options)
    tables = []
    for leaves in found.forest:
        lines = [Line(leaves, number) for number in range(len(axes))]
        masses, middles = [], []
        for one, line in zip(axes, lines, strict=True):
            if one.edges is not None:
                masses.append(np.diff(one.edges))
                middles.append(one.middles if one.ordered else np.arange(len(one.levels), dtype=float))
            else:
                masses.append(line.lengths)
                middles.append((line.edges[1:] + line.edges[:-1]) / 2)
        tables.append((predict(leaves, middles), masses, middles))
    return found, tables


def predict(leaves, middles):
    """The tree at each point of a grid, by looking for the one leaf that holds it."""
    table = np.zeros([len(middle) for middle in middles])
    for cell in np.ndindex(*table.shape):
        point = [middle[k] for middle, k in zip(middles, cell, strict=True)]
        (held,) = (
            value
            for number, value in enumerate(leaves.values)
            if all(
                leaves.members[k][number, int(x)]
                if k in leaves.members
                else leaves.starts[number, k] <= x < leaves.stops[number, k]
                for k, x in enumerate(point)
            )
        )
        table[cell] = held
    return table


@pytest.mark.parametrize(("axes", "count"), [(GRID, 40), (CONTINUOUS, 15)], ids=["grid", "continuous"])
def test_shares_equal_brute_force(axes, count):
    found, tables = grown(axes, count)
    importance = found.importance()
    for number, (table, masses, _) in enumerate(tables):
        wanted, _ = oracle.decompose(table, masses)
        assert importance.variances[number] == pytest.approx(wanted[()])
        for i, j in itertools.combinations(range(len(axes)), 2):
            share = importance.pairs[axes[i].name, axes[j].name][number]
            assert share * wanted[()] == pytest.approx(wanted[i, j], abs=1e-12)
        for i in range(len(axes)):
            assert importance.singles[number, i] * wanted[()] == pytest.approx(wanted[i,], abs=1e-12)
    total = importance.singles.sum(axis=1) + sum(importance.pairs.values())
    assert importance.higher().mean == pytest.approx(1 - total.mean())
    assert importance.higher(1).mean == pytest.approx(1 - importance.singles.sum(axis=1).mean())
    assert importance.pair("cell", "units") == importance.pair("units", "cell")


@pytest.mark.parametrize("pair", [("units", "cell"), ("cell", "head"), ("units", "size"), ("cell", "bias")])
def test_marginals_equal_brute_force(pair):
    found, tables = grown(GRID, 40)
    names = [one.name for one in GRID]
    i, j = (names.index(name) for name in pair)
    one = found.pair(*pair)
    means = [oracle.decompose(table, masses)[1] for table, masses, _ in tables]
    order, flip = ((i, j), False) if i < j else ((j, i), True)
    wanted = np.mean([mean[order].T if flip else mean[order] for mean in means], axis=0)
    singles = [np.array([mean[k,] for mean in means]) for k in (i, j)]
    np.testing.assert_allclose(one.first.mean, singles[0].mean(axis=0))
    np.testing.assert_allclose(one.first.spread, singles[0].std(axis=0), atol=1e-12)
    np.testing.assert_allclose(one.second.mean, singles[1].mean(axis=0))
    np.testing.assert_allclose(one.mean, wanted)
    pure = wanted - one.first.mean[:, None] - one.second.mean + np.mean([mean[()] for mean in means])
    np.testing.assert_allclose(one.interaction, pure, atol=1e-12)
    np.testing.assert_allclose(np.diff(GRID[i].edges) @ one.interaction @ np.diff(GRID[j].edges), 0, atol=1e-12)


def test_marginals_of_a_continuous_axis_are_the_trees_steps():
    found, ((table, masses, middles),) = grown(CONTINUOUS, 15, trees=1)
    (leaves,) = found.forest
    _, means = oracle.decompose(table, masses)
    one = found.pair("rate", "units", points=300)
    cells = np.searchsorted(Line(leaves, 0).edges, one.first.places, side="right") - 1
    np.testing.assert_allclose(one.first.mean, means[0,][cells])
    np.testing.assert_allclose(one.mean, means[0, 2][cells])
    assert one.first.values[0] == pytest.approx(1e-3 * 1000 ** (1 / 600)) and len(one.first.values) == 300


def uniform(count, axes):
    return np.random.default_rng(1).random((count, axes))


def test_shares_of_sums_and_products_are_those_of_the_closed_form():
    """x + 2 y + 6 (x - 1/2) (y - 1/2) on the unit square: variances 1/12, 4/12 and 36/144."""
    axes = [axis(name, "float", 0, 1) for name in "xyz"]
    places = uniform(2000, 3)
    x, y = places[:, 0], places[:, 1]
    found = Fanova(axes, places, x + 2 * y + 6 * (x - 0.5) * (y - 0.5), trees=10).importance()
    assert found.single("x").mean == pytest.approx(0.125, abs=0.02)
    assert found.single("y").mean == pytest.approx(0.5, abs=0.03)
    assert found.pair("x", "y").mean == pytest.approx(0.375, abs=0.03)
    assert found.single("z").mean < 0.005 and found.higher().mean < 0.01


def test_what_needs_three_is_of_higher_order():
    axes = [axis(name, "boolean") for name in "xyz"]
    places = np.array(list(itertools.product([0.25, 0.75], repeat=3)) * 8)
    found = Fanova(axes, places, np.prod(np.sign(places - 0.5), axis=1), trees=5, leaf=1).importance()
    assert found.higher().mean == pytest.approx(1) and found.higher(1).mean == pytest.approx(1)
    assert found.single("x").mean == pytest.approx(0, abs=1e-12)


def test_an_inactive_hyperparameter_has_no_effect_where_it_is_inactive():
    """B (1 + D), D active where B is 1: over the product space 0, 0, 1, 2, so .5625, .0625 and .0625 of .6875."""
    axes = [axis("b", "boolean"), axis("d", "boolean")]
    random = np.random.default_rng(0)
    b, d = random.integers(0, 2, (2, 400))
    places = np.stack([0.25 + b / 2, np.where(b == 1, 0.25 + d / 2, np.nan)], axis=1)
    found = Fanova(axes, places, b * (1.0 + d), trees=10).importance()
    assert found.single("b").mean == pytest.approx(9 / 11, abs=1e-6)
    assert found.single("d").mean == pytest.approx(1 / 11, abs=1e-6)
    assert found.pair("b", "d").mean == pytest.approx(1 / 11, abs=1e-6)


def test_means_of_forests_spread_as_told():
    places, targets = sample(MIXED, 60)
    forests = [Fanova(MIXED, places, targets, trees=20, seed=seed).importance() for seed in range(8)]
    for name in ("rate", "cell"):
        told = np.mean([found.single(name).forests for found in forests])
        seen = np.std([found.single(name).mean for found in forests], ddof=1)
        assert 0.4 < seen / told < 2.0
        share = forests[0].single(name)
        assert share.trees == pytest.approx(share.forests * 20**0.5)
    one_tree = Fanova(MIXED, places, targets, trees=1).importance()
    assert one_tree.single("rate").trees == 0


def test_shares_do_not_depend_on_the_scores_zero_point_or_unit():
    places, targets = sample(MIXED, 60)
    found = Fanova(MIXED, places, targets, trees=1)
    first = found.importance()
    found.forest = [replace(found.forest[0], values=1e6 + 8 * found.forest[0].values)]
    second = found.importance()
    np.testing.assert_allclose(second.singles, first.singles, rtol=1e-6)
    np.testing.assert_allclose(second.variances, 64 * first.variances, rtol=1e-6)


def test_variances_of_one_box_are_0():
    places, targets = sample(MIXED, 20)
    (leaves,) = Fanova(MIXED, places, targets, trees=1, leaf=20).forest
    np.testing.assert_allclose(variances(leaves, [(0, 1)]), 0, atol=1e-12)
    assert columns(MIXED, places).shape == (20, 5)


def test_errors():
    places, targets = sample(MIXED, 20)
    with pytest.raises(DataError, match="at least 10 trials with a value, received 9"):
        Fanova(MIXED, places[:9], targets[:9])
    with pytest.raises(DataError, match="All 20 values are 3: there is no variance"):
        Fanova(MIXED, places, np.full(20, 3.0))
    with pytest.raises(DataError, match="no finite numbers"):
        Fanova(MIXED, places, np.where(targets > 3, np.nan, targets))
    with pytest.raises(SettingsError, match="no hyperparameter to analyse"):
        Fanova([], places[:, :0], targets)
    with pytest.raises(DataError, match="No tree of the forest splits"):
        Fanova(MIXED, places, targets, trees=2, leaf=20).importance()
    found = Fanova(MIXED, places, targets, trees=2)
    for call in (found.marginal, found.importance().single):
        with pytest.raises(SettingsError, match=r"no hyperparameter 'rat'; .* Did you mean 'rate'"):
            call("rat")
    for pair in (found.pair, found.importance().pair):
        with pytest.raises(SettingsError, match="A pair is two"):
            pair("rate", "rate")
    with pytest.raises(SettingsError, match="`beyond` must be 1 or 2"):
        found.importance().higher(3)
