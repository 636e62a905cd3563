"""The hard limits on sizes. Lines are counted as an editor counts them, docstrings included."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.structure.sources import ROOT, label, python_files, tree

# Folder -> lines a file may have.
FILE_LINES = {"seqlab": 300, "recipes": 120, "scripts": 250, "tests": 400}
CLASS_LINES = 250
FUNCTION_LINES = 50
OWN_ARGUMENTS = 9
NOT_COUNTED = ("initializer", "regularizer", "constraint")

FILES = python_files(*FILE_LINES)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def too_long(path: Path, kinds: type | tuple[type, ...], limit: int) -> list[str]:
    """The definitions of some kinds that have more lines than the limit."""
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, kinds):
            lines = node.end_lineno - node.lineno + 1
            if lines > limit:
                found.append(f"{label(path)}:{node.lineno}: {node.name} has {lines} lines, limit {limit}")
    return found


def own_arguments(init: Function) -> list[str]:
    """The constructor arguments that count: no self, no *args or **kwargs, no initialisers and their kin."""
    arguments = [*init.args.posonlyargs, *init.args.args, *init.args.kwonlyargs][1:]
    return [argument.arg for argument in arguments if not argument.arg.endswith(NOT_COUNTED)]


@pytest.mark.parametrize("path", [*FILES, *sorted((ROOT / "scripts").glob("*.sh"))], ids=label)
def test_file_lines(path: Path) -> None:
    limit = FILE_LINES[path.relative_to(ROOT).parts[0]]
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= limit, f"{label(path)} has {lines} lines, limit {limit}"


@pytest.mark.parametrize("path", FILES, ids=label)
def test_class_and_function_lines(path: Path) -> None:
    bad = too_long(path, ast.ClassDef, CLASS_LINES)
    bad += too_long(path, (ast.FunctionDef, ast.AsyncFunctionDef), FUNCTION_LINES)
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("path", python_files("seqlab"), ids=label)
def test_constructor_arguments(path: Path) -> None:
    bad = []
    for node in ast.walk(tree(path)):
        if isinstance(node, Function) and node.name == "__init__":
            names = own_arguments(node)
            if len(names) > OWN_ARGUMENTS:
                bad.append(f"{label(path)}:{node.lineno}: {len(names)} own arguments, limit {OWN_ARGUMENTS}: {names}")
    assert not bad, "\n".join(bad)


def test_limits_bite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.structure.sources.ROOT", tmp_path)
    path = tmp_path / "long.py"
    path.write_text("def long():\n" + "    pass\n" * FUNCTION_LINES, encoding="utf-8")
    assert too_long(path, ast.FunctionDef, FUNCTION_LINES) == ["long.py:1: long has 51 lines, limit 50"]
    (init,) = ast.parse("def __init__(self, units, bias_initializer, *, rate, **kwargs): pass").body
    assert isinstance(init, ast.FunctionDef)
    assert own_arguments(init) == ["units", "rate"]
