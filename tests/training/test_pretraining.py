"""Runs of `seqlab pretrain`: one is trained for all tests, which read it or a copy."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqlab.errors import DataError, SettingsError
from seqlab.inference.load import load
from seqlab.models.language_model import LanguageModel
from seqlab.models.language_parts import vectorizer_of_text
from seqlab.pretrain_settings import PretrainSettings
from seqlab.training import course, pretraining
from seqlab.training.data import held_out
from seqlab.training.pretraining import build, pretrain, read_texts
from seqlab.training.state import RunState
from tests import tiny

pytestmark = pytest.mark.usefixtures("eagerly")

SMALL: dict[str, Any] = {
    "reads": "words",
    "units": 6,
    "samples": 20,
    "batch_size": 8,
    "learning_rate": 0.05,
    "epochs": 2,
}


def write(path: Path, name: str, count: int) -> str:
    sentences = tiny.part(name, count)
    path.write_text("".join(f"{' '.join(sentence.words)}\n" for sentence in sentences), "utf-8")
    return str(path)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a text to train on, one to validate on, and a finished run."""
    folder = tmp_path_factory.mktemp("pretrain")
    write(folder / "train.txt", "train", 24)
    write(folder / "dev.txt", "dev", 5)
    pretrain(settings(folder), folder / "run", verbose=0)
    return folder


@pytest.fixture
def copy(place: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(place / "run", tmp_path / "copy"))


def settings(folder: Path, **options: Any) -> PretrainSettings:
    return PretrainSettings(
        **{"text": (str(folder / "train.txt"),), "dev": str(folder / "dev.txt"), **SMALL, **options}
    )


def rows(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]


def test_the_folder_holds_everything(place: Path) -> None:
    run = place / "run"
    history, scores = rows(run), json.loads((run / "scores.json").read_text())
    assert [row["epoch"] for row in history] == [0, 1]
    assert history[-1]["val_perplexity"] < history[0]["val_perplexity"]
    model = load(run / "model.keras")
    assert isinstance(model, LanguageModel) and model.samples == 20
    assert scores["words"] == len((run / "vocabulary.txt").read_text().splitlines()) == model.classes - 3
    best = min(row["val_perplexity"] for row in history)
    assert scores["dev"]["perplexity"] == pytest.approx(best, rel=1e-5)
    assert scores["dev"]["predictions"] == scores["train"]["predictions"] == 5 * 11
    assert scores["dev"]["perplexity"] == pytest.approx(model.perplexity(tiny.dev_part()).perplexity, rel=1e-5)
    assert 1 < scores["dev"]["perplexity"] and 1 < scores["dev"]["unigram_perplexity"] < model.classes
    assert PretrainSettings.model_validate_json((run / "settings.json").read_text()) == settings(place)
    assert len(json.loads((run / "versions.json").read_text())["data"]) == 2


@pytest.mark.compiled  # as the whole run was
def test_a_run_cut_inside_an_epoch_ends_as_the_unbroken_one(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cut comes when the second epoch is over and its state not yet written."""

    class Cut(RunState):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                raise KeyboardInterrupt
            super().on_epoch_end(epoch, logs)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(course, "RunState", Cut)
        pretrain(settings(place), tmp_path / "run", verbose=0)
    assert len(rows(tmp_path / "run")) == 1
    pretrain(settings(place), tmp_path / "run", resume=True, verbose=0)
    whole, resumed = (load(folder / "model.keras").get_weights() for folder in (place / "run", tmp_path / "run"))
    for one, other in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(rows(place / "run"), rows(tmp_path / "run"), strict=True):
        assert one == pytest.approx(other, rel=1e-6)
    assert (tmp_path / "run" / "scores.json").read_text() == (place / "run" / "scores.json").read_text()


def test_a_finished_run_stays_as_it_is(place: Path, copy: Path) -> None:
    before = (copy / "scores.json").read_text()
    pretrain(settings(place), copy, resume=True, verbose=0)
    assert (copy / "scores.json").read_text() == before
    with pytest.raises(SettingsError, match=r"already holds a run: resume it \(seqlab pretrain --resume"):
        pretrain(settings(place), copy)


def test_another_vocabulary_or_text_or_setting_is_refused(place: Path, copy: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="a run with other settings"):
        pretrain(settings(place, units=7), copy, resume=True)
    text = write(tmp_path / "train.txt", "train", 24)
    moved = settings(place, text=(text,))
    (copy / "settings.json").write_text(moved.model_dump_json())
    (copy / "versions.json").write_text((copy / "versions.json").read_text().replace(str(place / "train.txt"), text))
    pretrain(moved, copy, resume=True, verbose=0)
    lines = Path(text).read_text().splitlines(keepends=True)
    Path(text).write_text("".join(lines[::-1]))
    with pytest.raises(DataError, match=r"trained on other data: .*train\.txt"):
        pretrain(moved, copy, resume=True)
    Path(text).write_text("".join(lines[:6]))
    with pytest.raises(SettingsError, match=r"another vocabulary \(.* the first that differs is number \d+, '"):
        pretrain(moved, copy, resume=True)


def test_texts_of_any_format(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("One two. Three four.\nfive six\n")
    (tmp_path / "b.conll").write_text("NN seven\nNN eight\n\nNN nine\n")
    both = (str(tmp_path / "a.txt"), str(tmp_path / "b.conll"))

    def read(**options: Any) -> list[list[str]]:
        """The words of training and validation."""
        return [list(text.words()) for text in read_texts(PretrainSettings(**options), tmp_path / "place")]

    found = read_texts(PretrainSettings(text=both, column=1, tokenize=True, held_out=0.2), tmp_path / "place")
    assert [len(text) for text in found] == [4, 1]
    words = ["One", "two", ".", "Three", "four", ".", "five", "six", "seven", "eight", "nine"]
    assert found.train.words() + found.dev.words() == Counter(words)
    assert read(text=both[:1], dev=both[0]) == [["One", "two.", "Three", "four.", "five", "six"]] * 2
    with pytest.raises(SettingsError, match="column is for conll files, received text"):
        read(text=both[:1], column=1)
    with pytest.raises(SettingsError, match="tokenize is for text files, received conll"):
        read(text=both[1:], tokenize=True)
    (tmp_path / "c.txt").write_text("NN seven\nNN eight\n\nNN nine\n")
    with pytest.raises(DataError, match=r"c\.txt: It looks like columns .*--format conll"):
        read(text=(str(tmp_path / "c.txt"),))
    told = read_texts(PretrainSettings(text=(str(tmp_path / "c.txt"),), format="text", held_out=0.4), tmp_path)
    assert len(told.train) + len(told.dev) == 3
    with pytest.raises(SettingsError, match="name at least one text"):
        read()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes that have a name")
def test_what_can_be_read_once_is_refused(place: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for options in ({"text": (str(tmp_path / "pipe"),)}, {"dev": str(tmp_path / "pipe")}):
        with pytest.raises(SettingsError, match="pipe is no file but a pipe or a device: .* Write it to a file"):
            pretrain(settings(place, **options), tmp_path / "run")


def test_what_is_held_out_follows_the_seed(tmp_path: Path) -> None:
    text = write(tmp_path / "train.txt", "train", 24)
    drawn = [
        read_texts(PretrainSettings(text=(text,), held_out=0.2, seed=seed), tmp_path / "place").dev.words()
        for seed in (1, 1, 2)
    ]
    rest, held = held_out(tiny.part("train", 24), 5, 1)
    assert drawn[0] == drawn[1] == held.words() != drawn[2]
    found = read_texts(PretrainSettings(text=(text,), held_out=0.2, seed=1), tmp_path / "place").train
    assert found.words() == rest.words() and len(found) == 19


def test_texts_wait_in_the_folder_while_the_run_lasts(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tmp_path / "run" / f"{pretraining.PLACE}left"
    (left / "train").mkdir(parents=True)
    there: list[set[str]] = []

    def run(*_: Any) -> None:
        there.append({path.name for path in (tmp_path / "run").glob(f"{pretraining.PLACE}*/*/*")})
        assert not left.exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(pretraining, "_run", run)
    with pytest.raises(KeyboardInterrupt):
        pretrain(settings(place), tmp_path / "run")
    assert there == [{"forms", "offsets"}] and not any((tmp_path / "run").glob(f"{pretraining.PLACE}*"))


def test_perplexity_on_training_text_is_that_of_sentences_spread_over_it(place: Path) -> None:
    model = load(place / "run" / "model.keras")
    scores = json.loads((place / "run" / "scores.json").read_text())
    text = tiny.part("train", 24)
    sample = [text[number] for number in (0, 4, 9, 14, 19)]
    assert scores["train"]["perplexity"] == pytest.approx(model.perplexity(sample).perplexity, rel=1e-4)
    assert scores["train"]["perplexity"] != pytest.approx(model.perplexity(list(text)[:5]).perplexity, rel=1e-4)


def test_settings_reach_the_model() -> None:
    options: dict[str, Any] = {"reads": "both", "dim": 3, "word_dropout": 0.2, "char_filters": 2, "char_widths": (1, 3)}
    options |= {"units": 4, "projection": 2, "layers": 1, "dropout": 0.3, "connection": "residual", "samples": None}
    model = build(PretrainSettings(**options), vectorizer_of_text(tiny.train_part()))
    chars, words = model.features
    assert (chars.filters, chars.widths, words.dim, words.dropout) == (2, (1, 3), 3, 0.2)
    stack = model.encoder
    assert (stack.width, stack.layers, stack.dropout, stack.connection) == (4, 1, 0.3, "residual")
    assert (model.samples, model.tied, model.output_shape[1:]) == (None, False, (2, None, 4))


def test_a_list_of_words_is_the_vocabulary(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "words.txt").write_text("the\nof\nharbour\n")
    seen: list[tuple[str, ...]] = []
    monkeypatch.setattr(
        pretraining, "_run", lambda settings, folder, texts, vectorizer, verbose: seen.append(vectorizer.words.items)
    )
    monkeypatch.setattr(pretraining, "MAX_WORDS", 1)  # of the words of a text: a list is taken whole
    for options in ({}, {"max_words": 2}):
        pretrain(settings(place, vocabulary=str(tmp_path / "words.txt"), **options), tmp_path / f"run-{len(seen)}")
    assert [words[2:] for words in seen] == [("the", "of", "harbour"), ("the", "of")]
