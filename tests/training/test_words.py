"""What a run does and says about words before it trains."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest

from seqlab.errors import DataError, SettingsError
from seqlab.models.inputs import Words
from seqlab.settings import Settings, WordSettings
from seqlab.text.vectors import WordVectors, read_vectors
from seqlab.training import words as training_words
from seqlab.training.build import build
from seqlab.training.data import Data
from seqlab.training.words import read_words, report_words
from tests import tiny


def settings(folder: Path, **words: object) -> Settings:
    """Settings with a file of two words of the training data and two others."""
    known = sorted(tiny.train_part().words())[-2:]
    lines = [f"{word} {row} 1 0.5\n" for row, word in enumerate([*known, "zzz-one", "zzz-two"])]
    (folder / "v.txt").write_text("".join(lines), encoding="utf-8")
    options = WordSettings(vectors=str(folder / "v.txt"), **words)
    return tiny.settings(folder).model_copy(update={"words": options})


def corpora() -> Data:
    return Data(tiny.train_part(), tiny.dev_part(), None)


@pytest.mark.parametrize(("train", "rows"), [("known", 4), ("none", 2)])
def test_the_settings_reach_the_table(train: str, rows: int, tmp_path: Path) -> None:
    options = settings(tmp_path, train=train, unknown="zero", unseen_vectors=1, chars=None)
    words = read_words(options, corpora().train)
    assert words.trained == rows and words.unseen == 1
    table = build(options, corpora().train, words).features[0]
    assert (table.rows, table.frozen_rows, table.unknown) == (rows, 5 - rows, "zero")


def test_coverage_and_size_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    words = read_words(settings(tmp_path), corpora().train)
    with caplog.at_level(logging.INFO):
        report_words(words, corpora(), tmp_path / "coverage.json")
    assert "Vectors of 2 words that training does not hold travel in the saved model: 0.0 MB" in caplog.text
    assert "words of the dev data" in caplog.text
    stored = json.loads((tmp_path / "coverage.json").read_text("utf-8"))
    assert list(stored) == ["train", "dev"]
    assert stored["train"]["types"]["as written"] == 2
    assert sum(stored["dev"]["tokens"].values()) == corpora().dev.tokens


def test_rules_and_encoding_of_the_settings(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    word = next(word for word in corpora().train.words() if word != word.lower())
    (tmp_path / "v.txt").write_bytes(f"{word.lower()} 1 2\nété 3 4\n".encode("latin-1"))
    base = tiny.settings(tmp_path)

    def read(**options: object) -> Words:
        chosen = WordSettings(vectors=str(tmp_path / "v.txt"), **options)
        return read_words(base.model_copy(update={"words": chosen}), corpora().train)

    with pytest.raises(DataError, match=r"v\.txt:2: The word .* is not utf-8\. .*--words\.encoding of"):
        read()
    with caplog.at_level(logging.WARNING):
        few = read(unseen_vectors=0)  # only the data's words, which some of the file's may be in its own encoding
    assert "v.txt:2: The word" in caplog.text and "reason: 1 of 2" in caplog.text and few.unseen == 0
    words = read(encoding="latin-1")
    assert words.vocabulary.items[-1] == "été" and words.unseen == 1
    exact = read(encoding="latin-1", rules=("nfc",), train="none")
    assert exact.unseen == 2 - (word.lower() in corpora().train.words()) and exact.rules == ("nfc",)
    report_words(exact, corpora(), tmp_path / "coverage.json")
    types = json.loads((tmp_path / "coverage.json").read_text("utf-8"))["train"]["types"]
    assert list(types) == ["as written", "nfc", "not found"]
    chosen = base.model_copy(update={"words": WordSettings(rules=("quotes",), chars=None, dim=3)})
    assert build(chosen, corpora().train).vectorizer.rules == ("quotes",)


@pytest.mark.parametrize("limit", [0, 1, None])
def test_where_no_vector_travels_only_the_corpora_s_are_read(
    limit: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the model gets and what is told of the data is the same as of all vectors."""
    known = sorted(corpora().dev.words().keys() - corpora().train.words().keys())[0]
    options = settings(tmp_path, unseen_vectors=limit)
    with (tmp_path / "v.txt").open("a", encoding="utf-8") as stream:
        stream.write(f"{known} 7 8 9\n")
    asked: list[object] = []

    def read(*args: object, **options: object) -> WordVectors:
        found = read_vectors(*args, **options)
        asked.append((len(found), options.get("cache")))
        return found

    monkeypatch.setattr(training_words, "read_vectors", read)
    words = read_words(options, *corpora())
    assert asked == [(3, False) if limit == 0 else (5, None)]
    assert words.unseen == (3 if limit is None else limit)
    report_words(words, corpora(), tmp_path / "coverage.json")
    stored = json.loads((tmp_path / "coverage.json").read_text("utf-8"))
    assert known not in stored["dev"]["missing"] and stored["train"]["types"]["as written"] == 2


def test_without_vectors_nothing_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    words = read_words(tiny.settings(tmp_path), corpora().train)
    with caplog.at_level(logging.INFO):
        report_words(words, corpora(), tmp_path / "coverage.json")
    assert not caplog.text and not (tmp_path / "coverage.json").exists()


def test_an_extended_tagger_keeps_vectors_that_do_not_learn(tmp_path: Path) -> None:
    options = settings(tmp_path, train="none", chars=None)
    tagger = build(options, corpora().train)
    wider = tagger.extended(tiny.part("test", 5))
    assert wider.features[0].rows == 2 and wider.features[0].frozen_rows == 4
    for before, after in zip(tagger.features[0].weights, wider.features[0].weights, strict=True):
        np.testing.assert_array_equal(np.asarray(before), np.asarray(after))


def test_what_learns_of_no_file_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"words\.train known is about the vectors of a file"):
        WordSettings(train="known")
    with pytest.raises(SettingsError, match="train: Input should be 'all', 'known' or 'none'"):
        WordSettings(train="some")
