"""A head that chooses all tags of a sentence together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from seqlab.errors import SettingsError
from seqlab.layers.heads.base import Head, mask_or_all
from seqlab.layers.heads.rules import constraints_of, ruled
from seqlab.ops.crf import log_likelihood, marginals, viterbi
from seqlab.tags.constraints import Constraints

Tensor = Any


@keras.saving.register_keras_serializable(package="seqlab")
class CRFHead(Head):
    """A linear-chain conditional random field over the tags of a sentence.

        score(y) = start[y(1)] + sum scores(t)[y(t)] + sum transitions[y(t-1), y(t)] + end[y(T)]
        loss = log of the sum over all y' of exp score(y') - score(y)

    `decode` gives the best path, `probabilities` the marginals. Weights of its own, float32 under every dtype
    policy and zero at first: `transitions` (tags, tags), from row to column, `start` and `end` (tags,).

    Args:
        tags: Number of tags.
        reduction: "tokens", "sentences" or "sum", see `Head`.
        kernel_initializer: Initialiser of the projection.
        kernel_regularizer: Regulariser of the projection.
        transition_regularizer: Regulariser of the transitions.
        constraints: What may follow what (`seqlab.tags.Constraints`): `decode` and `probabilities` give everything
            else a probability of 0. A sentence that nothing satisfies gets a path that breaks the fewest rules.
        constrained_loss: Whether the loss too is over the allowed paths alone. A path of labels that is not among them
            then costs 1e4 for each rule that it breaks: `seqlab.corpora.breaches` finds such paths beforehand. Tokens
            without a label are left out, so that their neighbours follow each other: label whole sentences.
        **kwargs: Of `keras.layers.Layer`.

    Call arguments, shapes and masking: see `Head`. A hole in the mask joins its neighbours.

    >>> from keras import ops
    >>> head = CRFHead(tags=3)
    >>> scores = head(ops.ones((2, 4, 5)))
    >>> ops.convert_to_numpy(head.decode(scores, mask=[[True, True, True, False]] * 2))[:, 3].tolist()
    [-1, -1]

    Reference: Lample et al., Neural architectures for named entity recognition, NAACL 2016.
    """

    def __init__(
        self,
        tags: int,
        reduction: str = "tokens",
        kernel_initializer: Any = "glorot_uniform",
        kernel_regularizer: Any = None,
        transition_regularizer: Any = None,
        constraints: Constraints | Mapping[str, Any] | None = None,
        constrained_loss: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(tags, reduction, kernel_initializer, kernel_regularizer, **kwargs)
        self.transition_regularizer = keras.regularizers.get(transition_regularizer)
        self.constraints = constraints_of(constraints, tags)
        self.constrained_loss = constrained_loss
        if constrained_loss and self.constraints is None:
            raise SettingsError("constrained_loss needs constraints: give both, or neither.")

    def build(self, features_shape: tuple[int | None, ...]) -> None:
        """Creates the weights."""
        # Neither a float16 policy nor an autocast may round them: they add up over the whole sentence.
        exact = {"dtype": "float64" if self.variable_dtype == "float64" else "float32", "autocast": False}
        self.transitions = self.add_weight(
            name="transitions",
            shape=(self.tags, self.tags),
            initializer="zeros",
            regularizer=self.transition_regularizer,
            **exact,
        )
        self.start = self.add_weight(name="start", shape=(self.tags,), initializer="zeros", **exact)
        self.end = self.add_weight(name="end", shape=(self.tags,), initializer="zeros", **exact)
        super().build(features_shape)

    def sentence_losses(self, labels: Tensor, scores: Tensor, mask: Tensor) -> Tensor:
        """Computes the negative log-likelihood of each sentence's path of labels."""
        return -log_likelihood(scores, labels, mask, *self._chain(self.constrained_loss))

    def decode(self, scores: Tensor, mask: Tensor = None) -> Tensor:
        """Finds the path of the greatest score, among those that the constraints allow."""
        return viterbi(scores, mask_or_all(scores, mask), *self._chain())[0]

    def probabilities(self, scores: Tensor, mask: Tensor = None) -> Tensor:
        """Computes the marginals, over the paths that the constraints allow."""
        return marginals(scores, mask_or_all(scores, mask), *self._chain())

    def get_config(self) -> dict[str, Any]:
        """Returns every constructor argument."""
        regularizer = keras.regularizers.serialize(self.transition_regularizer)
        return super().get_config() | {
            "transition_regularizer": regularizer,
            "constraints": self.constraints and self.constraints.get_config(),
            "constrained_loss": self.constrained_loss,
        }

    def _chain(self, kept: bool = True) -> tuple[Tensor, ...]:
        return ruled(self.constraints if kept else None, self.transitions, self.start, self.end)
