"""Objectives beside a tagger's own: other columns of the corpus, learnt in training alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from seqlab.errors import SettingsError
from seqlab.layers.heads.base import Head
from seqlab.text.vocabulary import Labels


@dataclass(frozen=True)
class Auxiliary:
    """Another column that a tagger learns besides its own, from one of the encoder's layers.

    A lower layer that must also tell parts of speech serves chunks better (Søgaard and Goldberg, Deep multi-task
    learning with low level tasks supervised at lower layers, ACL 2016). Nothing of it is read when text is tagged.

    Attributes:
        task: The column, one of the vectorizer's.
        head: Layer that scores its labels.
        layer: The encoder's layer whose outputs it reads, 1 for the first.
    """

    task: str
    head: Head
    layer: int = 1

    def scores(self, layers: Sequence[Any], mask: Any) -> Any:
        """Scores of the column's labels, from the outputs of the encoder's layers."""
        if not 1 <= self.layer <= len(layers):
            raise SettingsError(
                f"The auxiliary task {self.task!r} reads layer {self.layer} of an encoder that gives {len(layers)}: "
                "RecurrentStack(..., all_layers=True) gives all of its layers."
            )
        return self.head(layers[self.layer - 1], mask=mask)

    def get_config(self) -> dict[str, Any]:
        """Returns the attributes."""
        return {"task": self.task, "head": keras.saving.serialize_keras_object(self.head), "layer": self.layer}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Auxiliary:
        """Rebuilds it from `get_config()`."""
        return cls(**{**config, "head": keras.saving.deserialize_keras_object(config["head"], custom_objects)})


def check_labels(head: Any, task: str, labels: Labels) -> None:
    """Refuses a head for other labels than the column's, or constraints over them in another order."""
    tags = getattr(head, "tags", None)
    if tags is not None and tags != len(labels):
        raise SettingsError(
            f"The head of {task!r} scores {tags} tags, the column has {len(labels)} labels: give it those."
        )
    constraints = getattr(head, "constraints", None)
    if constraints is not None and tuple(constraints.tags) != tuple(labels.items):
        raise SettingsError(
            f"The constraints on {task!r} are over {', '.join(constraints.tags)}; expected the labels in their order, "
            f"{', '.join(labels.items)}."
        )
