"""The project's Python files, parsed: what the structure tests read."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "seqlab"


class Import(NamedTuple):
    """An import statement's target: a module where it names one, else the package it takes a name from."""

    line: int
    target: str


def python_files(*folders: str) -> list[Path]:
    """All Python files below folders of the checkout, sorted, as absolute paths."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def library_modules() -> list[Path]:
    """The modules of the library, package files left out."""
    return [path for path in python_files("seqlab") if path.name not in ("__init__.py", "__main__.py")]


def label(path: Path) -> str:
    """The path below the checkout, for test names and messages."""
    return path.relative_to(ROOT).as_posix()


def dotted(path: Path) -> str:
    """The import name of a library file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@functools.cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def is_module(name: str) -> bool:
    """Whether a dotted name is a module or package file of the checkout."""
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or path.is_dir()


def is_package(name: str) -> bool:
    """Whether a dotted name is a package of the checkout."""
    return ROOT.joinpath(*name.split(".")).is_dir()


def imports(path: Path) -> Iterator[Import]:
    """Every import of a file, those inside functions and under TYPE_CHECKING included."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{label(path)}:{node.lineno}: relative import; write the full name.")
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if inner == "seqlab.__version__":  # a value, and there before anything else is
                    continue
                yield Import(node.lineno, inner if is_module(inner) else str(node.module))
