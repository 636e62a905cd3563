from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import pytest

from seqlab.errors import DataError
from seqlab.settings import DataSettings, Settings
from seqlab.training import data as data_room
from tests import tiny


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.write(tmp_path)


def settings(folder: Path, **data: object) -> Settings:
    base = tiny.settings(folder)
    return Settings(**{**dict(base), "data": DataSettings(**{**base.data.model_dump(), **data})})


def test_reads_all_three_files(folder: Path) -> None:
    train, dev, test = data_room.corpora(settings(folder))
    assert (len(train), len(dev), len(test or ())) == (24, 5, 5)
    assert train.schemes["chunk"] == "iob2" and train.schemes["pos"] is None
    assert data_room.corpora(settings(folder, test=None)).test is None


@pytest.mark.parametrize(("amount", "count"), [(0.25, 6), (0.1, 2), (5, 5), (1, 1), (23, 23)])
def test_held_out_share_and_number(folder: Path, amount: float, count: int) -> None:
    train, dev, _ = data_room.corpora(settings(folder, dev=None, held_out=amount))
    assert (len(train), len(dev)) == (24 - count, count)
    assert {s.words for s in train} | {s.words for s in dev} == {s.words for s in tiny.train_part()}


def test_held_out_follows_its_seed(folder: Path) -> None:
    corpus = tiny.train_part()
    one, again, other = (data_room.held_out(corpus, 6, seed)[1] for seed in (1, 1, 2))
    assert [s.words for s in one] == [s.words for s in again] != [s.words for s in other]


def test_training_on_so_many_sentences_keeps_what_is_held_out(folder: Path) -> None:
    whole = data_room.corpora(settings(folder, dev=None, held_out=6))
    few = data_room.corpora(settings(folder, dev=None, held_out=6, sentences=7))
    assert len(few.train) == 7 and {s.words for s in few.train} < {s.words for s in whole.train}
    assert [s.words for s in few.dev] == [s.words for s in whole.dev]
    with pytest.raises(DataError, match=r"data.sentences asks for 19 sentences, training has 18 that are not held out"):
        data_room.corpora(settings(folder, dev=None, held_out=6, sentences=19))


@pytest.mark.parametrize("dev", ["file", "held out"])
def test_development_sentences_join_the_training_ones(folder: Path, dev: str, caplog: pytest.LogCaptureFixture) -> None:
    options = {"dev": None, "held_out": 6} if dev == "held out" else {}
    apart = data_room.corpora(settings(folder, **options))
    assert "join_dev" not in caplog.text
    with caplog.at_level(logging.WARNING):
        joined = data_room.corpora(settings(folder, join_dev=True, **options))
    assert "figures on them tell nothing of other text" in caplog.text
    assert list(joined.train) == [*apart.train, *apart.dev]
    assert joined.train.schemes == apart.train.schemes
    assert (list(joined.dev), list(joined.test or ())) == (list(apart.dev), list(apart.test or ()))


def test_columns_of_joined_sentences_share_a_scheme(tmp_path: Path) -> None:
    files = {"train": "a N B-X\nb N I-X\n\n", "dev": "a N I-X\nb N I-X\n\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    paths = {name: str(tmp_path / name) for name in files}
    data = DataSettings(**paths, columns={"word": 0, "pos": 1, "ner": 2}, join_dev=True)
    found = data_room.corpora(Settings(data=data, task="pos"))
    assert (found.train.schemes["ner"], found.dev.schemes["ner"]) == ("iob2", "iob1")
    assert [one.columns["ner"] for one in found.train][-1] == ("B-X", "I-X")


@pytest.mark.parametrize("amount", [0.001, 24, 100, 0.999])
def test_held_out_leaves_something_on_both_sides(amount: float) -> None:
    with pytest.raises(DataError, match=r"Cannot hold out \d+ of 24 sentences.*Set data.held_out"):
        data_room.held_out(tiny.train_part(), amount, 1)


def test_missing_column_of_the_task(folder: Path) -> None:
    text = "1\tDogs\tdog\tNOUN\tNNS\t_\t0\troot\t_\t_\n\n"
    (folder / "t.conllu").write_text(text, encoding="utf-8")
    corpus = data_room.read(folder / "t.conllu", "pos", DataSettings(train="", format="conllu"))
    assert corpus[0].columns["pos"] == ("NOUN",)


def test_the_scheme_of_training_rules_the_other_files(folder: Path) -> None:
    lines = [f"{w} X {'I-NP' if w == 'a' else 'O'} O" for w in ("a", "b", "a")]
    (folder / "dev.conll").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"dev\.conll:1: "):  # iob1 by itself, but training is iob2
        data_room.corpora(settings(folder))


def test_unseen_labels_are_reported_or_refused(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = folder / "dev.conll"
    path.write_text(path.read_text("utf-8").replace("B-PP", "B-QQ"), encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        data_room.corpora(settings(folder))
    assert "development data holds chunk labels that training has not seen: " in caplog.text
    assert "B-QQ (2). They count as errors." in caplog.text
    with pytest.raises(DataError, match=r"B-QQ \(2\).*without strict"):
        data_room.corpora(settings(folder), strict=True)


def test_digest_names_every_file(folder: Path) -> None:
    found = data_room.digest(settings(folder))
    assert sorted(Path(name).name for name in found) == ["dev.conll", "test.conll", "train.conll"]
    for name, value in found.items():
        assert value == hashlib.sha256(Path(name).read_bytes()).hexdigest()
