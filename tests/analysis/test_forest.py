"""Forests and the boxes of their leaves."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from seqlab.analysis.forest import columns, grow, leaves_of
from seqlab.analysis.space import axis
from seqlab.errors import DataError, SettingsError
from tests.analysis.common import MIXED, sample


def inside(leaves, places):
    """Which leaf holds each place. (places, leaves)"""
    held = np.ones((len(places), len(leaves.values)), bool)
    for number in range(places.shape[1]):
        x = places[:, number, None]
        if number in leaves.members:
            held &= leaves.members[number][:, places[:, number].astype(int)].T
        else:
            held &= (leaves.starts[:, number] < x) & (x <= leaves.stops[:, number])
    return held


def test_leaves_fill_the_space_and_hold_what_the_tree_predicts():
    tree_module = pytest.importorskip("sklearn.tree")
    places, targets = sample(MIXED, 200)
    tree = tree_module.DecisionTreeRegressor(random_state=0).fit(columns(MIXED, places), targets)
    leaves = leaves_of(tree.tree_, MIXED)
    assert leaves.lengths.prod(axis=1).sum() == pytest.approx(1)
    held = inside(leaves, places)
    assert (held.sum(axis=1) == 1).all()
    np.testing.assert_allclose(held @ leaves.values, tree.predict(columns(MIXED, places)))


def test_levels_without_order_have_columns_of_their_own():
    found = columns(MIXED, np.array([[0.5, 2.0, 0.25], [0.1, 0.0, 0.75]]))
    np.testing.assert_allclose(found, [[0.5, 0, 0, 1, 0.25], [0.1, 1, 0, 0, 0.75]])


def same(one, other):
    return all(np.array_equal(a.starts, b.starts) for a, b in zip(one, other, strict=True))


def test_a_forest_depends_on_its_seed_and_leaf_and_not_on_threads():
    places, targets = sample(MIXED, 60)
    first = grow(MIXED, places, targets, trees=4, jobs=1)
    assert len(first) == 4 and same(first, grow(MIXED, places, targets, trees=4, jobs=2))
    assert not same(first[:1], grow(MIXED, places, targets, trees=1, seed=2))
    assert not same(first[:1], first[1:2])
    large = grow(MIXED, places, targets, trees=1, leaf=20)
    assert len(large[0].values) <= 3 < len(first[0].values)


def test_unset_places_are_drawn_anew_for_each_tree():
    """A score that equals the filled value would be explained; one drawn for each tree cannot be."""
    axes = [axis("rate", "float", 0, 1), axis("extra", "float", 0, 1)]
    random = np.random.default_rng(0)
    places = np.stack([random.random(300), np.full(300, np.nan)], axis=1)
    forest = grow(axes, places, places[:, 0], trees=8, leaf=30)
    cuts = {round(float(x), 6) for leaves in forest for x in leaves.starts[:, 1]} - {0.0}
    single = [len({float(x) for x in leaves.starts[:, 1]} - {0.0}) for leaves in forest]
    assert len(cuts) == sum(single)  # no cut twice: what is there is noise, and of each tree its own


def test_bad_input():
    places, targets = sample(MIXED, 20)
    with pytest.raises(DataError, match="1 of 20 targets are no finite"):
        grow(MIXED, places, np.where(np.arange(20) == 3, np.nan, targets))
    for name in ("trees", "leaf", "jobs"):
        with pytest.raises(SettingsError, match=f"`{name}` must be"):
            grow(MIXED, places, targets, **{name: -1})


def test_without_scikit_learn_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.tree", None)
    with pytest.raises(ImportError, match=r"pip install 'seqlab\[analysis\]'"):
        grow(MIXED, *sample(MIXED, 20))
