"""One process at a time on a run's folder."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seqlab.errors import SettingsError

log = logging.getLogger(__name__)
LOCK = "lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps other processes from training in a folder while the block runs.

    The lock is the operating system's, on a file in the folder: it ends with the process, whatever ends that, so the
    file that a killed process leaves behind holds nobody off. Nothing is locked on Windows or on disks without locks.

    Args:
        folder: The run's folder; it is made where it is missing.

    Raises:
        SettingsError: If another process trains in the folder.
    """
    if sys.platform == "win32":
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    while not _taken(handle, path):
        os.close(handle)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        path.unlink(missing_ok=True)  # before the lock ends: afterwards it may be another process' file
        os.close(handle)


def _taken(handle: int, path: Path) -> bool:
    """Locks an open file; returns whether that file is still the one at the path."""
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(handle, 20).decode(errors="replace") or "it has only just begun"
        os.close(handle)
        raise SettingsError(
            f"{path.parent} is in use by another process ({holder}): wait for its end, stop it, or name another folder."
        ) from None
    except OSError as error:
        log.warning("%s cannot be locked (%s): see to it that no other process trains in it.", path.parent, error)
        return True
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:  # its last holder has removed it between our opening and locking it
        return False
