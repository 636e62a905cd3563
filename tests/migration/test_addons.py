"""CRF layers of TensorFlow Addons, read from files that it wrote: tests/data/README.md says how."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from keras import ops

from seqlab.errors import ModelFileError
from seqlab.migration.addons import addons_crf_head, read_addons_crf

DATA = Path(__file__).resolve().parents[1] / "data"
FILES = {"addons_crf.h5": "", "addons_crf_weights.h5": "", "addons_crf_bare_weights.h5": "_bare"}


@pytest.mark.parametrize("name", FILES)
def test_head_decodes_and_scores_as_addons_does(name):
    wanted = np.load(DATA / "addons_crf.npz")
    mask = wanted["mask"]
    head = addons_crf_head(DATA / name, reduction="sum")
    scores = head(wanted["features"])
    found = ops.convert_to_numpy(head.decode(scores, mask))
    np.testing.assert_array_equal(found[mask], wanted[f"decoded{FILES[name]}"][mask])
    losses = head.sentence_losses(wanted["labels"], scores, mask)
    np.testing.assert_allclose(-ops.convert_to_numpy(losses), wanted[f"likelihood{FILES[name]}"], rtol=1e-5, atol=1e-6)
    assert head.reduction == "sum"


def test_what_is_absent_is_the_identity_and_zero():
    weights = read_addons_crf(DATA / "addons_crf_bare_weights.h5")
    np.testing.assert_array_equal(weights["kernel"], np.eye(4))
    assert not any(weights[name].any() for name in ("bias", "start", "end"))
    assert all(value.any() for value in read_addons_crf(DATA / "addons_crf.h5").values() if value.shape != (3,))


def two_crfs(path):
    with h5py.File(path, "w") as file:
        for layer in ("chunks", "names"):
            file[f"{layer}/chain_kernel:0"] = np.full((2, 2), float(len(layer)), "float32")
    return path


def test_one_of_several_layers(tmp_path):
    path = two_crfs(tmp_path / "two.h5")
    assert read_addons_crf(path, "names")["transitions"][0, 0] == 5
    with pytest.raises(ModelFileError, match="several CRF layers: chunks, names"):
        read_addons_crf(path)
    with pytest.raises(ModelFileError, match="Did you mean 'names'"):
        read_addons_crf(path, "name")


def test_files_that_are_none(tmp_path):
    with pytest.raises(ModelFileError, match="There is no file"):
        read_addons_crf(tmp_path / "absent.h5")
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(ModelFileError, match="no HDF5 file"):
        read_addons_crf(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["layers/crf/vars/0"] = np.eye(2)
    with pytest.raises(ModelFileError, match="save it as model.h5"):
        read_addons_crf(tmp_path / "other.h5")


def test_a_crf_among_other_layers_of_an_inner_model(tmp_path):
    with h5py.File(tmp_path / "nested.h5", "w") as file:
        file["base/chain_kernel:0"] = np.zeros((3, 3), "float32")
        file["base/crf/dense_1/kernel:0"] = np.full((3, 3), 7, "float32")
        file["base/dense/kernel:0"] = np.full((8, 3), -1, "float32")
    with pytest.raises(ModelFileError, match="'base' holds a CRF among other layers"):
        read_addons_crf(tmp_path / "nested.h5")
