from __future__ import annotations

import keras
import numpy as np
import pytest

from seqlab.batches.plan import Batch, distinct, ordered

PLAN = [Batch(np.arange(size), 5) for size in (3, 3, 3, 2)]


@pytest.mark.parametrize("seed", range(4))
def test_the_first_two_batches_differ_in_size_and_none_is_lost(seed: int) -> None:
    for random in (None, np.random.default_rng(seed)):
        found = ordered(list(PLAN), random)
        assert len(found[0].sentences) != len(found[1].sentences)
        assert sorted(map(id, found)) == sorted(map(id, PLAN))


def test_the_order_follows_the_random_numbers() -> None:
    orders = [[id(batch) for batch in ordered(list(PLAN), np.random.default_rng(seed))] for seed in (0, 0, 1, 2, 3)]
    assert orders[0] == orders[1] and any(order != orders[0] for order in orders)


def test_the_first_sizes_are_even_and_odd_on_tensorflow() -> None:
    found = [distinct(size, index) for index in (0, 1, 2) for size in (4, 5)]
    assert found == ([4, 6, 5, 5, 4, 5] if keras.backend.backend() == "tensorflow" else [4, 5] * 3)
