"""Every recipe says how it is run, how long it takes and what it reaches, can be imported, and trains on tiny data."""

from __future__ import annotations

import ast
import importlib.util
import json
import math
import re
from pathlib import Path
from typing import Any

import make_synthetic_iam
import make_synthetic_timit
import numpy as np
import pytest

from seqlab.cli.main import main
from seqlab.cli.train import read_recipe, read_recipe_file
from seqlab.corpora.conll import write_conll
from seqlab.corpora.records import Corpus
from seqlab.errors import SettingsError
from seqlab.evaluation.sequences import label_error_rate
from seqlab.frame_settings import FrameDataSettings
from seqlab.multitask_settings import MultiTaskSettings
from seqlab.training.data import read
from seqlab.training.frame_data import read as read_frames
from seqlab.tuning.kinds import kind_of
from tests import tiny
from tests.structure.sources import ROOT, label, tree
from tests.text.producers import store_of

RECIPES = sorted(path for path in (ROOT / "recipes").glob("*.py") if not path.name.startswith("_"))
OF_FRAMES = [path for path in RECIPES if "FrameSettings(" in path.read_text(encoding="utf-8")]
ALIKE = ("sc_lstm_cnn_crf", "sc_lstm_elmo")  # sc_lstm_table3 with other inputs and heads: that one's graphs are made
LINES = 120
DURATION = re.compile(r"\d+(\.\d+)?\s*(s|sec|seconds?|min|minutes?|h|hours?)\b", re.IGNORECASE)
SCORE = re.compile(r"\b(F1|accuracy|error rate|NLL)\b[^\n]*\d", re.IGNORECASE)


@pytest.mark.parametrize("path", RECIPES, ids=label)
def test_docstring_has_command_time_and_score(path: Path) -> None:
    text = ast.get_docstring(tree(path)) or ""
    assert f"seqlab train {label(path)}" in text, "no command in the docstring"
    assert DURATION.search(text), "no duration in the docstring, such as '2 minutes'"
    assert SCORE.search(text), "no expected score in the docstring, such as 'F1 94.8'"


@pytest.mark.parametrize("path", RECIPES, ids=label)
def test_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES


@pytest.mark.parametrize("path", RECIPES, ids=label)
def test_can_be_imported(path: Path) -> None:
    spec = importlib.util.spec_from_file_location(f"recipe_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


def conllu(corpus: Corpus, path: Path) -> None:
    blocks = []
    for sentence in corpus:
        rows = enumerate(zip(sentence.words, sentence.columns["pos"], strict=True), 1)
        blocks.append("".join(f"{k}\t{word}\t_\t{tag}\t{tag}\t_\t0\troot\t_\t_\n" for k, (word, tag) in rows))
    path.write_text("\n".join(blocks) + "\n", encoding="utf-8")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with the files that recipes read, each with a few sentences of the embedded corpus."""
    folder = tmp_path / "data"
    train = tiny.train_part()
    parts = {"train": train, "dev": train[:8], "test": train[8:16]}  # batches of one shape, whoever compiles for it
    for place in ("sample", "conll2000", "conll2003", "ud_en_1.3", "wnut17", "glove", "elmo"):
        (folder / place).mkdir(parents=True)
    for name, corpus in parts.items():
        write_conll(corpus, folder / "sample" / f"{name}.conll", ["word", "pos", "chunk", "ner"])
        write_conll(corpus, folder / "conll2000" / f"{name}.txt", ["word", "pos", "chunk"])
        write_conll(
            corpus.converted("ner", "iob1"), folder / "conll2003" / f"{name}.txt", ["word", "pos", "chunk", "ner"]
        )
        conllu(corpus, folder / "ud_en_1.3" / f"en-ud-{name}.conllu")
    for name, file in zip(parts, ("wnut17train.conll", "emerging.dev.conll", "emerging.test.annotated"), strict=True):
        write_conll(parts[name], folder / "wnut17" / file, ["word", "ner"])
    vector = " ".join(["0.1"] * 50)
    (folder / "glove" / "glove.6B.50d.txt").write_text(f"the {vector}\nzyx {vector}\n", encoding="utf-8")
    store_of(folder / "elmo" / "wnut17.h5", [sentence.words for sentence in train]).close()
    monkeypatch.setenv("SEQLAB_DATA", str(folder))
    return folder


def test_trains_on_tiny_music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "jsb").mkdir()
    part = [[[60], [62], [64]]]
    text = json.dumps({"train": part, "valid": part, "test": part})
    (tmp_path / "jsb" / "jsb-chorales-quarter.json").write_text(text, encoding="utf-8")
    monkeypatch.setenv("SEQLAB_DATA", str(tmp_path))
    flags = ["--training.epochs", "1", "--network.units", "2", "--network.variant", "NIG"]
    stored, scores = trained_on_frames("jsb", flags, tmp_path / "run")
    assert math.isfinite(scores["test"]) and scores["epochs"] == 1
    assert (stored["training"]["patience"], stored["network"]["initial_std"]) == (15, 0.1)


# What a network of 12 units needs to learn in seconds. The recipes' own rate, 1e-4, is for hours.
QUICKLY = ["--network.units", "12", "--network.noise", "0.1"]


def test_made_up_speech_is_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Far below what the most frequent phone gives for all frames."""
    corpus = make_synthetic_timit.write(tmp_path / "timit", speakers=6, sentences=1)
    monkeypatch.setenv("SEQLAB_DATA", str(tmp_path))
    flags = [*QUICKLY, "--training.learning-rate", "0.03", "--training.momentum", "0.5", "--training.epochs", "4"]
    stored, scores = trained_on_frames("timit", flags, tmp_path / "run")
    labels = np.concatenate(
        [one.labels for one in read_frames(FrameDataSettings(path=str(corpus), format="timit")).test]
    )
    chance = 1 - np.bincount(labels[labels >= 0]).max() / (labels >= 0).sum()
    assert scores["measure"] == "error" and scores["test"] < 0.25 < 0.6 < chance
    assert (stored["training"]["patience"], stored["network"]["initial_std"]) == (15, 0.1)


def test_made_up_handwriting_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Far below what the best fixed answer gives for all lines.

    CTC says nothing at all, an error rate of 1, before it begins to spell: from greater weights sooner.
    """
    corpus = make_synthetic_iam.write(tmp_path / "iam_ondb", forms=8, lines=4, letters=3)
    monkeypatch.setenv("SEQLAB_DATA", str(tmp_path))
    flags = [*QUICKLY, "--training.learning-rate", "0.2", "--training.clip", "1", "--training.epochs", "6"]
    stored, scores = trained_on_frames("iam_ondb", [*flags, "--network.initial-std", "0.5"], tmp_path / "run")
    parts = read_frames(FrameDataSettings(path=str(corpus), format="iam_ondb"))
    gold = [one.labels for one in parts.test]
    answers = [np.zeros(0, np.int32), *(one.labels for one in parts.train)]
    chance = min(label_error_rate(gold, [answer] * len(gold)) for answer in answers)
    assert scores["measure"] == "cer" and scores["test"] < 0.2 < 0.5 < chance
    assert (stored["training"]["patience"], stored["training"]["momentum"]) == (15, 0.9)


def trained_on_frames(name: str, flags: list[str], run: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Trains a recipe of vectors by the command line; returns its settings and scores."""
    assert main(["train", str(ROOT / "recipes" / f"{name}.py"), *flags, "--run", str(run)]) == 0
    settings, scores = (json.loads((run / f"{file}.json").read_text("utf-8")) for file in ("settings", "scores"))
    return settings, scores


def test_every_recipe_of_vectors_is_trained() -> None:
    assert {path.stem for path in OF_FRAMES} == {"jsb", "timit", "iam_ondb"}  # by the three tests above


@pytest.mark.parametrize("path", [path for path in RECIPES if path not in OF_FRAMES], ids=label)
def test_trains_on_tiny_data(path: Path, data: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if path.stem in ALIKE:
        request.getfixturevalue("eagerly")
    settings = read_recipe(str(path))
    flags = ["--training.epochs", "1", "--encoder.units", "4", "--encoder.layers", "1", "--training.batch-size", "8"]
    if isinstance(settings, MultiTaskSettings):
        trains_several(path, settings, flags, tmp_path / "run")
        return
    for name in ("train", "dev", "test"):
        file = getattr(settings.data, name)
        if file is not None and data not in Path(file).parents:  # a recipe for the embedded corpus finds it by itself
            flags += [f"--data.{name}", str(data / "sample" / f"{name}.conll")]
    if settings.data.dev is None:
        flags += ["--data.held-out", "8"]
    assert main(["train", str(path), *flags, "--run", str(tmp_path / "run")]) == 0
    scores = json.loads((tmp_path / "run" / "scores.json").read_text("utf-8"))
    assert scores["dev"]["tokens"] == scores["test"]["tokens"] == 80
    (row,) = map(json.loads, (tmp_path / "run" / "history.jsonl").read_text("utf-8").splitlines())
    assert math.isfinite(row["loss"]) and settings.training.monitor in row


def trains_several(path: Path, settings: MultiTaskSettings, flags: list[str], run: Path) -> None:
    """Trains a recipe of several tasks."""
    for number, task in enumerate(settings.tasks):
        if task.data.dev is None:
            flags += [f"--tasks.{number}.data.held-out", "8"]
    assert main(["train", str(path), *flags, "--run", str(run)]) == 0
    scores = json.loads((run / "scores.json").read_text("utf-8"))
    for part in ("dev", "test"):
        assert {name: found["tokens"] for name, found in scores[part]["tasks"].items()} == dict.fromkeys(
            settings.names, 80
        )
    (row,) = map(json.loads, (run / "history.jsonl").read_text("utf-8").splitlines())
    assert math.isfinite(row["loss"]) and "val_f1" in row


@pytest.mark.parametrize("path", [path for path in RECIPES if "SEQLAB_NER" in path.read_text("utf-8")], ids=label)
def test_names_come_from_either_corpus(path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {}
    for name in ("wnut17", "conll2003"):
        monkeypatch.setenv("SEQLAB_NER", name)
        task = read_recipe(str(path)).tasks[2]
        corpus = read(str(task.data.train), "ner", task.data)
        assert Path(str(task.data.dev)).parent == data / name
        found[corpus.schemes["ner"]] = corpus.converted("ner", str(task.tag_scheme)).column("ner")
    assert found["iob1"] == found["iob2"]
    monkeypatch.setenv("SEQLAB_NER", "conll03")
    with pytest.raises(SettingsError, match="Unknown data set 'conll03'.*Did you mean 'conll2003'"):
        read_recipe(str(path))


@pytest.mark.parametrize("path", RECIPES, ids=label)
def test_can_be_searched(path: Path) -> None:
    """`seqlab tune` takes every recipe: names, ends and choices of its space are checked against its settings."""
    from seqlab.tuning.space import SearchSpace

    settings, module = read_recipe_file(str(path))
    space = SearchSpace(settings, module.search_space)
    assert len(space.parameters) >= 2 and len(space.changed) >= 2
    assert type(space.settings({})) is type(settings) and kind_of(settings).objective(settings).name


@pytest.mark.parametrize(
    ("name", "grid"), [("sc_lstm_table3", 12), ("sc_lstm_cnn_crf", 12), ("sc_lstm_elmo", 3 * 3 * 3)]
)
def test_a_grid_visits_all_units_and_layers(name: str, grid: int, data: Path, tmp_path: Path) -> None:
    from seqlab import studies
    from seqlab.tuning.description import described
    from seqlab.tuning.folder import open_study
    from seqlab.tuning.messages import report
    from seqlab.tuning.oracles import make_oracle
    from seqlab.tuning.space import SearchSpace

    settings, module = read_recipe_file(str(ROOT / "recipes" / f"{name}.py"))
    space = SearchSpace(settings, module.search_space)
    objective = kind_of(settings).objective(settings)
    oracle = make_oracle("grid", objective, space.hyperparameters, None, 1, 30)
    study = studies.Study(objective, space.parameters, "seqlab tune", 1, "grid")
    open_study(tmp_path / "study", study, described(settings, 1, False), oracle, resume=False, parquet=False)
    found = []
    while (trial := oracle.create_trial("here")).status != "STOPPED":
        found.append(space.settings(trial.hyperparameters.values))
        report(oracle, trial, studies.Trial(trial.trial_id, "completed", score=0.5))
    units = (100, 200, 300, 400) if grid == 12 else (128, 256, 384)
    assert len(found) == grid
    assert {(one.encoder.units, one.encoder.layers) for one in found} == {(u, k) for u in units for k in (1, 2, 3)}
