"""A model of sequences of vectors: standardisation, noise, an encoder and a head in one Keras model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from seqlab.batches.frames import FrameBatches
from seqlab.constants import IGNORE
from seqlab.corpora.sequences import FrameCorpus, FrameSequence
from seqlab.errors import DataError, SettingsError, check_count
from seqlab.evaluation.sequences import frame_error, label_error_rate, next_step_nll
from seqlab.layers.features.frames import Standardize
from seqlab.layers.heads.base import Head
from seqlab.layers.heads.ctc import CTCHead
from seqlab.layers.heads.multilabel import MultiLabelHead
from seqlab.layers.heads.softmax import SoftmaxHead
from seqlab.models.sequence_model import SequenceModel
from seqlab.models.sparing import SparingModel

HEADS: dict[str, type[Head]] = {"frames": SoftmaxHead, "transcript": CTCHead, "next": MultiLabelHead}
"""The head of each kind of labels, see `seqlab.corpora.sequences.TARGETS`."""
MEASURES = {"frames": "error", "transcript": "cer", "next": "nll"}
"""What is reported of each: the share of wrong frames, the edit distance per label, the negative log-likelihood of a
step."""
ROWS = 32  # sequences at once, where no gradient is needed


@keras.saving.register_keras_serializable(package="seqlab")
class FrameModel(SequenceModel):
    """Labels sequences of vectors: `scores = head(encoder(noise(standardize(frames)), mask), mask)`.

    A plain Keras model whose `fit` takes a `FrameCorpus` as well. With one to validate on, the logs of each epoch hold
    `val_error`, `val_cer` or `val_nll` before any callback reads them.

    Args:
        width: Channels of the frames.
        labels: Names of the labels, in the order of their numbers.
        encoder: Layer called as `encoder(x, mask=mask)`.
        head: A `SoftmaxHead` (a label for each frame), `CTCHead` (a transcript) or `MultiLabelHead` (yes or no for each
            label at each frame).
        standardize: Whether each channel is brought to mean 0 and variance 1; `adapt` learns how.
        noise: Standard deviation of the Gaussian noise that training adds to the standardised frames, 0 to 1.
        **kwargs: Of `keras.Model`.

    Raises:
        SettingsError: For a head of another kind or number of tags, or a `noise` that is out of range.
    """

    def __init__(
        self,
        width: int,
        labels: Sequence[str],
        encoder: keras.layers.Layer,
        head: Head,
        standardize: bool = True,
        noise: float = 0.0,
        **kwargs: Any,
    ) -> None:
        check_count("width", width)
        if not isinstance(head, tuple(HEADS.values())) or head.tags != len(labels):
            names = ", ".join(kind.__name__ for kind in HEADS.values())
            raise SettingsError(
                f"`head` is one of {names} with a tag for each of {len(labels)} labels; received "
                f"{type(head).__name__} with {getattr(head, 'tags', 'no')} tags."
            )
        if isinstance(noise, bool) or not isinstance(noise, int | float) or not 0 <= noise <= 1:
            raise SettingsError(f"`noise` is a standard deviation from 0 to 1; received {noise!r}.")

        # === Layers ===
        inputs = {
            "frames": keras.Input((None, width), name="frames"),
            "mask": keras.Input((None,), dtype="bool", name="mask"),
        }
        standardizer = Standardize(name="standardize") if standardize else None

        # === Functional model ===
        x = inputs["frames"]  # (batch, time, width)
        if standardizer is not None:
            x = standardizer(x, mask=inputs["mask"])
        if noise:
            x = keras.layers.GaussianNoise(noise, name="noise")(x)
        x = encoder(x, mask=inputs["mask"])
        super().__init__(inputs=inputs, outputs=head(x, mask=inputs["mask"]), **kwargs)

        # === Config ===
        self.width = width
        self.names = tuple(labels)
        self.encoder = encoder
        self.head = head
        self.standardizer = standardizer
        self.noise = noise
        self._scorer = _Scorer(self)

    @property
    def target(self) -> str:
        """What it learns, one of `seqlab.corpora.sequences.TARGETS`."""
        return next(target for target, kind in HEADS.items() if isinstance(self.head, kind))

    @property
    def measure(self) -> str:
        """The name of what is reported."""
        return MEASURES[self.target]

    def adapt(self, corpus: FrameCorpus) -> list[int]:
        """Learns the standardisation of a training corpus; returns the constant channels, see `Standardize.adapt`."""
        return [] if self.standardizer is None else self.standardizer.adapt(self._checked(corpus))

    def fit(self, x: Any, y: Any = None, validation_data: Any = None, **kwargs: Any) -> Any:
        """Trains as `keras.Model.fit` does.

        Args:
            x: A `FrameCorpus`, `FrameBatches`, or anything that Keras takes. A corpus is shuffled anew in each epoch.
            y: Labels, where `x` holds none.
            validation_data: A `FrameCorpus`, scored after each epoch, or what Keras takes.
            **kwargs: As `keras.Model.fit`; `batch_size` of a corpus is 1 by default: an update after each sequence.

        Raises:
            DataError: For a corpus of another width, other labels or another kind of labels.
        """
        if isinstance(x, FrameCorpus):
            x = FrameBatches(self._checked(x), kwargs.pop("batch_size", None) or 1, shuffle=True)
        if isinstance(x, FrameBatches):
            self._checked(x.corpus)
            kwargs["shuffle"] = False  # Keras would shuffle again, in an order that a resumed run cannot repeat
        if isinstance(validation_data, FrameCorpus):
            # First: other callbacks read what it finds.
            kwargs["callbacks"] = [_Measured(self._checked(validation_data)), *(kwargs.get("callbacks") or [])]
            validation_data = None
        return super().fit(x, y, validation_data=validation_data, **kwargs)

    def scores(self, corpus: FrameCorpus) -> list[np.ndarray]:
        """Returns the scores of each sequence, in the corpus' order: (time, labels), one more for CTC's blank."""
        return [scores for scores, _ in self._scorer.answers(self._checked(corpus, labels=False))]

    def label(self, data: FrameCorpus | Sequence[np.ndarray]) -> list[Any]:
        """Returns the names of the labels that it finds in each sequence.

        Args:
            data: A corpus, or arrays (time, width).

        Returns:
            For each sequence a list: of a name for each frame, of the transcript's names, or for each frame of a list
            of the names that are on.
        """
        if not isinstance(data, FrameCorpus):
            data = self._bare(data)
        answers = [labels for _, labels in self._scorer.answers(self._checked(data, labels=False), decoded=True)]
        if self.target == "next":
            return [[[self.names[k] for k in np.flatnonzero(row == 1)] for row in labels] for labels in answers]
        return [[self.names[label] for label in labels] for labels in answers]

    def score(self, corpus: FrameCorpus) -> float:
        """Returns what is reported of a corpus, see `MEASURES`."""
        gold = [sequence.labels for sequence in self._checked(corpus)]
        if self.target == "next":
            return next_step_nll(gold, self.scores(corpus))
        found = [labels for _, labels in self._scorer.answers(corpus, decoded=True)]
        return (frame_error if self.target == "frames" else label_error_rate)(gold, found)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            "name": self.name,
            "width": self.width,
            "labels": list(self.names),
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "head": keras.saving.serialize_keras_object(self.head),
            "standardize": self.standardizer is not None,
            "noise": self.noise,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> FrameModel:
        """Rebuilds a model from `get_config()`."""
        parts = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects) for name in ("encoder", "head")
        }
        return cls(**{**config, **parts})

    def _bare(self, arrays: Sequence[np.ndarray]) -> FrameCorpus:
        """Arrays as a corpus without anything known of its labels."""
        shapes = {"transcript": lambda time: (1,), "next": lambda time: (time, len(self.names))}
        shape = shapes.get(self.target, lambda time: (time,))
        rows = [FrameSequence(np.asarray(one, np.float32), np.zeros(shape(len(one)), np.int32)) for one in arrays]
        return FrameCorpus(rows, self.names, self.target)  # type: ignore[arg-type]

    def _checked(self, corpus: FrameCorpus, labels: bool = True) -> FrameCorpus:
        if corpus.width != self.width:
            raise DataError(f"Received frames of {corpus.width} channels; the model reads {self.width}.")
        if labels and (corpus.labels, corpus.target) != (self.names, self.target):
            raise DataError(
                f"Received a corpus of {len(corpus.labels)} labels of the kind {corpus.target!r}; the model learns "
                f"{len(self.names)} of the kind {self.target!r}. Read it as the training data was read."
            )
        return corpus


class _Scorer:
    """Runs the graph over a corpus. It is no Keras object: what it holds is no further part of the model."""

    def __init__(self, model: FrameModel) -> None:
        self._graph = SparingModel(model.input, model.output)  # shares the weights, and no state of a running `fit`
        self._head = model.head

    def answers(self, corpus: FrameCorpus, decoded: bool = False) -> list[tuple[np.ndarray, np.ndarray]]:
        """The scores of each sequence in the corpus' order, and its labels where they are asked for."""
        batches = FrameBatches(corpus, ROWS)
        results: list[Any] = [None] * len(corpus)
        for index, batch in enumerate(batches.plan):
            inputs, _ = batches[index]
            scores = self._graph.predict_on_batch(inputs)  # (batch, time, scores)
            labels = keras.ops.convert_to_numpy(self._head.decode(scores, inputs["mask"])) if decoded else None
            for row, number in enumerate(batch.sentences):
                count = len(corpus[number])
                found = np.zeros(0, np.int32) if labels is None else labels[row, :count]
                found = found[found != IGNORE] if isinstance(self._head, CTCHead) else found
                results[number] = (scores[row, :count], found)
        return results


class _Measured(keras.callbacks.Callback):
    """Scores a corpus after each epoch and tells it in the logs."""

    def __init__(self, corpus: FrameCorpus) -> None:
        super().__init__()
        self.corpus = corpus

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if logs is not None:
            logs[f"val_{self.model.measure}"] = self.model.score(self.corpus)
