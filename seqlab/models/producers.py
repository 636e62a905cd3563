"""Producers of contextual vectors by their places: a table of what opens which kind of file or folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqlab.constants import HDF5_ENDINGS
from seqlab.errors import SettingsError
from seqlab.files import model_file
from seqlab.migration.elmo import find_elmo
from seqlab.models.elmo import Elmo
from seqlab.models.fasttext import FastText
from seqlab.models.language_vectors import holds_language_model, open_language_model
from seqlab.text.contextual import Producer, contextual_of
from seqlab.text.contextual_store import ContextualStore
from seqlab.text.elmo_chars import ELMO_FIELD


@dataclass(frozen=True)
class Kind:
    """One kind of producer.

    Attributes:
        what: What its place looks like, for errors.
        fits: Whether a place that exists is one, by its names alone.
        opens: Opens it.
        files: The files that it is made of, given its place.
    """

    what: str
    fits: Callable[[Path], bool]
    opens: Callable[[Path], Producer]
    files: Callable[[Path], tuple[Path, ...]] = lambda place: (place,)


def _is_elmo(place: Path) -> bool:
    return any(place.glob("*options*.json")) and any(place.glob("*weights*.h*5"))


KINDS = (
    Kind("a file of contextual vectors (.h5)", lambda place: place.suffix in HDF5_ENDINGS, ContextualStore),
    Kind("a folder of ELMo's, with *options*.json and *weights*.hdf5", _is_elmo, Elmo.from_folder, find_elmo),
    Kind("a fastText model (.bin)", lambda place: place.suffix == ".bin", FastText.open),
    Kind(
        "a run of seqlab pretrain or its .keras file",
        holds_language_model,
        open_language_model,
        lambda place: (model_file(place),),
    ),
)
"""All kinds; the first that fits opens a place."""


def open_producer(place: str | os.PathLike[str]) -> Producer:
    """Opens a producer of contextual vectors.

    Args:
        place: A file or folder of one of `KINDS`.

    Raises:
        SettingsError: If there is nothing, or something that is none of these; what is in it, its own kind checks.
    """
    path = Path(place)
    expected = "; or ".join(kind.what for kind in KINDS)
    if not path.exists():
        raise SettingsError(f"There is no producer of contextual vectors at {path}; expected {expected}.")
    for kind in KINDS:
        if kind.fits(path):
            return kind.opens(path)
    raise SettingsError(f"{path} is no producer of contextual vectors; expected {expected}.")


def producer_files(place: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Returns the files that a producer is made of, none if nothing opens its place; they are not read."""
    path = Path(place)
    kind = next((kind for kind in KINDS if path.exists() and kind.fits(path)), None)
    return () if kind is None else kind.files(path)


def give_contextual(model: Any, source: Any) -> None:
    """Has a tagger, or every member of an ensemble that reads them, take contextual vectors from another source."""
    readers = [one for one in getattr(model, "vectorizers", [model.vectorizer]) if one.contextual is not None]
    if not readers and ELMO_FIELD in model.input:
        raise SettingsError("This model computes contextual vectors itself (contextual.fine_tune): give no others.")
    if not readers:
        raise SettingsError("This model reads no contextual vectors: give contextual=... when it is made.")
    found = contextual_of(source, open_producer)
    for vectorizer in readers:
        vectorizer.contextual.check_source(found)
    for vectorizer in readers:
        vectorizer.contextual = found
