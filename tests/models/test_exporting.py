"""Exported models, opened in a process that has neither seqlab nor Keras, give what the models give here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from seqlab.errors import SettingsError
from seqlab.layers.heads.crf import CRFHead
from seqlab.layers.heads.crf_layer import CRF
from seqlab.layers.heads.ctc import CTCHead
from seqlab.layers.heads.multilabel import MultiLabelHead
from seqlab.layers.heads.softmax import SoftmaxHead
from seqlab.models import exporting
from seqlab.models.sequence_model import SequenceModel
from seqlab.tags.spans import violations
from tests import tiny
from tests.models.test_auxiliary import made as made_with_auxiliary

writes = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow alone writes a SavedModel")
RNG = np.random.default_rng(7)
SHAPES = [(3, 6), (1, 1), (4, 17), (2, 6), (1, 0)]

FOREIGN = """
import sys
sys.modules["seqlab"] = sys.modules["keras"] = None  # an import of either is an error
import numpy as np, tensorflow as tf
for folder, *batches in (line.split("\\t") for line in sys.stdin.read().splitlines()):
    signatures = tf.saved_model.load(folder).signatures
    for batch in batches:
        with np.load(batch) as inputs:
            found = {name: signature(**inputs) for name, signature in signatures.items()}
        flat = {f"{name} {key}": x.numpy() for name, outputs in found.items() for key, x in outputs.items()}
        np.savez(batch.replace("inputs", "outputs"), **flat)
"""


def away(model: Any) -> Any:
    """The model with weights away from their initial values, so that transitions matter."""
    rng = np.random.default_rng(3)
    model.set_weights([weight + rng.normal(size=weight.shape, scale=0.7) for weight in model.get_weights()])
    return model


def own_model() -> SequenceModel:
    """Masks by name, by position and the Keras way; an output that is no head's."""
    words = keras.Input((None,), dtype="int32", name="words")
    mask = keras.Input((None,), dtype="bool", name="mask")
    features = keras.layers.Embedding(9, 5, mask_zero=True)(words)
    outputs = {
        "size": keras.layers.Dense(1, name="f")(keras.layers.Embedding(9, 2)(words)),
        "named": CRFHead(3, name="a")(features, mask=mask),
        "placed": CRF(5, name="b")(features, mask),
        "implicit": SoftmaxHead(2, name="c")(features),
        "many": MultiLabelHead(4, name="d")(features, mask=mask),
        "aligned": CTCHead(3, name="e", beam=2)(features, mask=mask),
    }
    return SequenceModel({"words": words, "mask": mask}, outputs)


def own_batch(batch: int, time: int) -> dict[str, np.ndarray]:
    mask = RNG.random((batch, time)) < 0.7  # with holes
    mask[1:2] = False
    return {"words": RNG.integers(0, 9, (batch, time)).astype("int32"), "mask": mask}


MODELS = {
    "crf": lambda: away(tiny.tagger()),
    "constrained": lambda: away(tiny.tagger(constrained=True, chars=None, language={"words": 9})),
    "softmax and another task": lambda: away(made_with_auxiliary()),
    "own": lambda: away(own_model()),
}


def batches_of(name: str, model: Any) -> list[dict[str, np.ndarray]]:
    if name == "own":
        return [own_batch(*shape) for shape in SHAPES if shape[1]]
    sentences = [*tiny.part("dev", 2, 16), *tiny.part("dev", 2, 7), *tiny.part("dev", 1, 5)]
    together, _ = model.batches(sentences, batch_size=5, padding=0.9)[0]
    holes = together | {"mask": together["mask"] & (RNG.random(together["mask"].shape) < 0.8)}
    holes["mask"][1] = False
    alone, _ = model.batches([tiny.dev_part()[0]])[0]
    single = {key: x if key == "chars" else x[:1, :1] for key, x in alone.items()}
    return [together, holes, alone, single]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Name to the model, its export's folder, its batches, and what the foreign process found for each."""
    keras.utils.set_random_seed(4)
    root, found, lines = tmp_path_factory.mktemp("exported"), {}, []
    for name, make in MODELS.items():
        model, folder = make(), root / name
        model.export(folder)
        files = []
        for number, batch in enumerate(batches := batches_of(name, model)):
            files.append(root / f"{name}-{number}-inputs.npz")
            np.savez(files[-1], **batch)
        lines.append("\t".join(map(str, [folder, *files])))
        found[name] = model, folder, batches, [Path(str(file).replace("inputs", "outputs")) for file in files]
    done = subprocess.run(
        [sys.executable, "-c", FOREIGN],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        timeout=300,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        cwd=root,
    )
    assert done.returncode == 0, done.stderr
    return {name: (*rest, [dict(np.load(file)) for file in files]) for name, (*rest, files) in found.items()}


@writes
@pytest.mark.parametrize("name", [name for name in MODELS if name != "own"])
def test_taggers(name: str, exported: Any) -> None:
    model, _, batches, results = exported[name]
    for inputs, found in zip(batches, results, strict=True):
        assert set(found) == {"serving_default labels", "probabilities probabilities", "scores scores"}
        outputs = model(inputs)
        scores = np.asarray(outputs[0] if isinstance(outputs, list | tuple) else outputs)
        labels, mask = found["serving_default labels"], inputs["mask"]
        assert labels.dtype == np.int32 and labels.shape == mask.shape
        assert_array_equal(labels == -1, ~mask)
        assert_allclose(found["scores scores"], scores, rtol=1e-4, atol=1e-4)
        assert_array_equal(labels, np.asarray(model.head.decode(scores, mask)))
        shares = np.asarray(model.head.probabilities(scores, mask))
        assert_allclose(found["probabilities probabilities"], shares, rtol=1e-3, atol=1e-5)
        assert_allclose(shares.sum(-1), mask, atol=1e-5)


@writes
@pytest.mark.parametrize("name", [name for name in MODELS if name != "own"])
def test_labels_are_the_tags_that_the_card_names(name: str, exported: Any) -> None:
    model, folder, batches, results = exported[name]
    sentences = [*tiny.part("dev", 2, 16), *tiny.part("dev", 2, 7), *tiny.part("dev", 1, 5)]
    order = model.batches(sentences, batch_size=5, padding=0.9).plan[0].sentences
    card = json.loads((folder / "seqlab.json").read_text(encoding="utf-8"))
    tags = model.tags(sentences)
    assert len({tag for row in tags for tag in row}) > 2
    for row, sentence in zip(results[0]["serving_default labels"], order, strict=True):
        assert [card["labels"][label] for label in row if label >= 0] == tags[sentence]
    if name == "constrained":
        assert all(not violations(row, card["scheme"]) for row in tags)
    assert (card["task"], card["scheme"]) == ("chunk", "iob2")
    assert card["vectorizer"] == json.loads(json.dumps(model.vectorizer.get_config()))
    assert {key: spec["dtype"] for key, spec in card["inputs"].items()} == {
        key: str(array.dtype) for key, array in batches[0].items()
    }
    count = len(card["labels"])
    assert card["signatures"]["probabilities"] == {"probabilities": {"dtype": "float32", "shape": [None, None, count]}}


@writes
def test_outputs_by_name(exported: Any) -> None:
    model, folder, batches, results = exported["own"]
    heads = dict(zip(("aligned", "implicit", "many", "named", "placed"), model.heads().values(), strict=True))
    assert [head.name for head in heads.values()] == ["e", "c", "d", "a", "b"]
    card = json.loads((folder / "seqlab.json").read_text(encoding="utf-8"))
    assert set(card) == {"inputs", "signatures"}
    assert {key: set(outputs) for key, outputs in card["signatures"].items()} == {
        signature: {*heads, "size"} for signature in exporting.SIGNATURES
    }
    for inputs, found in zip(batches, results, strict=True):
        outputs = {key: np.asarray(x) for key, x in model(inputs).items()}
        for name, head in heads.items():
            mask = inputs["words"] != 0 if name == "implicit" else inputs["mask"]
            assert_array_equal(found[f"serving_default {name}"], np.asarray(head.decode(outputs[name], mask)))
            shares = np.asarray(head.probabilities(outputs[name], mask))
            assert_allclose(found[f"probabilities {name}"], shares, rtol=1e-3, atol=1e-5)
        for signature in exporting.SIGNATURES:
            assert_allclose(found[f"{signature} size"], outputs["size"], rtol=1e-5, atol=1e-5)


@pytest.fixture(scope="module")
def small() -> SequenceModel:
    """The head whose graphs are smallest, for tests of files."""
    words = keras.Input((None,), dtype="int32", name="words")
    return SequenceModel(words, SoftmaxHead(3)(keras.layers.Embedding(9, 4)(words)))


@writes
def test_an_older_export_is_replaced_if_asked(small: SequenceModel, tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "a" / "b"
    small.export(folder)
    assert capsys.readouterr().out == ""
    (folder / "assets" / "old").touch()
    with pytest.raises(FileExistsError, match=r"is an export already: .*overwrite \(--overwrite\)"):
        small.export(folder)
    assert (folder / "assets" / "old").exists()
    small.export(folder, overwrite=True, verbose=True)
    assert not (folder / "assets" / "old").exists() and (folder / "saved_model.pb").exists()
    assert capsys.readouterr().out.splitlines() == [
        f"{folder}: a SavedModel whose signatures take words",
        "  serving_default: labels int32 (batch, time)",
        "  probabilities: probabilities float32 (batch, time, 3)",
        "  scores: scores float32 (batch, time, 3)",
    ]
    assert [path.name for path in folder.parent.iterdir()] == ["b"]


@writes
@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_no_export_stays(overwrite: bool, small: SequenceModel, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "saved_model.pb").write_text("a user's own", encoding="utf-8")
    (tmp_path / "file").write_text("a user's own", encoding="utf-8")
    small.export(tmp_path / "export")
    (tmp_path / "export" / "notes.txt").write_text("a user's own", encoding="utf-8")
    with pytest.raises(FileExistsError, match=r"holds what no export writes \(notes.txt\): choose another name"):
        small.export(tmp_path / "export", overwrite=overwrite)
    assert (tmp_path / "export" / "notes.txt").is_file()
    shutil.rmtree(tmp_path / "export")
    for name in ("mine", "file"):
        with pytest.raises(FileExistsError, match="exists: choose another name, or remove it yourself"):
            small.export(tmp_path / name, overwrite=overwrite)
    assert (tmp_path / "mine" / "saved_model.pb").read_text(encoding="utf-8") == "a user's own"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "mine"]


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file may grow beyond 20,000 bytes: the system refuses further ones, to TensorFlow as well."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@writes
def test_a_full_disk_leaves_nothing(small: SequenceModel, tmp_path: Path, full_disk: None) -> None:
    with pytest.raises(OSError, match="TensorFlow cannot write the SavedModel"):
        small.export(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


@writes
def test_a_failed_replacement_keeps_the_older_export(small: SequenceModel, tmp_path: Path, monkeypatch: Any) -> None:
    small.export(tmp_path / "old")
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr("seqlab.models.exporting.write_text", _full)
    with pytest.raises(OSError, match="No space left"):
        small.export(tmp_path / "old", overwrite=True)
    assert sorted(tmp_path.rglob("*")) == before


def _full(*_: Any) -> None:
    raise OSError(28, "No space left on device")


@writes
@pytest.mark.parametrize("name", ["my words", "wörter", "_w"])
def test_names_that_a_saved_model_cannot_have(name: str, tmp_path: Path) -> None:
    words = keras.Input((None, 4), name=name)
    with pytest.raises(SettingsError, match=f"received '{name}'. Name it another way"):
        SequenceModel(words, CRFHead(3)(words)).export(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


@writes
def test_outputs_of_one_name(tmp_path: Path) -> None:
    one, other = keras.Input((None, 4), name="one"), keras.Input((None, 4), name="other")
    head = CRFHead(3, name="tags")
    with pytest.raises(SettingsError, match="told apart by their names, received tags, tags"):
        SequenceModel([one, other], [head(one), head(other)]).export(tmp_path / "new")


@writes
def test_a_signature_of_ones_own_is_refused(small: SequenceModel, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="takes any batch and time; leave out input_signature"):
        small.export(tmp_path / "new", input_signature=[keras.InputSpec("int32", (1, 4))])


@writes
def test_a_model_without_heads_is_exported_as_keras_does(tmp_path: Path) -> None:
    import tensorflow as tf

    words = keras.Input((None, 4), name="words")
    model = SequenceModel(words, keras.layers.Dense(3)(words))
    model.export(tmp_path / "new", verbose=False)
    array = np.ones((2, 3, 4), "float32")
    opened = tf.saved_model.load(tmp_path / "new")
    assert_allclose(opened.serve(array), model(array), rtol=1e-5)
    with pytest.raises(FileExistsError, match="export with overwrite=True"):
        model.export(tmp_path / "new", verbose=False)


def test_other_formats_are_those_of_keras(small: SequenceModel, tmp_path: Path, monkeypatch: Any) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(keras.Model, "export", lambda self, *args, **kwargs: seen.append((*args, kwargs)))
    small.export(tmp_path / "a.onnx", format="onnx", opset_version=18)
    assert seen == [(tmp_path / "a.onnx", {"format": "onnx", "verbose": None, "opset_version": 18})]


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="TensorFlow writes a SavedModel")
def test_other_backends_say_what_to_do(small: SequenceModel, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"by the TensorFlow backend, .* seqlab export FILE.keras FOLDER"):
        small.export(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
