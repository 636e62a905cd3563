"""A functional Keras model whose heads say what the loss is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from seqlab.files import replaced
from seqlab.layers.heads.base import Head


@keras.saving.register_keras_serializable(package="seqlab")
class SequenceModel(keras.Model):
    """A functional model that trains its heads under plain `compile` / `fit`, with no loss to name.

    `loss = sum_k head_k.loss(labels_k, scores_k)`, plus what `compile(loss=...)` and the layers add.

    ```python
    words = keras.Input((None,), dtype="int32")
    features = keras.layers.Embedding(1000, 50)(words)
    model = seqlab.models.SequenceModel(words, seqlab.layers.CRFHead(9)(features))
    model.compile("adam")
    model.fit(x, labels)    # labels: (batch, time), -1 at padding
    ```

    Args:
        inputs: As `keras.Model`.
        outputs: As `keras.Model`; every output that is a head's scores joins the loss.
    """

    def heads(self) -> dict[int, Head]:
        """Returns the heads by the position of their scores among the outputs."""
        found = [layer for layer in self.layers if isinstance(layer, Head)]
        return {
            position: head
            for position, output in enumerate(self.outputs)
            for head in found
            if any(node_output is output for node_output in _outputs(head))
        }

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Sums the losses of the heads; labels that are `IGNORE` (-1) count nowhere."""
        heads = self.heads()
        names = self.output_names
        total: Any = 0.0
        for position, head in heads.items():
            labels = _entry(y, names[position], position, len(names))
            if labels is not None:
                total = total + head.loss(labels, _entry(y_pred, names[position], position, len(names)))
        if self.loss is not None or not heads:
            return total + super().compute_loss(x, y, y_pred, sample_weight, training)
        for extra in self.losses:
            total = total + keras.ops.sum(extra)
        return total

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True, **kwargs: Any) -> None:
        """Saves to one `.keras` file; an older file of that name survives until the new one is whole.

        Args:
            filepath: Path that ends in `.keras`.
            overwrite: Whether an existing file may be replaced; without it, an existing file is an error.
            **kwargs: As `keras.Model.save`.

        Raises:
            ValueError: For another ending.
            FileExistsError: With `overwrite=False`, when the file exists.
        """
        path = Path(filepath)
        if path.suffix != ".keras":
            raise ValueError(f"A model is saved to a path that ends in .keras, received {str(path)!r}.")
        if path.exists() and not overwrite:
            raise FileExistsError(f"{path} exists; choose another name or save with overwrite=True.")
        with replaced(path) as temporary:
            super().save(temporary, overwrite=True, **kwargs)


def _outputs(head: Head) -> list[Any]:
    output = head.output
    return list(output) if isinstance(output, list | tuple) else [output]


def _entry(structure: Any, name: str, position: int, outputs: int) -> Any:
    if isinstance(structure, Mapping):
        return structure.get(name)
    if isinstance(structure, list | tuple):
        return structure[position]
    return structure if outputs == 1 else None
