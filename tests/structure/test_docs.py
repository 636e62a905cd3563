"""Runs every `>>>` example of the library and of the project's Markdown files."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from tests.structure.sources import ROOT, dotted, label, python_files

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def with_examples(paths: list[Path]) -> list[Path]:
    """Those files that hold an example."""
    return [path for path in paths if ">>> " in path.read_text(encoding="utf-8")]


MODULES = with_examples(python_files("seqlab"))
PAGES = with_examples(sorted([*ROOT.glob("*.md"), *(ROOT / "data").rglob("*.md"), *(ROOT / "docs").rglob("*.md")]))


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_examples_of_module(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # an example may write files
    failed, tried = doctest.testmod(importlib.import_module(dotted(path)), optionflags=FLAGS)
    assert tried, f"{label(path)} has examples that doctest does not find: are they in a docstring?"
    assert not failed


@pytest.mark.parametrize("path", PAGES, ids=label)
def test_examples_of_page(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, _ = doctest.testfile(str(path), module_relative=False, optionflags=FLAGS, encoding="utf-8")
    assert not failed
