"""Reads the sequences that a run's settings name."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable

import numpy as np

from seqlab.corpora.iam_ondb import iam_ondb
from seqlab.corpora.piano_roll import HIGHEST, LOWEST, next_steps, piano_rolls
from seqlab.corpora.sequences import FrameCorpus, FrameParts, FrameSequence
from seqlab.corpora.timit import timit
from seqlab.frame_settings import FrameDataSettings

log = logging.getLogger(__name__)


def read(data: FrameDataSettings) -> FrameParts:
    """Reads the three parts; transcripts that do not fit into their frames are reported, the loss leaves them out.

    Raises:
        DataError: For anything wrong with a file.
    """
    parts = READERS[data.format](data)
    for one in parts.train.too_short():
        log.warning(
            "%s: %d labels do not fit into %d frames: it is left out of the loss.", one.name, len(one.labels), len(one)
        )
    return parts


def digest(path: str, parts: FrameParts) -> dict[str, str]:
    """Returns the SHA-256 of the frames and labels of each part: a resumed run must read the same ones."""
    found = {}
    for part, corpus in (("train", parts.train), ("dev", parts.dev), ("test", parts.test)):
        total = hashlib.sha256()
        for sequence in corpus:
            total.update(sequence.frames.tobytes())
            total.update(sequence.labels.tobytes())
        found[f"{path} ({part})"] = total.hexdigest()
    return found


def next_step_corpus(pieces: Iterable[np.ndarray]) -> FrameCorpus:
    """Makes the corpus of next-step prediction of piano rolls: at each step, the keys of the next; the first is given.

    Args:
        pieces: (steps, 88) of 0 and 1 each.
    """
    rows = []
    for number, piece in enumerate(pieces, 1):
        inputs, targets = next_steps(piece)
        rows.append(FrameSequence(inputs.astype(np.float32), targets.astype(np.int32), f"piece {number}"))
    return FrameCorpus(rows, [str(pitch) for pitch in range(LOWEST, HIGHEST + 1)], "next")


def _piano_rolls(data: FrameDataSettings) -> FrameParts:
    rolls = piano_rolls(data.path)
    return FrameParts(*map(next_step_corpus, (rolls.train, rolls.valid, rolls.test)))


READERS: dict[str, Callable[[FrameDataSettings], FrameParts]] = {
    "timit": lambda data: timit(data.path, strict=not data.lenient),
    "iam_ondb": lambda data: iam_ondb(data.path),
    "piano_roll": _piano_rolls,
}
"""Format to what reads it."""
