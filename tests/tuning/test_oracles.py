from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from seqlab import studies
from seqlab.errors import DataError, SettingsError
from seqlab.tuning.messages import report
from seqlab.tuning.oracles import Durable, make_oracle, need
from seqlab.tuning.space import SearchSpace
from tests.tuning.common import OBJECTIVE, SETTINGS, begin, rates
from tests.tuning.fake import score


def small(hp: Any) -> dict[str, Any]:
    chars = hp.Choice("words.chars", ["cnn", "lstm"])
    with hp.conditional_scope("words.chars", ["lstm"]):
        units = hp.Int("chars.units", 5, 15, step=5)
    return {
        "words.chars": chars,
        "chars.units": units,
        "training.learning_rate": hp.Choice("learning_rate", [0.1, 0.01]),
    }


def steps(
    folder: Path, declare: Any, tuner: str, trials: int | None, cut: str = "", diverged: int = 3
) -> list[dict[str, Any]]:
    """Runs a search without processes, of which one trial diverges.

    With `cut`, the oracle is made anew from its files before each trial's end.
    """
    _, oracle = begin(folder, declare, tuner, trials)
    found = []
    while True:
        trial = oracle.create_trial("here")
        if trial.status == "STOPPED":
            return found
        if cut:
            _, oracle = begin(folder, declare, tuner, trials, resume=True)
            again = oracle.create_trial("there")
            assert (again.trial_id, again.hyperparameters.values) == (trial.trial_id, trial.hyperparameters.values)
            trial = again
        found.append(dict(trial.hyperparameters.values))
        if len(found) == diverged:
            row = studies.Trial(trial.trial_id, "diverged", error="no number")
        else:
            row = studies.Trial(trial.trial_id, "completed", score=score(trial.hyperparameters.values))
        report(oracle, trial, row)
        if cut == "after":
            _, oracle = begin(folder, declare, tuner, trials, resume=True)


@pytest.mark.parametrize(
    ("tuner", "declare", "trials"),
    [("random", rates, 6), ("hyperband", rates, None), ("grid", small, None)],
)
def test_a_search_that_is_cut_off_gives_out_the_same_trials(
    tuner: str, declare: Any, trials: int | None, tmp_path: Path
) -> None:
    whole = steps(tmp_path / "whole", declare, tuner, trials)
    assert steps(tmp_path / "cut", declare, tuner, trials, "after") == whole
    assert len(whole) == len(studies.read(tmp_path / "cut").trials)
    if tuner == "grid":
        assert len({json.dumps(values, sort_keys=True) for values in whole}) == len(whole) == 2 * (1 + 3)
    if tuner == "hyperband":
        assert {values["tuner/epochs"] for values in whole} == {1, 3, 9}


@pytest.mark.parametrize("place", ["row", "trial", "oracle"])
def test_a_kill_within_the_end_of_a_trial(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was written last, the trial is over once its row is there, and is given out again before."""

    class Killed(Exception):
        pass

    def killed(*arguments: Any) -> None:
        if place != "trial" or arguments[1].status == "COMPLETED":
            raise Killed

    _, oracle = begin(tmp_path)
    trial = oracle.create_trial("here")
    writers = {"row": (studies, "write_trial"), "trial": (Durable, "_save_trial"), "oracle": (Durable, "save")}
    owner, name = writers[place]
    row = studies.Trial(trial.trial_id, "completed", score=0.5)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, killed)
        with pytest.raises(Killed):
            report(oracle, trial, row)
    _, after = begin(tmp_path, resume=True)
    following = after.create_trial("here")
    if place == "row":
        assert following.trial_id == trial.trial_id
    else:
        assert following.trial_id != trial.trial_id and after.trials[trial.trial_id].score == 0.5
        assert after.end_order == [trial.trial_id] and len(studies.read(tmp_path).trials) == 1


def test_a_kill_before_a_trial_is_given_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, oracle = begin(tmp_path)
    first = oracle.create_trial("here")
    report(oracle, first, studies.Trial(first.trial_id, "completed", score=0.5))
    with monkeypatch.context() as patch:
        patch.setattr(Durable, "save", lambda self: None)
        lost = oracle.create_trial("here")
    _, after = begin(tmp_path, resume=True)
    again = after.create_trial("here")
    assert (again.trial_id, again.hyperparameters.values) == (lost.trial_id, lost.hyperparameters.values)


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("oracle.json", "{", r"oracle\.json: damaged"),
        ("oracle.json", "{}", r"oracle\.json: no state of a search \(KeyError"),
        ("trial_0/trial.json", "{", r"trial_0/trial\.json: damaged"),
        ("trial_0/trial.json", "{}", r"trial_0/trial\.json: no trial \(KeyError"),
        ("trial_0/trial.json", None, r"trial_0/trial\.json: there is no such file"),
        ("trials.csv", "", r"trials\.csv:1: columns that are missing"),
    ],
)
def test_a_damaged_folder_names_the_file(path: str, text: str | None, words: str, tmp_path: Path) -> None:
    _, oracle = begin(tmp_path)
    trial = oracle.create_trial("here")
    report(oracle, trial, studies.Trial(trial.trial_id, "completed", score=0.5))
    if text is None:
        (tmp_path / path).unlink()
    else:
        (tmp_path / path).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=words):
        begin(tmp_path, resume=True)


def test_a_row_that_was_taken_out_is_missed(tmp_path: Path) -> None:
    _, oracle = begin(tmp_path)
    trial = oracle.create_trial("here")
    report(oracle, trial, studies.Trial(trial.trial_id, "completed", score=0.5))
    studies.write_trials(tmp_path, oracle.study.space, ())
    with pytest.raises(DataError, match=r"trials\.csv: no row for the finished trials 0"):
        begin(tmp_path, resume=True)


def test_a_row_of_another_study_is_named(tmp_path: Path) -> None:
    _, oracle = begin(tmp_path)
    trial = oracle.create_trial("here")
    report(oracle, trial, studies.Trial(trial.trial_id, "completed", score=0.5))
    studies.write_trial(tmp_path, studies.Trial("7", "failed", error="no"))
    with pytest.raises(DataError, match=r"trials\.csv: rows of the trials 7, which this study has not given out: take"):
        begin(tmp_path, resume=True)


def test_options() -> None:
    space = SearchSpace(SETTINGS, rates).hyperparameters
    for tuner, trials, words in (
        ("hyperband", 5, "--trials: hyperband runs as many"),
        ("random", None, "--trials: say how many, for the tuner random"),
        ("randm", 5, "one of random, bayesian, hyperband, grid, guided, received 'randm'"),
    ):
        with pytest.raises(SettingsError, match=words):
            make_oracle(tuner, OBJECTIVE, space, trials, 1, 9)


def test_the_seed_chooses(tmp_path: Path) -> None:
    space = SearchSpace(SETTINGS, rates).hyperparameters
    values = []
    for number, seed in enumerate((0, 0, 1)):
        oracle = make_oracle("random", OBJECTIVE, space, 2, seed, 9)
        oracle.attach(tmp_path / str(number), studies.Study(OBJECTIVE, ()))
        values.append(oracle.create_trial("here").hyperparameters.values)
    assert values[0] == values[1] != values[2]


def test_missing_packages_are_named_before_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    space = SearchSpace(SETTINGS, rates).hyperparameters
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"bayesian needs the package sklearn: pip install 'seqlab\[analysis\]'"):
        make_oracle("bayesian", OBJECTIVE, space, 3, 1, 9)
    with pytest.raises(SettingsError, match=r"--parquet needs the package pyarrow: pip install 'seqlab\[parquet\]'"):
        need("pyarrow", "parquet", "--parquet")
