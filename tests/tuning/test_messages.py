"""What oracles take from those who report to them, and what they refuse."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from keras_tuner.engine.trial import Trial

from seqlab import studies
from seqlab.tuning.messages import DESCRIPTION, HELD, IDENTITY, Refused, named, names_of, report
from seqlab.tuning.oracles import Durable
from tests.tuning.common import begin


class Remote:
    """A worker's stand-in of an oracle: what it is told arrives as over the net."""

    def __init__(self, oracle: Durable, identity: str | None = None) -> None:
        self.oracle, self.identity = oracle, oracle.identity if identity is None else identity

    def create_trial(self, name: str) -> Trial:
        return Trial.from_proto(self.oracle.create_trial(named(name, self.identity)).to_proto())

    def end_trial(self, trial: Trial) -> None:
        self.oracle.end_trial(Trial.from_proto(trial.to_proto()))


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "trials.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def completed(trial: Trial, score: float = 0.5) -> studies.Trial:
    return studies.Trial(trial.trial_id, "completed", score=score)


def test_a_report_travels(tmp_path: Path) -> None:
    _, oracle = begin(tmp_path)
    remote = Remote(oracle)
    trial = remote.create_trial("east-0")
    report(remote, trial, completed(trial))
    (row,) = studies.read(tmp_path).trials
    assert row.score == oracle.trials["0"].score == 0.5 and row.values == oracle.trials["0"].hyperparameters.values
    assert oracle.end_order == ["0"] and not oracle.ongoing_trials


def unknown(trial: Trial) -> None:
    trial.trial_id = "7"


def other_values(trial: Trial) -> None:
    trial.hyperparameters.values["rate"] *= 1.01


def further_value(trial: Trial) -> None:
    trial.hyperparameters.values["speed"] = 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (unknown, "report of trial 7 is refused: this study has given out no trial of that name"),
        (other_values, r"report of trial 0 is refused: it was given out with other values \(rate \S+, here \S+\)"),
        (further_value, r"other values \(speed 3, here None\)"),
    ],
)
def test_a_report_of_no_trial_of_the_study_is_refused(change: Any, words: str, tmp_path: Path) -> None:
    _, oracle = begin(tmp_path)
    remote = Remote(oracle)
    trial = remote.create_trial("east-0")
    foreign = Trial.from_proto(trial.to_proto())
    change(foreign)
    with pytest.raises(Refused, match=words):
        report(remote, foreign, completed(foreign))
    assert rows(tmp_path) == [] and oracle.ongoing_trials["east-0"].trial_id == "0"
    report(remote, trial, completed(trial))  # the study is as good as before
    _, oracle = begin(tmp_path, resume=True)
    assert oracle.end_order == ["0"]


def test_a_worker_of_another_study_is_refused(tmp_path: Path) -> None:
    _, oracle = begin(tmp_path / "one")
    _, other = begin(tmp_path / "other")
    assert oracle.identity != other.identity != ""
    late = Remote(oracle, other.identity)
    with pytest.raises(Refused, match=rf"call of east-0 .*another study \({other.identity}, here {oracle.identity}\)"):
        late.create_trial("east-0")
    assert not oracle.ongoing_trials and not oracle.tuner_ids
    trial = oracle.create_trial("west-0")
    with pytest.raises(Refused, match="report of trial 0 is refused: it is of another study.*start it anew"):
        report(late, Trial.from_proto(trial.to_proto()), completed(trial))
    assert rows(tmp_path / "one") == []


def test_a_study_keeps_its_name_and_one_from_before_has_none(tmp_path: Path) -> None:
    _, oracle = begin(tmp_path)
    _, again = begin(tmp_path, resume=True)
    assert again.identity == oracle.identity
    text = (tmp_path / "search.json").read_text("utf-8").replace('"study"', '"else"')
    (tmp_path / "search.json").write_text(text.replace(f',\n "else": "{oracle.identity}"', ""), "utf-8")
    _, old = begin(tmp_path, resume=True)
    assert old.identity == ""
    remote = Remote(old)
    trial = remote.create_trial("me@host-0")
    report(remote, trial, completed(trial))
    with pytest.raises(Refused, match=f"{oracle.identity}, here one without a name"):
        Remote(old, oracle.identity).create_trial("east-0")


def test_what_an_oracle_is_asked(tmp_path: Path) -> None:
    _, oracle = begin(tmp_path)
    oracle.description = "words"
    for name in ("east-1", "east-0", "east-0-0", "west-0"):
        oracle.create_trial(name)

    def ask(name: str) -> dict[str, Any]:
        return dict(Trial.from_proto(oracle.get_trial(name).to_proto()).hyperparameters.values)

    assert ask(DESCRIPTION) == {DESCRIPTION: "words", IDENTITY: oracle.identity}
    assert ask(f"{HELD}east") == {f"{HELD}east": '["east-0", "east-1"]'} and ask(f"{HELD}so") == {f"{HELD}so": "[]"}
    assert ask("0").keys() == {"rate", "encoder.units"}
    assert names_of("a.b", ["a.b-1", "a-b-1", "aXb-1"]) == ["a.b-1"]
