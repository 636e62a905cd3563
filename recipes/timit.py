"""TIMIT: the phone of each frame of speech, by a bidirectional LSTM or one of its eight variants (Greff et al. 2017).

    pip install 'seqlab[speech]'
    python scripts/prepare_data.py timit FOLDER
    KERAS_BACKEND=jax seqlab train recipes/timit.py
    KERAS_BACKEND=jax seqlab tune recipes/timit.py --trials 200 --jobs 2 --study studies/timit
    KERAS_BACKEND=jax seqlab train recipes/timit.py --network.variant CIFG --training.clip 1

    python scripts/make_synthetic_timit.py synthetic     # without a licence for TIMIT
    seqlab train recipes/timit.py --data.path synthetic --training.epochs 5
        --training.learning-rate 0.01 --network.units 20

39 features of 25 ms every 10 ms, standardised; 61 phones; 3,696, 400 and 192 sentences; an update after each sentence,
as in recipes/jsb.py. Learning rate, size and noise are not tuned.
Score: the paper's best of 200 trials has a test error rate of 29.6 % (CIFG); this recipe has not been run on TIMIT, for
which we have no licence. On the made-up corpus above: test error rate 1.1 %, 40 seconds on two busy cores.
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
        data=FrameDataSettings(path=str(DATA / "timit"), format="timit"),
        network=NetworkSettings(variant="V", units=100, noise=0.5),
        training=FrameTrainingSettings(learning_rate=1e-4, momentum=0.9),
    )


def search_space(hp: Any) -> dict[str, Any]:
    return odyssey_space(hp)
