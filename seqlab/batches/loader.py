"""Padded batches from an encoded corpus, as a Keras `PyDataset`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from seqlab.batches.buckets import bucket_bounds
from seqlab.batches.plan import Batch, distinct, ordered
from seqlab.constants import IGNORE
from seqlab.text.contextual import FIELD, Contextual
from seqlab.text.elmo_chars import ELMO_FIELD, LENGTH, elmo_characters
from seqlab.text.vectorizer import Encoded

FIELDS = ("words", "casing", "mask", "char_rows", "chars")
PADDING = 0.07  # largest share of padded positions


def scoring_padding() -> float:
    """Returns the budget of padding for sentences that are scored after each epoch, and not learnt.

    JAX compiles for each shape, and takes longer for one than for what three times as much padding costs.
    """
    return 0.2 if keras.backend.backend() == "jax" else PADDING


def fields_of(encoded: Encoded) -> tuple[str, ...]:
    """The names of all arrays that `Batches` can give: those that every vectorizer knows, and its categories."""
    others = (name for name in encoded.tokens if name not in (*FIELDS, "forms"))
    return (*FIELDS, *others, *([FIELD] if encoded.contextual is not None else []))


class Batches(keras.utils.PyDataset):
    """Batches by length bucket: deterministic under a seed, no sentence dropped or cut.

    Each item is `(inputs, labels)`: a dict of arrays with the fields below, and the labels of the task, `(batch,
    time)`, `IGNORE` at padding (a dict by task where there is more than one; `(inputs,)` alone where there is none).

    - `words`, `casing`, and each categorical feature of the vectorizer by its name: `(batch, time)`, 0 at padding.
    - `mask`: `(batch, time)`, true at real tokens.
    - `chars`: `(forms, characters)`, the distinct word forms of the batch, row 0 empty; 0 at padding.
    - `char_rows`: `(batch, time)`, the row of each token in `chars`.
    - `elmo_chars`: `(forms, 50)`, the same forms as ELMo reads them, where `fields` name it.
    - `contextual`: `(batch, time, layers, width)` float32, where the vectorizer has a source of them; 0 at padding.
      They are read when a batch is made: memory holds those of one batch.

    The order of epoch `e` depends on `(seed, e)` alone, so a resumed run sees what an unbroken one would have seen.

    Args:
        encoded: What `Vectorizer.encode` returns.
        batch_size: Sentences in a batch; fewer in the last one, and where `token_limit` asks for it.
        shuffle: New order for each epoch; without it, short sentences first.
        seed: Seed of the order.
        tasks: The tasks whose labels to give; all that the corpus carries by default.
        padding: Budget of padding, see `bucket_bounds`; what fills up batches may add a fifth of it.
        token_limit: Most positions in a batch of more than one sentence.
        fields: Which of the arrays above to give; all by default but ELMo's; a tagger's are
            `tuple(tagger.input)`. Keras warns of those that a model does not read.
    """

    def __init__(
        self,
        encoded: Encoded,
        batch_size: int = 32,
        shuffle: bool = False,
        seed: int = 0,
        tasks: Sequence[str] | None = None,
        padding: float = PADDING,
        token_limit: int = 20_000,
        fields: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, received {batch_size}.")
        self.encoded = encoded
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.tasks = tuple(encoded.labels if tasks is None else tasks)
        self.token_limit = token_limit
        self.fields = fields_of(encoded) if fields is None else tuple(fields)
        self.bounds = bucket_bounds(encoded.lengths, padding)
        self.limit = min(1.2 * padding, 0.99)
        self.longest = int(np.diff(encoded.form_offsets).max(initial=1))  # form, in characters
        # JAX compiles for each shape: there the characters' shape follows from the bucket alone.
        self.static = keras.backend.backend() == "jax"
        self.epoch = 0
        self.plan = self._plan()

    def __len__(self) -> int:
        return len(self.plan)

    @property
    def padding(self) -> float:
        """Share of padded positions among all that an epoch computes."""
        computed = sum(rows * time for rows, time in map(self.shape, range(len(self))))
        return 1 - int(self.encoded.offsets[-1]) / max(computed, 1)

    def shape(self, index: int) -> tuple[int, int]:
        """Returns `(batch, time)` of one batch."""
        batch = self.plan[index]
        return len(batch.sentences), distinct(batch.time, index)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return self.arrays(self.plan[index], index)

    def arrays(self, batch: Batch, index: int, empty: int = 0) -> tuple[Any, ...]:
        """Returns what stands in a batch.

        Args:
            batch: Its sentences.
            index: Its place among the batches that Keras reads; sizes of the first two differ.
            empty: How many rows without a token follow the sentences.
        """
        offsets = self.encoded.offsets
        starts = np.pad(offsets[batch.sentences], (0, empty))
        lengths = np.pad(offsets[batch.sentences + 1], (0, empty)) - starts
        steps = np.arange(distinct(batch.time, index))
        mask = steps < lengths[:, None]  # (batch, time)
        places = np.where(mask, starts[:, None] + steps, 0)
        tokens = self.encoded.tokens
        inputs = {name: _pick(tokens[name], places, mask, 0) for name in tokens if name in self.fields}
        inputs["mask"] = mask
        if {"char_rows", "chars", ELMO_FIELD} & set(self.fields):
            inputs |= self._characters(places, mask, index, batch)
        source = self.encoded.contextual
        if FIELD in self.fields and source is not None:
            inputs[FIELD] = self._contextual(source, mask, batch)
        inputs = {name: inputs[name] for name in self.fields}
        labels = {task: _pick(self.encoded.labels[task], places, mask, IGNORE) for task in self.tasks}
        if len(self.tasks) == 1:
            return inputs, labels[self.tasks[0]]
        return (inputs, labels) if labels else (inputs,)  # Keras on TensorFlow takes no `None` among batches

    def start_epoch(self, epoch: int) -> None:
        """Takes the order of the given epoch: how a resumed run goes on where it was cut off."""
        self.epoch = epoch
        self.plan = self._plan()

    def on_epoch_end(self) -> None:
        """Called by Keras after each epoch."""
        self.start_epoch(self.epoch + 1)

    def _plan(self) -> list[Batch]:
        random = np.random.default_rng((self.seed, self.epoch))
        lengths = self.encoded.lengths
        order = random.permutation(len(lengths)) if self.shuffle else np.argsort(lengths, kind="stable")
        bucket = np.searchsorted(self.bounds, lengths)
        plan: list[Batch] = []
        spare = self._spare(bucket)
        waiting = order[:0]
        for number, bound in enumerate(self.bounds):
            waiting = np.concatenate([waiting, order[bucket[order] == number]])
            size = max(1, min(self.batch_size, self.token_limit // bound))
            full = len(waiting) // size * size
            plan += [Batch(waiting[k : k + size], bound) for k in range(0, full, size)]
            waiting = waiting[full:]
            # What does not fill a batch joins the next longer bucket, for fewer shapes and fuller batches, as long
            # as the padding that this adds can be spared; it depends on counts alone, so epochs have equal batches.
            added = len(waiting) * (self.bounds[min(number + 1, len(self.bounds) - 1)] - bound)
            if len(waiting) and not 0 < added <= spare:
                plan.append(Batch(waiting, bound))
                waiting, added = order[:0], 0
            spare -= added
        return ordered(plan, random if self.shuffle else None)

    def _spare(self, bucket: np.ndarray) -> float:
        computed = np.asarray(self.bounds, np.int64)[bucket].sum()
        return int(self.encoded.offsets[-1]) / (1 - self.limit) - float(computed)

    def _contextual(self, source: Contextual, mask: np.ndarray, batch: Batch) -> np.ndarray:
        found = np.zeros((*mask.shape, source.layers, source.width), "float32")
        words = [self.encoded.sentences[sentence].words for sentence in batch.sentences]
        for row, vectors in enumerate(source.vectors(words)):
            found[row, : vectors.shape[1]] = vectors.transpose(1, 0, 2)  # (time, layers, width)
        return found

    def _characters(self, places: np.ndarray, mask: np.ndarray, index: int, batch: Batch) -> dict[str, np.ndarray]:
        of_token = self.encoded.tokens["forms"][places[mask]]
        forms, first, places = np.unique(of_token, return_index=True, return_inverse=True)
        char_rows = np.zeros(mask.shape, np.int32)
        char_rows[mask] = places + 1
        starts = self.encoded.form_offsets[forms]
        lengths = self.encoded.form_offsets[forms + 1] - starts
        rows, columns = len(forms) + 1, int(lengths.max(initial=1))
        if self.static:
            rows, columns = mask.size + 1, self.longest
        rows, columns = distinct(rows, index), distinct(columns, index)
        steps = np.arange(columns)
        real = steps < lengths[:, None]  # (forms, characters)
        chars = np.zeros((rows, columns), np.int32)
        chars[1 : len(forms) + 1] = _pick(self.encoded.characters, np.where(real, starts[:, None] + steps, 0), real, 0)
        found = {"char_rows": char_rows, "chars": chars}
        if ELMO_FIELD in self.fields:
            words = [word for sentence in batch.sentences for word in self.encoded.sentences[sentence].words]
            found[ELMO_FIELD] = np.zeros((rows, LENGTH), np.int32)
            found[ELMO_FIELD][1 : len(forms) + 1] = elmo_characters([words[place] for place in first])
        return found


def _pick(values: np.ndarray, places: np.ndarray, real: np.ndarray, padding: int) -> np.ndarray:
    if not len(values):
        return np.full(real.shape, padding, np.int32)
    return np.where(real, values[places], padding).astype(np.int32)
