from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from seqlab import studies
from seqlab.errors import DataError, SeqlabError
from seqlab.settings import Settings
from seqlab.tuning.job import read_job
from seqlab.tuning.search import cores_of, environment
from tests.tuning.common import begin, modes, pids, starts

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


def together(settings: Settings) -> bool:
    return settings.encoder.units > 80


def groups(folder: Path) -> list[set[str]]:
    jobs = {path.parent.name[6:]: read_job(path.parent) for path in folder.glob("trial_*/job.json")}
    return [{name, *job.others} for name, job in jobs.items() if job.others]


def test_trials_that_are_alike_train_together(tmp_path: Path) -> None:
    search, _ = begin(tmp_path / "alone", trials=6)
    alone = {row.trial: (row.values, row.score, row.seeds) for row in search.run()}
    folder = tmp_path / "together"
    search, _ = begin(folder, trials=6, jobs=2, population=4, alike=together, resident=True)
    assert {row.trial: (row.values, row.score, row.seeds) for row in search.run()} == alone
    wide = {name for name, (values, *_) in alone.items() if int(values["encoder.units"] or 0) > 80}
    batches = [{"0", "1", "2", "3"}, {"4", "5"}]
    wanted = [group for batch in batches for group in (batch & wide, batch - wide) if len(group) > 1]
    found = sorted(groups(folder), key=lambda names: min(names))
    assert found == sorted(wanted, key=lambda names: min(names)) and 0 < len(wide) < 6
    assert len(set(pids(folder))) <= 2 and set(starts(folder).values()) == {1}


def test_trials_that_pause_at_other_epochs_do_not_train_together(tmp_path: Path) -> None:
    search, oracle = begin(tmp_path, tuner="hyperband", trials=None, population=2, alike=together)
    first = oracle.create_trial("here")
    assert first.hyperparameters.values["tuner/epochs"] == 1
    before = search._alike("here", first)
    assert before == search._alike("there", first)
    first.hyperparameters.values["tuner/epochs"] = 9
    assert before != search._alike("here", first)


def test_an_oracle_that_waits_is_not_waited_for(tmp_path: Path) -> None:
    def declare(hp: Any) -> dict[str, Any]:
        return {"training.learning_rate": hp.Float("learning_rate", 1e-3, 1.0, sampling="log")}

    search, _ = begin(tmp_path, declare, "guided", 2, population=2, alike=together, resident=True)
    assert [row.status for row in search.run()] == ["completed"] * 2 and not groups(tmp_path)


@pytest.mark.parametrize(
    ("mode", "status", "words"),
    [
        ("hang", "timed_out", "one of 2 trials that trained together: over the limit of 2 seconds"),
        ("die", "failed", "the process was ended by SIGKILL: about to die"),
        ("bad", "failed", "ValueError: no"),
    ],
)
def test_what_goes_wrong_together(mode: str, status: str, words: str, tmp_path: Path) -> None:
    options = {"population": 2, "alike": together, "timeout": 1.0, "resident": True}
    search, _ = begin(tmp_path / "last", modes(mode, "good"), "grid", None, **options)
    assert {row.values["task.mode"]: row.status for row in search.run()} == {mode: status, "good": "completed"}
    search, _ = begin(tmp_path / "first", modes("good", mode), "grid", None, **options)
    rows = {str(row.values["task.mode"]): row for row in search.run()}
    assert (rows[mode].status, rows[mode].error) == (status, words)
    # What has not begun yet shares the time, but not the end of the process.
    assert rows["good"].status == ("timed_out" if mode == "hang" else "completed")
    if mode == "hang":
        assert rows["good"].seconds == rows["hang"].seconds == pytest.approx(1.0, abs=0.5)


@pytest.mark.parametrize("resident", [False, True])
def test_a_population_whose_process_dies_is_tried_by_halves(
    resident: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each trial comes to what it comes to alone."""
    monkeypatch.setenv("FAKE_MOST", "2")
    search, _ = begin(tmp_path, trials=5, population=5, alike=lambda _: 0, resident=resident)
    found = list(search.run())
    assert sorted(row.trial for row in found) == list("01234") and {row.status for row in found} == {"completed"}
    assert search._names == search._groups == [] and sorted(starts(tmp_path).values()) == [1] * 5
    told = [record.getMessage() for record in caplog.records]
    assert [text[:23] for text in told] == ["5 of 5 trials together:", "3 of 3 trials together:"]
    assert told[0].endswith("SIGKILL: no room for 5. Each half is tried by itself.")


def test_a_process_that_does_one_of_several_trials(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from tests.tuning.fake import one; one(Path(sys.argv[1]))"
    search, _ = begin(tmp_path, trials=2, population=2, alike=lambda _: 0, command=(sys.executable, "-c", code))
    assert [row.status for row in search.run()] == ["completed"] * 2 and set(starts(tmp_path).values()) == {1}


def test_trials_that_fail_together_count_as_one(tmp_path: Path) -> None:
    def declare(hp: Any) -> dict[str, Any]:
        hp.Fixed("task.mode", "bad")
        return {"encoder.units": hp.Int("encoder.units", 1, 40)}

    search, _ = begin(tmp_path, declare, trials=30, population=2, alike=together, resident=True)
    with pytest.raises(SeqlabError, match="5 trials in a row have failed, the last one, 09,"):
        list(search.run())
    assert len(studies.read(tmp_path).trials) == 10


def test_a_killed_population_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_SECONDS", "0.4")
    options = {"trials": 3, "population": 3, "alike": lambda _: 0, "resident": True}
    search, _ = begin(tmp_path, **options)
    search._fill()
    ((_, process),) = search.running.values()
    limit = time.monotonic() + 30
    while not (tmp_path / "trial_1" / "result.json").exists() and time.monotonic() < limit:
        time.sleep(0.02)
    process.stop()  # one of its three trials is over, and has no row
    search, _ = begin(tmp_path, resume=True, **options)
    assert sorted(row.trial for row in search.run()) == ["0", "1", "2"]
    assert starts(tmp_path)["trial_1"] == 1 and starts(tmp_path)["trial_0"] <= 1 < starts(tmp_path)["trial_2"]
    assert groups(tmp_path) == [{"0", "2"}] or groups(tmp_path) == [{"2", "0"}]


@pytest.mark.skipif(sys.platform != "linux", reason="cores of a process are Linux's")
def test_each_trial_has_its_own_cores(tmp_path: Path) -> None:
    search, _ = begin(tmp_path, trials=2, jobs=2)
    list(search.run())
    told = [set(map(int, path.read_text().split())) for path in sorted(tmp_path.glob("trial_*/cores.txt"))]
    wanted = [set(cores_of(place, 2) or ()) for place in range(2)]
    assert all(cores in wanted for cores in told) and len(told) == 2
    assert len(os.sched_getaffinity(0)) == 1 or told[0] != told[1]
