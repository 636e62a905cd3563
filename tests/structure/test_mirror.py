"""Every module with code has its test file: seqlab/tags/spans.py -> tests/tags/test_spans.py."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.structure.sources import LIBRARY, ROOT, label, library_modules, tree

# Module below seqlab/ -> why it has no test file of its own.
EXCEPTIONS: dict[str, str] = {}


def has_code(path: Path) -> bool:
    """Whether a module defines a function or a class; tables of constants are tested where they are used."""
    return any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.walk(tree(path)))


MODULES = [path for path in library_modules() if has_code(path)]


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_module_has_a_test_file(path: Path) -> None:
    inside = path.relative_to(LIBRARY)
    if inside.as_posix() in EXCEPTIONS:
        return
    test = ROOT / "tests" / inside.parent / f"test_{inside.name}"
    assert test.is_file(), f"{label(path)} has no {label(test)}"
    assert any(isinstance(node, ast.FunctionDef) and node.name.startswith("test_") for node in ast.walk(tree(test))), (
        f"{label(test)} has no test"
    )


def test_exceptions_are_not_stale() -> None:
    for inside, reason in EXCEPTIONS.items():
        assert reason, inside
        assert (LIBRARY / inside).is_file(), f"{inside} is no longer there"
        test = ROOT / "tests" / Path(inside).parent / f"test_{Path(inside).name}"
        assert not test.is_file(), f"{inside} has a test file now"
