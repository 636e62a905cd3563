from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from seqlab.ops.convolution import dilated_convolution
from tests.oracles import encoders as oracles

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(2, 6, 3)).astype("float32")


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2, 4, 7])
def test_equals_the_oracle(width, dilation):
    kernel = RANDOM.normal(size=(width, 3, 4)).astype("float32")
    found = ops.convert_to_numpy(dilated_convolution(ops.convert_to_tensor(X), ops.convert_to_tensor(kernel), dilation))
    expected = [oracles.convolution(x, kernel, np.zeros(4), dilation) for x in X]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
