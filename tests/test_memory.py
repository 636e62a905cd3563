"""Freed memory that stays with the process."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest

from seqlab import memory
from seqlab.cli.main import main
from seqlab.memory import MMAP_MAX, MMAP_THRESHOLD, TRIM_THRESHOLD

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc's allocator")
TOUCH = """
import resource
import numpy as np
from seqlab.memory import keep_memory
kept = {keep} and keep_memory()
def take():
    blocks = [np.ones(10_000_000) for _ in range({blocks})]  # 80 MB each
take()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    take()
print(int(kept), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(keep: bool, blocks: int = 1, **settings: str) -> tuple[int, int]:
    """Whether memory is kept by a process, and how often it takes pages anew for what it had five times before."""
    names = ("MALLOC_", "GLIBC_TUNABLES", "NUMPY_MADVISE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    environment |= {"NUMPY_MADVISE_HUGEPAGE": "0"} | settings
    code = TOUCH.format(keep=keep, blocks=blocks)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    kept, count = done.stdout.split()
    return int(kept), int(count)


@glibc
@pytest.mark.parametrize("blocks", [1, 15])
def test_what_is_kept_is_not_taken_anew(blocks: int) -> None:
    (_, anew), (kept, again) = faults(False, blocks), faults(True, blocks)
    assert kept and anew > 100 and again < anew / 10  # 40 pages an array where they are huge, else 20,000


@glibc
def test_what_the_user_has_set_holds() -> None:
    kept, anew = faults(True, MALLOC_MMAP_THRESHOLD_="100000")
    assert not kept and anew > 100
    assert faults(True, GLIBC_TUNABLES="glibc.malloc.arena_max=2")[0] == 0


class Library:
    """Stands for the C library: what it is asked for, and what it refuses."""

    def __init__(self, *refused: int) -> None:
        self.asked: list[int] = []
        self.refused = refused

    def mallopt(self, option: int, value: int) -> int:
        self.asked.append(option)
        return int(option not in self.refused)


def on(monkeypatch: pytest.MonkeyPatch, library: object, system: str = "linux") -> None:
    """Puts the module on a system with such a library."""
    for name in [name for name in os.environ if name.startswith(("MALLOC_", "GLIBC_TUNABLES"))]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(memory, "sys", SimpleNamespace(platform=system))
    monkeypatch.setattr(memory, "ctypes", SimpleNamespace(CDLL=lambda name: library))


@pytest.mark.parametrize(
    ("refused", "done", "asked"),
    [
        ((), True, [MMAP_THRESHOLD, TRIM_THRESHOLD]),
        ((MMAP_THRESHOLD,), True, [MMAP_THRESHOLD, MMAP_MAX, TRIM_THRESHOLD]),
        ((MMAP_THRESHOLD, MMAP_MAX), False, [MMAP_THRESHOLD, MMAP_MAX]),
        ((TRIM_THRESHOLD,), False, [MMAP_THRESHOLD, TRIM_THRESHOLD]),
    ],
)
def test_what_is_refused(
    monkeypatch: pytest.MonkeyPatch, refused: tuple[int, ...], done: bool, asked: list[int]
) -> None:
    library = Library(*refused)
    on(monkeypatch, library)
    assert memory.keep_memory() is done and library.asked == asked


def test_other_systems_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library()
    on(monkeypatch, library, "darwin")
    assert not memory.keep_memory() and not library.asked


def test_a_library_without_such_options(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, object())
    assert not memory.keep_memory()


@pytest.mark.parametrize(("backend", "count"), [("jax", 2), ("tensorflow", 0), (None, 0)])
def test_verbs_keep_memory_on_jax(monkeypatch: pytest.MonkeyPatch, backend: str | None, count: int) -> None:
    library = Library()
    on(monkeypatch, library)
    monkeypatch.setenv("KERAS_BACKEND", backend or "")
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    assert len(library.asked) == count
