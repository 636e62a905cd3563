"""Where a model's file lies, and writing files so that a crash, a full disk or a kill never leaves half of one."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def model_file(place: str | os.PathLike[str]) -> Path:
    """Returns the model file of a run's folder, or the file itself."""
    return Path(place) / "model.keras" if Path(place).is_dir() else Path(place)


def fingerprint_of(*paths: str | os.PathLike[str]) -> str:
    """Returns the SHA-256 of the contents of files, in their order."""
    found = hashlib.sha256()
    for path in paths:
        with Path(path).open("rb") as stream:
            found.update(hashlib.file_digest(stream, "sha256").digest())
    return found.hexdigest()


@contextmanager
def replaced(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives a temporary path beside `path` that takes its place once the block has ended well.

    On any error the temporary file is removed and what stood at `path` before stays as it was.

    Args:
        path: The file to write. Its folder is made where it is missing.

    Yields:
        A path with the same ending, on the same disk.

    Raises:
        OSError: As the operating system says, for instance when the disk is full.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replaced_folder(path: str | os.PathLike[str], replaceable: Callable[[Path], bool]) -> Iterator[Path]:
    """Gives an empty temporary folder beside `path` that takes its place once the block has ended well.

    On any error the temporary folder is removed and what stood at `path` before stays as it was.

    Args:
        path: The folder to write. The one that it lies in is made where it is missing.
        replaceable: Tells of what stands at `path` whether it may go, but for an empty folder, which always may.

    Yields:
        The temporary folder, on the same disk.

    Raises:
        FileExistsError: If something stands at `path` that may not go.
        OSError: As the operating system says, for instance when the disk is full.
    """
    target = Path(path).resolve()
    _check_replaceable(target, replaceable)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    old = temporary.with_name(f"{temporary.name}-old")
    try:
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                with file.open("rb") as written:
                    os.fsync(written.fileno())
        temporary.chmod(0o777 & ~_umask())
        _check_replaceable(target, replaceable)  # writing may have taken long
        if target.exists():
            target.rename(old)
        temporary.rename(target)
    finally:
        if old.exists() and not target.exists():
            old.rename(target)
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(temporary, ignore_errors=True)


def _check_replaceable(target: Path, replaceable: Callable[[Path], bool]) -> None:
    if target.exists() and not (target.is_dir() and not any(target.iterdir())) and not replaceable(target):
        raise FileExistsError(f"{target} exists: choose another name, or remove it yourself.")


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes UTF-8 text through `replaced`."""
    with replaced(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def _umask() -> int:
    # The system tells the mask only by setting it.
    mask = os.umask(0)
    os.umask(mask)
    return mask
