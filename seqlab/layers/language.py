"""The language-model objective of a tagger: each direction of its encoder learns to name the neighbouring word."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import keras
import numpy as np
from keras import ops

from seqlab.constants import IGNORE
from seqlab.errors import SettingsError, check_count
from seqlab.ops.sampled_softmax import full_softmax_loss

Tensor = Any
OTHER, EDGE = 0, 1
"""The classes of a word that is none of the frequent ones, and of the end, or start, of a sentence."""
RESERVED = 2
DIRECTIONS = ("forward", "backward")


@keras.saving.register_keras_serializable(package="seqlab")
class LanguageObjective(keras.layers.Layer):
    """Losses of naming the next word from the forward state and the previous one from the backward state (Rei 2017).

        m_f(t) = tanh(f(t) W_f + a_f)          m_b(t) = tanh(b(t) W_b + a_b)
        P_f(t) = softmax(m_f(t) Q_f + c_f)     P_b(t) = softmax(m_b(t) Q_b + c_b)
        losses(t) = [-log P_f(t)[k(t + 1)], -log P_b(t)[k(t - 1)]]

    k(t) is the class of word t: one of the frequent words, or "other" (0) for all the rest. After the last word comes
    the sentence's edge (1), as before the first, so that sentences of one word teach something too. Without the bias c
    and the edges this is the paper's sum over `t < T` and `t > 1`. Tied (Inan et al. 2017; Press and Wolf 2017),
    `Q_f = V_f E'` and `Q_b = V_b E'`: E holds the input vectors of the frequent words, below two rows of its own for
    the reserved classes, and the V bring m to their width.

    The softmax takes all classes, by one matrix product for each direction: with 7,500 words and 50 units 0.4 million
    multiplications and 30 kB of scores for each token and direction, and in training about thrice that.

    Args:
        rows: The frequent words by their indices in the vocabulary, 2 or more and all different.
        units: Width of m.
        tied: Whether E are input vectors, which are then given at each call.
        weight: Share of the objective in a model's loss, the paper's gamma; `call` leaves it out.

    Call arguments:
        states: (batch, time, 2 * width), the outputs of both directions side by side. What makes this an honest
            objective is theirs: the forward half knows nothing of words to come, the backward half of words before.
        words: (batch, time) integers, indices in the vocabulary.
        mask: (batch, time) booleans, true at real tokens; what stands beyond a masked token counts as an edge.
        table: (rows, dim) the input vectors of the rows, if tied.

    Returns:
        (batch, time, 2) float32: the losses of both directions, 0 at masked positions.

    Raises:
        SettingsError: For no rows or rows that are reserved or there twice, `units` below 1, or a `weight` that is
            not above 0.
        ValueError: For states of an odd width, or a table where it is not tied, or none where it is.

    >>> objective = LanguageObjective(rows=[2, 3], units=4)
    >>> tuple(objective(ops.ones((1, 3, 6)), ops.convert_to_tensor([[2, 3, 9]])).shape)
    (1, 3, 2)

    Reference: Rei, Semi-supervised multitask learning for sequence labeling, ACL 2017, section 3.
    """

    def __init__(
        self, rows: Sequence[int], units: int = 50, tied: bool = False, weight: float = 0.1, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        found = [int(row) for row in rows]
        if not found or min(found) < RESERVED or len(set(found)) < len(found):
            raise SettingsError(
                f"rows are different indices of words, {RESERVED} or more, at least one; received {found[:10]}."
            )
        check_count("units", units)
        if not _above_zero(weight):
            raise SettingsError(
                f"The weight of a language-model objective is a number above 0, received {weight!r}: leave the "
                "objective out where it is to do nothing."
            )
        self.rows = found
        self.units = units
        self.tied = tied
        self.weight = float(weight)
        self.supports_masking = True
        self._classes = np.full(max(found) + 2, OTHER, "int32")  # the last one: of all words after
        self._classes[found] = np.arange(len(found)) + RESERVED

    def build(
        self, states_shape: Any, words_shape: Any = None, mask_shape: Any = None, table_shape: Any = None
    ) -> None:
        """Creates the weights of both directions, and what they share."""
        width = states_shape[-1]
        if width % 2:
            raise ValueError(f"states hold both directions, of one width: expected an even width, received {width}.")
        if (table_shape is None) == self.tied:
            raise ValueError(f"A table of {len(self.rows)} vectors is given where tied is true, and there alone.")
        inner = table_shape[-1] if self.tied else self.units
        classes = len(self.rows) + RESERVED
        self.own = self.add_weight((RESERVED, inner), _normal(inner), name="own") if self.tied else None
        self.parts = []
        for name in DIRECTIONS:
            part = {
                "kernel": self.add_weight((width // 2, self.units), "glorot_uniform", name=f"{name}_kernel"),
                "offset": self.add_weight((self.units,), "zeros", name=f"{name}_offset"),
                "output": self.add_weight(
                    (self.units, inner) if self.tied else (classes, self.units),
                    "glorot_uniform" if self.tied else _normal(self.units),
                    name=f"{name}_output",
                ),
                "bias": self.add_weight((classes,), "zeros", name=f"{name}_bias"),
            }
            self.parts.append(part)

    def call(self, states: Tensor, words: Tensor, mask: Tensor | None = None, table: Tensor | None = None) -> Tensor:
        """See the class."""
        if (table is None) == self.tied:
            raise ValueError(f"A table of {len(self.rows)} vectors is given where tied is true, and there alone.")
        labels = self.classes(words, mask)  # (batch, time, 2)
        if table is not None:
            table = ops.concatenate([ops.cast(self.own, table.dtype), table], axis=0)  # (classes, dim)
        losses = []
        for k, (part, state) in enumerate(zip(self.parts, ops.split(states, 2, axis=-1), strict=True)):
            hidden = ops.tanh(ops.matmul(state, part["kernel"]) + part["offset"])  # (batch, time, units)
            if self.tied:
                hidden = ops.matmul(hidden, part["output"])  # (batch, time, dim)
            flat = ops.reshape(hidden, (-1, hidden.shape[-1]))
            outputs = table if self.tied else part["output"]
            found = full_softmax_loss(flat, outputs, part["bias"], ops.reshape(labels[..., k], (-1,)))
            losses.append(ops.reshape(found, ops.shape(words)))
        return ops.stack(losses, axis=-1)

    def classes(self, words: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns the classes that each token is to name, of the next word and of the previous one.

        Args:
            words: As in `call`.
            mask: As in `call`.

        Returns:
            (batch, time, 2) int32, `IGNORE` at masked positions.
        """
        words = ops.cast(words, "int32")
        known = ops.take(ops.convert_to_tensor(self._classes), ops.minimum(words, len(self._classes) - 1))
        if mask is not None:
            mask = ops.cast(mask, "bool")
            known = ops.where(mask, known, EDGE)
        edge = ops.full_like(known[:, :1], EDGE)
        following = ops.concatenate([known[:, 1:], edge], axis=1)
        before = ops.concatenate([edge, known[:, :-1]], axis=1)
        found = ops.stack([following, before], axis=-1)
        return found if mask is None else ops.where(mask[..., None], found, IGNORE)

    def compute_output_spec(self, states: Any, words: Any, mask: Any = None, table: Any = None) -> Any:
        """As the class says."""
        return keras.KerasTensor((*states.shape[:2], 2), "float32")

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("rows", "units", "tied", "weight")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _above_zero(number: Any) -> bool:
    return isinstance(number, Real) and not isinstance(number, bool) and 0 < float(number) < float("inf")


def _normal(width: int) -> keras.initializers.Initializer:
    """Rows of length 1 on average: scores are neither flat nor sharp at first."""
    return keras.initializers.RandomNormal(stddev=width**-0.5)
