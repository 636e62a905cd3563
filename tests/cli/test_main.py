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

MEASURED = """
import resource, sys
from seqlab.cli.main import main
try:
    status = main(sys.argv[1:])
except SystemExit as end:
    status = end.code
used = resource.getrusage(resource.RUSAGE_SELF)
loaded = {"keras", "tensorflow", "jax", "torch"} & sys.modules.keys()
print(status, used.ru_utime + used.ru_stime, *loaded, file=sys.stderr)
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
def test_help_takes_under_half_a_second_and_loads_no_backend(arguments: list[str]) -> None:
    times = []
    limit = max(0.5, 4 * reference())  # half a second, or its like on a slow or busy machine
    for _ in range(3):  # the first may compile our files, and a busy machine is slow now and then
        done = run(["-c", MEASURED, *arguments])
        status, seconds, *loaded = done.stderr.split()
        assert status == "0" and not loaded, done.stderr
        assert "seqlab" in done.stdout
        times.append(float(seconds))
        if times[-1] < limit:
            return
    assert min(times) < limit, f"CPU seconds of {arguments}: {times}"


def reference() -> float:
    """CPU seconds that the two libraries behind every verb take to be imported here."""
    code = "import sys, time, tyro, pydantic; print(time.process_time(), file=sys.stderr)"
    return float(run(["-c", code]).stderr)


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
