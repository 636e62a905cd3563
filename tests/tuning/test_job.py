from __future__ import annotations

from pathlib import Path

import pytest

from seqlab.errors import DataError
from seqlab.studies import Trial
from seqlab.tuning.job import Job, Outcome, read_job, read_result, write_job, write_result


def test_round_trip(tmp_path: Path) -> None:
    job = Job({"seed": 1}, {"rate": 0.1}, (1, 2), "val_f1", "max", until=3, after="07")
    write_job(tmp_path, job)
    assert read_job(tmp_path) == job
    assert read_result(tmp_path) is None
    outcome = Outcome("completed", 0.5, None, 3, 1.5, 100)
    write_result(tmp_path, outcome)
    assert read_result(tmp_path) == outcome
    assert outcome.row("3", (1, 2)) == Trial("3", "completed", {}, 0.5, None, 3, 1.5, 100, (1, 2))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be read"),
        ("[]", "holds list, expected an object"),
        ('{"sta": 1}', "no result of a trial"),
        ('{"status": "completed"}', "status 'completed' with score None"),
        ('{"status": "done", "score": 1}', "status 'done'"),
        ('{"status": "failed", "score": 1}', "status 'failed' with score 1"),
    ],
)
def test_a_damaged_result(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=rf"result\.json: {words}"):
        read_result(tmp_path)


def test_a_damaged_or_missing_job(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"job\.json: cannot be read"):
        read_job(tmp_path)
    (tmp_path / "job.json").write_text('{"seeds": []}', encoding="utf-8")
    with pytest.raises(DataError, match=r"job\.json: no task of a trial"):
        read_job(tmp_path)


@pytest.mark.parametrize("score", [None, 0.5])
def test_a_trial_that_diverged_has_a_score_or_none(score: float | None, tmp_path: Path) -> None:
    write_result(tmp_path, Outcome("diverged", score))
    assert read_result(tmp_path) == Outcome("diverged", score)
