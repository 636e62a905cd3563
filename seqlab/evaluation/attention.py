"""Attention weights as a picture."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from seqlab.errors import DataError


def draw_attention(weights: Any, tokens: Sequence[str], path: str | os.PathLike[str] | None = None) -> Any:
    """Draws what each token of one sentence looks at: a square for each pair, the darker the greater its weight.

    Args:
        weights: (time, time), the attending token before the attended one, or (hops or heads, time, time), of which
            each gets a panel. What is there beyond the tokens is padding, and is cut off.
        tokens: The sentence.
        path: File to write, of any format that matplotlib knows by its ending; none is written without.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        DataError: For weights of another shape, of fewer tokens than there are, or that are no numbers of 0 to 1.
        ImportError: Without matplotlib.
    """
    panels = _panels(weights, len(tokens))
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("A figure needs matplotlib: pip install 'seqlab[analysis]'.") from error
    side = 1.5 + 0.3 * len(tokens)  # inches: room for a word on each row
    figure = Figure(figsize=(side * len(panels), side), layout="constrained")
    places = range(len(tokens))
    for number, panel in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), number + 1, xlabel="looks at", ylabel="token")
        axes.imshow(panel, cmap="Greys", vmin=0, vmax=1)
        axes.set_xticks(places, tokens, rotation=90, parse_math=False)  # a token may hold dollar signs
        axes.set_yticks(places, tokens, parse_math=False)
        if len(panels) > 1:
            axes.set_title(str(number + 1))
    if path is not None:
        figure.savefig(path)
    return figure


def _panels(weights: Any, count: int) -> np.ndarray:
    """The weights as (panels, tokens, tokens)."""
    found = np.asarray(weights, "float64")
    square = found.ndim in (2, 3) and found.shape[-1] == found.shape[-2]
    if not square or not 0 < count <= found.shape[-1]:
        raise DataError(
            f"Received weights of shape {found.shape} for {count} tokens; expected those of one sentence, "
            "(time, time) or (hops or heads, time, time) with a step for each token."
        )
    panels = found.reshape(-1, *found.shape[-2:])[:, :count, :count]
    if not ((panels >= 0) & (panels <= 1 + 1e-2)).all():  # bfloat16 rounds by less
        raise DataError("Attention weights are numbers of 0 to 1; received others.")
    return panels
