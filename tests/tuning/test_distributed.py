from __future__ import annotations

import dataclasses
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import keras
import pytest
from keras_tuner.engine.trial import Trial

from seqlab import studies
from seqlab.cli.main import main
from seqlab.errors import SeqlabError, SettingsError
from seqlab.tuning import distributed
from seqlab.tuning.description import described, told
from seqlab.tuning.messages import DESCRIPTION, answer, report
from seqlab.tuning.search import Options, Search
from seqlab.tuning.space import SearchSpace
from tests.tuning.common import FAKE, OBJECTIVE, SETTINGS, begin, rates, starts
from tests.tuning.test_space import declared

ROOT = Path(__file__).parents[2]
CLI = """
import sys
from seqlab.tuning import search
from tests.tuning.common import FAKE
search.PROGRAM = FAKE
from seqlab.cli.main import main
if sys.stdin.readline():
    sys.exit(main(sys.argv[1:]))
"""
RECIPE = """
from tests.tuning.common import SETTINGS, rates as search_space

def settings():
    return SETTINGS
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Machines:
    """Processes of `seqlab tune` that stand for machines, with trials that train nothing."""

    def __init__(self, folder: Path, *flags: str, seconds: float = 0.0) -> None:
        (folder / "recipe.py").write_text(RECIPE, "utf-8")
        self.folder, self.address = folder, f"127.0.0.1:{free_port()}"
        self.flags = ["tune", str(folder / "recipe.py"), "--chief", self.address, *flags]
        changes = {"PYTHONPATH": str(ROOT), "FAKE_SECONDS": str(seconds)}
        self.environment = {**os.environ, **changes, "KERAS_BACKEND": "jax"}  # which is there soonest
        self.started: list[subprocess.Popen[str]] = []

    def start(self, name: str, *flags: str, wait: bool = False) -> subprocess.Popen[str]:
        own = [] if name == "chief" else ["--worker", name]
        found = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", CLI, *self.flags, "--study", str(self.folder / name), *own, *flags],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(found)
        if not wait:
            self.go(found)
        return found

    def go(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()

    def until(self, process: subprocess.Popen[str], trials: int) -> None:
        """Reads what a process prints until it has told of so many trials."""
        assert process.stdout is not None
        while trials:
            line = process.stdout.readline()
            assert line, process.communicate()
            trials -= line.startswith("trial ")

    def starts(self, *names: str) -> Counter[str]:
        return sum((Counter(starts(self.folder / name)) for name in names), Counter())


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Callable[..., Machines]]:
    made = []

    def make(*flags: str, **options: Any) -> Machines:
        made.append(Machines(tmp_path, *flags, **options))
        return made[-1]

    yield make
    for process in (process for one in made for process in one.started):
        process.kill()
        process.communicate()


@pytest.fixture
def no_chief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restores the variables that Keras Tuner reads."""
    for name in ("KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT", "KERASTUNER_TUNER_ID"):
        monkeypatch.setenv(name, "")


@pytest.mark.usefixtures("no_chief")
def test_a_chief_and_workers_by_the_command_line(
    machines: Callable[..., Machines], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--trials", "3", "--executions", "2"]
    found = machines(*flags)
    chief, east = found.start("chief"), found.start("east", "--jobs", "2", wait=True)
    # A worker with other settings is told what differs, and takes no trial.
    west = [*found.flags, "--worker", "west", "--study", str(tmp_path / "west"), "--training.epochs", "3"]
    assert main(west) == 1
    error, here = capsys.readouterr().err, keras.backend.backend()
    told = [f"backend jax, here {here}"] * (here != "jax") + [f"training.epochs {SETTINGS.training.epochs}, here 3"]
    assert f"another search ({'; '.join(told)}): start the worker with" in error
    # One that was started for another study gets no trial, and its report is not taken; the chief goes on.
    host, port = distributed.parse_address(found.address)
    late = distributed.client(begin(tmp_path / "late")[1], tmp_path / "late", (host, port), "late")
    late.identity = "another"
    with pytest.raises(
        SeqlabError, match=f"^the chief at {found.address}: the call of late-0 is refused: it is of ano"
    ):
        late.create_trial("late-0")
    foreign = begin(tmp_path / "late", resume=True)[1].create_trial("late-0")
    with pytest.raises(SeqlabError, match="the report of trial 0 is refused: it is of another study"):
        report(late, foreign, studies.Trial("0", "completed", score=9.0))
    found.go(east)
    said = {process: process.communicate(timeout=120) for process in (chief, east)}
    assert chief.returncode == east.returncode == 0, said
    study = studies.read(tmp_path / "chief")
    assert sorted(row.trial for row in study.trials) == ["0", "1", "2"] and "--chief" in study.command
    assert all(row.status == "completed" and row.seeds == (1, 2) for row in study.trials)
    assert set(study.trials[0].values) == {"rate", "encoder.units"}
    assert "3 trials: 3 completed" in said[chief][0]
    assert "the report of trial 0 is refused" in said[chief][1] and "Traceback" not in said[chief][1]
    lines = [line for line in said[east][0].splitlines() if line.startswith("trial ")]
    assert len(lines) == 3 and sum(found.starts("east").values()) == 3 and not found.starts("chief")


@pytest.mark.slow
def test_a_chief_and_a_worker_that_are_killed(machines: Callable[..., Machines], tmp_path: Path) -> None:
    found = machines("--trials", "10", seconds=1.5)
    chief, east, west = (found.start(name) for name in ("chief", "east", "west"))
    found.until(chief, 2)
    found.until(west, 1)
    west.kill()
    west = found.start("west")
    found.until(chief, 3)
    chief.kill()
    chief.wait()
    before = {row.trial: row for row in studies.read(tmp_path / "chief").trials}
    started = found.starts("east", "west")
    chief = found.start("chief", "--resume")
    said = [process.communicate(timeout=240) for process in (chief, east, west)]
    assert [process.returncode for process in (chief, east, west)] == [0, 0, 0], said
    after = {row.trial: row for row in studies.read(tmp_path / "chief").trials}
    assert len(after) == 10 and all(row.status == "completed" for row in after.values())
    assert len(before) >= 5 and all(after[name] == row for name, row in before.items())
    again = found.starts("east", "west")
    assert len(again) == 10 and all(again[f"trial_{name}"] == started[f"trial_{name}"] for name in before)


@pytest.mark.slow
def test_hyperband_by_a_chief_and_two_workers(machines: Callable[..., Machines], tmp_path: Path) -> None:
    found = machines("--tuner", "hyperband", "--training.epochs", "9", seconds=0.2)
    chief, east, west = (found.start(name) for name in ("chief", "east", "west"))
    said = [process.communicate(timeout=240) for process in (chief, east, west)]
    assert [process.returncode for process in (chief, east, west)] == [0, 0, 0], said
    trials = studies.read(tmp_path / "chief").trials
    ran = [line for text, _ in said[1:] for line in text.splitlines() if line.startswith("trial ")]
    assert len(trials) == len(ran) == len(set(ran)) >= 6
    assert all(trial.status == "completed" for trial in trials)


@pytest.mark.usefixtures("no_chief")
def test_a_chief_that_fails_says_so(tmp_path: Path) -> None:
    _, oracle = begin(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SeqlabError, match="the chief failed"):
            list(distributed.serve(oracle, tmp_path, ("127.0.0.1", taken.getsockname()[1])))


def test_a_worker_needs_the_same_space() -> None:
    class Chief:
        def get_space(self) -> object:
            return SearchSpace(SETTINGS, declared).hyperparameters

    distributed.check_space(Chief(), SearchSpace(SETTINGS, declared))
    with pytest.raises(SettingsError, match=r"another search space; .*chars.units.* differ"):
        distributed.check_space(Chief(), SearchSpace(SETTINGS, rates))


def test_a_worker_needs_the_same_search(tmp_path: Path) -> None:
    _, oracle = begin(tmp_path)
    oracle.description = told(described(SETTINGS, 1, False), OBJECTIVE)

    class Chief:
        """Answers as over the net."""

        def get_trial(self, trial_id: str) -> Trial:
            return Trial.from_proto(oracle.get_trial(trial_id).to_proto())

    chief: Any = Chief()
    distributed.check_search(chief, oracle.description)
    assert chief.identity == oracle.identity
    (tmp_path / "train").write_text("a", "utf-8")
    there = SETTINGS.model_copy(update={"data": SETTINGS.data.model_copy(update={"train": str(tmp_path / "train")})})
    with pytest.raises(SettingsError, match=r"data.*The file of data\.train is missing on the chief's machine\.$"):
        distributed.check_search(Chief(), told(described(there, 1, False), OBJECTIVE))
    chief.get_trial = lambda name: answer(name, {DESCRIPTION: told(described(there, 1, False), OBJECTIVE)})
    with pytest.raises(SettingsError, match=r"The file of data\.train is missing on this machine\.$"):
        distributed.check_search(chief, oracle.description)
    changed = SETTINGS.model_copy(update={"training": SETTINGS.training.model_copy(update={"epochs": 3})})
    with pytest.raises(
        SettingsError, match=r"another search \(compiled False, here True; training.epochs \d+, here 3\)"
    ):
        distributed.check_search(Chief(), told(described(changed, 1, True), OBJECTIVE))


class Lost(grpc.RpcError):
    def __init__(self, code: grpc.StatusCode, words: str = "words.") -> None:
        super().__init__()
        self.code, self.details = (lambda: code), lambda: words


class Stub:
    """Fails as a chief that is not there, after as many seconds."""

    def __init__(self, now: list[float], *errors: tuple[float, grpc.StatusCode]) -> None:
        self.now, self.errors = now, list(errors)

    def GetTrial(self, request: str, timeout: float) -> str:
        if self.errors:
            seconds, code = self.errors.pop(0)
            self.now[0] += seconds
            assert seconds <= timeout
            raise Lost(code)
        return request


def test_a_chief_that_is_gone_is_waited_for(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """For longer than the hour after which Keras Tuner gives up, with a word now and then."""
    now = [0.0]
    monkeypatch.setattr(distributed.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(distributed, "AGAIN", 0.0)
    gone, late = (1.0, grpc.StatusCode.UNAVAILABLE), (60.0, grpc.StatusCode.DEADLINE_EXCEEDED)
    stub = Stub(now, gone, gone, *([late] * 90), gone)
    assert distributed._Patient(stub, ("host", 1)).GetTrial("x", timeout=3600) == "x"
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 91 and told[0].startswith("No answer from the chief at host:1 for 0 min: waiting for it. If it")
    assert "for 90 min" in told[-1] and "stop this worker; started again under its name" in told[-1]
    bad = distributed._Patient(Stub(now, (0.0, grpc.StatusCode.INTERNAL)), ("host", 1))
    with pytest.raises(
        SeqlabError, match="the chief at host:1: INTERNAL: words. Trials under way are stopped; .*again"
    ):
        bad.GetTrial("x", timeout=3600)


def test_a_worker_that_comes_back_smaller_goes_on_with_all_its_trials(tmp_path: Path) -> None:
    _, oracle = begin(tmp_path, trials=6)
    lost = {oracle.create_trial(f"east-{number}").trial_id for number in range(4)}
    oracle.create_trial("east-0-0")  # of another worker

    class Chief:
        """Answers as over the net."""

        def get_trial(self, trial_id: str) -> Trial:
            return Trial.from_proto(oracle.get_trial(trial_id).to_proto())

    names = distributed.held(Chief(), "east")
    assert names == ["east-0", "east-1", "east-2", "east-3"] and distributed.held(Chief(), "west") == []
    space = SearchSpace(SETTINGS, rates)
    search = Search(oracle, space, tmp_path, OBJECTIVE, Options(jobs=2, command=FAKE), "east", names)
    rows = [row.trial for row in search.run()]
    assert lost < set(rows) and len(rows) == 5
    assert oracle.ongoing_trials.keys() == oracle.tuner_ids == {"east-0-0"}  # all of its names were told of the end


def test_the_first_of_two_reports_of_a_trial_counts(tmp_path: Path) -> None:
    """A chief that was resumed gives a trial to another worker although the first one still runs it."""
    _, oracle = begin(tmp_path, trials=2)
    first = oracle.create_trial("east")
    _, oracle = begin(tmp_path, trials=2, resume=True)
    again = oracle.create_trial("west")
    assert again.trial_id == first.trial_id
    for trial, score in ((first, 0.5), (again, 0.7)):
        report(oracle, trial, studies.Trial(trial.trial_id, "completed", score=score))
        assert not oracle.ongoing_trials
    assert [row.score for row in studies.read(tmp_path).trials] == [0.5] and oracle.end_order == [first.trial_id]


def test_a_report_takes_a_trial_out_of_those_to_be_given_again(tmp_path: Path) -> None:
    _, oracle = begin(tmp_path, trials=2)
    first = oracle.create_trial("east")
    _, oracle = begin(tmp_path, trials=2, resume=True)
    report(oracle, first, studies.Trial(first.trial_id, "completed", score=0.5))
    assert oracle.create_trial("west").trial_id != first.trial_id


@pytest.mark.parametrize("worker", ["chief", "the-chief-2", ""])
def test_names_of_workers(worker: str, tmp_path: Path) -> None:
    _, oracle = begin(tmp_path)
    with pytest.raises(SettingsError, match="--worker is a name of its own without 'chief'"):
        distributed.client(oracle, tmp_path, ("127.0.0.1", 1), worker)


@pytest.mark.parametrize("text", ["", "8000", "host", "host:", ":80", "host:port", "host:0", "host:70000"])
def test_addresses(text: str) -> None:
    with pytest.raises(SettingsError, match="--chief takes HOST:PORT"):
        distributed.parse_address(text)


def test_bounds_are_compared_as_they_travel() -> None:
    low = studies.Parameter("rate", "float", 1e-4, 0.1, "log")
    near = dataclasses.replace(low, low=1.0000000474974513e-4)
    assert distributed._rounded(low) == distributed._rounded(near)
    assert distributed._rounded(low) != distributed._rounded(dataclasses.replace(low, low=2e-4))


def test_a_chief_says_whom_it_waits_for(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    monkeypatch.setattr(distributed.time, "monotonic", lambda: now[0])
    watch = distributed._Watch()
    for at, ongoing in [(0, {"east-0": "3"}), (500, {"east-0": "3", "west-0": "4"}), (1000, {"east-0": "3"})]:
        now[0] = float(at)
        watch.look(ongoing)
    assert not caplog.text  # something has changed within ten minutes
    for at in (1500, 1600, 1700):
        now[0] = float(at)
        watch.look({"east-0": "3"})
    assert len(caplog.records) == 1
    assert "east-0 has trial 3 for 27 min" in caplog.text and "stop the chief and start it with --resume" in caplog.text
