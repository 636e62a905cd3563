"""JSB Chorales: the next step of a piano roll, by an LSTM or one of its eight variants (Greff et al. 2017).

    python scripts/prepare_data.py jsb FOLDER
    KERAS_BACKEND=jax seqlab train recipes/jsb.py
    KERAS_BACKEND=jax seqlab tune recipes/jsb.py --tuner bayesian --trials 50 --compiled --study studies/jsb
    KERAS_BACKEND=jax seqlab train recipes/jsb.py --network.variant NIG --network.noise 0.5

88 binary inputs and 88 sigmoids, an update after each piece by the loss summed over steps and keys, Nesterov momentum,
the step the learning rate times (1 - momentum), N(0, 0.1) initial weights, Gaussian noise on the inputs, at most 150
epochs, a stop after 15 without a better validation figure. NLL is in nats a step, summed over keys; the first step of a
piece is given. `seqlab train` runs one such trial with plain Keras `fit`.
Time: 13 seconds an epoch on two cores busy with other work, JAX backend, 5 of them computing; 12 epochs took 156
seconds. Score after these 12 (`--training.epochs 12`, seed 1): dev NLL 9.24, test NLL 9.34, still falling. The settings
are not tuned; of the 540 trials of `recipes/studies/jsb` the best two by validation (CIFG, V) have the test NLL 8.50
and 8.42, the paper's best of 1,800 has 8.38 (NIG). V's settings: `--network.units 126
--training.learning-rate 0.009353 --training.momentum 0.8679 --network.noise 0.1737`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from seqlab.frame_settings import FrameDataSettings, FrameSettings, FrameTrainingSettings, NetworkSettings
from seqlab.tuning.spaces import odyssey_space

DATA = Path(os.environ.get("SEQLAB_DATA", "data"))


def settings() -> FrameSettings:
    return FrameSettings(
        data=FrameDataSettings(path=str(DATA / "jsb" / "jsb-chorales-quarter.json"), format="piano_roll"),
        network=NetworkSettings(variant="V", units=100, bidirectional=False, standardize=False, noise=0.2),
        training=FrameTrainingSettings(learning_rate=1e-3, momentum=0.9),
    )


def search_space(hp: Any) -> dict[str, Any]:
    return odyssey_space(hp)
