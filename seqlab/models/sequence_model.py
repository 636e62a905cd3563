"""A functional Keras model whose heads say what the loss is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any

import keras

from seqlab.errors import DataError, SettingsError, suggest
from seqlab.files import replaced
from seqlab.layers.heads.base import Head
from seqlab.models import exporting
from seqlab.models.sparing import SparingModel


@keras.saving.register_keras_serializable(package="seqlab")
class SequenceModel(SparingModel):
    """A functional model that trains its heads under plain `compile` / `fit`, with no loss to name.

    `loss = sum_k w_k head_k.loss(labels_k, scores_k)`, plus what `compile(loss=...)` and the layers add. The weights
    w_k are `compile(loss_weights=...)`, by the outputs' names or in their order; 1 without.

    >>> import numpy as np
    >>> from seqlab.layers.heads.crf import CRFHead
    >>> words = keras.Input((None,), dtype="int32")
    >>> features = keras.layers.Embedding(1000, 8)(words)
    >>> model = SequenceModel(words, CRFHead(9)(features))
    >>> model.compile("adam")
    >>> x = np.arange(12).reshape(2, 6)
    >>> labels = np.where(x < 9, x, -1)  # (batch, time), -1 at padding
    >>> history = model.fit(x, labels, epochs=2, verbose=0).history["loss"]
    >>> history[1] < history[0]
    True

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
        """Sums the losses of the heads; labels that are `IGNORE` (-1) count nowhere. For weights see `Head.loss`."""
        heads = self.heads()
        if heads:
            self._check_labels(heads, y)
        total: Any = 0.0
        for position, head in heads.items():
            labels = self._entry(y, position)
            if labels is not None:
                loss = head.loss(labels, self._entry(y_pred, position), self._weights(sample_weight, position))
                total = total + self._head_weight(position) * loss
        if self.loss is not None or not heads:
            return total + super().compute_loss(x, y, y_pred, sample_weight, training)
        for extra in self.losses:
            total = total + keras.ops.sum(extra)
        return total

    def _weights(self, sample_weight: Any, position: int) -> Any:
        """The sample weights of one head: its own, or the one array for all heads."""
        return (
            self._entry(sample_weight, position) if isinstance(sample_weight, Mapping | list | tuple) else sample_weight
        )

    def compile(self, *args: Any, loss_weights: Any = None, **kwargs: Any) -> None:
        """Compiles as `keras.Model.compile` does.

        Args:
            *args: As `keras.Model.compile`.
            loss_weights: A number for each head, in a dict by output name (those that are left out weigh 1) or a list.
            **kwargs: As `keras.Model.compile`.

        Raises:
            SettingsError: For a name that no output has, or a list of another length.
        """
        if isinstance(loss_weights, Mapping):
            self._check_names("loss_weights", loss_weights)
        numbers = list(loss_weights.values()) if isinstance(loss_weights, Mapping) else loss_weights
        if numbers is not None and not _weigh(numbers):
            raise SettingsError(
                f"loss_weights holds a number of at least 0 for each output, by name or in a list; "
                f"received {loss_weights!r}."
            )
        if isinstance(loss_weights, list | tuple) and len(loss_weights) != len(self.entry_names):
            raise SettingsError(
                f"loss_weights holds {len(loss_weights)} numbers for {len(self.entry_names)} outputs: give one each."
            )
        self._head_weights = loss_weights
        super().compile(*args, loss_weights=loss_weights, **kwargs)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as a saved model was: Keras does it by itself only where `compile` is its own."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self._build_optimizer()

    def _build_optimizer(self) -> None:
        if getattr(self, "optimizer", None) is not None and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)

    def _check_names(self, what: str, entries: Mapping[str, Any]) -> None:
        known = [*self.entry_names, *(name for name in self.output_names if name not in self.entry_names)]
        for name in entries:
            if name not in known:
                raise SettingsError(
                    f"{what} names {name!r}; expected some of {', '.join(known)}.{suggest(str(name), known)}"
                )

    def _check_labels(self, heads: Mapping[int, Head], y: Any) -> None:
        if isinstance(y, Mapping):
            self._check_names("labels", y)
        elif isinstance(y, list | tuple) and len(y) != len(self.entry_names):
            raise DataError(
                f"Received labels for {len(y)} outputs, the model has {len(self.entry_names)}: give one entry each."
            )
        if self.loss is None and not self.losses and all(self._entry(y, position) is None for position in heads):
            names = " or ".join(self.entry_names[position] for position in heads)
            raise DataError(f"Received no labels, expected some for {names}.")

    def _head_weight(self, position: int) -> float:
        weights = getattr(self, "_head_weights", None)
        found = 1.0 if weights is None else self._entry(weights, position)
        return 1.0 if found is None else float(found)

    @property
    def entry_names(self) -> tuple[str, ...]:
        """By which names labels and weights of each output are found in a dict."""
        return tuple(self.output_names)

    def _entry(self, structure: Any, position: int) -> Any:
        """The part of a structure that belongs to one output; an array alone is the first one's."""
        if isinstance(structure, Mapping):
            return structure.get(self.entry_names[position], structure.get(self.output_names[position]))
        if isinstance(structure, list | tuple):
            return structure[position]
        return structure if position == 0 else None

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """Trains as `keras.Model.fit` does.

        Args:
            *args: As `keras.Model.fit`.
            **kwargs: As `keras.Model.fit`. `sample_weight` holds a weight for each sentence, or for each token where
                the head is a softmax, see `Head.loss`; a list or dict of such arrays for several heads.

        Raises:
            SettingsError: For a `class_weight`: Keras would look for one class in the labels of a whole sentence.
        """
        self._refuse_class_weight(kwargs)
        return super().fit(*args, **kwargs)

    def train_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        """Trains on one batch as `keras.Model.train_on_batch` does; for the weights see `fit`."""
        self._refuse_class_weight(kwargs)
        return super().train_on_batch(*args, **kwargs)

    def _refuse_class_weight(self, options: Mapping[str, Any]) -> None:
        if options.get("class_weight") is not None and self.heads():
            raise SettingsError(
                "class_weight is for samples of one class each, and a sentence has a label for each token. Pass "
                "sample_weight: (batch, time) for a softmax head, such as weights[labels], or (batch,) for any."
            )

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
        self._build_optimizer()  # else a file of a model that was compiled and not trained could not be opened
        with replaced(path) as temporary:
            super().save(temporary, overwrite=True, **kwargs)

    def export(
        self,
        filepath: str | os.PathLike[str],
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        overwrite: bool = False,
        **kwargs: Any,
    ) -> None:
        """Exports to a TensorFlow SavedModel that needs no seqlab: its signatures take the inputs by name, any batch.

        `serving_default` gives `labels` (batch, time), int32, -1 at padding; `probabilities` gives `probabilities`
        (batch, time, tags), `scores` gives `scores`. Several outputs keep their own names in each signature, those that
        are no head's scores as they are. `seqlab.json` in the folder names inputs and outputs; a tagger's says besides
        what labels and words its integers stand for, and leaves out auxiliary tasks. On the TensorFlow backend alone.

        Args:
            filepath: The folder to write. Until all of it is written, nothing stands there.
            format: "tf_saved_model". Any other is Keras' own, of the scores, as is a model without heads.
            verbose: Whether to print the signatures; Keras decides for formats of its own where it is not said.
            overwrite: Whether an older export may be replaced; nothing else ever is.
            **kwargs: Of `keras.Model.export`, for Keras' own formats.

        Raises:
            SettingsError: On another backend, for names that a SavedModel cannot have, or an option that is not its.
            FileExistsError: If something stands there that may not be replaced.
        """
        if format != "tf_saved_model" or not self.heads():
            if Path(filepath).exists() and not overwrite:
                raise FileExistsError(f"{filepath} exists; choose another name or export with overwrite=True.")
            return super().export(filepath, format=format, verbose=verbose, **kwargs)
        if kwargs:
            raise SettingsError(f"A SavedModel takes any batch and time; leave out {', '.join(kwargs)}.")
        card = exporting.export(self, filepath, overwrite)
        if verbose:
            print(exporting.summary(filepath, card))


def _weigh(numbers: Any) -> bool:
    real = isinstance(numbers, list | tuple) and all(isinstance(one, Real) for one in numbers)
    return real and all(0 <= one < float("inf") for one in numbers)


def _outputs(head: Head) -> list[Any]:
    output = head.output
    return list(output) if isinstance(output, list | tuple) else [output]
