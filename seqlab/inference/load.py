"""Opening saved models, with a clear word when a file is not what it should be."""

from __future__ import annotations

import os
import struct
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import keras

from seqlab.errors import ModelFileError, suggest
from seqlab.models.labeller import Labeller
from seqlab.models.multitask import MultiTaskTagger
from seqlab.models.sequence_model import SequenceModel

# What `zipfile` raises for damaged headers, besides the first.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
    EOFError,
)


def load(path: str | os.PathLike[str]) -> Any:
    """Opens a model that `save` wrote. Nothing in the file is executed (no pickle, no code).

    Args:
        path: The `.keras` file.

    Returns:
        The `Tagger` (or other `SequenceModel`), compiled as it was when saved.

    Raises:
        ModelFileError: If the file is missing, damaged, cut off, or not one of seqlab's.
    """
    path = Path(path)
    _check(path)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "Skipping")  # Keras would go on with fresh weights in place of saved ones
            model = keras.models.load_model(path)
    except (ValueError, TypeError, LookupError, AttributeError, RuntimeError, OSError, UserWarning) as error:
        raise ModelFileError(
            f"{path}: the model cannot be rebuilt from this file. Was it saved by a newer seqlab? Keras said: {error}"
        ) from error
    if not isinstance(model, SequenceModel):
        raise ModelFileError(
            f"{path}: expected a model saved by seqlab, found a {type(model).__name__}; open it with "
            "keras.models.load_model."
        )
    return model


def load_tagger(path: str | os.PathLike[str]) -> Any:
    """Opens a model that tags, a `Tagger`, an `Ensemble` of them or a `MultiTaskTagger`; see `load`.

    Raises:
        ModelFileError: As `load`, and for any other model, such as a language model.
    """
    model = load(path)
    if not isinstance(model, Labeller | MultiTaskTagger):
        raise ModelFileError(f"{path}: expected a model that tags, such as a Tagger, found a {type(model).__name__}.")
    return model


def _check(path: Path) -> None:
    if not path.is_file():
        near = suggest(path.name, [other.name for other in path.parent.glob("*.keras")])
        raise ModelFileError(f"{path}: no such file; expected a .keras file that seqlab saved.{near}")
    advice = "The file is damaged or was cut off while it was copied; copy it again or train anew."
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except PermissionError:
        raise
    except _ZIP_ERRORS as error:
        raise ModelFileError(f"{path}: expected a .keras file (a zip archive), found none. {advice}") from error
    if damaged is not None:
        raise ModelFileError(f"{path}: its part {damaged!r} fails its checksum. {advice}")
