"""A head that chooses all tags of a sentence together."""

from __future__ import annotations

from typing import Any

import keras

from seqlab.layers.heads.base import Head, mask_or_all
from seqlab.ops.crf import log_likelihood, marginals, viterbi

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
        **kwargs: Any,
    ) -> None:
        super().__init__(tags, reduction, kernel_initializer, kernel_regularizer, **kwargs)
        self.transition_regularizer = keras.regularizers.get(transition_regularizer)

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
        return -log_likelihood(scores, labels, mask, self.transitions, self.start, self.end)

    def decode(self, scores: Tensor, mask: Tensor = None) -> Tensor:
        """Finds the path of the greatest score."""
        mask = mask_or_all(scores, mask)
        return viterbi(scores, mask, self.transitions, self.start, self.end)[0]

    def probabilities(self, scores: Tensor, mask: Tensor = None) -> Tensor:
        """Computes the marginals."""
        return marginals(scores, mask_or_all(scores, mask), self.transitions, self.start, self.end)

    def get_config(self) -> dict[str, Any]:
        """Returns every constructor argument."""
        regularizer = keras.regularizers.serialize(self.transition_regularizer)
        return super().get_config() | {"transition_regularizer": regularizer}
