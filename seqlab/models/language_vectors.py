"""A trained language model as a producer of contextual vectors."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from seqlab.errors import ModelFileError
from seqlab.files import fingerprint_of, model_file
from seqlab.models.language_model import LanguageModel


class LanguageVectors:
    """Gives a tagger the vectors of a language model: `Tagger.from_corpus(contextual=LanguageVectors(model))`.

    Args:
        model: The language model. It is read, never trained.
        place: The run's folder or the file that it was read from; a saved tagger names it.

    Attributes:
        layers: Number of vectors for each token: the token layer's, then one of each layer of the model.
        width: Width of each.
    """

    def __init__(self, model: LanguageModel, place: str | None = None) -> None:
        self.model = model
        self.place = place
        _, self.layers, _, self.width = model.output_shape

    @property
    def fingerprint(self) -> str | None:
        """What tells the model's file from others; `None` for a model that was read from none."""
        file = None if self.place is None else model_file(self.place)
        return fingerprint_of(file) if file is not None and file.is_file() else None

    def vectors(self, sentences: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Returns `(layers, time, width)` float32 for each sentence, given by its words."""
        return self.model.vectors(sentences)


def holds_language_model(place: Path) -> bool:
    """Whether a place is a model's file or the folder of a run, by its names."""
    return place.suffix == ".keras" or (place.is_dir() and model_file(place).is_file())


def open_language_model(place: str | os.PathLike[str]) -> LanguageVectors:
    """Opens a language model that `seqlab pretrain` or `save` wrote.

    Args:
        place: The run's folder or the `.keras` file.

    Raises:
        ModelFileError: If it is no language model, or damaged.
    """
    file = model_file(place)
    try:
        model = keras.models.load_model(file)
    except (ValueError, TypeError, LookupError, OSError, zipfile.BadZipFile) as error:
        raise ModelFileError(f"{file}: expected a language model that seqlab pretrain wrote. {error}") from error
    if not isinstance(model, LanguageModel):
        raise ModelFileError(
            f"{file}: expected a language model that seqlab pretrain wrote, found a {type(model).__name__}."
        )
    return LanguageVectors(model, os.fspath(place))
