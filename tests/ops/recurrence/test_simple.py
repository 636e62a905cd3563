"""The simple recurrent network and the task gate against their oracles."""

from __future__ import annotations

import pytest

from tests.ops.recurrence.checks import DROPPED, check_gradients, check_values
from tests.ops.recurrence.common import CASES

NAMES = ["SRN", "task gate"]


@pytest.mark.parametrize("name", NAMES)
def test_values(name):
    check_values(CASES[name], DROPPED, masked=True)


@pytest.mark.parametrize(("dropped", "masked"), [(None, False), (DROPPED, True)], ids=["all", "dropped and masked"])
@pytest.mark.parametrize("name", NAMES)
def test_gradients(name, dropped, masked):
    check_gradients(CASES[name], dropped, masked)
