"""Full gate recurrence against its oracle."""

from __future__ import annotations

import pytest

from tests.ops.recurrence.checks import DROPPED, check_gradients, check_values
from tests.ops.recurrence.common import CASES

CASE = CASES["FGR"]


def test_values():
    check_values(CASE, DROPPED, masked=True)


@pytest.mark.parametrize(("dropped", "masked"), [(None, False), (DROPPED, True)], ids=["all", "dropped and masked"])
def test_gradients(dropped, masked):
    check_gradients(CASE, dropped, masked)
