"""What a run's folder must hold, and what it says."""

from __future__ import annotations

import json
import shutil
import statistics
from pathlib import Path

import pytest
from practice_folder import Needed, figures, refuse_other, settings_of
from practice_rows import BASE, BILM, CORPORA, FULL, Flags, flags_of
from practice_table import ROOT, written

from seqlab.cli.main import main
from seqlab.errors import SettingsError
from seqlab.settings import Settings
from seqlab.training import run as runs
from seqlab.training.report import epoch_times
from tests import tiny


@pytest.mark.parametrize(
    ("corpus", "row", "others"),
    [
        ("chunk", BASE, {}),
        ("chunk", "full + POS column", {}),
        ("pos", FULL, {"distill.teacher": Path("a/b")}),
        ("pos", BILM, {"contextual.file": Path("a b.h5")}),
    ],
)
def test_settings_are_those_of_the_command_line(
    corpus: str, row: str, others: Flags, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Settings] = []

    def train(settings: Settings, folder: Path, **options: object) -> object:
        found.append(settings)
        return type("Result", (), {"scores": {}})

    monkeypatch.setattr(runs, "train", train)
    monkeypatch.chdir(ROOT)
    setting, flags = CORPORA[corpus], {**flags_of(corpus, row), **others, "seed": 3}
    assert main(["train", setting.recipe, *written(flags), "--run", str(tmp_path)]) == 0
    assert settings_of(setting.recipe, flags) == found[0]


def test_other_settings_are_named(tmp_path: Path) -> None:
    settings = tiny.settings(tmp_path)
    with pytest.raises(SettingsError, match="holds no run"):
        refuse_other(tmp_path, settings)
    (tmp_path / "settings.json").write_text(settings.model_dump_json(), encoding="utf-8")
    refuse_other(tmp_path, settings)
    with pytest.raises(SettingsError, match=rf"other settings \(seed {settings.seed}, not 99\)\. Move it away"):
        refuse_other(tmp_path, settings.model_copy(update={"seed": 99}))
    text = settings.model_dump_json().replace('"seed"', '"sead"')
    (tmp_path / "settings.json").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=rf"{tmp_path.name}: .*unknown key 'sead'.* Move it away"):
        refuse_other(tmp_path, settings)


def test_figures_of_a_run(finished_run: Path, tmp_path: Path) -> None:
    """Those of a run are what it wrote; TensorBoard's files are not read."""
    found = figures(finished_run, CORPORA["chunk"])
    scores = json.loads((finished_run / "scores.json").read_text("utf-8"))
    assert found["test"] == f"{100 * scores['test']['overall']['f1']:.2f}"
    lines = [json.loads(line) for line in (finished_run / "history.jsonl").read_text("utf-8").splitlines()]
    best = max(line["val_f1"] for line in lines)
    assert found["epochs"] == len(lines) and lines[found["best_epoch"] - 1]["val_f1"] == best
    times = epoch_times(finished_run)
    usual = statistics.median(line.training for line in times[1:])
    assert found["tokens_per_second"] == round(tiny.train_part().tokens / usual)
    assert found["minutes"] == f"{sum(line.seconds for line in times) / 60:.1f}"
    assert found["trainable"] == found["parameters"] > 0  # without vectors nothing is frozen
    joined = tmp_path / "joined"
    joined.mkdir()
    for name in ("model.keras", "scores.json"):
        shutil.copy(finished_run / name, joined)
    ensemble = figures(joined, CORPORA["chunk"], Needed(runs=3 * [finished_run]))
    total = sum(line.seconds for line in times)
    assert ensemble["minutes"] == f"{3 * total / 60:.1f}"
    assert not {"epochs", "best_epoch", "tokens_per_second"} & ensemble.keys()
    student = figures(finished_run, CORPORA["chunk"], Needed([finished_run], 600.0, [finished_run]))
    assert student["minutes"] == f"{(2 * total + 600) / 60:.1f}"
    assert student["parameters"] == 2 * found["parameters"] and student["trainable"] == found["trainable"]
    cut = Path(shutil.copytree(finished_run, tmp_path / "cut"))
    lines = (cut / "times.jsonl").read_text("utf-8").splitlines(keepends=True)
    (cut / "times.jsonl").write_text("".join(lines[1:]), "utf-8")  # as if an older version had trained the first epoch
    for needed in (Needed(), Needed(runs=[finished_run, cut]), Needed(seconds=None)):
        folder = joined if needed.runs or needed.seconds is None else cut
        assert "minutes" not in figures(folder, CORPORA["chunk"], needed)
