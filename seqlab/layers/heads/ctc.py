"""A head that reads labels off a longer sequence whose steps have no labels of their own."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from seqlab.constants import IGNORE
from seqlab.errors import check_count
from seqlab.layers.heads.base import Head, mask_or_all
from seqlab.ops.chain import log_sum_exp
from seqlab.ops.ctc import alignable, beam_search, best_path, log_likelihood

Tensor = Any

NEVER = -1e4
"""Score of every label at a masked step, where the blank has 0: a step of which the loss can tell that it is none."""


@keras.saving.register_keras_serializable(package="seqlab")
class CTCHead(Head):
    """Connectionist temporal classification: phonemes of speech, letters of handwriting.

        p(t) = softmax(scores(t)) over the tags 0 .. tags - 1 and the blank, which is the last, index `tags`
        loss = - log of the sum over all alignments a of the labels of prod_t p(t)[a(t)]

    Labels are (batch, any length), not one for each step: in the loss `IGNORE` (-1) is left out, and "tokens" in
    `reduction` are labels. A row whose labels do not fit into its steps (one for each, one more between two equal ones)
    counts nowhere, as if it had no labels; `seqlab.ops.ctc.alignable` finds such rows in the data. A row without labels
    has none known, and no loss either: it does not teach silence.

    `decode` gives the labels of each row at its beginning, then `IGNORE`; `probabilities` has the blank last.

    Args:
        tags: Number of tags, the blank not counted.
        reduction: "tokens", "sentences" or "sum", see `Head`.
        kernel_initializer: Initialiser of the projection.
        kernel_regularizer: Regulariser of the projection.
        beam: 1 decodes by the best path; more searches for the likeliest labels over all alignments with a beam of
            that width, on TensorFlow not under XLA (`jit_compile=True`).
        **kwargs: Of `keras.layers.Layer`.

    Call arguments: see `Head`. Scores are (batch, time, tags + 1). At a masked step they are not 0 but those of a blank
    that is certain: so the loss, which is given no mask, knows the steps.

    >>> head = CTCHead(tags=3)
    >>> scores = head(ops.ones((2, 6, 5)), mask=[[True] * 6, [True] * 4 + [False] * 2])
    >>> loss = head.loss([[0, 1, 1], [2, -1, -1]], scores)
    >>> scores.shape[-1], head.decode(scores).shape[1]
    (4, 6)

    Reference: Graves et al., Connectionist temporal classification, ICML 2006.
    """

    def __init__(
        self,
        tags: int,
        reduction: str = "tokens",
        kernel_initializer: Any = "glorot_uniform",
        kernel_regularizer: Any = None,
        beam: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(tags, reduction, kernel_initializer, kernel_regularizer, **kwargs)
        check_count("beam", beam)
        self.beam = beam

    @property
    def width(self) -> int:
        """A score for each tag and one for the blank."""
        return self.tags + 1

    def call(self, features: Tensor, mask: Tensor = None) -> Tensor:
        """Computes the scores of all tags and of the blank at each step."""
        scores = super().call(features)  # (batch, time, tags + 1)
        if mask is None:
            return scores
        silent = np.array([NEVER] * self.tags + [0.0])
        return ops.where(ops.cast(mask, "bool")[..., None], scores, ops.cast(silent, scores.dtype))

    def _loss(self, labels: Tensor, scores: Tensor, sample_weight: Tensor) -> Tensor:
        fits = alignable(labels, _steps(scores))
        return super()._loss(ops.where(fits[:, None], labels, IGNORE), scores, sample_weight)

    def sentence_losses(self, labels: Tensor, scores: Tensor, mask: Tensor) -> Tensor:
        """Computes the negative log-likelihood of each sentence's labels."""
        losses = -log_likelihood(scores, ops.where(mask, labels, IGNORE), _steps(scores))
        return ops.where(ops.any(mask, axis=1), losses, 0)

    def decode(self, scores: Tensor, mask: Tensor = None) -> Tensor:
        """Finds the labels of each row, (batch, time), at its beginning, then `IGNORE`."""
        steps = ops.logical_and(mask_or_all(scores, mask), _steps(scores))
        return best_path(scores, steps) if self.beam == 1 else beam_search(scores, steps, self.beam)

    def probabilities(self, scores: Tensor, mask: Tensor = None) -> Tensor:
        """Takes the softmax of each step's scores, (batch, time, tags + 1), 0 at masked steps."""
        steps = ops.logical_and(mask_or_all(scores, mask), _steps(scores))[..., None]
        scores = ops.where(steps, scores, 0)
        return ops.where(steps, ops.exp(scores - log_sum_exp(scores, axis=-1, keepdims=True)), 0)

    def get_config(self) -> dict[str, Any]:
        """Returns every constructor argument."""
        return super().get_config() | {"beam": self.beam}


def _steps(scores: Tensor) -> Tensor:
    """The mask that `call` wrote into the scores; a NaN is no masked step, so that it shows in the loss."""
    never = ops.convert_to_tensor(scores)[..., :-1] <= NEVER / 2
    return ops.logical_not(ops.all(never, axis=-1))
