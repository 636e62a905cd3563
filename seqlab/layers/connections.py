"""How the layers of a stack are connected: what each reads of those below it, and what becomes of its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

from seqlab.errors import SettingsError, suggest
from seqlab.layers.highway import gated

Tensor = Any

CONNECTIONS = ("residual", "highway", "dense", "sum")
ADDED = ("residual", "highway", "sum")
"""Those that need outputs as wide as what stands below."""


def check_connection(name: str | None) -> None:
    """Refuses a name that is not known."""
    if name is not None and name not in CONNECTIONS:
        raise SettingsError(
            f"Unknown connection {name!r}; expected one of {', '.join(CONNECTIONS)}, or None."
            + suggest(str(name), CONNECTIONS)
        )


def read_of(connection: str | None, below: Sequence[Tensor]) -> Tensor:
    """What a layer reads.

    Args:
        connection: One of `CONNECTIONS`, or `None`.
        below: `x_0, ..., x_{l-1}`, (batch, time, width) each.

    Returns:
        `[x_0; ...; x_{l-1}]` for "dense", else `x_{l-1}`.
    """
    return ops.concatenate(below, axis=-1) if connection == "dense" and len(below) > 1 else below[-1]


def joined(connection: str | None, new: Tensor, below: Sequence[Tensor], transform: Tensor | None = None) -> Tensor:
    """What a layer hands on, `x_l`.

    Args:
        connection: One of `CONNECTIONS`, or `None`.
        new: The layer's own outputs, `f`.
        below: `x_0, ..., x_{l-1}`; as wide as `f`, unless the connection is "dense" or `None`.
        transform: The gate of "highway", as wide as `f`.

    Returns:
        `f + x_{l-1}` for "residual", `t f + (1 - t) x_{l-1}` for "highway", `f + x_0 + ... + x_{l-1}` for "sum", else
        `f`.
    """
    if connection == "residual":
        return new + below[-1]
    if connection == "highway":
        return gated(transform, new, below[-1])
    return new + sum(below) if connection == "sum" else new
