"""The way out of TensorFlow Addons: its CRF layer's weights, read without it and without Keras 2."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.errors import ModelFileError, suggest
from seqlab.layers.heads.crf import CRFHead

MARK = "chain_kernel:0"
"""The weight that only an Addons CRF has."""


def addons_crf_head(path: str | PathLike[str], layer: str | None = None, **options: Any) -> CRFHead:
    """Builds a `CRFHead` with the weights of a `tensorflow_addons.layers.CRF`: same scores, same best paths.

    Args:
        path: The `.h5` file of `model.save` or `model.save_weights` of Keras 2.
        layer: Name of the CRF layer, needed where the file holds several.
        **options: Of `CRFHead`, except `tags`.

    Returns:
        The head, built. Without a kernel (`use_kernel=False`) its projection is the identity; without boundaries its
        start and end scores are 0.

    Raises:
        ModelFileError: As `read_addons_crf`.
    """
    weights = read_addons_crf(path, layer)
    head = CRFHead(len(weights["transitions"]), **options)
    head.build((None, None, len(weights["kernel"])))
    head.projection.set_weights([weights["kernel"], weights["bias"]])
    for name in ("transitions", "start", "end"):
        getattr(head, name).assign(weights[name])
    return head


def read_addons_crf(path: str | PathLike[str], layer: str | None = None) -> dict[str, np.ndarray]:
    """Reads the weights of a CRF layer of TensorFlow Addons, under the names of `CRFHead`.

    Args:
        path: As `addons_crf_head`.
        layer: As `addons_crf_head`.

    Returns:
        `kernel` (features, tags) and `bias` of the projection, `transitions` (tags, tags) from row to column, `start`
        and `end` (tags,).

    Raises:
        ModelFileError: If there is no such file, it is no HDF5 file, or it has no, several or only another CRF layer.
    """
    found = _layers(Path(path))
    if not found:
        raise ModelFileError(
            f"{path} has no weight named {MARK!r}, as a CRF of TensorFlow Addons has. Expected an .h5 file of Keras 2. "
            "One that ends in .weights.h5, or .keras, names no weights: load it there, and save it as model.h5."
        )
    names = ", ".join(sorted(found))
    if layer is None and len(found) > 1:
        raise ModelFileError(f"{path} has several CRF layers: {names}. Choose one with `layer`.")
    if layer is not None and layer not in found:
        raise ModelFileError(f"{path} has no CRF layer {layer!r}; it has {names}.{suggest(layer, found)}")
    weights = found[layer] if layer is not None else next(iter(found.values()))
    transitions = weights["chain_kernel"]
    tags = len(transitions)
    return {
        "kernel": weights.get("kernel", np.eye(tags, dtype="float32")),
        "bias": weights.get("bias", np.zeros(tags, "float32")),
        "transitions": transitions,
        "start": weights.get("left_boundary", np.zeros(tags, "float32")),
        "end": weights.get("right_boundary", np.zeros(tags, "float32")),
    }


def _layers(path: Path) -> dict[str, dict[str, np.ndarray]]:
    """The arrays of each CRF layer, by layer and by weight."""
    import h5py

    if not path.is_file():
        raise ModelFileError(f"There is no file {path}, expected an .h5 file of Keras 2.")
    arrays: dict[str, np.ndarray] = {}

    def visit(name: str, entry: Any) -> None:
        if isinstance(entry, h5py.Dataset):
            arrays[name] = np.asarray(entry)

    try:
        with h5py.File(path, "r") as file:
            file.visititems(visit)
    except OSError as error:
        raise ModelFileError(f"{path} is no HDF5 file ({error}); expected an .h5 file of Keras 2.") from error
    crfs: dict[str, dict[str, np.ndarray]] = {}
    for name in arrays:
        if name.rsplit("/", 1)[-1] != MARK:
            continue
        parts = name.removeprefix("model_weights/").split("/")
        group = name[: len(name) - len("/".join(parts))] + parts[0] + "/"  # the layer's own, its projection within
        members = {key: value for key, value in arrays.items() if key.startswith(group)}
        last = [key.rsplit("/", 1)[-1] for key in members]
        if len(set(last)) < len(last):
            raise ModelFileError(
                f"{path}: {parts[0]!r} holds a CRF among other layers, whose weights have the same names: load the "
                f"file with the library that wrote it, and save the model inside {parts[0]!r} by itself."
            )
        crfs[parts[0]] = {key.rsplit("/", 1)[-1].removesuffix(":0"): value for key, value in members.items()}
    return crfs
