"""Memory that a process has freed and will want again."""

from __future__ import annotations

import ctypes
import os
import sys

LARGEST = 2**30
"""Bytes from which a single block goes back to the system."""
MMAP_THRESHOLD, MMAP_MAX, TRIM_THRESHOLD = -3, -4, -1
"""The options' numbers in glibc's `malloc.h`."""


def keep_memory() -> bool:
    """Has the C library keep what this process frees, in place of giving it back to the system.

    glibc gives large blocks back as soon as they are freed. A step of JAX takes all its memory as one block, and frees
    it at its end: the next step takes it again page by page, which the system fills with zeros each time. Afterwards
    heaps do not shrink, each for the threads that use it: a program whose threads take much in turn holds more than it
    did. Single blocks of 1 GiB and more still go back, but where an older glibc refuses to draw the line there. The
    verbs of `seqlab` do this where `KERAS_BACKEND` is `jax`; a script of one's own calls it once, before it computes
    anything:

        from seqlab.memory import keep_memory
        keep_memory()

    TensorFlow takes smaller blocks, and gains nothing.

    Returns:
        Whether glibc has agreed. It is not asked where the environment says how memory is to be handled (`MALLOC_...`,
        `GLIBC_TUNABLES`), and is not there on other systems than Linux, nor on some of those.
    """
    chosen = any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ)
    if chosen or not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    # First which blocks are the heap's; older versions refuse such a threshold.
    if not (mallopt(MMAP_THRESHOLD, LARGEST) or mallopt(MMAP_MAX, 0)):
        return False
    return bool(mallopt(TRIM_THRESHOLD, -1))
