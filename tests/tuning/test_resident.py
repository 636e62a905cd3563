from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from seqlab import studies
from seqlab.tuning import resident
from seqlab.tuning.resident import ResidentProcess, megabytes
from tests.tuning.common import begin, modes, pids, starts

ROOT = Path(__file__).parents[2]


def choices(hp: object) -> dict[str, object]:
    """Trials of which the third ends its process."""
    hp.Choice("task.mode", ["good", "bad", "die", "nan"])  # type: ignore[attr-defined]
    return {}


def test_one_process_does_all_trials(tmp_path: Path) -> None:
    search, _ = begin(tmp_path, trials=4, executions=2, resident=True)
    found = list(search.run())
    assert [trial.status for trial in found] == ["completed"] * 4 and len(set(pids(tmp_path))) == 1
    assert {trial.seeds for trial in studies.read(tmp_path).trials} == {(1, 2)}
    assert ended(pids(tmp_path)[0])


def test_each_place_has_its_own(tmp_path: Path) -> None:
    search, _ = begin(tmp_path, trials=6, jobs=2, resident=True)
    assert len(list(search.run())) == 6 and len(set(pids(tmp_path))) <= 2


def test_what_goes_wrong_costs_one_trial(tmp_path: Path) -> None:
    search, _ = begin(tmp_path, choices, "grid", None, resident=True)
    list(search.run())
    rows = {str(row.values["task.mode"]): row for row in studies.read(tmp_path).trials}
    assert [rows[mode].status for mode in ("good", "bad", "die", "nan")] == [
        "completed",
        "failed",
        "failed",
        "diverged",
    ]
    assert rows["bad"].error == "ValueError: no"
    assert rows["die"].error == "the process was ended by SIGKILL: about to die"  # said into the trial's own file
    first, second, third, last = pids(tmp_path)
    assert first == second == third != last


def test_a_time_out_counts_each_trial_for_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_SECONDS", "1.2")
    search, _ = begin(tmp_path, modes("good", "nan", "bad", "hang"), "grid", None, timeout=3.0, resident=True)
    assert [row.status for row in search.run()] == ["completed", "diverged", "failed", "timed_out"]


def test_a_process_that_holds_much_memory_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resident, "megabytes", lambda process: 3000.0)
    search, _ = begin(tmp_path, trials=2, resident=True)
    assert len(list(search.run())) == len(set(pids(tmp_path))) == 2


def test_a_process_that_has_ended_takes_no_trial(tmp_path: Path) -> None:
    process = ResidentProcess(tmp_path, [sys.executable, "-c", ""])
    until(lambda: process.process.poll() is not None)
    assert not process.begin(tmp_path)


def test_a_process_that_ends_just_then_takes_no_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = ResidentProcess(tmp_path, [sys.executable, "-c", ""])
    process.process.wait(30)
    polls = iter([None])
    monkeypatch.setattr(process.process, "poll", lambda: next(polls, 0))
    assert not process.begin(tmp_path) and process.process.stdin is not None and process.process.stdin.closed


@pytest.mark.skipif(sys.platform != "linux", reason="memory of a process is read from Linux's /proc")
def test_megabytes() -> None:
    assert 1 < megabytes(os.getpid()) < 100_000
    assert not megabytes(2**22 + 1) > 0


PROGRAM = """
import sys
from pathlib import Path
from tests.tuning.common import begin
search, _ = begin(Path(sys.argv[1]), trials=4, resident=True)
for trial in search.run():
    print(trial.trial, flush=True)
"""


def test_a_killed_search_takes_its_process_along_and_goes_on(tmp_path: Path) -> None:
    killed = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "study")],
        env={**os.environ, "PYTHONPATH": str(ROOT), "FAKE_SECONDS": "0.3"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert killed.stdout is not None
    for _ in range(2):
        killed.stdout.readline()
    killed.send_signal(signal.SIGKILL)
    killed.wait(30)
    killed.stdout.close()
    folder = tmp_path / "study"
    until(lambda: all(ended(process) for process in pids(folder)))
    finished = {f"trial_{trial.trial}" for trial in studies.read(folder).trials}
    search, _ = begin(folder, trials=4, resume=True, resident=True)
    list(search.run())
    after = starts(folder)
    assert len(finished) >= 2 and len(studies.read(folder).trials) == len(after) == 4
    assert all(after[name] == 1 for name in finished)


def ended(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)
