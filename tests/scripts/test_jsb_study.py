"""The study of JSB Chorales: what is drawn, and that a study goes on where it was."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from scripts import jsb_study
from scripts.jsb_study import SPACE, draw, opened, search
from seqlab import studies
from seqlab.errors import SeqlabError, SettingsError
from seqlab.ops.recurrence.variants import VARIANTS
from seqlab.studies import Trial
from seqlab.training.lock import locked


class Stub:
    """A worker without a process."""

    stdin = stdout = None
    pid = 0

    def wait(self, timeout: float | None = None) -> int:
        return 9

    def kill(self) -> None:
        pass


class Asked:
    """Answers jobs in place of workers; a job whose seed is in `broken` ends its worker."""

    def __init__(self) -> None:
        self.seeds: list[int] = []
        self.broken: set[int] = set()

    def __call__(self, worker: Stub, job: dict) -> dict | None:
        self.seeds.append(job["seed"])
        if job["seed"] in self.broken:
            return None
        score = job["noise"] + 8
        return {"status": "completed", "score": score, "test": 8.5, "epochs": 3, "seconds": 1.0, "weights": 7}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    monkeypatch.setattr(jsb_study, "start", lambda *arguments, **options: Stub())
    monkeypatch.setattr(jsb_study, "ask", found := Asked())
    return found


def test_a_trial_depends_on_seed_and_number_alone():
    assert draw(1, 5) == draw(1, 5)
    seeds = {draw(seed, number)[1] for seed in (1, 2) for number in range(50)}
    assert len(seeds) == 100


def test_variants_take_turns():
    assert jsb_study.VARIANTS == tuple(VARIANTS)
    counts = Counter(draw(3, number)[0]["variant"] for number in range(27))
    assert set(counts.values()) == {3} and len(counts) == 9


def test_values_are_in_the_space_and_spread_over_it():
    drawn = [draw(1, number)[0] for number in range(600)]
    for parameter in SPACE[1:]:
        values = sorted(values[parameter.name] for values in drawn)
        assert parameter.low <= values[0] and values[-1] <= parameter.high
        middle = (parameter.low * parameter.high) ** 0.5 if parameter.sampling == "log" else 0.5
        assert sum(value < middle for value in values) == pytest.approx(300, abs=45)


def test_a_study_is_begun_written_and_gone_on_with(tmp_path, asked, capsys):
    search(tmp_path, 1, 4, 2, [])
    assert len(asked.seeds) == 4
    search(tmp_path, 1, 6, 1, [])
    assert asked.seeds[4:] == [draw(1, number)[1] for number in (4, 5)]
    found = studies.read(tmp_path)
    assert sorted(int(trial.trial) for trial in found.trials) == [0, 1, 2, 3, 4, 5]
    for trial in found.trials:
        values, seed = draw(1, int(trial.trial))
        assert (trial.values, trial.seeds) == (values, (seed,))
        assert (trial.score, trial.epochs) == (values["noise"] + 8, 3)
    assert "best" in capsys.readouterr().out.splitlines()[-1]


def test_a_worker_that_ends_is_a_failed_trial_which_is_run_again(tmp_path, asked):
    broken = draw(1, 1)[1]
    asked.broken = {broken}
    search(tmp_path, 1, 3, 1, [])
    rows = {trial.trial: trial for trial in studies.read(tmp_path).trials}
    assert [rows[str(n)].status for n in range(3)] == ["completed", "failed", "completed"]
    assert "ended with 9" in rows["1"].error
    asked.broken = set()
    search(tmp_path, 1, 3, 1, [])
    assert asked.seeds[3:] == [broken]
    assert {trial.status for trial in studies.read(tmp_path).trials} == {"completed"}


def test_another_study_in_the_folder_is_refused(tmp_path):
    begun = opened(tmp_path, 1)
    assert begun == opened(tmp_path, 1)
    assert (begun.space, begun.seed, begun.trials) == (SPACE, 1, ())
    with pytest.raises(SettingsError, match="another study .seed 1.: choose another --folder"):
        opened(tmp_path, 2)


def test_a_trial_in_one_line():
    values, seed = draw(1, 0)
    diverged = Trial("0", "diverged", values, epochs=2, seconds=1.25, seeds=(seed,), error="no number")
    assert jsb_study.line(diverged).split()[:3] == ["0", "diverged", "V"]
    assert jsb_study.line(diverged).endswith("2 epochs    1.2 s no number")


def test_failures_in_a_row_end_the_study(tmp_path, asked):
    asked.broken = {draw(1, number)[1] for number in (1, 3, 4, 5, 6, 7)}
    with pytest.raises(SeqlabError, match="5 trials in a row have failed, the last one, 7, with: .*ended with 9"):
        search(tmp_path, 1, 20, 1, [])
    assert len(asked.seeds) == 8 and len(studies.read(tmp_path).trials) == 8


def test_a_study_runs_once_at_a_time(tmp_path, asked):
    with locked(tmp_path), pytest.raises(SettingsError, match="in use by another process"):
        search(tmp_path, 1, 2, 1, [])
    assert not asked.seeds and not (tmp_path / studies.STUDY).exists()


def test_a_worker_that_holds_much_memory_is_replaced(tmp_path, asked, monkeypatch):
    begun, sizes = [], iter([100.0, 3000.0, 100.0, float("nan")])
    monkeypatch.setattr(jsb_study, "start", lambda *arguments, **options: begun.append(options) or Stub())
    monkeypatch.setattr(jsb_study, "resident", lambda worker: next(sizes))
    search(tmp_path, 1, 4, 1, [])
    assert begun == [{"backend": "jax", "own_session": True}] * 2
    assert {trial.status for trial in studies.read(tmp_path).trials} == {"completed"}


WORKER = """
import json, os, sys, time
from pathlib import Path
with Path(sys.argv[3]).open("a") as stream:
    stream.write(f"{os.getpid()}\\n")
for line in sys.stdin:
    if sys.argv[2] != "1":
        time.sleep(60)
    print(json.dumps({"status": "completed", "score": 8.0}), flush=True)
"""
PROGRAM = """
import signal
import sys
from pathlib import Path
import jsb_study
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell lets background jobs ignore
jsb_study.__file__ = sys.argv[2]
jsb_study.search(Path(sys.argv[1]), 1, 9, int(sys.argv[4]), [sys.argv[3]])
"""


@pytest.fixture
def worker(tmp_path):
    (tmp_path / "worker.py").write_text(WORKER, encoding="utf-8")
    return tmp_path / "worker.py"


def gone(pids: Path) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids.read_text().split())


def test_a_thread_that_raises_ends_the_study(tmp_path, worker, monkeypatch):
    def write(folder, trial):
        while len((tmp_path / "pids").read_text().split()) < 2:  # the other worker, which would take a minute
            time.sleep(0.02)
        raise OSError("no space left")

    monkeypatch.setattr(jsb_study, "__file__", str(worker))
    monkeypatch.setattr(studies, "write_trial", write)
    began = time.monotonic()
    with pytest.raises(OSError, match="no space left"):
        search(tmp_path / "study", 1, 9, 2, [str(tmp_path / "pids")])
    assert time.monotonic() - began < 20 and gone(tmp_path / "pids")
    assert studies.read(tmp_path / "study").trials == ()


@pytest.mark.skipif(sys.platform == "win32", reason="process groups")
def test_ctrl_c_ends_the_study_and_writes_no_row(tmp_path, worker):
    worker.write_text(WORKER.replace('!= "1"', '!= "0"'), encoding="utf-8")
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "study"), str(worker), str(tmp_path / "pids"), "2"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(root), str(root / "scripts")))},
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    pids = tmp_path / "pids"
    until = time.monotonic() + 60
    while not pids.exists() or len(pids.read_text().split()) < 2:
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as the terminal does
    with process:
        assert "KeyboardInterrupt" in process.communicate(timeout=20)[1]
    assert gone(pids) and len(pids.read_text().split()) == 2
    assert studies.read(tmp_path / "study").trials == () and not (tmp_path / "study" / "lock").exists()


def test_what_the_readme_counts_in_the_study() -> None:
    rows = studies.read(jsb_study.FOLDER).trials
    assert Counter(row.values["variant"] for row in rows) == dict.fromkeys(VARIANTS, 60)
    assert Counter(row.values["variant"] for row in rows if (row.score or 0.0) > 88 * math.log(2)) == {"NOAF": 12}
    fast = [row for row in rows if row.values["learning_rate"] >= 3e-4]
    assert Counter(row.values["variant"] == "NOAF" for row in fast) == {True: 25, False: 187}
    assert Counter(row.values["variant"] for row in fast if (row.test or 0.0) > 11) == {"NOAF": 14}
