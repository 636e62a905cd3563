"""What settings of training practice do to whole trainings: precision, repeats, cycles."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from seqlab.errors import DataError, SettingsError
from seqlab.inference.load import load
from seqlab.models.ensemble import Ensemble
from seqlab.models.tagger import Tagger
from seqlab.settings import Settings
from seqlab.training import run as runs
from seqlab.training.build import build, compile_tagger
from tests import tiny
from tests.training.test_run import assert_same_run, cut_off, history


def small(folder: Path, head: str = "softmax", seed: int = 1, **training: Any) -> Settings:
    """Settings of a smaller model than elsewhere."""
    base = tiny.settings(folder, schedule=training.get("schedule", "halve")).model_dump()
    changed = {"head": head, "words": {"dim": 8, "chars": None, "dropout": 0.1}, "seed": seed}
    return Settings(**{**base, **changed, "training": {**base["training"], **training}})


def trained(settings: Settings, epochs: int = 2) -> tuple[Tagger, list[float]]:
    keras.utils.set_random_seed(settings.seed)
    tagger = build(settings, tiny.train_part())
    compile_tagger(tagger, settings.training, steps=3)
    batches = tagger.batches(tiny.train_part(), batch_size=8, shuffle=True, seed=settings.seed)
    return tagger, tagger.fit(batches, epochs=epochs, verbose=0).history["loss"]


@pytest.mark.parametrize(("precision", "head"), [("mixed_float16", "crf"), ("mixed_bfloat16", "softmax")])
def test_mixed_precision_trains(precision: str, head: str, tmp_path: Path) -> None:
    settings = small(tmp_path, head, precision=precision, average=0.5 if head == "softmax" else None)
    tagger, losses = trained(settings, epochs=4)
    assert np.isfinite(losses).all() and losses[-1] < 0.9 * losses[0]
    assert tagger.encoder.compute_dtype == precision.removeprefix("mixed_")
    assert {weight.dtype for weight in tagger.trainable_variables} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"  # as before
    assert isinstance(tagger.optimizer, keras.optimizers.LossScaleOptimizer) == (precision == "mixed_float16")
    tagger.save(tmp_path / "model.keras")
    again = load(tmp_path / "model.keras")
    assert again.encoder.compute_dtype == tagger.encoder.compute_dtype
    assert again.tags(tiny.dev_part()) == tagger.tags(tiny.dev_part())


@pytest.mark.parametrize("options", [{"class_weight": "balanced"}, {"label_smoothing": 0.1}])
def test_what_is_for_a_softmax(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=f"training.{next(iter(options))} is for the head softmax"):
        small(tmp_path, "crf", **options)


def test_one_seed_gives_the_same_weights_to_the_bit(tmp_path: Path) -> None:
    first, second, other = (trained(small(tmp_path, "crf", seed))[0] for seed in (1, 1, 2))
    for one, same in zip(first.get_weights(), second.get_weights(), strict=True):
        assert_array_equal(one, same)
    assert any(np.any(one != third) for one, third in zip(first.get_weights(), other.get_weights(), strict=True))


@pytest.mark.slow
def test_cycles_snapshots_and_averages_are_resumed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = small(
        tiny.write(tmp_path / "data"),
        **{"optimizer": "sgd", "momentum": 0.9, "learning_rate": 0.5, "epochs": 5, "patience": 5},
        **{"schedule": "cosine", "cycle": 2, "snapshots": True, "swa_from": 1, "class_weight": "balanced"},
    )
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    tagger = runs.train(settings, whole, verbose=0).tagger
    cut_off(monkeypatch, settings, cut, epoch=3, place="batch")
    runs.train(settings, cut, resume=True, verbose=0)
    assert_same_run(cut, whole)
    members = [load(whole / f"snapshot-{number}.keras") for number in (1, 2)]
    assert not (whole / "snapshot-3.keras").exists() and len(history(whole)) == 5
    for average, one, other in zip(tagger.get_weights(), *(m.get_weights() for m in members), strict=True):
        assert_array_equal(average, ((one.astype("float64") + other) / 2).astype("float32"))
    assert any(np.any(one != two) for one, two in zip(*(m.get_weights() for m in members), strict=True))
    for one, other in zip(members, (load(cut / f"snapshot-{number}.keras") for number in (1, 2)), strict=True):
        assert_array_equal(one.get_weights()[0], other.get_weights()[0])
    assert len(Ensemble(members).members) == 2


@pytest.mark.slow
def test_a_student_of_a_run_is_resumed_too(finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    teacher = Path(shutil.copytree(finished_run, tmp_path / "teacher"))
    base = small(tiny.write(tmp_path / "data"), epochs=3)
    distill = {"teacher": str(teacher), "weight": 0.7, "temperature": 2.0}
    settings = Settings(**{**base.model_dump(), "distill": distill})
    runs.train(settings, tmp_path / "whole", verbose=0)
    assert str(teacher / "model.keras") in (tmp_path / "whole" / "versions.json").read_text("utf-8")
    cut_off(monkeypatch, settings, tmp_path / "cut", epoch=1, place="end")
    runs.train(settings, tmp_path / "cut", resume=True, verbose=0)
    assert_same_run(tmp_path / "cut", tmp_path / "whole")
    (teacher / "model.keras").write_bytes(b"another")
    with pytest.raises(DataError, match=r"trained on other data: .*model\.keras changed since"):
        runs.train(settings, tmp_path / "cut", resume=True, verbose=0)


@pytest.mark.parametrize(
    ("distill", "message"),
    [
        ({"weight": 0.1}, "distill.weight and distill.temperature concern distill.teacher"),
        ({"teacher": "x.keras", "weight": 2}, "weight: Input should be less than or equal to 1"),
        ({"teacher": "x.keras", "temperature": 0}, "temperature: Input should be greater than 0"),
    ],
)
def test_distillation_without_sense_is_refused(distill: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=message):
        Settings(**{**small(tmp_path).model_dump(), "distill": distill})
