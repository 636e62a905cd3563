from __future__ import annotations

import errno
import fcntl
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seqlab.errors import SettingsError
from seqlab.training.lock import LOCK, locked
from tests.structure.sources import ROOT

HOLDER = """
import sys, time
from pathlib import Path
from seqlab.training.lock import locked

with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Any:
    """Another process that holds the lock of tmp_path."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_lock_is_made_and_removed(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "one"
    with locked(folder):
        assert [path.name for path in folder.iterdir()] == [LOCK]
        with pytest.raises(SettingsError, match=rf"one is in use by another process \({os.getpid()}\): wait"):
            locked(folder).__enter__()
        assert (folder / LOCK).exists()
    assert not list(folder.iterdir())
    with pytest.raises(KeyError), locked(folder):
        raise KeyError("trouble")
    assert not list(folder.iterdir())
    with locked(folder):
        pass


def test_a_killed_process_holds_nobody_off(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(SettingsError, match=rf"in use by another process \({holder.pid}\): .*name another folder"):
        locked(tmp_path).__enter__()
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / LOCK).read_text() == str(holder.pid)  # left behind, and without effect
    with locked(tmp_path):
        assert (tmp_path / LOCK).read_text() == str(os.getpid())
    assert not (tmp_path / LOCK).exists()


def test_a_file_removed_before_it_is_locked_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flock, calls = fcntl.flock, []

    def late(handle: int, how: int) -> None:
        calls.append(handle)
        if len(calls) < 3:
            (tmp_path / LOCK).unlink()
        if len(calls) == 2:  # and another process has made it anew
            (tmp_path / LOCK).touch()
        flock(handle, how)

    monkeypatch.setattr("fcntl.flock", late)
    with locked(tmp_path):
        assert len(calls) == 3
        monkeypatch.undo()
        with pytest.raises(SettingsError, match="in use"):
            locked(tmp_path).__enter__()


def test_a_disk_without_locks_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def none(handle: int, how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", none)
    with caplog.at_level(logging.WARNING), locked(tmp_path):
        assert "cannot be locked ([Errno 37] No locks available): see to it" in caplog.text
    assert not list(tmp_path.iterdir())
