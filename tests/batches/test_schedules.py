"""Orders of tasks against what their definitions say of counts and chances."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.batches.schedules import (
    SCHEDULES,
    Alternating,
    Exhaustive,
    Proportional,
    Sequential,
    Temperature,
    Uniform,
    Weighted,
    find_schedule,
)
from seqlab.errors import SettingsError

COUNTS = st.lists(st.integers(1, 9), min_size=1, max_size=4)
NAMES = ("pos", "chunk", "ner")


def drawn(schedule, counts, seed=0):
    return schedule.order(counts, np.random.default_rng(seed)).tolist()


@pytest.mark.parametrize("schedule", [Exhaustive(), Proportional(), Sequential()])
@given(counts=COUNTS, seed=st.integers(0, 9))
def test_every_batch_is_used_once(schedule, counts, seed):
    order = drawn(schedule, counts, seed)
    assert Counter(order) == dict(enumerate(counts))
    assert order == drawn(schedule, counts, seed)


def chances(schedule, counts):
    """Share of each whole order among 4,000."""
    random = np.random.default_rng(1)
    found = Counter(tuple(schedule.order(counts, random).tolist()) for _ in range(4000))
    return {order: count / 4000 for order, count in found.items()}


def test_algorithm_1_picks_among_tasks_with_batches_left_alike():
    # by hand, of two tasks with one and two batches: 0 first with 1/2; else 1, then 0 with 1/2
    assert chances(Exhaustive(), [1, 2]) == pytest.approx({(0, 1, 1): 0.5, (1, 0, 1): 0.25, (1, 1, 0): 0.25}, abs=0.03)


def test_proportional_makes_all_orders_alike_likely():
    assert chances(Proportional(), [1, 2]) == pytest.approx(
        dict.fromkeys([(0, 1, 1), (1, 0, 1), (1, 1, 0)], 1 / 3), abs=0.03
    )


def test_sequential():
    assert drawn(Sequential(), [2, 1, 3]) == [0, 0, 1, 2, 2, 2]


@pytest.mark.parametrize(
    ("schedule", "shares"),
    [
        (Uniform(steps=9000), [1 / 3, 1 / 3, 1 / 3]),
        (Temperature(steps=9000, temperature=1), [1 / 21, 4 / 21, 16 / 21]),
        (Temperature(steps=9000), [1 / 7, 2 / 7, 4 / 7]),
        (Temperature(steps=9000, temperature=1e6), [1 / 3, 1 / 3, 1 / 3]),
        (Weighted(steps=9000, weights=(1, 1, 2)), [1 / 4, 1 / 4, 1 / 2]),
        (Weighted(steps=9000), [1 / 3, 1 / 3, 1 / 3]),
    ],
    ids=repr,
)
def test_shares(schedule, shares):
    order = drawn(schedule, [10, 40, 160])
    assert len(order) == 9000
    np.testing.assert_allclose(np.bincount(order, minlength=3) / 9000, shares, atol=0.02)


@pytest.mark.parametrize("schedule", [Uniform(), Temperature(), Weighted()])
def test_steps_are_those_of_all_batches_by_default(schedule):
    assert len(drawn(schedule, [3, 4])) == 7


@pytest.mark.parametrize(
    ("schedule", "order"),
    [
        (Alternating(), [0, 1, 0, 1, 0, 1]),
        (Alternating(steps=5), [0, 1, 0, 1, 0]),
        (Alternating(turns=(1, 2)), [0, 1, 1, 0, 1, 1]),
        (Alternating(turns=(3, 1)), [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]),
    ],
    ids=repr,
)
def test_alternating_goes_round_until_the_last_task_is_through(schedule, order):
    assert drawn(schedule, [2, 3]) == order


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name not in ("alternating", "sequential")])
def test_other_seeds_draw_other_orders(name):
    orders = {tuple(drawn(find_schedule(name), [9, 9], seed)) for seed in range(4)}
    assert len(orders) == 4


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (Uniform(steps=2), "epoch of 2 steps cannot visit 3 tasks"),
        (Temperature(steps=0), "epoch of 0 steps cannot visit"),
        (Alternating(turns=(1, 0, 1)), "never visits the task 'chunk'"),
        (Alternating(turns=(1, 1)), "turns for 2 tasks, there are 3"),
        (Alternating(turns=(2, 2, 1), steps=4), "4 steps is over before"),
        (Weighted(weights=(1, 2, 0)), "never visits the task 'ner'"),
        (Weighted(weights=(1, float("inf"), 1)), "task 'chunk', or it alone: its weight is inf"),
        (Weighted(weights=(1, 2)), "2 weights for 3 tasks"),
        (Weighted(steps=1), "1 steps cannot visit"),
    ],
    ids=repr,
)
def test_a_schedule_that_misses_a_task_is_refused(schedule, message):
    with pytest.raises(SettingsError, match=message):
        schedule.check(NAMES)


@pytest.mark.parametrize("name", SCHEDULES)
def test_defaults_fit_any_tasks(name):
    find_schedule(name).check(NAMES)
    with pytest.raises(SettingsError, match="at least one task"):
        find_schedule(name).check(())


@pytest.mark.parametrize("temperature", [0, -1, float("nan"), float("inf")])
def test_bad_temperature(temperature):
    with pytest.raises(SettingsError, match="above 0, received"):
        Temperature(temperature=temperature)


def test_a_share_of_zero_is_refused():
    with pytest.raises(SettingsError, match="never visits the task 'pos': its share is 0"):
        Temperature(temperature=1e-4).check(NAMES, [1, 9, 9])
    Temperature(temperature=1e-4).check(NAMES, [9, 9, 9])
    Temperature(temperature=1e-4).check(NAMES)  # sizes are not known
    with pytest.raises(SettingsError, match="never visits the task 'chunk': its share is 0"):
        Weighted(weights=(1e300, 1e-300, 1)).check(NAMES)


def test_unknown_name():
    with pytest.raises(SettingsError, match="Unknown schedule 'unifrom'.*Did you mean 'uniform'"):
        find_schedule("unifrom")
    assert find_schedule(Uniform(steps=3)) == Uniform(steps=3)
