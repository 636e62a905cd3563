"""Producers by their places, and taggers that read contextual vectors."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from seqlab.cli.main import main
from seqlab.corpora.conll import write_conll
from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import DataError, SettingsError
from seqlab.inference.load import load
from seqlab.models import producers
from seqlab.models.ensemble import Ensemble
from seqlab.models.producers import open_producer
from seqlab.models.tagger import Tagger
from seqlab.settings import Settings
from seqlab.text.contextual import Contextual
from seqlab.training.build import build
from seqlab.training.data import digest
from tests import tiny
from tests.text.producers import Toy, store_of


@functools.cache
def reader() -> Tagger:
    """An untrained tagger that reads contextual vectors; its source is set by the tests."""
    return tiny.tagger(chars=None, head="softmax", contextual=Toy())


@functools.cache
def plain() -> Tagger:
    """One that reads none."""
    return tiny.tagger(chars=None, head="softmax")


def words_of(corpus: Corpus) -> list[tuple[str, ...]]:
    return [sentence.words for sentence in corpus]


def scores(tagger: Tagger, corpus: Corpus) -> list[np.ndarray]:
    return tagger.predict(corpus)


def test_the_vectors_change_the_scores_and_a_file_gives_those_of_its_producer(tmp_path) -> None:
    dev = tiny.dev_part()
    reader().contextual = Toy()
    computed = scores(reader(), dev)
    reader().contextual = store_of(tmp_path / "dev.h5", words_of(dev))
    for one, other in zip(scores(reader(), dev), computed, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)

    class Other(Toy):
        def vectors(self, sentences):
            return [1 - array for array in super().vectors(sentences)]

    reader().contextual = Other()
    assert np.abs(scores(reader(), dev)[0] - computed[0]).max() > 1e-4


def test_batches_read_a_batch_at_a_time_and_pad_with_zeros() -> None:
    toy = Toy()
    reader().contextual = toy
    corpus = Corpus([*tiny.dev_part()[:2], *tiny.part("dev", 2, 7)], tiny.dev_part().schemes)
    batches = reader().batches(corpus, batch_size=4, padding=0.9)
    assert toy.asked == []
    inputs = batches[0][0]
    assert inputs["contextual"].shape[2:] == (2, 3) and inputs["contextual"].dtype == np.float32
    assert len(toy.asked) == 4
    assert not inputs["contextual"][~inputs["mask"]].any()
    wanted = Toy().vectors([corpus[int(n)].words for n in batches.plan[0].sentences])
    for row, array in zip(inputs["contextual"], wanted, strict=True):
        np.testing.assert_array_equal(row[: array.shape[1]].transpose(1, 0, 2), array)


def test_a_tagger_learns_from_them(tmp_path) -> None:
    train = tiny.train_part()[:8]
    tagger = tiny.tagger(train, chars=None, head="softmax", contextual=store_of(tmp_path / "t.h5", words_of(train)))
    mix = next(layer for layer in tagger.features if layer.name == "contextual_vectors")
    before = [np.array(weight) for weight in mix.get_weights()]
    tagger.fit(train, epochs=1, batch_size=8, verbose=0)
    assert all(np.abs(old - new).max() > 0 for old, new in zip(before, mix.get_weights(), strict=True))


def test_a_saved_tagger_names_its_file_and_says_what_it_lacks(tmp_path) -> None:
    dev = tiny.dev_part()
    reader().contextual = str(store_of(tmp_path / "dev.h5", words_of(dev)).path)
    before = scores(reader(), dev)
    reader().save(tmp_path / "model.keras")
    again = load(tmp_path / "model.keras")
    for one, other in zip(scores(again, dev), before, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    with pytest.raises(DataError, match=r"dev\.h5 has none for 1 of 1 sentences, first 'Snow fell'.*seqlab embed"):
        again.tag(["Snow", "fell"])
    again.contextual = Contextual(again.contextual.file, Toy())
    assert len(again.tag(["Snow", "fell"]).tags) == 2
    assert again.tag("").tags == ()


def test_a_saved_tagger_uses_the_producer_that_it_names(tmp_path, monkeypatch) -> None:
    class Placed(Toy):
        place = str(tmp_path / "model.toy")

    (tmp_path / "model.toy").write_text("")
    kind = producers.Kind("a toy", lambda place: place.suffix == ".toy", lambda place: Placed())
    monkeypatch.setattr(producers, "KINDS", (*producers.KINDS, kind))
    reader().contextual = Placed()
    before = reader().predict([tiny.dev_part()[0]])[0]
    reader().save(tmp_path / "model.keras")
    again = load(tmp_path / "model.keras")
    np.testing.assert_allclose(again.predict([tiny.dev_part()[0]])[0], before, rtol=1e-4, atol=1e-5)
    (tmp_path / "model.toy").unlink()
    with pytest.raises(SettingsError, match=r"no producer of contextual vectors at .*model\.toy; expected a file"):
        load(tmp_path / "model.keras").tag(["Snow", "fell"])


def test_other_sizes_are_refused_and_models_without_vectors_take_none() -> None:
    with pytest.raises(SettingsError, match="of 2 layers of width 3; Toy gives 2 layers of width 5"):
        reader().contextual = Toy(2, 5)
    with pytest.raises(SettingsError, match="reads no contextual vectors"):
        plain().contextual = Toy()
    assert plain().contextual is None


def test_an_extended_tagger_reads_the_same() -> None:
    reader().contextual = Toy()
    wider = reader().extended(tiny.part("test", 5))
    known = len(reader().labels)
    sentence = [tiny.dev_part()[0]]
    np.testing.assert_allclose(
        wider.predict(sentence)[0][:, :known], reader().predict(sentence)[0], rtol=1e-4, atol=1e-5
    )


def test_members_of_an_ensemble_read_their_own() -> None:
    reader().contextual = Toy()
    narrow = tiny.tagger(chars=None, head="softmax", contextual=Toy(1, 2))
    both = Ensemble([reader(), narrow, plain()])
    inputs = both.batches(tiny.dev_part())[0][0]
    assert [inputs[name].shape[2:] for name in ("contextual", "encoding_2_contextual")] == [(2, 3), (1, 2)]
    shares = [
        np.exp(one) / np.exp(one).sum(-1, keepdims=True)
        for one in (member.predict(tiny.dev_part())[0] for member in (reader(), narrow, plain()))
    ]
    np.testing.assert_allclose(np.exp(both.predict(tiny.dev_part())[0]), np.mean(shares, axis=0), rtol=1e-3, atol=1e-5)


def test_places(tmp_path) -> None:
    store_of(tmp_path / "v.h5", [["a"]]).close()
    (tmp_path / "v.hdf5").write_bytes((tmp_path / "v.h5").read_bytes())
    assert open_producer(tmp_path / "v.h5").width == open_producer(tmp_path / "v.hdf5").width == 3
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(SettingsError, match=r"notes\.txt is no producer .* expected a file of contextual vectors"):
        open_producer(tmp_path / "notes.txt")


def test_settings_name_the_source_and_the_mix(tmp_path) -> None:
    train = tiny.train_part()[:8]
    store = store_of(tmp_path / "t.h5", words_of(train))
    changed = {
        "words": {"chars": None},
        "head": "softmax",
        "contextual": {"file": store.path, "layer_norm": "token", "dropout": 0.3},
    }
    settings = Settings(**{**tiny.settings(tmp_path).model_dump(), **changed})
    tagger = build(settings, train)
    assert tagger.contextual.get_config() == {
        "file": store.path,
        "producer": None,
        "layers": 2,
        "width": 3,
        "fingerprint": None,
    }
    assert (tagger.features[-1].layer_norm, tagger.features[-1].dropout) == ("token", 0.3)
    assert store.path in digest(settings)
    other = store_of(tmp_path / "other.h5", words_of(train)).path
    changed["contextual"] = {"file": store.path, "producer": other}
    settings = Settings(**{**settings.model_dump(), **changed})
    assert build(settings, train).contextual.place == other
    assert {store.path, other} <= digest(settings).keys()


def test_the_command_line_takes_another_file(tmp_path, capsys) -> None:
    reader().contextual = Toy()
    reader().save(tmp_path / "model.keras")
    store = store_of(tmp_path / "v.h5", [("Snow", "fell")])
    tag = ["tag", str(tmp_path / "model.keras"), "Snow fell", "--tokens"]
    assert main(tag) == 1
    assert "reads contextual vectors" in capsys.readouterr().err
    assert main([*tag, "--contextual", store.path]) == 0
    assert capsys.readouterr().out.startswith("Snow\t")
    write_conll(Corpus([Sentence(("Snow", "fell"), {"chunk": ("B-NP", "B-VP")})]), tmp_path / "one.conll")
    evaluate = ["evaluate", str(tmp_path / "model.keras"), str(tmp_path / "one.conll")]
    assert main([*evaluate, "--contextual", store.path]) == 0
    assert "overall" in capsys.readouterr().out


def test_the_files_of_a_producer(tmp_path) -> None:
    for name in ("elmo/options.json", "elmo/weights.hdf5", "run/model.keras", "v.hdf5", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    found = {
        name: [str(file.relative_to(tmp_path)) for file in producers.producer_files(tmp_path / name)]
        for name in ("elmo", "run", "run/model.keras", "v.hdf5", "notes.txt", "nowhere")
    }
    assert found == {
        "elmo": ["elmo/options.json", "elmo/weights.hdf5"],
        "run": ["run/model.keras"],
        "run/model.keras": ["run/model.keras"],
        "v.hdf5": ["v.hdf5"],
        "notes.txt": [],
        "nowhere": [],
    }


def test_a_tagger_refuses_the_vectors_of_another_producer() -> None:
    one, other = Toy(), Toy()
    one.fingerprint, other.fingerprint = "one", "other"
    reader().contextual = one
    with pytest.raises(SettingsError, match=r"fingerprint one\); those of Toy are another's \(other\)"):
        reader().contextual = other
    reader().contextual = Toy()
