"""Sequences of vectors with what is to be said of them: speech, pen strokes, piano rolls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, overload

import numpy as np

from seqlab.constants import IGNORE
from seqlab.errors import DataError, SettingsError, suggest

Target = Literal["frames", "transcript", "next"]
TARGETS: dict[str, str] = {
    "frames": "a label for each frame, (time,) integers",
    "transcript": "a sequence of labels that is shorter than the frames, (any length,) integers",
    "next": "yes or no for each label at each frame, (time, labels) integers",
}
"""What the labels of a sequence may be."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameSequence:
    """One sequence.

    Attributes:
        frames: (time, width) floats.
        labels: Integers, see `TARGETS`; `IGNORE` (-1) where a frame has no label.
        name: What the corpus calls it.
        file: Where it was read from.
    """

    frames: np.ndarray
    labels: np.ndarray
    name: str = ""
    file: str = ""

    def __len__(self) -> int:
        return len(self.frames)


class FrameCorpus(Sequence[FrameSequence]):
    """Sequences of vectors of one width, with labels of one kind.

    >>> two = FrameSequence(np.zeros((4, 3)), np.array([0, 0, 1, -1]))
    >>> corpus = FrameCorpus([two], ["a", "b"], "frames")
    >>> len(corpus), corpus.width, corpus.frames
    (1, 3, 4)

    Args:
        sequences: The sequences, at least one.
        labels: Names of the labels, in the order of their numbers.
        target: What the labels of a sequence are, one of `TARGETS`.

    Raises:
        DataError: No sequence, one of no frames, of another width, with numbers that are not finite, or with labels
            that do not fit; the message names the sequence and its file.
        SettingsError: An unknown target.
    """

    def __init__(self, sequences: Iterable[FrameSequence], labels: Iterable[str], target: Target) -> None:
        self.sequences = tuple(sequences)
        self.labels = tuple(labels)
        self.target: Target = target
        if target not in TARGETS:
            raise SettingsError(
                f"`target` is one of {', '.join(TARGETS)}; received {target!r}.{suggest(str(target), TARGETS)}"
            )
        if not self.sequences:
            raise DataError("Expected at least one sequence, received none.")
        shape = np.shape(self.sequences[0].frames)
        self.width = shape[1] if len(shape) == 2 else 0
        for number, sequence in enumerate(self.sequences):
            trouble = self._trouble(sequence)
            if trouble:
                raise DataError(f"Sequence {sequence.name or number}: {trouble}", sequence.file)

    @property
    def frames(self) -> int:
        """Number of frames of all sequences."""
        return int(self.lengths.sum())

    @property
    def lengths(self) -> np.ndarray:
        """(sequences,) number of frames of each."""
        return np.array([len(sequence) for sequence in self.sequences])

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """The mean and the variance of each channel over all frames, in float64, in one pass of small memory."""
        count = self.frames
        mean = sum(sequence.frames.sum(axis=0, dtype=np.float64) for sequence in self.sequences) / count
        squares = sum(np.square(sequence.frames - mean).sum(axis=0) for sequence in self.sequences)
        return np.asarray(mean), np.asarray(squares / count)

    def too_short(self) -> list[FrameSequence]:
        """Sequences of a transcript that does not fit: one step for each label, one more between two equal ones."""
        if self.target != "transcript":
            return []
        return [
            one for one in self.sequences if len(one.labels) + int((np.diff(one.labels) == 0).sum()) > len(one.frames)
        ]

    def _trouble(self, sequence: FrameSequence) -> str:
        frames, labels = sequence.frames, sequence.labels
        if frames.ndim != 2 or not frames.size:
            return f"expected frames (time, width), at least one; received the shape {frames.shape}."
        if frames.shape[1] != self.width:
            return f"{frames.shape[1]} channels, the first sequence has {self.width}."
        if not np.isfinite(frames).all():
            step, channel = np.argwhere(~np.isfinite(frames))[0]
            return f"frame {step} holds {frames[step, channel]} in channel {channel}; expected finite numbers."
        expected = {"frames": (len(frames),), "next": (len(frames), len(self.labels))}.get(self.target)
        if labels.shape != expected if expected else labels.ndim != 1 or not labels.size:
            return f"labels of shape {labels.shape} for {len(frames)} frames; expected {TARGETS[self.target]}."
        lowest = 0 if self.target == "transcript" else IGNORE
        highest = 1 if self.target == "next" else len(self.labels) - 1
        if labels.dtype.kind not in "iu" or labels.min() < lowest or labels.max() > highest:
            return f"labels are whole numbers from {lowest} to {highest}; received {labels.min()} to {labels.max()}."
        return ""

    @overload
    def __getitem__(self, index: int) -> FrameSequence: ...
    @overload
    def __getitem__(self, index: slice) -> FrameCorpus: ...
    def __getitem__(self, index: int | slice) -> FrameSequence | FrameCorpus:
        if isinstance(index, slice):
            return FrameCorpus(self.sequences[index], self.labels, self.target)
        return self.sequences[index]

    def __len__(self) -> int:
        return len(self.sequences)

    def __iter__(self) -> Iterator[FrameSequence]:
        return iter(self.sequences)


@dataclass(frozen=True, slots=True)
class FrameParts:
    """The three parts of a data set of frames.

    Attributes:
        train: What is learnt from.
        dev: What the best epoch is chosen by.
        test: What is reported on.
    """

    train: FrameCorpus
    dev: FrameCorpus
    test: FrameCorpus
