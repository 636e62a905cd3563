"""Settings of a training run on sequences of vectors, after Greff et al. (2017), "LSTM: A Search Space Odyssey"."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from seqlab.errors import SettingsError
from seqlab.settings_part import Part

Variant = Literal["V", "NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "NP", "FGR"]
Format = Literal["timit", "iam_ondb", "piano_roll"]

MEASURES: dict[Format, str] = {"timit": "error", "iam_ondb": "cer", "piano_roll": "nll"}
"""What is reported of each: the share of wrong frames, the character error rate, the negative log-likelihood a step."""


class FrameDataSettings(Part):
    """Where the data stands and what it is."""

    path: str = Field(description="folder of the corpus; of piano rolls, the file")
    format: Format = Field(description="what it is: TIMIT, IAM-OnDB, or piano rolls in JSON")
    lenient: bool = Field(False, description="cut phones off where the audio ends, instead of refusing them (timit)")

    def model_post_init(self, context: Any) -> None:
        """Checks what concerns several of them."""
        if self.lenient and self.format != "timit":
            raise SettingsError(f"lenient concerns the format timit, received {self.format!r}: leave it out.")


class NetworkSettings(Part):
    """The network: one recurrent layer and the output layer that the data asks for."""

    variant: Variant = Field("V", description="the LSTM, or one of its eight variants")
    units: int = Field(100, gt=0, description="blocks of the layer, in each direction")
    bidirectional: bool = Field(True, description="read the sequence in both directions")
    standardize: bool = Field(True, description="bring each channel to mean 0 and variance 1, as on the training data")
    noise: float = Field(0.0, ge=0, le=1, description="standard deviation of Gaussian noise on the inputs, in training")
    initial_std: float = Field(0.1, gt=0, description="standard deviation of initial weights, drawn from a normal")


class FrameTrainingSettings(Part):
    """How the weights are found: stochastic gradient descent, the loss summed over the steps of a sequence."""

    epochs: int = Field(150, gt=0, description="most epochs")
    patience: int = Field(15, gt=0, description="epochs without a better validation figure after which training stops")
    learning_rate: float = Field(1e-3, gt=0, description="learning rate; the step is this times 1 - momentum")
    momentum: float = Field(0.9, ge=0, lt=1, description="momentum")
    nesterov: bool = Field(True, description="Nesterov's momentum, or the plain one")
    clip: float | None = Field(None, gt=0, description="limit of each gradient's size, 1 for [-1, 1]; none without")
    batch_size: int = Field(1, gt=0, description="sequences in an update")


class FrameSettings(Part):
    """A whole run."""

    data: FrameDataSettings
    network: NetworkSettings = NetworkSettings()
    training: FrameTrainingSettings = FrameTrainingSettings()
    seed: int = Field(1, ge=0, description="seed of weights, noise and order")
