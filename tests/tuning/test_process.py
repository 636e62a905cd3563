from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from seqlab.tuning.job import Outcome
from seqlab.tuning.process import TrialProcess


def program(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "program.py"
    path.write_text(f"import os, signal, sys, time\nfrom pathlib import Path\n{text}\n", encoding="utf-8")
    return [sys.executable, str(path)]


def ended(process: TrialProcess) -> Outcome:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        outcome = process.poll()
        if outcome is not None:
            return outcome
        time.sleep(0.02)
    raise AssertionError("the process goes on")


def test_result_and_environment(tmp_path: Path) -> None:
    text = """Path(sys.argv[1], "result.json").write_text('{"status": "completed", "score": %s}' % os.environ["X"])"""
    process = TrialProcess(tmp_path, program(tmp_path, text), environment={"X": "0.25"})
    assert ended(process) == Outcome("completed", 0.25)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "print('a b\\nc\\nd\\ne'); sys.exit(3)",
            "ended with status 3 and left no result: c / d / e",
        ),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "the process was ended by SIGSEGV"),
        ("", "ended with status 0 and left no result"),
    ],
)
def test_a_process_that_leaves_no_result(text: str, words: str, tmp_path: Path) -> None:
    outcome = ended(TrialProcess(tmp_path, program(tmp_path, text)))
    assert outcome.status == "failed" and words in outcome.error and outcome.seconds is not None


@pytest.mark.parametrize("stubborn", [False, True])
def test_a_process_over_its_time_is_ended(stubborn: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqlab.tuning.process.GRACE", 0.3)
    text = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" if stubborn else ""
    process = TrialProcess(tmp_path, program(tmp_path, f"{text}time.sleep(60)"), timeout=0.5)
    began = time.monotonic()
    assert ended(process).status == "timed_out"
    assert process.process.poll() is not None and time.monotonic() - began < 20
