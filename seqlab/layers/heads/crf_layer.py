"""A CRF over scores that exist already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from seqlab.errors import SettingsError
from seqlab.layers.heads.crf import CRFHead
from seqlab.layers.heads.rules import Rulebook


@keras.saving.register_keras_serializable(package="seqlab")
class CRF(CRFHead):
    """A linear-chain CRF over scores that your own layers make: `CRFHead` without its projection.

    It returns the scores as they came, float32 or wider and 0 where masked; loss, decoding, probabilities and weights
    are those of `CRFHead`. Scores are not rounded under a mixed dtype policy; the layer before should not round them
    either (`keras.layers.Dense(tags, dtype="float32")`).

    Args:
        tags: Number of tags, and of scores for each token.
        reduction: As `CRFHead`, like all that follow.
        transition_regularizer: Regulariser of the transitions.
        constraints: What may follow what.
        constrained_loss: Whether the loss too is over the allowed paths alone.
        temperature: What scores are divided by before they become probabilities.
        **kwargs: Of `keras.layers.Layer`.

    Call arguments:
        features: The scores, a float tensor (batch, time, tags).
        mask: As `Head`.

    Raises:
        SettingsError: For scores of another shape, or an option of the projection that it does not have.

    >>> from keras import ops
    >>> crf = CRF(tags=3)
    >>> scores = crf(ops.array([[[0.0, 5.0, 1.0], [4.0, 0.0, 3.0]]]))
    >>> ops.convert_to_numpy(crf.decode(scores)).tolist()
    [[1, 0]]
    """

    def __init__(
        self,
        tags: int,
        reduction: str = "tokens",
        transition_regularizer: Any = None,
        constraints: Rulebook | Mapping[str, Any] | None = None,
        constrained_loss: bool = False,
        temperature: float = 1.0,
        **kwargs: Any,
    ) -> None:
        for name in kwargs.keys() & {"kernel_initializer", "kernel_regularizer"}:
            raise SettingsError(f"CRF has no projection, received {name}: use CRFHead, or give it to your own layer.")
        super().__init__(
            tags,
            reduction,
            transition_regularizer=transition_regularizer,
            constraints=constraints,
            constrained_loss=constrained_loss,
            temperature=temperature,
            autocast=False,
            **kwargs,
        )

    def make_projection(self) -> keras.layers.Layer:
        """Makes a layer that leaves the scores as they are."""
        return keras.layers.Identity(autocast=False, name="projection")

    def build(self, features_shape: tuple[int | None, ...]) -> None:
        """Creates the weights."""
        if len(features_shape) != 3 or features_shape[-1] != self.tags:
            raise SettingsError(
                f"CRF takes scores of shape (batch, time, {self.tags}), one for each tag. Received: "
                f"{tuple(features_shape)}. Put keras.layers.Dense({self.tags}) before it, or use CRFHead instead."
            )
        super().build(features_shape)
        self.input_spec = keras.layers.InputSpec(ndim=3, axes={-1: self.tags})  # for calls after the first

    def get_config(self) -> dict[str, Any]:
        """Returns every constructor argument."""
        config = super().get_config()
        return {name: value for name, value in config.items() if not name.startswith("kernel_")}
