"""Models as TensorFlow SavedModels that need neither seqlab nor Keras: decoding and probabilities are in the graph."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from seqlab.errors import SettingsError
from seqlab.files import replaced_folder, write_text
from seqlab.models.questions import Decode

CARD = "seqlab.json"
EXPORTED = {CARD, "saved_model.pb", "fingerprint.pb", "assets", "variables"}  # what stands in the folder
SIGNATURES = {"serving_default": "labels", "probabilities": "probabilities", "scores": "scores"}
"""What each signature gives: the name of a single output too."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)


def export(model: Any, filepath: str | os.PathLike[str], overwrite: bool = False) -> dict[str, Any]:
    """Writes a model as a SavedModel, see `SequenceModel.export`.

    Args:
        model: A `SequenceModel` with a head.
        filepath: The folder.
        overwrite: Whether an older export may be replaced.

    Returns:
        What the JSON beside the SavedModel says.
    """
    if keras.backend.backend() != "tensorflow":
        raise SettingsError(
            f"A SavedModel is written by the TensorFlow backend, Keras runs on {keras.backend.backend()}. Save the "
            "model to a .keras file, which all backends read, then: seqlab export FILE.keras FOLDER"
        )
    names = _input_names(model)
    graphs = {signature: keras.Model(model.input, _outputs(model, what)) for signature, what in SIGNATURES.items()}
    card = {
        "inputs": {name: _spec(tensor) for name, tensor in zip(names, model.inputs, strict=True)},
        "signatures": {
            signature: {name: _spec(tensor) for name, tensor in graph.output.items()}
            for signature, graph in graphs.items()
        },
        **_tagger_card(model),
    }
    with replaced_folder(filepath, lambda found: _may_go(found, overwrite)) as folder:
        _write(graphs, names, folder)
        write_text(folder / CARD, json.dumps(card, ensure_ascii=False, indent=1))
    return card


def summary(filepath: str | os.PathLike[str], card: Mapping[str, Any]) -> str:
    """Tells how an export is called, a line for each signature."""
    inputs = ", ".join(card["inputs"])
    lines = [f"{os.fspath(filepath)}: a SavedModel whose signatures take {inputs}"]
    for signature, outputs in card["signatures"].items():
        found = ", ".join(f"{name} {spec['dtype']} {_shape(spec['shape'])}" for name, spec in outputs.items())
        lines.append(f"  {signature}: {found}")
    return "\n".join(lines)


def _write(graphs: Mapping[str, keras.Model], names: list[str], folder: Path) -> None:
    import tensorflow as tf

    archive = keras.export.ExportArchive()
    archive.track(graphs["serving_default"])
    for signature, graph in graphs.items():
        specs = {
            name: keras.InputSpec(shape=tuple(x.shape), dtype=x.dtype, name=name)
            for name, x in zip(names, graph.inputs, strict=True)
        }
        archive.add_endpoint(signature, _endpoint(graph, names), [specs])
    try:
        archive.write_out(folder, verbose=False)
    except tf.errors.OpError as error:  # a full disk, among others
        raise OSError(f"TensorFlow cannot write the SavedModel: {error.message}") from error


def _endpoint(graph: keras.Model, names: list[str]) -> Callable[[Mapping[str, Any]], Any]:
    def run(inputs: Mapping[str, Any]) -> Any:
        given = keras.tree.pack_sequence_as(graph.input, [inputs[name] for name in names])
        return graph(given, training=False)

    return run


def _input_names(model: Any) -> list[str]:
    names = _names(model.input, model.inputs, [tensor.name for tensor in model.inputs])
    for name in names:
        if not NAME.fullmatch(name):
            raise SettingsError(
                f"The inputs of a SavedModel have names of letters, digits, _, - and dots; received {name!r}. Name it "
                "another way: keras.Input(..., name=...)."
            )
    return names


def _names(structure: Any, tensors: Sequence[Any], names: Sequence[str]) -> list[str]:
    """The keys of tensors that a dict holds, as Keras takes and gives them, else their own names."""
    keys = {id(tensor): key for key, tensor in structure.items()} if isinstance(structure, Mapping) else {}
    return [keys.get(id(tensor), name) for tensor, name in zip(tensors, names, strict=True)]


def _outputs(model: Any, what: str) -> dict[str, Any]:
    """The outputs of a signature by name: what heads read from their scores, other outputs as they are."""
    heads = model.heads()
    beside = len(getattr(model, "auxiliary", ())) + (getattr(model, "language", None) is not None)
    count = len(model.outputs) - beside  # a tagger's come last, and serve training alone
    names = [what] if count == 1 else _names(model.output, model.outputs, model.entry_names)[:count]
    if len(set(names)) < count:
        raise SettingsError(
            f"The outputs of a SavedModel are told apart by their names, received {', '.join(names)}: use a layer of "
            "another name for each output."
        )
    found = {}
    for position, name in enumerate(names):
        scores = model.outputs[position]
        head = heads.get(position)
        asked = head is not None and what != "scores"
        found[name] = Decode(head, probabilities=what == "probabilities")(scores)[what] if asked else scores
    return found


def _tagger_card(model: Any) -> dict[str, Any]:
    """What the integers of a tagger mean; nothing for other models, which know no words and no labels."""
    vectorizer = getattr(model, "vectorizer", None)
    if vectorizer is None:
        return {}
    card = {"task": model.task, "labels": list(model.labels), "scheme": model.scheme}
    others = getattr(model, "vectorizers", [vectorizer])[1:]  # an ensemble's: their integers are encoding_2_words, ...
    more = {"other_vectorizers": [other.get_config() for other in others]} if others else {}
    return card | {"vectorizer": vectorizer.get_config(), **more}


def _spec(tensor: Any) -> dict[str, Any]:
    return {"dtype": keras.backend.standardize_dtype(tensor.dtype), "shape": list(tensor.shape)}


def _shape(sizes: list[int | None]) -> str:
    names = ("batch", "time")
    return f"({', '.join(str(size or (names[axis] if axis < 2 else '?')) for axis, size in enumerate(sizes))})"


def _may_go(found: Path, overwrite: bool) -> bool:
    if not (found / CARD).is_file() or not (found / "saved_model.pb").is_file():
        return False
    others = sorted({path.name for path in found.iterdir()} - EXPORTED)
    if others:
        raise FileExistsError(f"{found} holds what no export writes ({', '.join(others)}): choose another name.")
    if not overwrite:
        raise FileExistsError(f"{found} is an export already: choose another name, or say overwrite (--overwrite).")
    return True
