from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seqlab import studies
from seqlab.errors import DataError, SeqlabError
from seqlab.tuning.search import cores_of, environment
from tests.tuning.common import begin, modes, starts

ROOT = Path(__file__).parents[2]


def test_every_trial_has_its_process_and_its_row(tmp_path: Path) -> None:
    search, _ = begin(tmp_path, trials=4, jobs=2, executions=2)
    found = list(search.run())
    study = studies.read(tmp_path)
    assert sorted(study.trials, key=lambda trial: trial.trial) == sorted(found, key=lambda trial: trial.trial)
    assert len(study.trials) == 4 and all(trial.status == "completed" for trial in study.trials)
    assert {trial.seeds for trial in study.trials} == {(1, 2)}
    assert study.trials[0].values.keys() == {"rate", "encoder.units"}
    assert starts(tmp_path) == {f"trial_{number}": 1 for number in range(4)}


def test_what_goes_wrong_is_recorded(tmp_path: Path) -> None:
    search, _ = begin(tmp_path, modes("good", "nan", "bad", "die"), "grid", None)
    list(search.run())
    rows = {str(row.values["task.mode"]): row for row in studies.read(tmp_path).trials}
    assert [rows[mode].status for mode in ("good", "nan", "bad", "die")] == [
        "completed",
        "diverged",
        "failed",
        "failed",
    ]
    assert rows["bad"].error == "ValueError: no"
    assert rows["die"].error == "the process was ended by SIGKILL: about to die"


def test_time_out(tmp_path: Path) -> None:
    search, _ = begin(tmp_path, modes("hang"), "grid", None, timeout=1.0)
    began = time.monotonic()
    (row,) = search.run()
    assert row.status == "timed_out" and row.error == "over the limit of 1 seconds" and time.monotonic() - began < 20


def test_an_error_of_the_settings_ends_the_search(tmp_path: Path) -> None:
    search, _ = begin(tmp_path, modes("fatal", "hang"), "grid", None, jobs=2)
    with pytest.raises(SeqlabError, match="trial 0+: there is no such file"):
        list(search.run())
    assert all(process.process.poll() is not None for _, process in search.running.values())
    assert studies.read(tmp_path).trials == ()
    again, _ = begin(tmp_path, modes("fatal", "hang"), "grid", None, resume=True)
    with pytest.raises(SeqlabError, match="there is no such file"):
        list(again.run())
    assert starts(tmp_path)["trial_0000"] == 2  # run again, since it may have been put right


def test_a_damaged_result_names_its_file(tmp_path: Path) -> None:
    search, _ = begin(tmp_path, modes("broken"), "grid", None)
    with pytest.raises(DataError, match=r"trial_0000/result\.json: status 'good'"):
        list(search.run())


def test_failures_in_a_row_end_the_search(tmp_path: Path) -> None:
    def declare(hp: object) -> dict[str, object]:
        hp.Fixed("task.mode", "bad")  # type: ignore[attr-defined]
        return {"encoder.units": hp.Int("encoder.units", 1, 20)}  # type: ignore[attr-defined]

    search, _ = begin(tmp_path, declare, trials=9)
    with pytest.raises(SeqlabError, match="5 trials in a row have failed, the last one, 4, with: ValueError: no"):
        list(search.run())
    assert len(studies.read(tmp_path).trials) == 5


PROGRAM = """
import sys
from pathlib import Path
from tests.tuning.common import begin
search, _ = begin(Path(sys.argv[1]), trials=6, resume=sys.argv[2] == "resume", jobs=2)
for trial in search.run():
    print(trial.trial, flush=True)
"""


def test_a_killed_search_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    changes = {"PYTHONPATH": str(ROOT), "FAKE_SECONDS": "0.4"}
    killed = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), "begin"],
        env={**os.environ, **changes},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert killed.stdout is not None
    for _ in range(3):
        killed.stdout.readline()
    killed.send_signal(signal.SIGKILL)
    killed.wait(30)
    killed.stdout.close()
    before = starts(folder)
    finished = {f"trial_{trial.trial}" for trial in studies.read(folder).trials}
    search, _ = begin(folder, trials=6, resume=True, jobs=2)
    list(search.run())
    after = starts(folder)
    assert len(finished) >= 3 and len(studies.read(folder).trials) == len(after) == 6
    assert all(after[name] == before[name] == 1 for name in finished)
    whole, _ = begin(tmp_path / "whole", trials=6)
    unbroken = {row.trial: row.values for row in whole.run()}
    assert {row.trial: row.values for row in studies.read(folder).trials} == unbroken


def test_the_machine_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "3")
    monkeypatch.setattr("seqlab.tuning.search._cores", lambda: [0, 2, 3, 5, 7, 8, 9, 11])
    assert environment(1) == {} and cores_of(0, 1) is None
    found = environment(4)
    assert found["OMP_NUM_THREADS"] == "2" and "TF_NUM_INTRAOP_THREADS" not in found
    assert [cores_of(place, 3) for place in range(3)] == [[0, 2], [3, 5, 7], [8, 9, 11]]
    assert [cores_of(place, 9) for place in (0, 7, 8)] == [[0], [11], [0]]


@pytest.mark.skipif(sys.platform != "linux", reason="cores of a process are Linux's")
def test_each_trial_has_its_own_cores(tmp_path: Path) -> None:
    search, _ = begin(tmp_path, trials=2, jobs=2)
    list(search.run())
    told = [set(map(int, path.read_text().split())) for path in sorted(tmp_path.glob("trial_*/cores.txt"))]
    wanted = [set(cores_of(place, 2) or ()) for place in range(2)]
    assert all(cores in wanted for cores in told) and len(told) == 2
    assert len(os.sched_getaffinity(0)) == 1 or told[0] != told[1]
