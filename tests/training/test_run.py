"""A run's folder, and what becomes of a run that is cut off."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import keras
import pytest
from numpy.testing import assert_allclose

from seqlab.corpora.conll import write_conll
from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import DataError, SettingsError
from seqlab.inference.load import load
from seqlab.models.tagger import Tagger
from seqlab.settings import DataSettings, RuleSettings, Settings, WordSettings
from seqlab.training import run as runs
from seqlab.training.lock import locked
from tests import tiny

pytestmark = pytest.mark.usefixtures("eagerly")


class Cut(Exception):
    """Stands for a kill."""


class Interrupt(keras.callbacks.Callback):
    """Raises in one epoch, after a batch or at its end."""

    def __init__(self, epoch: int, place: str) -> None:
        super().__init__()
        self.epoch, self.place, self.now = epoch, place, -1

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.now = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.place == "batch" and (self.now, batch) == (self.epoch, 1):
            raise Cut

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.place == "end" and epoch == self.epoch:
            raise Cut


def cut_off(monkeypatch: pytest.MonkeyPatch, settings: Settings, folder: Path, epoch: int, place: str) -> None:
    """Trains until the given place and leaves the folder as a kill would."""
    with monkeypatch.context() as patched, pytest.raises(Cut):
        patched.setattr(runs, "board", lambda _: Interrupt(epoch, place))
        runs.train(settings, folder, verbose=0)


def history(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "history.jsonl").read_text("utf-8").splitlines()]


def scores(folder: Path) -> Any:
    return json.loads((folder / "scores.json").read_text("utf-8"))


def assert_same_run(folder: Path, unbroken: Path) -> None:
    assert len(history(folder)) == len(history(unbroken))
    for one, other in zip(history(folder), history(unbroken), strict=True):
        assert one.keys() == other.keys()
        assert_allclose(list(one.values()), list(other.values()), rtol=1e-6, atol=1e-7)
    assert scores(folder) == scores(unbroken)


def test_the_folder_holds_everything(finished_run: Path) -> None:
    assert {path.name for path in finished_run.iterdir()} == {
        "settings.json",
        "versions.json",
        "history.jsonl",
        "scores.json",
        "model.keras",
        "state.npz",
        "times.jsonl",
        "tensorboard",
    }
    settings = runs.stored_settings(finished_run)
    assert settings == tiny.settings(finished_run.parent / "data")
    versions = json.loads((finished_run / "versions.json").read_text("utf-8"))
    assert versions["seed"] == settings.seed and versions["backend"] == keras.backend.backend()
    assert versions["packages"]["keras"] == keras.__version__ and len(versions["data"]) == 3
    rows = history(finished_run)
    assert [row["epoch"] for row in rows] == list(range(len(rows)))
    assert {"loss", "val_loss", "val_f1", "val_precision", "val_recall", "val_accuracy"} < rows[0].keys()
    assert any((finished_run / "tensorboard").rglob("events.*"))
    best = max(row["val_f1"] for row in rows)
    assert scores(finished_run)["dev"]["overall"]["f1"] == best
    tagger = load(finished_run / "model.keras")
    assert tagger.score(tiny.dev_part()).overall.f1 == best
    assert tagger.score(tiny.part("test", 5)).to_dict() == scores(finished_run)["test"]


def test_a_finished_run_that_was_calibrated_stays_so(finished_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished_run, folder)
    tagger = load(folder / "model.keras")
    tagger.head.temperature = 1.5
    tagger.save(folder / "model.keras")
    found = runs.train(runs.stored_settings(folder), folder, resume=True)
    assert load(folder / "model.keras").head.temperature == 1.5
    assert found.scores["test"].to_dict() == scores(folder)["test"] == scores(finished_run)["test"]


def test_plateau_and_stopping_have_something_to_show(finished_run: Path) -> None:
    rates = {row["learning_rate"] for row in history(finished_run)}
    assert len(rates) > 1, "the rate was never halved: the resume tests would show nothing"


def test_a_run_cut_inside_an_epoch_ends_as_the_unbroken_one(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = tiny.settings(finished_run.parent / "data")
    cut_off(monkeypatch, settings, tmp_path, epoch=len(history(finished_run)) - 2, place="batch")
    assert len(history(tmp_path)) == len(history(finished_run)) - 2
    assert not (tmp_path / "scores.json").exists()
    leftovers = [tmp_path / name for name in (".state-x.npz", ".model-x.keras", ".history-x.jsonl", ".scores-x.json")]
    for path in leftovers:
        path.write_bytes(b"half of a file")
    with caplog.at_level(logging.INFO, "seqlab"):
        runs.train(settings, tmp_path, resume=True, verbose=0)
    assert "Resuming after epoch" in caplog.text
    assert_same_run(tmp_path, finished_run)
    assert not any(path.exists() for path in leftovers)


def test_averaging_and_a_falling_rate_are_resumed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"average": 0.9, "schedule": "linear", "optimizer": "nadam", "epochs": 4, "patience": 4}
    base = tiny.settings(tiny.write(tmp_path / "data"), **options)
    # A smaller model than elsewhere: several of them are trained here.
    settings = Settings(**{**base.model_dump(), "head": "softmax", "words": {"dim": 8, "chars": None, "dropout": 0.1}})
    found = runs.train(settings, tmp_path / "whole", verbose=0)
    rows = history(tmp_path / "whole")  # what was validated is what is saved: the averages
    assert found.scores["dev"].overall.f1 == max(row["val_f1"] for row in rows) > 0
    assert found.tagger.evaluate(tiny.dev_part(), return_dict=True, verbose=0)["loss"] in [
        pytest.approx(row["val_loss"], rel=1e-4) for row in rows if row["val_f1"] == found.scores["dev"].overall.f1
    ]
    cut_off(monkeypatch, settings, tmp_path / "cut", epoch=1, place="end")
    runs.train(settings, tmp_path / "cut", resume=True, verbose=0)
    assert_same_run(tmp_path / "cut", tmp_path / "whole")

    runs.train(settings, tmp_path / "paused", verbose=0, until=2)
    assert len(history(tmp_path / "paused")) == 2 and scores(tmp_path / "paused")["test"]
    runs.train(settings, tmp_path / "paused", resume=True, verbose=0, until=9)  # more than there are
    assert_same_run(tmp_path / "paused", tmp_path / "whole")


@pytest.mark.parametrize("choice", [None, "balanced"])
def test_class_weights_of_the_settings_reach_fit(
    choice: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tiny.settings(tiny.write(tmp_path / "data")).model_dump()
    settings = Settings(**{**base, "head": "softmax", "training": {"class_weight": choice}})
    seen: dict[str, Any] = {}

    def fit(tagger: Tagger, *args: Any, **options: Any) -> None:
        seen.update(options)
        raise Cut

    monkeypatch.setattr(Tagger, "fit", fit)
    with pytest.raises(Cut):
        runs.train(settings, tmp_path / "run", verbose=0)
    assert seen["class_weight"] == choice


@pytest.fixture
def finished_copy(finished_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


def test_resuming_a_finished_run_changes_nothing(finished_run: Path, finished_copy: Path) -> None:
    (finished_copy / "scores.json").unlink()
    lines = (finished_copy / "history.jsonl").read_text("utf-8").splitlines()
    (finished_copy / "history.jsonl").write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")  # killed before it
    result = runs.train(runs.stored_settings(finished_copy), finished_copy, resume=True, verbose=0)
    assert_same_run(finished_copy, finished_run)
    assert result.scores["dev"].to_dict() == scores(finished_run)["dev"]


def test_a_used_folder_is_refused(finished_run: Path) -> None:
    settings = runs.stored_settings(finished_run)
    with pytest.raises(SettingsError, match="already holds a run: resume it .*or name another folder"):
        runs.train(settings, finished_run, verbose=0)
    other = Settings(**{**dict(settings), "seed": 9})
    with pytest.raises(SettingsError, match="a run with other settings"):
        runs.train(other, finished_run, resume=True, verbose=0)


def test_changed_data_is_refused(finished_copy: Path, tmp_path: Path) -> None:
    settings = runs.stored_settings(finished_copy)
    folder = tiny.write(tmp_path / "data")
    moved = settings.model_dump_json().replace(str(Path(settings.data.train).parent), str(folder))
    (finished_copy / "settings.json").write_text(moved, encoding="utf-8")
    versions = (finished_copy / "versions.json").read_text("utf-8")
    versions = versions.replace(str(Path(settings.data.train).parent), str(folder))
    (finished_copy / "versions.json").write_text(versions, encoding="utf-8")
    with (folder / "dev.conll").open("a", encoding="utf-8") as stream:
        stream.write("\nOslo PROPN B-NP B-LOC\n")
    with pytest.raises(DataError, match=r"trained on other data: .*dev\.conll changed since"):
        runs.train(runs.stored_settings(finished_copy), finished_copy, resume=True, verbose=0)


def test_a_damaged_state_is_named(finished_copy: Path) -> None:
    (finished_copy / "state.npz").write_bytes(b"half")
    with pytest.raises(DataError, match=r"state\.npz: the state of the run cannot be read"):
        runs.train(runs.stored_settings(finished_copy), finished_copy, resume=True, verbose=0)


def test_a_folder_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"holds no run \(settings\.json is missing\)"):
        runs.stored_settings(tmp_path)


def test_folds_give_mean_and_spread_and_go_on_after_a_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tiny.settings(tiny.write(tmp_path / "data"), epochs=1)
    data = DataSettings(**{**base.data.model_dump(), "dev": None, "test": None, "folds": 3})
    settings, folder = Settings(**{**dict(base), "data": data}), tmp_path / "folds"
    trained: list[str] = []

    def run(_: Settings, place: Path, corpora: Any, verbose: int) -> None:
        if place.name == "fold-2" and "fold-2" not in trained:
            trained.append("fold-2")
            raise Cut
        trained.append(place.name)
        assert (len(corpora.train), len(corpora.dev), corpora.test) == (16, 8, None)
        (place / "state.npz").touch()
        f1 = {"fold-0": 0.5, "fold-1": 0.7, "fold-2": 0.9}[place.name]
        (place / "scores.json").write_text(json.dumps({"dev": {"overall": {"f1": f1}}}), encoding="utf-8")

    real = runs.run
    monkeypatch.setattr(runs, "run", run)
    with pytest.raises(Cut):
        runs.train_folds(settings, folder, verbose=0)
    with pytest.raises(SettingsError, match="already holds a run"):
        runs.train_folds(settings, folder, verbose=0)
    summary = runs.train_folds(settings, folder, resume=True, verbose=0)
    assert trained == ["fold-0", "fold-1", "fold-2", "fold-2"]
    assert summary["folds"] == [0.5, 0.7, 0.9]
    assert_allclose([summary["mean"], summary["stdev"]], [0.7, 0.2])
    assert scores(folder) == summary

    monkeypatch.setattr(runs, "run", real)  # one fold in earnest
    shutil.rmtree(folder / "fold-1")
    summary = runs.train_folds(settings, folder, resume=True, verbose=0)
    assert summary["folds"][1] == scores(folder / "fold-1")["dev"]["overall"]["f1"]
    assert (folder / "fold-1" / "model.keras").is_file()


def test_a_fold_that_lacks_a_type_of_a_rule_is_told_before_any_training(tmp_path: Path) -> None:
    sentences = [Sentence(("a", "b"), {"chunk": ("B-X", "O")}) for _ in range(5)]
    corpus = Corpus([Sentence(("a",), {"chunk": ("B-Y",)}), *sentences], {"chunk": "iob2"})
    write_conll(corpus, tmp_path / "train.conll")
    settings = Settings(
        data=DataSettings(train=str(tmp_path / "train.conll"), columns={"word": 0, "chunk": 1}, folds=2),
        task="chunk",
        rules=RuleSettings(at_most_one=("Y",)),
    )
    with pytest.raises(SettingsError, match=r"Without fold [01], which is held out in turn: .*Y"):
        runs.train_folds(settings, tmp_path / "folds", verbose=0)
    assert not list((tmp_path / "folds").glob("fold-*"))


def test_a_folder_in_use_is_refused(finished_copy: Path, tmp_path: Path) -> None:
    settings = runs.stored_settings(finished_copy)
    before = {path: path.stat().st_mtime_ns for path in finished_copy.rglob("*")}
    folds = DataSettings(**{**settings.data.model_dump(), "dev": None, "test": None, "folds": 3})
    with locked(finished_copy):
        with pytest.raises(SettingsError, match="in use by another process"):
            runs.train(settings, finished_copy, resume=True, verbose=0)
        with pytest.raises(SettingsError, match="in use by another process"):
            runs.train_folds(Settings(**{**dict(settings), "data": folds}), finished_copy, resume=True, verbose=0)
    assert {path: path.stat().st_mtime_ns for path in finished_copy.rglob("*")} == before


def test_a_start_that_failed_leaves_the_folder_free(tmp_path: Path) -> None:
    wrong = tiny.settings(tiny.write(tmp_path / "data"), epochs=1)
    words = WordSettings(**{**wrong.words.model_dump(), "vectors": str(tmp_path / "missing.txt")})
    with pytest.raises(DataError):
        runs.train(Settings(**{**dict(wrong), "words": words}), tmp_path / "run", verbose=0)
    assert runs.train(wrong, tmp_path / "run", verbose=0).scores["dev"].tokens == 50


def test_a_width_other_than_the_files_is_refused_and_an_absent_one_survives_a_resume(
    finished_run: Path, tmp_path: Path
) -> None:
    (tmp_path / "vectors.txt").write_text("the 1 2 3\nof 4 5 6\n", encoding="utf-8")
    base = tiny.settings(finished_run.parent / "data")
    words = {"vectors": str(tmp_path / "vectors.txt"), "chars": None}
    settings = Settings(**{**base.model_dump(), "words": words})
    assert settings.words.dim is None and Settings.model_validate_json(settings.model_dump_json()) == settings
    assert runs.build(settings, tiny.train_part()).features[0].dim == 3
    with pytest.raises(SettingsError, match=r"is 50, but the word vectors of the file have 3 numbers each"):
        runs.build(Settings(**{**base.model_dump(), "words": {**words, "dim": 50}}), tiny.train_part())


def test_another_backend_is_refused(finished_run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(finished_run, tmp_path / "run")
    facts = json.loads((folder / "versions.json").read_text("utf-8"))
    (folder / "versions.json").write_text(json.dumps({**facts, "backend": "other"}), encoding="utf-8")
    with pytest.raises(SettingsError, match="trained on the other backend.*KERAS_BACKEND=other"):
        runs.train(runs.stored_settings(folder), folder, resume=True, verbose=0)


def test_learning_in_another_scheme_scores_in_the_same_way(tmp_path: Path) -> None:
    base = tiny.settings(tiny.write(tmp_path / "data"), epochs=1)
    result = runs.train(Settings(**{**dict(base), "tag_scheme": "iobes"}), tmp_path / "run", verbose=0)
    assert result.tagger.scheme == "iobes" and any(label.startswith("S-") for label in result.tagger.labels)
    assert result.scores["dev"].overall.support == result.tagger.score(tiny.dev_part()).overall.support > 0
