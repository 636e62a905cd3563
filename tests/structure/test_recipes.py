"""Every recipe says how it is run, how long it takes and what it reaches, and can be imported."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path

import pytest

from tests.structure.sources import ROOT, label, tree

RECIPES = sorted(path for path in (ROOT / "recipes").glob("*.py") if not path.name.startswith("_"))
LINES = 120
DURATION = re.compile(r"\d+(\.\d+)?\s*(s|sec|seconds?|min|minutes?|h|hours?)\b", re.IGNORECASE)
SCORE = re.compile(r"\b(F1|accuracy|error rate|NLL)\b[^\n]*\d", re.IGNORECASE)


@pytest.mark.parametrize("path", RECIPES, ids=label)
def test_docstring_has_command_time_and_score(path: Path) -> None:
    text = ast.get_docstring(tree(path)) or ""
    assert f"seqlab train {label(path)}" in text, "no command in the docstring"
    assert DURATION.search(text), "no duration in the docstring, such as '2 minutes'"
    assert SCORE.search(text), "no expected score in the docstring, such as 'F1 94.8'"


@pytest.mark.parametrize("path", RECIPES, ids=label)
def test_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES


@pytest.mark.parametrize("path", RECIPES, ids=label)
def test_can_be_imported(path: Path) -> None:
    spec = importlib.util.spec_from_file_location(f"recipe_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
