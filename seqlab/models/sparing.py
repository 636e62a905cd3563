"""Keeps what JAX compiles within what the system lets one process map into memory."""

from __future__ import annotations

import functools
import gc
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

MAPPINGS, LIMIT = Path("/proc/self/maps"), Path("/proc/sys/vm/max_map_count")  # of Linux
FULL, HALF = 0.8, 0.5
"""Shares of the limit: one more program fits into what is left of the first, many do beside the second."""

log = logging.getLogger(__name__)


class Compiled:
    """Counts the programs that JAX has compiled, or read from its cache, since mappings were counted last."""

    def __init__(self) -> None:
        self.since = 1  # before it listens there may have been some

    def listen(self) -> None:
        """Has JAX tell of each program."""
        import jax

        jax.monitoring.register_event_duration_secs_listener(self._heard)

    def _heard(self, event: str, seconds: float, **kwargs: Any) -> None:
        self.since += event.endswith("backend_compile_duration")


def sparing(run: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that spares mappings after each call, see `spare_mappings`."""

    @functools.wraps(run)
    def spared(*arguments: Any) -> Any:
        found = run(*arguments)
        spare_mappings()
        return found

    return spared


def spare_mappings(share: float = FULL) -> None:
    """Lets go of JAX' compiled programs where this process is close to the system's limit of memory mappings.

    A program for CPUs takes three mappings for each of its kernels, one of a tagger's steps about 900, and each shape
    of batches has a program; Linux allows 65,530 by default, and beyond them LLVM ends the process. What is let go of
    is compiled again, or read from the cache, when it is next used. Elsewhere, and between compilations, nothing
    happens.

    Args:
        share: Of the limit, from which on they are let go of.
    """
    if keras.backend.backend() != "jax":
        return
    compiled = _compiled()
    if not compiled.since or not LIMIT.exists():
        return
    compiled.since = 0
    count, limit = MAPPINGS.read_bytes().count(b"\n"), int(LIMIT.read_text())
    if count > share * limit:
        import jax

        log.info(
            "JAX lets go of its compiled programs: %s memory mappings of %s that the system allows (vm.max_map_count).",
            f"{count:,}",
            f"{limit:,}",
        )
        jax.clear_caches()
        gc.collect()


@functools.cache
def _compiled() -> Compiled:
    found = Compiled()
    found.listen()
    return found
