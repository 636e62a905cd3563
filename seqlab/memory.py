"""Memory that a process has freed and will want again."""

from __future__ import annotations

import ctypes
import os
import sys

KEPT = 2**30
"""Bytes that stay with the process, and the size from which a single block does not."""
SPARE = 2**26
"""Bytes that each growth of a heap takes beyond what it needs; heaps of other threads stay up to that size."""
MMAP_THRESHOLD, TRIM_THRESHOLD, TOP_PAD = -3, -1, -2
"""The options' numbers in glibc's `malloc.h`."""


def keep_memory() -> bool:
    """Has the C library keep what this process frees, up to 1 GiB, in place of giving it back to the system.

    glibc gives blocks of 32 MB and more back as soon as they are freed, and the top of its heap. A training step frees
    all that it computed between its two passes, and takes it again in the next step: page by page, which the system
    fills with zeros each time. Peak memory stays about what it was. Every verb of `seqlab` does this; a script of one's
    own calls it once, at best before it computes anything:

        from seqlab.memory import keep_memory
        keep_memory()

    Returns:
        Whether it is done. It is not where the environment says how memory is to be handled (`MALLOC_...`,
        `GLIBC_TUNABLES`), nor without glibc's allocator.
    """
    chosen = any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ)
    if chosen or not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    # The threshold comes first: where it is refused, the others would only stop it from growing by itself.
    options = ((MMAP_THRESHOLD, KEPT), (TRIM_THRESHOLD, KEPT), (TOP_PAD, SPARE))
    return mallopt is not None and all(mallopt(option, value) == 1 for option, value in options)
