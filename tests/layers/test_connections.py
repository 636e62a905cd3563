"""What layers read and hand on; whole stacks are in test_stack.py."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from seqlab.errors import SettingsError
from seqlab.layers.connections import CONNECTIONS, check_connection, joined, read_of
from tests.layers.common import close

BELOW = [ops.convert_to_tensor([[1.0, 2.0]]), ops.convert_to_tensor([[10.0, 20.0]])]
NEW = ops.convert_to_tensor([[100.0, 200.0]])


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        (None, [100.0, 200.0]),
        ("residual", [110.0, 220.0]),
        ("highway", [0.25 * 100 + 0.75 * 10, 0.5 * 200 + 0.5 * 20]),
        ("dense", [100.0, 200.0]),
        ("sum", [111.0, 222.0]),
    ],
)
def test_joined(connection, expected):
    close(joined(connection, NEW, BELOW, ops.convert_to_tensor([[0.25, 0.5]])), np.array([expected]))


@pytest.mark.parametrize("connection", [None, *CONNECTIONS])
def test_read(connection):
    expected = [1.0, 2.0, 10.0, 20.0] if connection == "dense" else [10.0, 20.0]
    close(read_of(connection, BELOW), np.array([expected]))
    close(read_of(connection, BELOW[:1]), np.array([[1.0, 2.0]]))


def test_unknown_connection():
    for name in (None, *CONNECTIONS):
        check_connection(name)
    with pytest.raises(
        SettingsError, match=r"Unknown connection 'residuals'; expected one of .* Did you mean 'residua"
    ):
        check_connection("residuals")
