"""The user's cache: where it is, and that programs of JAX are kept in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from seqlab import cache
from seqlab.cli.main import main

FOLDER, LEAST = "JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"
MOST = "JAX_COMPILATION_CACHE_MAX_SIZE"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (FOLDER, LEAST, MOST, "SEQLAB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, "")  # so that what is set below is undone
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_the_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache.user_cache() == home / ".cache" / "seqlab"
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert cache.user_cache() == Path("/x/seqlab")
    monkeypatch.setenv("SEQLAB_CACHE", "/y")
    assert cache.user_cache() == Path("/y")
    monkeypatch.setenv("SEQLAB_CACHE", "Off")
    assert cache.user_cache() is None


def test_a_user_without_a_home_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    assert cache.user_cache() is None


def test_every_verb_keeps_programs(home: Path) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    folder = Path(os.environ[FOLDER])
    assert folder.parent == home / ".cache" / "seqlab" and folder.name.startswith("programs-")
    assert float(os.environ[LEAST]) == 0.5 and int(os.environ[MOST]) == 2 * 2**30


def test_what_the_user_says_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, "/mine")
    cache.keep_programs()
    assert os.environ[FOLDER] == "/mine" and LEAST not in os.environ and MOST not in os.environ


def test_limits_of_the_user_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LEAST, "7")
    monkeypatch.setenv(MOST, "8")
    cache.keep_programs()
    assert FOLDER in os.environ and (os.environ[LEAST], os.environ[MOST]) == ("7", "8")


def test_nothing_is_kept_that_cannot_be_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    cache.keep_programs()
    assert FOLDER not in os.environ


def test_the_oldest_programs_make_room(tmp_path: Path) -> None:
    code = """
import seqlab.cache as cache
cache.MOST, cache.LEAST = "4000", "0"
cache.keep_programs()
import jax
jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
for number in range(12):
    jax.jit(lambda x: x * number + 1)(1.0)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, env={**os.environ, "HOME": str(tmp_path)})
    (folder,) = (tmp_path / ".cache" / "seqlab").iterdir()
    kept = list(folder.glob("*-cache"))
    assert kept and sum(file.stat().st_size for file in kept) <= 4000 and len(kept) < 12


def test_no_cache_no_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQLAB_CACHE", "off")
    cache.keep_programs()
    assert FOLDER not in os.environ and LEAST not in os.environ


def test_each_kind_of_processor_has_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for text in ("flags : fma avx2\ncpu MHz : 1\n", "flags : fma avx2\ncpu MHz : 2\n", "flags : fma\n", None):
        monkeypatch.setattr(cache, "PROCESSOR", tmp_path / "cpuinfo")
        (tmp_path / "cpuinfo").unlink(missing_ok=True)
        if text is not None:
            (tmp_path / "cpuinfo").write_text(text, encoding="utf-8")
        monkeypatch.delenv(FOLDER, raising=False)
        cache.keep_programs()
        found.append(os.environ[FOLDER])
    assert found[0] == found[1] and len(set(found)) == 3
