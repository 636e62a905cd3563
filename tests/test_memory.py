"""Freed memory that stays with the process."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from seqlab import memory
from seqlab.cli.main import main

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc's allocator")
TOUCH = """
import resource
import numpy as np
from seqlab.memory import keep_memory
kept = {keep} and keep_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(10_000_000)  # 80 MB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(int(kept), sum(faults() for _ in range(5)))
"""


def faults(keep: bool, **settings: str) -> tuple[int, int]:
    """Whether memory is kept by a process, and how often it takes pages anew for five arrays of 80 MB."""
    names = ("MALLOC_", "GLIBC_TUNABLES", "NUMPY_MADVISE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    environment |= {"NUMPY_MADVISE_HUGEPAGE": "0"} | settings
    code = TOUCH.format(keep=keep)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    kept, count = done.stdout.split()
    return int(kept), int(count)


@glibc
def test_what_is_kept_is_not_taken_anew() -> None:
    (_, anew), (kept, again) = faults(False), faults(True)
    assert kept and anew > 100 and again < anew / 10  # 40 pages an array where they are huge, else 20,000


@glibc
def test_what_the_user_has_set_holds() -> None:
    kept, anew = faults(True, MALLOC_MMAP_THRESHOLD_="100000")
    assert not kept and anew > 100
    assert faults(True, GLIBC_TUNABLES="glibc.malloc.arena_max=2")[0] == 0


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The options that are asked for, in order."""
    found: list[int] = []

    class Library:
        answer = 1

        def __init__(self, name: None) -> None:
            pass

        def mallopt(self, option: int, value: int) -> int:
            found.append(option)
            return self.answer

    for name in [name for name in os.environ if name.startswith(("MALLOC_", "GLIBC_TUNABLES"))]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(memory.sys, "platform", "linux")
    monkeypatch.setattr(memory.ctypes, "CDLL", Library)
    return found


def test_every_verb_keeps_memory(asked: list[int]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    assert asked == [memory.MMAP_THRESHOLD, memory.TRIM_THRESHOLD, memory.TOP_PAD]


def test_where_the_threshold_is_refused_nothing_else_is_set(asked: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.ctypes.CDLL, "answer", 0)
    assert not memory.keep_memory() and asked == [memory.MMAP_THRESHOLD]


def test_without_such_an_allocator_nothing_is_done(asked: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(memory.ctypes.CDLL, "mallopt")
    assert not memory.keep_memory()
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    assert not memory.keep_memory() and not asked
