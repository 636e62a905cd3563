from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.layers.features.categories import CategoryEmbedding

INDICES = np.array([[2, 3, 1, 0], [4, 4, 2, 0]], "int32")


def numpy(tensor):
    return np.array(ops.convert_to_numpy(tensor))


def test_looks_rows_up():
    layer = CategoryEmbedding(5, dim=3)
    found = numpy(layer(INDICES))
    np.testing.assert_array_equal(found, numpy(layer.embeddings)[INDICES])
    assert found.shape == (2, 4, 3)


def test_padding_and_unknown_values_start_at_zero_and_the_others_with_unit_length_on_average():
    layer = CategoryEmbedding(2_000, dim=12)
    layer.build((None, None))
    table = numpy(layer.embeddings)
    assert not table[:2].any()
    assert np.square(table[2:]).sum(-1).mean() == pytest.approx(1.0, rel=0.1)
    assert numpy(CategoryEmbedding(2, dim=3)(np.ones((1, 2), "int32"))).tolist() == [[[0, 0, 0]] * 2]


def test_unknown_values_learn():
    values = keras.Input((None,), dtype="int32")
    layer = CategoryEmbedding(5, dim=3)
    model = keras.Model(values, layer(values))
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.fit(INDICES, np.ones((2, 4, 3), "float32"), verbose=0)
    assert numpy(layer.embeddings)[1].all()


def test_the_field_is_its_own():
    layer = CategoryEmbedding(5, dim=3, field="suffix_3")
    assert layer.fields == ("suffix_3",)
    assert CategoryEmbedding.from_config(layer.get_config()).fields == ("suffix_3",)


@pytest.mark.parametrize("sizes", [(1, 3), (2, 0)])
def test_bad_sizes(sizes):
    with pytest.raises(ValueError, match="needs values >= 2 and dim >= 1; received"):
        CategoryEmbedding(*sizes)
