"""What heads share that give each token one tag: a chain of tags, its best paths and its probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from seqlab.constants import FORBIDDEN, IGNORE
from seqlab.errors import SettingsError
from seqlab.layers.heads.base import Head, mask_or_all
from seqlab.layers.heads.rules import Rulebook, constraints_of
from seqlab.ops.crf import log_partition, marginals, viterbi
from seqlab.ops.crf_nbest import NO_PATH, n_best
from seqlab.ops.crf_sets import Rules, constrained
from seqlab.ops.crf_spans import span_log_probability
from seqlab.tags.expansion import Expansion

Tensor = Any


class Lattice(NamedTuple):
    """A chain whose paths are those of a sentence; the first arguments of the operations in `seqlab.ops`."""

    scores: Tensor  # (batch, time, states)
    mask: Tensor  # (batch, time)
    transitions: Tensor  # (states, states)
    start: Tensor  # (states,)
    end: Tensor  # (states,)


class ChainHead(Head):
    """Base of the heads that give each token one tag.

        p(y) = exp(score(y) / temperature) / sum over allowed y' of exp(score(y') / temperature),    for allowed y

    A subclass writes `moves`, the scores of transitions, and `sentence_losses`. What the constraints do not allow has
    a probability of 0, and no decoder gives it. A sentence that nothing satisfies gets paths that break fewest rules.

    Args:
        tags: Number of tags.
        reduction: "tokens", "sentences" or "sum", see `Head`.
        kernel_initializer: Initialiser of the projection.
        kernel_regularizer: Regulariser of the projection.
        constraints: What may follow what: `seqlab.tags.Constraints` or an `Expansion`.
        temperature: What all scores are divided by before they become probabilities. Above 1 lowers confidences;
            the loss knows nothing of it. `seqlab.evaluation.fit_temperature` finds one.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        SettingsError: For constraints over another number of tags, or a temperature not above 0.
    """

    def __init__(
        self,
        tags: int,
        reduction: str = "tokens",
        kernel_initializer: Any = "glorot_uniform",
        kernel_regularizer: Any = None,
        constraints: Rulebook | Mapping[str, Any] | None = None,
        temperature: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(tags, reduction, kernel_initializer, kernel_regularizer, **kwargs)
        self.constraints = constraints_of(constraints, tags)
        self.temperature = temperature

    @property
    def temperature(self) -> float:
        """What all scores are divided by before they become probabilities; `Tagger.calibrate` sets it."""
        return self._temperature

    @temperature.setter
    def temperature(self, value: float) -> None:
        self._temperature = _checked(value)

    def moves(self) -> tuple[Tensor, Tensor, Tensor]:
        """The scores of transitions (tags, tags), start (tags,) and end (tags,)."""
        raise NotImplementedError(f"{type(self).__name__} must write `moves`.")

    def lattice(
        self, scores: Tensor, mask: Tensor = None, allowed: Tensor = None, temperature: Tensor = None
    ) -> Lattice:
        """Builds the chain of the allowed paths; its arrays are the first arguments of the operations in `seqlab.ops`.

        Args:
            scores: Float tensor (batch, time, tags).
            mask: Boolean tensor (batch, time); all true where absent.
            allowed: Boolean tensor (batch, time, states): what may stand at each token, as `constraints.allowed`
                tells for a sentence; everything where absent. States are tags, but for an `Expansion`.
            temperature: What scores are divided by; the head's own where absent.

        Raises:
            SettingsError: If the constraints depend on the words, and `allowed` is absent.
        """
        rules, moves = self.constraints, self.moves()
        scores = self.tempered(scores, temperature)
        moves = tuple(self.tempered(part, temperature) for part in moves)
        if rules is not None:
            if rules.gates and allowed is None:
                raise SettingsError(f"The words decide on {rules.demand}. Pass allowed=constraints.allowed(words).")
            scores, moves = _expanded(rules, scores, moves)
            moves = constrained(*moves, Rules(rules.transitions, rules.start, rules.end))
        if allowed is not None:
            scores = ops.convert_to_tensor(scores) + ops.where(ops.cast(allowed, "bool"), 0.0, FORBIDDEN)
        return Lattice(scores, mask_or_all(scores, mask), *moves)

    def tempered(self, scores: Tensor, temperature: Tensor = None) -> Tensor:
        """Divides scores by a temperature; by the head's own where absent."""
        return ops.divide(scores, self.temperature if temperature is None else temperature)

    def decode(self, scores: Tensor, mask: Tensor = None, allowed: Tensor = None) -> Tensor:
        """Finds the path of the greatest score, among those that are allowed: (batch, time), int32.

        No temperature changes it.

        Args:
            scores: Float tensor (batch, time, tags).
            mask: Boolean tensor (batch, time); all true where absent.
            allowed: Boolean tensor (batch, time, states), see `lattice`.
        """
        return self._tags(viterbi(*self.lattice(scores, mask, allowed, temperature=1.0))[0])

    def probabilities(
        self, scores: Tensor, mask: Tensor = None, allowed: Tensor = None, temperature: Tensor = None
    ) -> Tensor:
        """Computes the marginals of tags over the allowed paths: (batch, time, tags); arguments as in `lattice`."""
        found = marginals(*self.lattice(scores, mask, allowed, temperature))  # (batch, time, states)
        if self.origins is None:
            return found
        return found @ ops.cast(np.eye(self.tags)[self.origins], found.dtype)  # sums the copies of each tag

    def n_best(
        self, scores: Tensor, mask: Tensor, n: int, allowed: Tensor = None, temperature: Tensor = None
    ) -> tuple[Tensor, Tensor]:
        """Finds the n best paths and their probabilities.

        Args:
            scores: Float tensor (batch, time, tags).
            mask: Boolean tensor (batch, time), or `None`.
            n: How many.
            allowed: Boolean tensor (batch, time, states), see `lattice`.
            temperature: See `lattice`.

        Returns:
            Labels (batch, n, time), int32, best first, and the probabilities of the paths (batch, n). Where there are
            fewer paths, the rest are all `IGNORE` with a probability of 0.
        """
        lattice = self.lattice(scores, mask, allowed, temperature)
        paths, best = n_best(*lattice, n=n)
        there = best > 0.5 * NO_PATH
        if allowed is not None:
            states = ops.transpose(ops.maximum(paths, 0), (0, 2, 1))  # (batch, time, n)
            kept = ops.take_along_axis(ops.cast(allowed, "int32"), states, axis=2) > 0
            kept = ops.all(ops.logical_or(kept, ops.logical_not(lattice.mask)[..., None]), axis=1)  # (batch, n)
            there = ops.logical_and(there, ops.logical_or(kept, ops.arange(n) == 0))
        logs = best - log_partition(*lattice)[:, None]
        paths = ops.where(there[..., None], self._tags(paths), IGNORE)
        return paths, ops.where(there, ops.exp(ops.minimum(logs, 0)), 0)

    def span_probabilities(
        self,
        scores: Tensor,
        mask: Tensor,
        spans: Tensor,
        kinds: Tensor,
        joints: Tensor,
        width: int,
        allowed: Tensor = None,
        temperature: Tensor = None,
    ) -> Tensor:
        """Computes the posterior of spans, boundaries included: `seqlab.ops.span_log_probability` tells how.

        Args:
            scores: Float tensor (batch, time, tags).
            mask: Boolean tensor (batch, time), or `None`.
            spans: Integer tensor (spans, 3): sentence, position of the first token, number of tokens.
            kinds: Boolean array (spans, tags): which tags are of the span's type.
            joints: Boolean array (tags, tags): whether the second tag goes on with the span of the first.
            width: The greatest number of tokens of a span.
            allowed: Boolean tensor (batch, time, states), see `lattice`.
            temperature: See `lattice`.

        Returns:
            Float tensor (spans,).
        """
        origins = self.origins
        if origins is not None:
            kinds = ops.take(ops.cast(kinds, "bool"), origins, axis=-1)
            joints = ops.take(ops.take(ops.cast(joints, "bool"), origins, axis=0), origins, axis=1)
        lattice = self.lattice(scores, mask, allowed, temperature)
        return ops.exp(span_log_probability(*lattice, spans, kinds, joints, width=width))

    @property
    def origins(self) -> np.ndarray | None:
        """Of which tag each state is a copy, (states,); `None` where states are tags."""
        return self.constraints.origins if isinstance(self.constraints, Expansion) else None

    def _tags(self, states: Tensor) -> Tensor:
        """Reads tags from states; `IGNORE` stays what it is."""
        if self.origins is None:
            return states
        tags = ops.take(ops.cast(self.origins, "int32"), ops.maximum(states, 0))
        return ops.where(states == IGNORE, IGNORE, tags)

    def get_config(self) -> dict[str, Any]:
        """Returns every constructor argument."""
        rules = self.constraints and self.constraints.get_config()
        return super().get_config() | {"constraints": rules, "temperature": self.temperature}


def _expanded(rules: Rulebook, scores: Tensor, moves: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Gives every state what its tag has."""
    if not isinstance(rules, Expansion):
        return scores, moves
    transitions, start, end = map(ops.convert_to_tensor, moves)
    pairs = ops.take(ops.take(transitions, rules.origins, axis=0), rules.origins, axis=1)
    edges = (ops.take(edge, rules.origins) for edge in (start, end))
    return ops.take(scores, rules.origins, axis=-1), (pairs, *edges)


def _checked(temperature: float) -> float:
    if isinstance(temperature, bool) or not isinstance(temperature, Real) or not 0 < temperature < float("inf"):
        raise SettingsError(f"`temperature` must be a number above 0. Received: temperature={temperature!r}.")
    return float(temperature)
