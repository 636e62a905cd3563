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
SHARE = 0.8
"""Of the limit, from which on compiled programs are let go of. One program takes less than the rest."""
ROOM = 0.1
"""What has to be added, as a share of the limit, until they are let go of again: others may hold the most of it."""

log = logging.getLogger(__name__)


class SparingModel(keras.Model):
    """A Keras model that spares mappings after each step of training, evaluation and prediction (`spare_mappings`)."""

    train_function: Any
    test_function: Any
    predict_function: Any

    def make_train_function(self, force: bool = False) -> None:
        """Prepares training; Keras calls it."""
        made = self.train_function
        super().make_train_function(force)
        if self.train_function is not made:
            self.train_function = sparing(self.train_function)

    def make_test_function(self, force: bool = False) -> None:
        """Prepares evaluation; Keras calls it."""
        made = self.test_function
        super().make_test_function(force)
        if self.test_function is not made:
            self.test_function = sparing(self.test_function)

    def make_predict_function(self, force: bool = False) -> Any:
        """Prepares prediction; Keras calls it."""
        made = self.predict_function
        super().make_predict_function(force)
        if self.predict_function is not made:
            self.predict_function = sparing(self.predict_function)
        return self.predict_function


class Compiled:
    """Counts what JAX has compiled, or read from its cache.

    Attributes:
        since: Programs since mappings were counted last.
        least: Mappings from which on programs are let go of, whatever the limit.
    """

    def __init__(self) -> None:
        self.since = 1  # before it listens there may have been some
        self.least = 0.0

    def listen(self) -> None:
        """Has JAX tell of each program."""
        import jax

        jax.monitoring.register_event_duration_secs_listener(self._heard)

    def _heard(self, event: str, seconds: float, **kwargs: Any) -> None:
        self.since += event.endswith("backend_compile_duration")


def sparing(run: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that spares mappings after each call."""

    @functools.wraps(run)
    def spared(*arguments: Any) -> Any:
        found = run(*arguments)
        spare_mappings()
        return found

    return spared


def spare_mappings() -> None:
    """Lets go of JAX' compiled programs where this process is close to the system's limit of memory mappings.

    A program for CPUs takes three mappings for each of its kernels, one of a tagger's steps about 900, and each shape
    of batches has a program; Linux allows 65,530 by default, and beyond them LLVM ends the process. What is let go of
    is compiled again, or read from the cache, when it is next used. Elsewhere, and between compilations, nothing
    happens.
    """
    if keras.backend.backend() != "jax":
        return
    compiled = _compiled()
    if not compiled.since or not LIMIT.exists():
        return
    compiled.since = 0
    limit, count = int(LIMIT.read_text()), _mappings()
    if count <= max(SHARE * limit, compiled.least):
        return
    import jax

    jax.clear_caches()
    gc.collect()
    left = _mappings()
    compiled.least = left + ROOM * limit
    told = f"{count:,} memory mappings of {limit:,} that the system allows (vm.max_map_count)"
    if left > SHARE * limit:
        log.warning(
            "JAX has let go of its compiled programs at %s, which left %s: raise that limit.", told, f"{left:,}"
        )
    else:
        log.info("JAX lets go of its compiled programs: %s.", told)


def _mappings() -> int:
    return MAPPINGS.read_bytes().count(b"\n")


@functools.cache
def _compiled() -> Compiled:
    found = Compiled()
    found.listen()
    return found
