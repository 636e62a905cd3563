"""The state file: what goes in comes back, whole or not at all."""

from __future__ import annotations

import errno
import os
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from seqlab.errors import DataError
from seqlab.models.best import BestWeights
from seqlab.training.state import RunState

pytestmark = pytest.mark.usefixtures("eagerly")

X, Y = np.linspace(-1, 1, 16)[:, None].astype("float32"), np.zeros((16, 1), "float32")


def model() -> keras.Model:
    made = keras.Sequential([keras.Input((1,)), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
    made.compile(keras.optimizers.Adam(0.1), loss="mse")
    return made


def watched() -> list[keras.callbacks.Callback]:
    return [
        BestWeights("loss"),
        keras.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=10.0),
        keras.callbacks.EarlyStopping("loss", patience=3, min_delta=10.0),
    ]


def trained(path: Path, epochs: int, first: int = 0) -> tuple[keras.Model, RunState, list[float]]:
    keras.utils.set_random_seed(1)
    made, callbacks = model(), watched()
    state = RunState(path, callbacks)
    state.read()
    history = made.fit(
        X, Y, epochs=epochs, initial_epoch=first, callbacks=[*callbacks, state], shuffle=False, verbose=0
    ).history
    return made, state, history["loss"]


def test_a_cut_training_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole, state, losses = trained(tmp_path / "whole.npz", 4)
    trained(tmp_path / "cut.npz", 2)
    resumed, again, rest = trained(tmp_path / "cut.npz", 4, first=2)
    assert rest == losses[2:]
    assert again.history == state.history and again.epochs == 4
    rates = [line["learning_rate"] for line in state.history]
    assert rates[0] == np.float32(0.1) > rates[-1]  # that of each epoch, before it may be reduced
    for one, other in zip(whole.variables, resumed.variables, strict=True):
        assert_array_equal(*map(keras.ops.convert_to_numpy, (one, other)))
    assert float(resumed.optimizer.learning_rate) == float(whole.optimizer.learning_rate) < 0.1
    for one, other in zip(state.watched[1:], again.watched[1:], strict=True):
        assert (one.wait, one.best) == (other.wait, other.best)
    assert state.watched[0].best_epoch == again.watched[0].best_epoch
    assert state.stopped and again.stopped


def test_no_file_no_state(tmp_path: Path) -> None:
    state = RunState(tmp_path / "state.npz", [])
    assert not state.read()
    made = model()
    before = made.get_weights()
    state.restore(made)
    assert_array_equal(made.get_weights()[0], before[0])


def test_nothing_is_pickled(tmp_path: Path) -> None:
    trained(tmp_path / "state.npz", 1)
    with zipfile.ZipFile(tmp_path / "state.npz") as archive:
        for name in archive.namelist():
            assert b"|O" not in archive.read(name)[:128], name
    with np.load(tmp_path / "state.npz", allow_pickle=False) as arrays:
        assert {"meta.json", "variable/0", "callback/0/best_weights/0"} <= set(arrays.files)


def damaged(kind: str, whole: bytes) -> bytes:
    if kind == "empty":
        return b""
    if kind == "text":
        return b"no state at all"
    if kind == "cut":
        return whole[: len(whole) // 2]
    middle = len(whole) // 3
    return whole[:middle] + bytes(byte ^ 255 for byte in whole[middle : middle + 40]) + whole[middle + 40 :]


@pytest.mark.parametrize("kind", ["empty", "text", "cut", "flipped"])
def test_damaged_state_is_named(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    trained(path, 1)
    path.write_bytes(damaged(kind, path.read_bytes()))
    with pytest.raises(DataError, match=r"state\.npz: the state of the run cannot be read .*start the run anew"):
        RunState(path, watched()).read()


def test_foreign_arrays_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "state.npz", a=np.zeros(2))
    with pytest.raises(DataError, match="cannot be read"):
        RunState(tmp_path / "state.npz", []).read()


def test_the_state_of_another_training_is_named(tmp_path: Path) -> None:
    made, _, _ = trained(tmp_path / "state.npz", epochs=1)
    fewer = RunState(tmp_path / "state.npz", watched()[:1])
    assert fewer.read()
    with pytest.raises(DataError, match="and 3 callbacks; expected .* and 1. .*start the run anew"):
        fewer.restore(made)


def test_full_disk_keeps_the_last_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.npz"
    trained(path, 1)
    before = path.read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        trained(path, 2, first=1)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
