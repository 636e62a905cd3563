"""Runs on sequences of vectors: what is trained, the folder, resuming, and what becomes of them."""

from __future__ import annotations

import json
import math
import shutil
import warnings

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from seqlab.errors import DataError, SettingsError
from seqlab.frame_settings import FrameDataSettings, FrameSettings, FrameTrainingSettings, NetworkSettings
from seqlab.inference.load import load
from seqlab.layers.bidirectional import Bidirectional
from seqlab.layers.recurrent import Recurrent
from seqlab.ops.recurrence.variants import VARIANTS
from seqlab.training import course, frames
from seqlab.training.frame_data import next_step_corpus, read


class Cut(Exception):
    """Stands for a kill."""


def rolls(path, seed=0):
    """Pieces of four steps in which the next key is the one above."""
    random = np.random.default_rng(seed)

    def pieces(count):
        return [[[50 + int(k + step) % 3] for step in range(4)] for k in random.integers(0, 3, count)]

    path.write_text(json.dumps({"train": pieces(8), "valid": pieces(3), "test": pieces(3)}))
    return path


def settings(path, network=None, **training):
    options = {"epochs": 4, "patience": 2, "learning_rate": 0.05, "momentum": 0.5, **training}
    return FrameSettings(
        data=FrameDataSettings(path=str(path), format="piano_roll"),
        network=NetworkSettings(
            **{"units": 4, "bidirectional": False, "standardize": False, "noise": 0.1} | (network or {})
        ),
        training=FrameTrainingSettings(**options),
    )


def history(folder):
    return [json.loads(line) for line in (folder / "history.jsonl").read_text("utf-8").splitlines()]


def assert_same_runs(folder, unbroken):
    for one, other in zip(history(folder), history(unbroken), strict=True):
        assert_allclose(list(one.values()), list(other.values()), rtol=1e-5)
    found, expected = (json.loads((place / "scores.json").read_text("utf-8")) for place in (folder, unbroken))
    assert_allclose([found["dev"], found["test"]], [expected["dev"], expected["test"]], rtol=1e-5)
    assert (found["best_epoch"], found["epochs"]) == (expected["best_epoch"], expected["epochs"])
    with np.load(folder / "state.npz") as one, np.load(unbroken / "state.npz") as other:
        assert one.files == other.files
        for name in one.files:
            if name != "meta.json":
                assert_allclose(one[name], other[name], rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """A finished run; tests read it and change nothing."""
    folder = tmp_path_factory.mktemp("frames")
    frames.train(settings(rolls(folder / "rolls.json")), folder / "run", verbose=0)
    return folder / "run"


def test_the_folder_holds_everything(unbroken):
    names = {
        "settings.json",
        "versions.json",
        "history.jsonl",
        "times.jsonl",
        "scores.json",
        "model.keras",
        "state.npz",
    }
    assert {path.name for path in unbroken.iterdir()} == names
    scores = json.loads((unbroken / "scores.json").read_text("utf-8"))
    values = [row["val_nll"] for row in history(unbroken)]
    assert scores["measure"] == "nll" and scores["dev"] == pytest.approx(min(values), rel=1e-5)
    assert (scores["best_epoch"], scores["epochs"], scores["diverged"]) == (1 + values.index(min(values)), 4, False)
    assert values[-1] < 0.7 * 88 * math.log(2)
    model = load(unbroken / "model.keras")
    parts = read(FrameDataSettings(path=str(unbroken.parent / "rolls.json"), format="piano_roll"))
    assert model.score(parts.test) == pytest.approx(scores["test"], rel=1e-5)
    assert scores["parameters"] == 4 * (4 * 88 + 4 * 4 + 4) + 3 * 4 + 88 * 5


def test_a_run_that_is_cut_off_ends_as_the_unbroken_one(unbroken, tmp_path, monkeypatch):
    made = settings(unbroken.parent / "rolls.json")

    class Interrupt(course.Report):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            if epoch == 1:
                raise Cut

    with monkeypatch.context() as patched, pytest.raises(Cut):
        patched.setattr(course, "Report", Interrupt)
        frames.train(made, tmp_path, verbose=0)
    assert len(history(tmp_path)) == 2 and not (tmp_path / "scores.json").exists()
    frames.train(made, tmp_path, resume=True, verbose=0)
    assert_same_runs(tmp_path, unbroken)


def test_a_paused_run_ends_as_the_unbroken_one(unbroken, tmp_path):
    made = settings(unbroken.parent / "rolls.json")
    paused = frames.train(made, tmp_path, verbose=0, until=2)
    assert len(history(tmp_path)) == paused.scores["epochs"] == 2 and paused.scores["test"]
    again = frames.train(made, tmp_path, resume=True, verbose=0, until=2)  # as a trial that is killed at its end
    assert again.scores == paused.scores and len(history(tmp_path)) == 2
    frames.train(made, tmp_path, resume=True, verbose=0, until=9)  # more than there are
    assert_same_runs(tmp_path, unbroken)


def test_a_finished_run_is_not_trained_again(unbroken, tmp_path):
    folder = shutil.copytree(unbroken, tmp_path / "run")
    (folder / "scores.json").unlink()
    result = frames.train(settings(unbroken.parent / "rolls.json"), folder, resume=True, verbose=0)
    assert result.scores == json.loads((unbroken / "scores.json").read_text("utf-8"))
    assert len(history(folder)) == 4


def test_a_folder_with_a_run_is_refused(unbroken, tmp_path):
    made = settings(unbroken.parent / "rolls.json")
    with pytest.raises(SettingsError, match="already holds a run: resume it"):
        frames.train(made, unbroken)
    with pytest.raises(SettingsError, match="a run with other settings"):
        frames.train(settings(unbroken.parent / "rolls.json", epochs=9), unbroken, resume=True)
    folder = shutil.copytree(unbroken.parent, tmp_path / "copy")
    again = made.model_copy(update={"data": FrameDataSettings(path=str(folder / "rolls.json"), format="piano_roll")})
    (folder / "run" / "settings.json").write_text(again.model_dump_json())
    facts = json.loads((folder / "run" / "versions.json").read_text())
    facts["data"] = {key.replace(str(unbroken.parent), str(folder)): value for key, value in facts["data"].items()}
    (folder / "run" / "versions.json").write_text(json.dumps(facts))
    rolls(folder / "rolls.json", seed=1)
    with pytest.raises(DataError, match=r"was trained on other data: .*rolls\.json \(train\)"):
        frames.train(again, folder / "run", resume=True)


def test_a_run_that_diverges_ends_and_says_so(tmp_path):
    made = settings(rolls(tmp_path / "rolls.json"), learning_rate=3e38, epochs=9, momentum=0.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = frames.train(made, tmp_path / "run", verbose=0)
    assert any("Did training diverge" in str(one.message) for one in caught)
    assert result.scores["diverged"] and result.scores["epochs"] == 1
    assert result.scores["dev"] is None and result.scores["best_epoch"] is None


def test_the_optimizer_is_that_of_the_study():
    made = frames.optimizer_of(FrameTrainingSettings(learning_rate=0.2, momentum=0.75, clip=1.0))
    assert float(made.learning_rate) == pytest.approx(0.05)
    assert (made.momentum, made.nesterov, made.clipvalue) == (0.75, True, 1.0)
    plain = frames.optimizer_of(FrameTrainingSettings(momentum=0.5, nesterov=False))
    assert not plain.nesterov and plain.clipvalue is None


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_is_built(variant):
    corpus = next_step_corpus([np.eye(88)[:5]])
    model = frames.build(settings("x", {"variant": variant, "bidirectional": variant == "V"}), corpus)
    one = model.encoder.layer if variant == "V" else model.encoder
    assert isinstance(model.encoder, Bidirectional if variant == "V" else Recurrent)
    assert one.cell.variant == variant and one.cell.units == 4
    assert model.head.reduction == "sum" and model.standardizer is None


def test_initial_weights_are_normal():
    corpus = next_step_corpus([np.eye(88)[:5]])
    model = frames.build(settings("x", {"units": 100, "initial_std": 0.3, "bidirectional": True}), corpus)
    for weight in model.trainable_weights:
        values = np.array(keras.ops.convert_to_numpy(weight))
        assert values.std() == pytest.approx(0.3, rel=0.25) and abs(values.mean()) < 0.1, weight.path
    forward, backward = (one.cell.kernel_weight for one in (model.encoder.layer, model.encoder.backward_layer))
    assert not np.allclose(forward, backward)
