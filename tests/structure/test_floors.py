"""Who may import whom: downwards only, and no backend where none is needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.structure.sources import (
    LIBRARY,
    ROOT,
    dotted,
    imports,
    is_package,
    label,
    library_modules,
    python_files,
)

# A room imports itself and rooms on lower floors. The facade, seqlab/__init__.py, stands above all.
FLOORS = {
    "errors": 0,
    "settings_part": 0,
    "model_settings": 0,
    "pretrain_settings": 0,
    "settings": 0,
    "frame_settings": 0,
    "multitask_settings": 0,
    "constants": 0,
    "files": 0,
    "cache": 0,
    "memory": 0,
    "progress": 0,
    "registry": 0,
    "studies": 0,
    "tags": 1,
    "corpora": 1,
    "ops": 1,
    "analysis": 1,
    "layers": 2,
    "text": 2,
    "batches": 3,
    "migration": 3,
    "evaluation": 3,
    "models": 4,
    "training": 5,
    "inference": 5,
    "tuning": 6,
    "cli": 7,
    "testing": 8,  # so nothing below may import it
    "__init__": 9,
}

# (from, to) on one floor.
SAME_FLOOR = {
    ("corpora", "tags"): "a corpus knows the tag scheme of its columns",
    ("settings_part", "errors"): "settings raise the library's errors",
    ("pretrain_settings", "errors"): "settings raise the library's errors",
    ("pretrain_settings", "settings_part"): "each part of the settings is one",
    ("model_settings", "constants"): "settings know the names of rules",
    ("model_settings", "errors"): "settings raise the library's errors",
    ("model_settings", "settings_part"): "each part of the settings is one",
    ("training", "inference"): "a run opens the file of its teacher",
    ("studies", "errors"): "a damaged table is an error of the library's",
    ("studies", "files"): "tables are written as a whole",
    ("settings", "errors"): "settings raise the library's errors",
    ("frame_settings", "errors"): "settings raise the library's errors",
    ("frame_settings", "settings_part"): "each part of the settings is one",
    ("settings", "settings_part"): "each part of the settings is one",
    ("settings", "model_settings"): "a run has a model",
    ("multitask_settings", "errors"): "settings raise the library's errors",
    ("multitask_settings", "settings_part"): "each part of the settings is one",
    ("multitask_settings", "settings"): "each task has data as a run of one task has",
    ("multitask_settings", "model_settings"): "a run has a model",
}

BACKENDS = {"keras", "tensorflow", "jax", "torch"}
BACKEND_FREE = (
    "errors",
    "settings_part",
    "model_settings",
    "pretrain_settings",
    "settings",
    "frame_settings",
    "multitask_settings",
    "constants",
    "files",
    "cache",
    "memory",
    "progress",
    "registry",
    "studies",
    "tags",
    "corpora",
    "text",
    "evaluation",
    "analysis",
)

# Files that may name a backend; all others go through keras.ops.
NAMES_A_BACKEND = {
    "seqlab/ops/scan.py": "loops over time differ between the backends",
    "seqlab/ops/differentiable.py": "hand-written gradients differ between the backends",
    "seqlab/training/compiled.py": "an epoch as one program needs gradients, switches and random keys of JAX",
    "seqlab/ops/stateful.py": "gradients and states of a training step differ between the backends",
    "seqlab/models/exporting.py": "a SavedModel is TensorFlow's",
    "seqlab/models/sparing.py": "programs that use up a process' memory mappings are JAX's",
    "seqlab/inference/graph.py": "strings in a graph are TensorFlow's",
}

FILES = python_files("seqlab")


def room(name: str) -> str:
    """The room of a dotted seqlab name; the package itself is `__init__`."""
    return f"{name}.__init__".split(".")[1]


@pytest.mark.parametrize("path", FILES, ids=label)
def test_imports_go_down(path: Path) -> None:
    here = room(dotted(path))
    assert here in FLOORS, f"{label(path)}: give the room {here!r} a floor in FLOORS"
    bad = []
    for line, target in imports(path):
        there = room(target)
        if target.split(".")[0] != "seqlab" or there == here or (here, there) in SAME_FLOOR:
            continue
        if FLOORS[there] >= FLOORS[here]:
            bad.append(f"{label(path)}:{line}: {here} (floor {FLOORS[here]}) imports {target} ({FLOORS[there]})")
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("path", library_modules(), ids=label)
def test_modules_import_modules_not_packages(path: Path) -> None:
    bad = [
        f"{label(path)}:{line}: imports the package {target}; name the module that defines it"
        for line, target in imports(path)
        if target.split(".")[0] == "seqlab" and is_package(target)
    ]
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("path", FILES, ids=label)
def test_backends_are_named_only_where_allowed(path: Path) -> None:
    allowed = set() if room(dotted(path)) in BACKEND_FREE else {"keras"}
    if label(path) in NAMES_A_BACKEND:
        allowed = BACKENDS
    bad = [
        f"{label(path)}:{line}: imports {target}"
        for line, target in imports(path)
        if target.split(".")[0] in BACKENDS - allowed or target.startswith("keras.src")
    ]
    assert not bad, "\n".join(bad)


def modules_of(name: str) -> list[str]:
    """All modules of a room, or the room itself where it is one file."""
    return [dotted(path) for path in FILES if room(dotted(path)) == name]


@pytest.mark.parametrize("name", [*(name for name in BACKEND_FREE if modules_of(name)), "__init__"])
def test_room_loads_no_backend(name: str) -> None:
    wanted = ["seqlab"] if name == "__init__" else modules_of(name)
    assert_loads_no_backend(wanted)


@pytest.mark.skipif(not (LIBRARY / "cli" / "main.py").is_file(), reason="there is no command line yet")
def test_command_line_starts_without_a_backend() -> None:
    assert_loads_no_backend(["seqlab.cli.main"])


def assert_loads_no_backend(modules: list[str]) -> None:
    program = (
        f"import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"print(*sorted({BACKENDS!r} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_exceptions_are_not_stale() -> None:
    rooms = {room(dotted(path)) for path in FILES}
    used = {(room(dotted(path)), room(target)) for path in FILES for _, target in imports(path)}
    stale = [pair for pair in SAME_FLOOR if pair[0] in rooms and pair[1] in rooms and pair not in used]
    assert not stale
