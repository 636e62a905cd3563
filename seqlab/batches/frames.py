"""Padded batches of sequences of vectors, as a Keras `PyDataset`."""

from __future__ import annotations

import keras
import numpy as np

from seqlab.batches.buckets import bucket_bounds
from seqlab.batches.plan import Batch, distinct, ordered
from seqlab.constants import IGNORE
from seqlab.corpora.sequences import FrameCorpus
from seqlab.errors import check_count


class FrameBatches(keras.utils.PyDataset):
    """Batches by length bucket, of one sequence or of several; no sequence is dropped or cut.

    Each item is `(inputs, labels)`:

    - `inputs["frames"]`: (batch, time, width) float32, 0 at padding.
    - `inputs["mask"]`: (batch, time), true at real frames.
    - `labels`: (batch, time) for a label at each frame, (batch, time, labels) for yes or no of each, (batch, any
      length) for transcripts; `IGNORE` at padding.

    The order of epoch `e` depends on `(seed, e)` alone, so a resumed run sees what an unbroken one would have seen.

    Args:
        corpus: The sequences.
        batch_size: Sequences in a batch; fewer in the last of each bucket.
        shuffle: New order for each epoch; without it, short sequences first.
        seed: Seed of the order.
        padding: Budget of padding, see `bucket_bounds`: compilers that specialise on shapes then compile few times.

    Raises:
        SettingsError: For a `batch_size` below 1.
    """

    def __init__(
        self, corpus: FrameCorpus, batch_size: int = 1, shuffle: bool = False, seed: int = 0, padding: float = 0.07
    ) -> None:
        super().__init__()
        check_count("batch_size", batch_size)
        self.corpus = corpus
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.lengths = corpus.lengths
        self.bounds = bucket_bounds(self.lengths, padding)
        self.bucket = np.searchsorted(self.bounds, self.lengths)
        # Transcripts too are padded alike in a bucket.
        counts = np.array([len(sequence.labels) for sequence in corpus])
        self.marks = [int(counts[self.bucket == number].max(initial=1)) for number in range(len(self.bounds))]
        self.start_epoch(0)

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        batch, corpus = self.plan[index], self.corpus
        rows = [corpus.sequences[number] for number in batch.sentences]
        time = distinct(batch.time, index)
        frames = np.zeros((len(rows), time, corpus.width), np.float32)
        shape: tuple[int, ...] = (len(rows), time)
        if corpus.target == "transcript":
            shape = (len(rows), distinct(self.marks[self.bucket[batch.sentences[0]]], index))
        labels = np.full((*shape, len(corpus.labels)) if corpus.target == "next" else shape, IGNORE, np.int32)
        for row, sequence in enumerate(rows):
            frames[row, : len(sequence)] = sequence.frames
            labels[row, : len(sequence.labels)] = sequence.labels
        mask = np.arange(time) < self.lengths[batch.sentences][:, None]  # (batch, time)
        return {"frames": frames, "mask": mask}, labels

    def start_epoch(self, epoch: int) -> None:
        """Takes the order of the given epoch: how a resumed run goes on where it was cut off."""
        self.epoch = epoch
        self.plan = self._plan()

    def on_epoch_end(self) -> None:
        """Called by Keras after each epoch."""
        self.start_epoch(self.epoch + 1)

    def _plan(self) -> list[Batch]:
        random = np.random.default_rng((self.seed, self.epoch))
        lengths, size = self.lengths, self.batch_size
        order = random.permutation(len(lengths)) if self.shuffle else np.argsort(lengths, kind="stable")
        plan = []
        for number, bound in enumerate(self.bounds):
            here = order[self.bucket[order] == number]
            plan += [Batch(here[k : k + size], bound) for k in range(0, len(here), size)]
        return ordered(plan, random if self.shuffle else None)
