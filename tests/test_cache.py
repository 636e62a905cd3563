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
    assert (os.environ[FOLDER], os.environ[LEAST]) == ("/mine", "0.5") and MOST not in os.environ


def test_limits_of_the_user_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LEAST, "7")
    monkeypatch.setenv(MOST, "8")
    cache.keep_programs()
    assert FOLDER in os.environ and (os.environ[LEAST], os.environ[MOST]) == ("7", "8")


def test_nothing_is_kept_that_cannot_be_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    cache.keep_programs()
    assert FOLDER not in os.environ


def compiled(names: str, most: float, home: Path) -> list[Path]:
    """Programs that are kept after a process has compiled some, or read them, in this order."""
    code = f"""
import seqlab.cache as cache
cache.MOST, cache.LEAST = "{int(most)}", "0"
cache.keep_programs()
import jax
jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
for name in {names!r}:
    def f(x):
        return x * ord(name) + 1
    f.__name__ = name
    jax.jit(f)(1.0)
    jax.clear_caches()
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, env={**os.environ, "HOME": str(home)})
    return sorted((home / ".cache" / "seqlab").glob("*/jit_[a-z]-*-cache"))


def test_programs_that_were_not_read_for_longest_make_room(tmp_path: Path) -> None:
    (one,) = compiled("a", 1e9, tmp_path / "size")
    kept = compiled("abcad", 3.5 * one.stat().st_size, tmp_path)
    assert [file.name[4] for file in kept] == ["a", "c", "d"]


def test_a_program_without_a_date_does_not_stop_others(tmp_path: Path) -> None:
    (one,) = compiled("a", 1e9, tmp_path)
    one.with_name(one.name.replace("-cache", "-atime")).unlink()  # as a kill leaves it
    assert [file.name[4] for file in compiled("b", 1e9, tmp_path)] == ["b"]


def test_programs_of_a_run_without_limit_stay_while_there_is_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MOST, "-1")
    cache.keep_programs()
    folder = Path(os.environ[FOLDER])
    folder.mkdir(parents=True)
    for name in ("x-cache", "y-cache", "y-atime"):
        (folder / name).touch()
    for most, left in (("-1", {"x-cache", "y-cache", "y-atime"}), ("9", {"y-cache", "y-atime"})):
        monkeypatch.delenv(FOLDER)
        monkeypatch.setenv(MOST, most)
        cache.keep_programs()
        assert {file.name for file in folder.iterdir()} - {".lockfile"} == left


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
