from __future__ import annotations

import numpy as np
from keras import ops

from seqlab.layers.features.casing import CasingEmbedding
from seqlab.text.casing import CASING, casing


def test_one_vector_for_each_pattern():
    layer = CasingEmbedding(len(CASING), dim=5)
    indices = np.array([[casing(word) for word in ("Paris", "1990", "Oslo", "the")] + [0]], "int32")
    vectors = np.array(ops.convert_to_numpy(layer(indices)))
    table = np.array(ops.convert_to_numpy(layer.embeddings))
    assert table.shape == (8, 5)
    np.testing.assert_array_equal(vectors, table[indices])
    assert len(np.unique(vectors[0], axis=0)) == 4


def test_config_names_its_own_arguments():
    config = CasingEmbedding(8, dim=3, name="capitals").get_config()
    assert (config["patterns"], config["dim"], config["name"]) == (8, 3, "capitals")
    assert CasingEmbedding.from_config(config).get_config() == config
