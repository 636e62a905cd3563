"""The CRF against TensorFlow Addons, which computes in a process of its own: Keras 2 would disturb this one.

`SEQLAB_ORACLE_PYTHON` names an interpreter that has Addons; without it this one is asked.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from keras import ops

from seqlab.ops import crf

PROGRAM = Path(__file__).resolve().parents[1] / "oracles" / "addons.py"
FORBIDDEN = np.float32(-1e4)
BATCH, TIME, TAGS = 6, 7, 4


@pytest.fixture(scope="module")
def given():
    rng = np.random.default_rng(0)
    allowed = rng.random((BATCH, TIME, TAGS)) < 0.6
    allowed[..., 1] = True
    return {
        "scores": rng.normal(size=(BATCH, TIME, TAGS)).astype("float32") * 2,
        "transitions": rng.normal(size=(TAGS, TAGS)).astype("float32"),
        "labels": rng.integers(0, TAGS, (BATCH, TIME)),
        "lengths": np.array([7, 5, 4, 3, 2, 1], "int32"),
        "allowed": allowed,
    }


@pytest.fixture(scope="module")
def peer(given, tmp_path_factory):
    folder = tmp_path_factory.mktemp("addons")
    np.savez(folder / "in.npz", **given)
    command = [os.environ.get("SEQLAB_ORACLE_PYTHON", sys.executable), str(PROGRAM), "text"]
    done = subprocess.run(
        [*command, str(folder / "in.npz"), str(folder / "out.npz")],
        capture_output=True,
        text=True,
        timeout=300,
        env={name: value for name, value in os.environ.items() if not name.startswith(("KERAS", "PYTHONPATH"))},
    )
    if done.returncode == 3:
        pytest.skip(f"{done.stdout.strip()} (set SEQLAB_ORACLE_PYTHON to one that can, see tests/data/README.md)")
    assert done.returncode == 0, done.stderr
    return np.load(folder / "out.npz")


@pytest.fixture(scope="module")
def ours(given):
    """Mask, weights, and the scores with forbidden tags at -1e4."""
    mask = np.arange(TIME) < given["lengths"][:, None]
    weights = (given["transitions"], np.zeros(TAGS, "float32"), np.zeros(TAGS, "float32"))
    return mask, weights, np.where(given["allowed"], given["scores"], FORBIDDEN)


def array(tensor):
    return ops.convert_to_numpy(tensor)


def test_likelihood(given, peer, ours):
    mask, weights, _ = ours
    x, y = given["scores"], given["labels"]
    np.testing.assert_allclose(array(crf.log_partition(x, mask, *weights)), peer["log_norm"], rtol=1e-5)
    np.testing.assert_allclose(
        array(crf.path_score(x, y, mask, *weights)), peer["sequence_score"], rtol=1e-4, atol=1e-5
    )
    found = array(crf.log_likelihood(x, y, mask, *weights))
    np.testing.assert_allclose(found, peer["log_likelihood"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("constrained", [False, True], ids=["free", "constrained"])
def test_decoding(given, peer, ours, constrained):
    mask, weights, forced = ours
    prefix = "constrained_" if constrained else ""
    labels, best = crf.viterbi(forced if constrained else given["scores"], mask, *weights)
    np.testing.assert_array_equal(array(labels)[mask], peer[f"{prefix}labels"][mask])
    np.testing.assert_allclose(array(best), peer[f"{prefix}best"], rtol=1e-5, atol=1e-5)


def test_score_of_all_paths_that_fit_partial_labels(peer, ours):
    mask, weights, forced = ours
    np.testing.assert_allclose(array(crf.log_partition(forced, mask, *weights)), peer["multitag"], rtol=1e-5, atol=1e-5)
