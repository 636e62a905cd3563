"""A run of several tasks: what its folder holds, and what becomes of it when it is cut off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from seqlab.corpora.conll import conll, write_conll
from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import DataError, SettingsError
from seqlab.inference.load import load
from seqlab.multitask_settings import MultiTaskSettings
from seqlab.training import multitask
from seqlab.training.multitask import digest, read, train
from tests import tiny
from tests.training.test_run import assert_same_run

pytestmark = pytest.mark.usefixtures("eagerly")


class Cut(keras.callbacks.Callback):
    """Raises at the end of an epoch, as a kill would come."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch == 0:
            raise InterruptedError


@pytest.fixture(scope="module")
def runs(finished_tasks: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An unbroken run, and one that was cut off after its first epoch and resumed."""
    cut = tmp_path_factory.mktemp("multitask") / "cut"
    chosen = tiny.finished_task_settings(finished_tasks.parent / "data")
    with pytest.MonkeyPatch.context() as patched, pytest.raises(InterruptedError):
        patched.setattr(multitask, "board", lambda _: Cut())
        train(chosen, cut, verbose=0)
    with pytest.raises(SettingsError, match="already holds a run"):
        train(chosen, cut, verbose=0)
    train(chosen, cut, resume=True, verbose=0)
    return finished_tasks, cut


def lines(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "history.jsonl").read_text("utf-8").splitlines()]


def test_a_resumed_run_ends_as_an_unbroken_one(runs: Any) -> None:
    assert len(lines(runs[0])) == 3
    assert_same_state(*runs)


def test_a_paused_run_ends_as_an_unbroken_one(finished_tasks: Path, tmp_path: Path) -> None:
    chosen = tiny.finished_task_settings(finished_tasks.parent / "data")
    paused = train(chosen, tmp_path, verbose=0, until=1)
    assert len(lines(tmp_path)) == 1 and paused.scores["test"]
    train(chosen, tmp_path, resume=True, verbose=0, until=9)  # more than there are
    assert_same_state(finished_tasks, tmp_path)


def assert_same_state(whole: Path, cut: Path) -> None:
    assert_same_run(cut, whole)
    with np.load(whole / "state.npz") as one, np.load(cut / "state.npz") as other:
        assert one.files == other.files
        for name in one.files:
            if name != "meta.json":
                assert_allclose(one[name], other[name], rtol=1e-5, atol=1e-6)


def test_separate_networks_have_best_epochs_of_their_own(finished_tasks: Path, tmp_path: Path) -> None:
    encoder = {"kind": "stl", "units": 3, "layers": 1, "dropout": 0.5}
    options = {"epochs": 4, "batch_size": 8, "learning_rate": 0.2}  # so high that scores rise and fall
    chosen = tiny.task_settings(finished_tasks.parent / "data", encoder=encoder, training=options, schedule={})
    with pytest.MonkeyPatch.context() as patched, pytest.raises(InterruptedError):
        patched.setattr(multitask, "board", lambda _: Cut())
        train(chosen, tmp_path / "run", verbose=0)
    train(chosen, tmp_path / "run", resume=True, verbose=0, until=3)
    assert len(lines(tmp_path / "run")) == 3
    found = train(chosen, tmp_path / "run", resume=True, verbose=0)
    rows = lines(tmp_path / "run")
    assert len(rows) == 4
    for task, scores in found.scores["dev"].items():
        figures = [row[f"val_{task}_f1"] for row in rows]
        assert len(set(figures)) > 1
        assert scores.overall.f1 == max(figures)
    with np.load(tmp_path / "run" / "state.npz") as state:
        stored = [name for name in state.files if "/best_weights/" in name]
        assert {name.split("/")[1] for name in stored} == {"0", "1"}


def test_the_folder(finished_tasks: Path) -> None:
    run, chosen = finished_tasks, tiny.finished_task_settings(finished_tasks.parent / "data")
    rows = lines(run)
    for row in rows:
        assert row["val_f1"] == pytest.approx((row["val_tag_f1"] + row["val_chunk_f1"]) / 2)
        assert row["val_language_perplexity"] == pytest.approx(np.exp(row["val_language_loss"]), rel=1e-4)
    assert rows[-1]["language_loss"] < rows[0]["language_loss"]
    scores = json.loads((run / "scores.json").read_text("utf-8"))
    assert set(scores["dev"]["tasks"]) == {"tag", "chunk"} and set(scores["test"]["tasks"]) == {"chunk"}
    assert scores["dev"]["mean"] == pytest.approx(max(row["val_f1"] for row in rows))  # the best epoch's model
    assert scores["dev"]["tasks"]["tag"]["strict"] is None and scores["test"]["tasks"]["chunk"]["tokens"] == 50
    assert MultiTaskSettings.model_validate_json((run / "settings.json").read_text("utf-8")) == chosen
    assert set(json.loads((run / "versions.json").read_text("utf-8"))["data"]) == set(digest(chosen))
    model = load(run / "model.keras")
    test = conll(Path(chosen.tasks[1].data.test or ""), tiny.COLUMNS)
    assert model.view("chunk").score(test).overall.f1 == scores["test"]["tasks"]["chunk"]["overall"]["f1"]


def test_a_finished_run_is_not_trained_again(finished_tasks: Path) -> None:
    run, chosen = finished_tasks, tiny.finished_task_settings(finished_tasks.parent / "data")
    before = (run / "model.keras").stat().st_mtime_ns
    found = train(chosen, run, resume=True, verbose=0)
    assert (run / "model.keras").stat().st_mtime_ns == before
    assert json.loads((run / "scores.json").read_text("utf-8"))["dev"]["tasks"]["tag"] == (
        found.scores["dev"]["tag"].to_dict()
    )


def test_corpora_go_by_task(tmp_path: Path) -> None:
    data = read(tiny.task_settings(tiny.write(tmp_path)))
    assert list(data.train) == ["tag", "chunk"]
    assert data.train["tag"].column("tag") == tiny.train_part().column("pos")
    assert "pos" not in data.train["tag"].tasks
    assert list(data.test) == ["chunk"]
    joined = data.joined
    assert len(joined.train) == len(tiny.train_part())  # both tasks have the same sentences
    assert joined.test is not None and joined.test.words() == data.test["chunk"].words()


def test_a_task_is_learnt_in_another_scheme(tmp_path: Path) -> None:
    chosen = tiny.task_settings(tiny.write(tmp_path))
    tag, chunk = (task.model_dump() for task in chosen.tasks)
    data = read(tiny.task_settings(tmp_path, tasks=[tag, {**chunk, "tag_scheme": "iobes"}]))
    for found, given in (
        (data.train, tiny.train_part()),
        (data.dev, tiny.dev_part()),
        (data.test, tiny.part("test", 5)),
    ):
        assert found["chunk"].schemes["chunk"] == "iobes"
        assert found["chunk"].column("chunk") == given.converted("chunk", "iobes").column("chunk")
    assert data.train["tag"].schemes["tag"] is None
    with pytest.raises(DataError, match="holds plain labels"):
        read(tiny.task_settings(tmp_path, tasks=[{**tag, "tag_scheme": "iob2"}, chunk]))


def test_labels_of_one_task_in_a_file_of_another(tmp_path: Path) -> None:
    chosen = tiny.task_settings(tiny.write(tmp_path))
    swapped = [Sentence(s.words, {**s.columns, "pos": s.columns["chunk"]}) for s in tiny.dev_part()]
    write_conll(Corpus(swapped), tmp_path / "dev.conll", columns=tiny.COLUMNS)
    with pytest.raises(DataError, match="dev.conll: The labels given for the task 'tag' are those of 'chunk'"):
        read(chosen)


def test_an_unknown_scheme_is_said_before_files_are_read(tmp_path: Path) -> None:
    chosen = tiny.task_settings(tmp_path / "absent").model_dump()
    chosen["tasks"][1]["tag_scheme"] = "iob3"
    with pytest.raises(SettingsError, match="Unknown tag scheme 'iob3'; known: .*Did you mean"):
        read(MultiTaskSettings(**chosen))
