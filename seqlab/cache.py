"""What the command keeps between runs, in the user's cache: it may be deleted at any time."""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path

VARIABLE = "SEQLAB_CACHE"
OFF = ("off", "no", "0", "false")
LEAST = "0.5"  # seconds of compiling from which JAX keeps a program
PROCESSOR = Path("/proc/cpuinfo")


def user_cache() -> Path | None:
    """The user's folder for caches, `None` for none.

    It is `$SEQLAB_CACHE` if that is set ("off" switches caches off), else `seqlab` in `$XDG_CACHE_HOME`, else in
    `~/.cache`.
    """
    given = os.environ.get(VARIABLE, "")
    if given.lower() in OFF:
        return None
    if given:
        return Path(given)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seqlab"
    except RuntimeError:  # a user without a home
        return None


def keep_programs() -> None:
    """Has JAX keep the programs that it compiles, for this process' children and for later runs.

    To be called before JAX is imported. A tagger has a program for each shape of its batches, and to compile them takes
    minutes; read again they take seconds. Where the user has said something about this cache, that holds. Programs are
    for one kind of processor, and so is the folder: homes are shared by machines.
    """
    folder = user_cache()
    if folder is not None:
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder / f"jax-{_processor()}"))
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", LEAST)


def _processor() -> str:
    """A name for what the machine's processor can do."""
    told = f"{platform.machine()} {platform.processor()}"
    try:
        lines = PROCESSOR.read_text("utf-8", errors="replace").splitlines()
        told += "\n".join(dict.fromkeys(line for line in lines if line.startswith(("model name", "flags", "Features"))))
    except OSError:  # not Linux
        pass
    return hashlib.sha256(told.encode()).hexdigest()[:8]
