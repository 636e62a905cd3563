"""The command itself: verbs, help without a backend, exit statuses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seqlab import __version__
from seqlab.cli.main import VERBS, main
from seqlab.errors import DataError

ROOT = Path(__file__).resolve().parents[2]

# What a help page may not load: one import of any of them takes longer than all else that it does.
HEAVY = ("h5py", "jax", "keras", "matplotlib", "numpy", "pandas", "scipy", "seqeval", "sklearn", "tensorflow", "torch")

LOADED = """
import sys
from seqlab.cli.main import main
try:
    status = main(sys.argv[1:])
except SystemExit as end:
    status = end.code
print(status, *sys.modules, file=sys.stderr)
"""


def run(program: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *program],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        **options,
    )


@pytest.mark.parametrize(
    "arguments",
    [["--help"], *([verb, "--help"] for verb in VERBS), ["train", "recipes/sample.py", "--help"]],
    ids=" ".join,
)
def test_help_loads_no_heavy_package(arguments: list[str]) -> None:
    done = run(["-c", LOADED, *arguments])
    status, *loaded = done.stderr.split()
    assert status == "0", done.stderr
    assert "tyro" in loaded or arguments == ["--help"]
    assert not set(HEAVY) & set(loaded)
    assert "seqlab" in done.stdout


def test_usage_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for verb, purpose in VERBS.items():
        assert verb in text and purpose in text
    assert main([]) == 2


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"seqlab {__version__}\n"


def test_unknown_verb_suggests(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trian"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "unknown verb 'trian'" in captured.err and "Did you mean 'train'?" in captured.err


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (DataError("is ragged.", "a.txt", 3), 1, "seqlab check: a.txt:3: is ragged.\n"),
        (OSError(28, "No space left on device"), 1, "seqlab check: [Errno 28] No space left on device\n"),
        (KeyboardInterrupt(), 130, "\nseqlab check: interrupted\n"),
    ],
)
def test_errors_become_a_line_and_a_status(
    error: BaseException, status: int, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Any) -> int:
        raise error

    monkeypatch.setattr("seqlab.cli.check.main", fail)
    assert main(["check", "x"]) == status
    assert capsys.readouterr().err == text


def test_a_reader_that_goes_away_is_no_trouble() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(
        [sys.executable, "-m", "seqlab.cli.main", "check", "data/sample/dev.conll"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    os.close(writer)
    _, text = process.communicate(timeout=120)
    assert (process.returncode, text) == (0, "")
