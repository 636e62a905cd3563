"""What the command keeps between runs, in the user's cache: it may be deleted at any time."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
from pathlib import Path

VARIABLE = "SEQLAB_CACHE"
FOLDER = "JAX_COMPILATION_CACHE_DIR"
OFF = ("off", "no", "0", "false")
LEAST = "0.5"  # seconds of compiling from which JAX keeps a program
MOST = str(2 * 1024**3)  # bytes of programs
UNLIMITED = "-1"  # for JAX
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
    minutes; read again they take seconds. Programs are for one kind of processor, and so is the folder: homes are
    shared by machines. A folder holds 2 GiB, from which on those that were not read for longest make room; JAX needs
    the package filelock for that, and without it none are kept. Where the user has named a folder for JAX, that is used
    without this limit; limits that the user has set hold.
    """
    cache, named = user_cache(), FOLDER in os.environ
    if cache is None or not (named or importlib.util.find_spec("filelock")):
        return
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", LEAST)
    if named:
        return
    folder = cache / f"programs-{_processor()}"
    os.environ[FOLDER] = str(folder)
    if os.environ.setdefault("JAX_COMPILATION_CACHE_MAX_SIZE", MOST) != UNLIMITED:
        _sweep(folder)


def _sweep(folder: Path) -> None:
    """Removes programs without a date of use, as a kill or a run without limit leaves them: JAX would add no other."""
    from filelock import FileLock

    undated = [file for file in folder.glob("*-cache") if not _date(file).exists()]
    if not undated:
        return
    try:
        with FileLock(folder / ".lockfile", timeout=10):  # JAX holds it while it writes a program and its date
            for file in undated:
                if not _date(file).exists():
                    file.unlink(missing_ok=True)
    except OSError:  # a folder of others, or a lock that is held for long: JAX warns of what it cannot write
        pass


def _date(program: Path) -> Path:
    return program.with_name(program.name.removesuffix("-cache") + "-atime")


def _processor() -> str:
    """A name for what the machine's processor can do."""
    told = f"{platform.machine()} {platform.processor()}"
    try:
        lines = PROCESSOR.read_text("utf-8", errors="replace").splitlines()
        told += "\n".join(dict.fromkeys(line for line in lines if line.startswith(("model name", "flags", "Features"))))
    except OSError:  # not Linux
        pass
    return hashlib.sha256(told.encode()).hexdigest()[:8]
