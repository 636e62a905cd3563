"""The LSTM's kernels against separate oracles, one for each variant."""

from __future__ import annotations

import pytest

from seqlab.ops.recurrence.lstm import LSTMKernel
from tests.ops.recurrence.checks import DROPPED, check_gradients, check_values
from tests.ops.recurrence.common import CASES

CODES = ["V", "NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "NP"]


@pytest.mark.parametrize("code", CODES)
def test_values(code):
    check_values(CASES[code], DROPPED, masked=True)


@pytest.mark.parametrize(("dropped", "masked"), [(None, False), (DROPPED, True)], ids=["all", "dropped and masked"])
@pytest.mark.parametrize("code", CODES)
def test_gradients(code, dropped, masked):
    check_gradients(CASES[code], dropped, masked)


def test_every_variant_has_a_kernel_of_its_own_weights():
    kept = {code: len(CASES[code].kernel.variant.blocks) for code in CODES}
    assert kept == {"V": 4, "NIG": 3, "NFG": 3, "NOG": 3, "NIAF": 4, "NOAF": 4, "CIFG": 3, "NP": 4}
    assert all(isinstance(CASES[code].kernel, LSTMKernel) for code in CODES)
