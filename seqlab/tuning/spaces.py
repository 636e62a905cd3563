"""Search spaces that several recipes share."""

from __future__ import annotations

from typing import Any, get_args

from seqlab.frame_settings import Variant


def odyssey_space(hp: Any) -> dict[str, Any]:
    """Declares those of "LSTM: A Search Space Odyssey" (Greff et al. 2017), for recipes of frames, and the variant.

    Blocks log-uniform in [20, 200], learning rate log-uniform in [1e-6, 1e-2], 1 - momentum log-uniform in [0.01, 1],
    standard deviation of the input noise uniform in [0, 1]. While they wait for their turn, `guided` holds momentum
    at 0.9, the noise at 0.2 and the cell at the vanilla one, as the recipes do.

    Args:
        hp: A `keras_tuner.HyperParameters`.

    Returns:
        From flags of `FrameSettings` to values.
    """
    return {
        "network.variant": hp.Choice("variant", list(get_args(Variant))),
        "network.units": hp.Int("units", 20, 200, sampling="log"),
        "network.noise": hp.Float("noise", 0.0, 1.0, default=0.2),
        "training.learning_rate": hp.Float("learning_rate", 1e-6, 1e-2, sampling="log"),
        "training.momentum": 1 - hp.Float("one_minus_momentum", 0.01, 1.0, sampling="log", default=0.1),
    }


def tagger_space(hp: Any) -> dict[str, Any]:
    """Declares what matters most in a tagger: its characters, learning rate, units and dropout.

    Args:
        hp: A `keras_tuner.HyperParameters`.

    Returns:
        From flags of `Settings` to values.
    """
    chars = hp.Choice("words.chars", ["cnn", "lstm"])
    with hp.conditional_scope("words.chars", ["lstm"]):
        units = hp.Int("chars.units", 15, 50, step=5)
    with hp.conditional_scope("words.chars", ["cnn"]):
        filters = hp.Int("chars.filters", 20, 80, step=10)
    return {
        "words.chars": chars,
        "chars.units": units,
        "chars.filters": filters,
        "training.learning_rate": hp.Float("training.learning_rate", 3e-4, 3e-2, sampling="log", default=3e-3),
        "encoder.units": hp.Int("encoder.units", 50, 300, step=50),
        "encoder.dropout": hp.Float("encoder.dropout", 0.0, 0.6, default=0.3),
    }
