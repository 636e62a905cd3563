"""Tiny ELMo models in the official format, with random weights; names and shapes are written down here once more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np


def options_of(**lstm: Any) -> dict[str, Any]:
    return {
        "lstm": {"dim": 5, "projection_dim": 3, "n_layers": 2, "cell_clip": 0.4, "proj_clip": 0.3, **lstm},
        "char_cnn": {
            "embedding": {"dim": 2},
            "filters": [[1, 2], [3, 3]],
            "n_highway": 3,
            "n_characters": 262,
            "max_characters_per_token": 9,
            "activation": "relu",
        },
    }


def random_weights(options: dict[str, Any]) -> dict[str, np.ndarray]:
    """Weights of the official names and shapes."""
    random, lstm, chars = np.random.default_rng(3), options["lstm"], options["char_cnn"]
    channels = sum(count for _, count in chars["filters"])
    dim, out = lstm["dim"], lstm["projection_dim"]
    shapes: dict[str, tuple[int, ...]] = {"char_embed": (261, chars["embedding"]["dim"])}
    for k, (width, count) in enumerate(chars["filters"]):
        shapes |= {f"CNN/W_cnn_{k}": (1, width, chars["embedding"]["dim"], count), f"CNN/b_cnn_{k}": (count,)}
    for k in range(chars["n_highway"]):
        for part in ("carry", "transform"):
            shapes |= {f"CNN_high_{k}/W_{part}": (channels, channels), f"CNN_high_{k}/b_{part}": (channels,)}
    if channels != out:
        shapes |= {"CNN_proj/W_proj": (channels, out), "CNN_proj/b_proj": (out,)}
    for side in (0, 1):
        for k in range(lstm["n_layers"]):
            name = f"RNN_{side}/RNN/MultiRNNCell/Cell{k}/LSTMCell"
            shapes |= {f"{name}/W_0": (2 * out, 4 * dim), f"{name}/B": (4 * dim,)}
            if out < dim:
                shapes[f"{name}/W_P_0"] = (dim, out)
    return {name: random.normal(size=shape).astype("float32") for name, shape in shapes.items()}


def write(folder: Path, options: dict[str, Any], weights: dict[str, np.ndarray] | None = None) -> Path:
    """An ELMo model in the official format."""
    (folder / "options.json").write_text(json.dumps(options))
    with h5py.File(folder / "lm_weights.hdf5", "w") as file:
        for name, array in (random_weights(options) if weights is None else weights).items():
            file[name] = array
    return folder
