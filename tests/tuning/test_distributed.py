from __future__ import annotations

import dataclasses
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from seqlab import studies
from seqlab.errors import SeqlabError, SettingsError
from seqlab.tuning import distributed
from seqlab.tuning.space import SearchSpace
from tests.tuning.common import SETTINGS, begin, rates
from tests.tuning.test_space import declared

PROGRAM = """
import sys
from pathlib import Path
from seqlab import studies
from seqlab.tuning.distributed import check_space, client, serve
from seqlab.tuning.search import Options, Search
from tests.tuning import common

role, folder, port, tuner = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
search, oracle = common.begin(folder, tuner=tuner, trials=6 if tuner == "random" else None)
if role == "chief":
    for trial in serve(oracle, folder, ("127.0.0.1", port)):
        print("finished", trial.trial, flush=True)
else:
    remote = client(oracle, folder, ("127.0.0.1", port), role)
    check_space(remote, search.space)
    options = Options(jobs=2, command=common.FAKE)
    for trial in Search(remote, search.space, folder, common.OBJECTIVE, options, role).run():
        print("ran", trial.trial, flush=True)
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.slow
@pytest.mark.parametrize("tuner", ["random", "hyperband"])
def test_a_chief_and_two_workers(tuner: str, tmp_path: Path) -> None:
    port = str(free_port())
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "FAKE_SECONDS": "0.2"}
    processes = {
        role: subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", PROGRAM, role, str(tmp_path / role), port, tuner],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for role in ("chief", "east", "west")
    }
    try:
        told = {role: process.communicate(timeout=180) for role, process in processes.items()}
    finally:
        for process in processes.values():
            process.kill()
    assert all(process.returncode == 0 for process in processes.values()), told
    ran = [line for role in ("east", "west") for line in told[role][0].splitlines() if line.startswith("ran")]
    trials = studies.read(tmp_path / "chief").trials
    assert len(trials) == len(ran) == len(set(ran)) == told["chief"][0].count("finished") >= 6
    assert all(trial.status == "completed" and trial.seeds == (1,) for trial in trials)


def test_a_chief_that_fails_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IP", "PORT"):
        monkeypatch.setenv(f"KERASTUNER_ORACLE_{name}", "")
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "")
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
