"""How well a language model predicts a text: perplexity, and what counting words alone would reach."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from seqlab.errors import DataError


@dataclass(frozen=True)
class Perplexity:
    """What a model in both directions says of a text, by the full softmax.

        perplexity = exp(-1 / (2 n) sum over the n predictions of each direction of log p)

    Each sentence adds a prediction to each direction, that of its edge. Figures of models with different vocabularies
    cannot be compared: the fewer words are known, the easier is the text.

    Attributes:
        forward: Sum of -log p of the next words.
        backward: Sum of -log p of the words before.
        predictions: Predictions of each direction, n.
        unknown: How many of the words are unknown to the model.
    """

    forward: float
    backward: float
    predictions: int
    unknown: int

    @property
    def loss(self) -> float:
        """Mean of -log p."""
        if not self.predictions:
            raise DataError("There is nothing to predict: expected sentences, received none.")
        return (self.forward + self.backward) / (2 * self.predictions)

    @property
    def perplexity(self) -> float:
        """See the class."""
        return math.exp(self.loss)

    def to_dict(self) -> dict[str, Any]:
        """All figures, those of each direction among them.

        >>> round(Perplexity(math.log(4), math.log(16), 1, 0).to_dict()["perplexity"], 4)
        8.0
        """
        return {
            "perplexity": self.perplexity,
            "forward_perplexity": math.exp(self.forward / self.predictions),
            "backward_perplexity": math.exp(self.backward / self.predictions),
            "loss": self.loss,
            **{name: value for name, value in asdict(self).items() if name in ("predictions", "unknown")},
        }


def unigram_perplexity(trained: np.ndarray, counts: np.ndarray) -> float:
    """The perplexity of a model that knows how often each class occurs and nothing else, with one added to each count.

        p(k) = (trained(k) + 1) / sum over the classes j of (trained(j) + 1)

    Args:
        trained: (classes,) how often each class is to be predicted in the training text.
        counts: (classes,) how often in the text that is measured.

    Raises:
        DataError: Without anything to predict.

    >>> round(unigram_perplexity(np.array([2, 0]), np.array([1, 1])), 4)  # 1 / sqrt(3/4 1/4)
    2.3094
    """
    if not counts.sum():
        raise DataError("There is nothing to predict: expected sentences, received none.")
    shares = np.log(trained + 1.0) - math.log(float(np.sum(trained + 1.0)))
    return math.exp(-float(counts @ shares) / float(counts.sum()))
