"""A head that chooses all tags of a sentence together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from seqlab.errors import SettingsError
from seqlab.layers.heads.chain import ChainHead
from seqlab.layers.heads.rules import Rulebook
from seqlab.ops.crf import log_likelihood
from seqlab.ops.crf_sets import set_log_probability

Tensor = Any


@keras.saving.register_keras_serializable(package="seqlab")
class CRFHead(ChainHead):
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
        constraints: What may follow what, see `ChainHead`.
        temperature: What all scores, those of transitions too, are divided by before they become probabilities.
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
        constraints: Rulebook | Mapping[str, Any] | None = None,
        constrained_loss: bool = False,
        temperature: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(tags, reduction, kernel_initializer, kernel_regularizer, constraints, temperature, **kwargs)
        self.transition_regularizer = keras.regularizers.get(transition_regularizer)
        self.constrained_loss = constrained_loss
        if constrained_loss and self.constraints is None:
            raise SettingsError("constrained_loss needs constraints: give both, or neither.")
        if constrained_loss and self.constraints is not None and self.constraints.gates:
            raise SettingsError(
                f"constrained_loss does not see the words, which decide on {self.constraints.demand}. Leave it "
                "out: decoding keeps all rules."
            )

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

    def moves(self) -> tuple[Tensor, Tensor, Tensor]:
        """The weights."""
        return self.transitions, self.start, self.end

    def sentence_losses(self, labels: Tensor, scores: Tensor, mask: Tensor) -> Tensor:
        """Computes the negative log-likelihood of each sentence's path of labels."""
        if not self.constrained_loss:
            return -log_likelihood(scores, labels, mask, *self.moves())
        found, mask, *moves = self.lattice(scores, mask, temperature=1.0)
        if self.origins is None:
            return -log_likelihood(found, labels, mask, *moves)
        sets = ops.equal(labels[..., None], ops.cast(self.origins, "int32"))  # (batch, time, states)
        return -set_log_probability(found, sets, mask, *moves)

    def get_config(self) -> dict[str, Any]:
        """Returns every constructor argument."""
        regularizer = keras.regularizers.serialize(self.transition_regularizer)
        return super().get_config() | {
            "transition_regularizer": regularizer,
            "constrained_loss": self.constrained_loss,
        }
