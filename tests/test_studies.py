from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from seqlab.errors import DataError
from seqlab.studies import (
    Condition,
    Objective,
    Parameter,
    Study,
    Trial,
    read,
    read_header,
    write_header,
    write_trial,
)

SPACE = (
    Parameter("training.learning_rate", "float", 1e-4, 1e-1, "log"),
    Parameter("encoder.units", "int", 20, 200, "linear", 20),
    Parameter("words.chars", "choice", values=("cnn", "lstm")),
    Parameter("chars.units", "int", 5, 50, "linear", conditions=(Condition("words.chars", ("lstm",)),)),
    Parameter("words.casing", "boolean"),
    Parameter("head", "fixed", values=("crf",)),
)
VALUES = {
    "training.learning_rate": 0.0123456789012345,
    "encoder.units": 40,
    "words.chars": "cnn",
    "words.casing": False,
    "head": "crf",
}
DONE = Trial("00", "completed", VALUES, 0.91, 0.9, 12, 3.5, 12_345, (1, 2, 3))
FAILED = Trial("01", "failed", {**VALUES, "words.chars": "lstm", "chars.units": 7}, error='Out of "memory",\nbadly')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_header(tmp_path, Study(Objective("val_f1", "max"), SPACE, "seqlab tune r.py", 3, "random"))
    write_trial(tmp_path, DONE)
    write_trial(tmp_path, FAILED)
    return tmp_path


def test_what_is_written_is_read(folder: Path) -> None:
    study = read(folder)
    assert (study.objective, study.space) == (Objective("val_f1", "max"), SPACE)
    assert (study.command, study.seed, study.tuner) == ("seqlab tune r.py", 3, "random")
    assert study.trials[0] == DONE
    assert study.trials[1] == Trial("01", "failed", FAILED.values, error='Out of "memory", badly')
    header, first, second = (folder / "trials.csv").read_text("utf-8").splitlines()
    assert header.startswith("trial,status,score,test,epochs,seconds,weights,seed,error,hp.training.learning_rate,")
    assert first.endswith(",40,cnn,,False,crf") and second.endswith(",40,lstm,7,False,crf")


def test_a_row_is_replaced(folder: Path) -> None:
    better = Trial("01", "completed", VALUES, 0.95)
    write_trial(folder, better)
    assert read(folder).trials == (DONE, better)
    assert [trial.trial for trial in read(folder).ranked()] == ["01", "00"]
    write_header(folder, Study(Objective("val_loss", "min"), SPACE))
    assert [trial.trial for trial in read(folder).ranked()] == ["00", "01"]


@pytest.mark.parametrize("trial", [Trial("02", "lost"), Trial("02", "failed", {"units": 3})])
def test_an_unknown_status_or_value_is_not_written(trial: Trial, folder: Path) -> None:
    with pytest.raises(DataError, match="unknown status"):
        write_trial(folder, trial)
    assert len(read(folder).trials) == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"score": float("nan")}, "score is nan"),
        ({"test": float("inf")}, "test is inf"),
        ({"seconds": float("-inf")}, "seconds is -inf"),
        ({"values": {**VALUES, "training.learning_rate": float("nan")}}, "training.learning_rate is nan"),
    ],
)
def test_a_number_that_is_not_finite_is_not_written(changes: dict, words: str, folder: Path) -> None:
    with pytest.raises(DataError, match=f"trial 02: {words}, no finite number"):
        write_trial(folder, replace(DONE, trial="02", **changes))
    assert len(read(folder).trials) == 2


def test_a_trial_that_diverged_is_ranked_by_its_score(folder: Path) -> None:
    write_trial(folder, Trial("02", "diverged", VALUES, 0.95, error="from epoch 3 on"))
    write_trial(folder, Trial("03", "diverged", VALUES))
    write_trial(folder, Trial("04", "timed_out", VALUES, 0.99))
    assert [trial.trial for trial in read(folder).ranked()] == ["02", "00"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("completed", "complete", r"trials.csv:2: status 'complete', expected one of completed"),
        ("0.91,", ",", "trials.csv:2: a completed trial without a score"),
        ("0.91,", "nan,", "trials.csv:2: column score: 'nan' is no finite number"),
        ("0.91,", "?,", "trials.csv:2: column score: '\\?' cannot be read"),
        (",cnn,", ",cnm,", "trials.csv:2: column hp.words.chars: 'cnm' .*expected one of cnn, lstm"),
        (",40,cnn", ",4.5,cnn", "trials.csv:2: column hp.encoder.units"),
        ("\n01,", "\n00,", "trials.csv:3: trial '00' is there twice"),
        (",crf\n01", "\n01", "trials.csv:2: 13 cells|trials.csv:2: 14 cells"),
        ("hp.head", "hp.heads", "trials.csv:1: columns that are missing: \\['hp.head'\\]; .*'hp.heads'"),
    ],
)
def test_a_damaged_table(old: str, new: str, words: str, folder: Path) -> None:
    path = folder / "trials.csv"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError, match=words):
        read(folder)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"max"', '"up"', "the direction is 'up', expected min or max"),
        ('"kind": "int"', '"kind": "integer"', "kind 'integer'"),
        ('"low": 20,', "", "from None to 200"),
        ('"sampling": "log"', '"sampling": "exp"', "sampling 'exp'"),
        ('"command"', '"comand"', "KeyError: 'command'"),
        ("{", "", "JSONDecodeError"),
    ],
)
def test_a_damaged_header(old: str, new: str, words: str, folder: Path) -> None:
    path = folder / "study.json"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError, match=words) as caught:
        read_header(folder)
    assert "study.json" in str(caught.value)


def test_missing_files(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(DataError, match=r"study\.json: there is no such file; expected the folder of a study"):
        read(tmp_path / "nothing")
    (folder / "trials.csv").unlink()
    with pytest.raises(DataError, match=r"trials\.csv: there is no such file"):
        read(folder)


def test_parquet_holds_the_same(folder: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    write_trial(folder, DONE, parquet=True)
    rows = parquet.read_table(folder / "trials.parquet").to_pylist()
    assert [row["trial"] for row in rows] == ["00", "01"]
    assert rows[0]["hp.encoder.units"] == 40 and rows[0]["hp.chars.units"] is None and rows[1]["score"] is None
