"""Frames as inputs: each channel brought to mean 0 and variance 1, as on the training data."""

from __future__ import annotations

import logging
from typing import Any

import keras
import numpy as np
from keras import ops

from seqlab.corpora.sequences import FrameCorpus
from seqlab.errors import DataError

Tensor = Any
log = logging.getLogger(__name__)
CONSTANT = 1e-7
"""Standard deviation, relative to the mean, up to which a channel counts as constant: float32 tells no more apart."""


@keras.saving.register_keras_serializable(package="seqlab")
class Standardize(keras.layers.Layer):
    """Brings each channel to mean 0 and variance 1, by what `adapt` learnt of the training data.

        x'(t) = (x(t) - mean) * scale,    scale = 1 / standard deviation, 0 for a constant channel

    Mean and scale are weights that no gradient changes: they are saved with the model. Before `adapt` they are 0 and 1.

    Args:
        **kwargs: Of `keras.layers.Layer`.

    Call arguments:
        inputs: (batch, time, channels) floats.
        mask: (batch, time) booleans; all true where absent.

    Returns:
        The same shape, 0 at masked steps.

    >>> layer = Standardize()
    >>> layer.adapt(np.array([[[1.0, 5.0], [3.0, 5.0], [9.0, 9.0]]]), mask=np.array([[True, True, False]]))
    [1]
    >>> ops.convert_to_numpy(layer(np.array([[[5.0, 7.0]]], "float32"))).tolist()
    [[[3.0, 0.0]]]
    """

    def __init__(self, **kwargs: Any) -> None:
        # Inputs may be large and of great offset: they are cast to the compute type when they no longer are.
        super().__init__(**{**kwargs, "autocast": False})
        self.supports_masking = True

    def build(self, inputs_shape: Any) -> None:
        """Creates mean and scale."""
        kept: dict[str, Any] = {"dtype": "float32", "trainable": False, "autocast": False}
        self.mean = self.add_weight((inputs_shape[-1],), "zeros", name="mean", **kept)
        self.scale = self.add_weight((inputs_shape[-1],), "ones", name="scale", **kept)

    def adapt(self, frames: FrameCorpus | np.ndarray, mask: np.ndarray | None = None) -> list[int]:
        """Learns mean and scale, in float64, of real frames alone.

        Args:
            frames: A corpus, or an array (batch, time, channels).
            mask: For an array, which steps are real, (batch, time); all where absent.

        Returns:
            The channels that are constant: they become 0, and a warning names them.

        Raises:
            DataError: No frame is real, a number is not finite, or the layer reads another number of channels.
        """
        mean, variance = frames.moments() if isinstance(frames, FrameCorpus) else _moments(frames, mask)
        if not getattr(self, "built", False):
            self.build((None, None, len(mean)))
        if len(mean) != self.mean.shape[0]:
            raise DataError(f"Received frames of {len(mean)} channels; the layer reads {self.mean.shape[0]}.")
        if not np.isfinite(mean + variance).all():
            raise DataError("Frames hold numbers that are not finite; remove or mask them.")
        deviation = np.sqrt(variance)
        constant = deviation <= CONSTANT * np.abs(mean)
        self.mean.assign(mean)
        self.scale.assign(np.where(constant, 0, 1 / np.where(constant, 1, deviation)))
        found = np.flatnonzero(constant).tolist()
        if found:
            log.warning("%d of %d channels are constant and become 0: %s.", len(found), len(mean), found)
        return found

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Standardises the frames."""
        inputs = ops.cast(inputs, "float32")
        found = ops.cast((inputs - self.mean) * self.scale, self.compute_dtype)
        return found if mask is None else ops.where(ops.cast(mask, "bool")[..., None], found, 0)

    def compute_output_spec(self, inputs: Any, mask: Any = None) -> Any:
        """As the inputs, in the compute type."""
        return keras.KerasTensor(inputs.shape, self.compute_dtype)


def _moments(frames: np.ndarray, mask: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    real = frames.reshape(-1, frames.shape[-1]) if mask is None else frames[np.asarray(mask, bool)]
    if not len(real):
        raise DataError("Received no real frame; expected at least one.")
    return real.mean(axis=0, dtype=np.float64), real.var(axis=0, dtype=np.float64)
