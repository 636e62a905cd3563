"""A user's own functional graph with our heads, under plain Keras."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from seqlab.errors import DataError, SettingsError
from seqlab.inference.load import load
from seqlab.layers.heads.crf import CRFHead
from seqlab.layers.heads.softmax import SoftmaxHead
from seqlab.models.sequence_model import SequenceModel

RNG = np.random.default_rng(5)
X = RNG.integers(1, 20, (12, 6)).astype("int32")
Y = np.where(X > 10, 2, X % 2).astype("int32")
Y[:, 5] = -1


def own_model(**head: Any) -> SequenceModel:
    words = keras.Input((None,), dtype="int32")
    features = keras.layers.Embedding(20, 8)(words)
    return SequenceModel(words, CRFHead(3, **head)(features))


def test_three_lines_train_evaluate_predict_save_and_load(tmp_path: Path) -> None:
    model = own_model(name="tags")
    model.compile(keras.optimizers.Adam(0.1))
    history = model.fit(X, Y, epochs=12, batch_size=6, verbose=0).history["loss"]
    assert history[-1] < 0.3 * history[0]
    assert_allclose(model.evaluate(X, Y, verbose=0), _loss(model), rtol=1e-4, atol=1e-6)
    scores = model.predict(X, verbose=0)
    assert scores.shape == (12, 6, 3)
    found = np.asarray(model.get_layer("tags").decode(scores))
    assert (found == Y)[:, :5].mean() > 0.9
    model.save(tmp_path / "own.keras")
    for opened in (keras.models.load_model(tmp_path / "own.keras"), load(tmp_path / "own.keras")):
        assert isinstance(opened, SequenceModel)
        assert_allclose(opened.predict(X, verbose=0), scores, rtol=1e-5, atol=1e-5)
        assert_allclose(opened.evaluate(X, Y, verbose=0), model.evaluate(X, Y, verbose=0), rtol=1e-5)


def _loss(model: SequenceModel) -> float:
    (head,) = model.heads().values()
    return float(head.loss(Y, model.predict(X, verbose=0)))


def two_heads() -> SequenceModel:
    words = keras.Input((None,), dtype="int32")
    features = keras.layers.Embedding(20, 8)(words)
    return SequenceModel(words, {"a": CRFHead(3, name="a")(features), "b": SoftmaxHead(2, name="b")(features)})


def test_two_heads_add_their_losses(tmp_path: Path) -> None:
    model = two_heads()
    labels = {"a": Y, "b": (X % 2).astype("int32")}
    assert {head.name for head in model.heads().values()} == {"a", "b"}
    model.compile(keras.optimizers.Adam(0.1))
    history = model.fit(X, labels, epochs=8, batch_size=6, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]
    scores = model.predict(X, verbose=0)
    wanted = sum(float(model.get_layer(name).loss(labels[name], scores[name])) for name in labels)
    assert_allclose(model.evaluate(X, labels, verbose=0, batch_size=12), wanted, rtol=1e-4, atol=1e-6)
    model.save(tmp_path / "two.keras")
    again = keras.models.load_model(tmp_path / "two.keras").predict(X, verbose=0)
    for name in labels:
        assert_allclose(again[name], scores[name], rtol=1e-5, atol=1e-5)


def test_labels_may_be_a_list_in_the_order_of_outputs() -> None:
    words = keras.Input((None,), dtype="int32")
    features = keras.layers.Embedding(20, 4)(words)
    model = SequenceModel(words, [CRFHead(3)(features), SoftmaxHead(2)(features)])
    model.compile("sgd")
    second = (X % 2).astype("int32")
    scores = model.predict(X, verbose=0)
    wanted = sum(
        float(head.loss(labels, scores[place]))
        for (place, head), labels in zip(model.heads().items(), (Y, second), strict=True)
    )
    assert_allclose(model.evaluate(X, [Y, second], verbose=0, batch_size=12), wanted, rtol=1e-4, atol=1e-6)


def test_compiled_loss_joins_the_heads_loss() -> None:
    words = keras.Input((None,), dtype="int32")
    features = keras.layers.Embedding(20, 8)(words)
    outputs = {"tags": CRFHead(3, name="tags")(features), "size": keras.layers.Dense(1, name="size")(features)}
    model = SequenceModel(words, outputs)
    model.compile("sgd", loss={"size": "mse"})
    target = {"tags": Y, "size": X[..., None] / 20}
    scores = model.predict(X, verbose=0)
    wanted = float(model.get_layer("tags").loss(Y, scores["tags"])) + np.mean((scores["size"] - target["size"]) ** 2)
    found = model.evaluate(X, target, verbose=0, batch_size=12, return_dict=True)["loss"]
    assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    before = model.get_weights()
    model.fit(X, target, epochs=1, verbose=0)
    changed = [np.abs(a - b).max() > 0 for a, b in zip(before, model.get_weights(), strict=True)]
    assert all(changed)  # both outputs teach


def test_regularisers_join_the_loss() -> None:
    model = own_model(kernel_regularizer=keras.regularizers.L2(0.5))
    model.compile("sgd")
    penalty = 0.5 * float(np.sum(np.square(np.asarray(model.layers[-1].projection.kernel))))
    assert_allclose(model.evaluate(X, Y, verbose=0, batch_size=12), _loss(model) + penalty, rtol=1e-4, atol=1e-6)


def test_without_heads_it_is_a_plain_model() -> None:
    words = keras.Input((None,), dtype="int32")
    model = SequenceModel(words, keras.layers.Embedding(20, 3)(words))
    model.compile("sgd", loss="mse")
    assert model.heads() == {}
    assert model.evaluate(X, np.zeros((12, 6, 3)), verbose=0) > 0


def test_save_refuses_other_endings_and_existing_files(tmp_path: Path) -> None:
    model = own_model()
    with pytest.raises(ValueError, match=r"ends in \.keras, received"):
        model.save(tmp_path / "model.h5")
    model.save(tmp_path / "model.keras")
    with pytest.raises(FileExistsError, match="choose another name or save with overwrite=True"):
        model.save(tmp_path / "model.keras", overwrite=False)


@pytest.mark.parametrize("where", ["write", "sync"])
def test_full_disk_keeps_the_old_file(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, path = own_model(), tmp_path / "model.keras"
    model.save(path)
    before = path.read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if where == "write":
        monkeypatch.setattr("zipfile._ZipWriteFile.write", full)
    else:
        monkeypatch.setattr("os.fsync", full)
    model.set_weights([weight + 1 for weight in model.get_weights()])
    with pytest.raises(OSError, match="No space left"):
        model.save(path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["model.keras"]
    load(path)


@pytest.mark.parametrize("weights", [{"b": 0.5}, [1.0, 0.5]], ids=["by name", "in order"])
def test_loss_weights(weights: Any, tmp_path: Path) -> None:
    model = two_heads()
    labels = {"a": Y, "b": np.where(Y < 0, Y, Y % 2)}
    model.compile("adam", loss_weights=weights)
    scores = model.predict(X, verbose=0)
    parts = [float(head.loss(labels[head.name], scores[head.name])) for head in model.heads().values()]
    assert_allclose(model.evaluate(X, labels, verbose=0), parts[0] + 0.5 * parts[1], rtol=1e-4, atol=1e-6)
    model.fit(X, labels, verbose=0)
    model.save(tmp_path / "weighed.keras")
    again = keras.models.load_model(tmp_path / "weighed.keras")
    assert_allclose(again.evaluate(X, labels, verbose=0), model.evaluate(X, labels, verbose=0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("weights", "message"),
    [({"aa": 1.0}, "loss_weights names 'aa'; expected some of a, b"), ([1.0], "holds 1 numbers for 2 outputs")],
)
def test_bad_loss_weights(weights: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        two_heads().compile("adam", loss_weights=weights)


def test_names_that_no_output_has() -> None:
    model = two_heads()
    model.compile("adam")
    with pytest.raises(SettingsError, match="labels names 'B'; expected some of a, b"):
        model.train_on_batch(X, {"a": Y, "B": Y})


@pytest.mark.parametrize("weights", [0.5, "a", {"a": None}, [1.0, -1.0], {"b": float("nan")}], ids=str)
def test_loss_weights_are_numbers(weights: Any) -> None:
    with pytest.raises(SettingsError, match="loss_weights holds a number of at least 0 for each output"):
        two_heads().compile("adam", loss_weights=weights)


def test_compiled_and_not_trained(tmp_path: Path) -> None:
    model = own_model()
    model.compile("adam")
    model.save(tmp_path / "new.keras")
    assert_allclose(load(tmp_path / "new.keras").predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-5)


def test_labels_that_no_head_gets() -> None:
    model = two_heads()
    model.compile("adam")
    with pytest.raises(DataError, match="Received no labels, expected some for a or b"):
        model.train_on_batch(X)
    with pytest.raises(DataError, match="Received labels for 1 outputs, the model has 2: give one entry each"):
        model.train_on_batch(X, [Y])
