"""The user's cache: where it is, and that programs of JAX are kept in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seqlab import cache
from seqlab.cli.main import main

FOLDER, LEAST = "JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (FOLDER, LEAST, "SEQLAB_CACHE", "XDG_CACHE_HOME"):
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
    assert folder.parent == home / ".cache" / "seqlab" and folder.name.startswith("jax-")
    assert float(os.environ[LEAST]) == 0.5


def test_what_the_user_says_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, "/mine")
    monkeypatch.setenv(LEAST, "7")
    cache.keep_programs()
    assert (os.environ[FOLDER], os.environ[LEAST]) == ("/mine", "7")


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
