"""ELMo from its official files, against the published fixture and against an independent model in NumPy."""

from __future__ import annotations

import json
from typing import Any

import h5py
import numpy as np
import pytest

from seqlab.cli.main import main
from seqlab.errors import SettingsError
from seqlab.inference.load import load
from seqlab.models.elmo import Elmo, elmo_vectors
from seqlab.models.ensemble import Ensemble
from seqlab.models.producers import open_producer
from seqlab.text.contextual_store import ContextualStore
from tests import tiny
from tests.migration.official import options_of, random_weights, write
from tests.models import tasks as toy
from tests.oracles import bilm as oracle

SENTENCES = [["Snow", "fell", "."], ["Übermäßig", "lange", "Wörter", ",", "auch"], ["It"], []]


PLAIN: dict[str, Any] = {"cell_clip": None, "proj_clip": None}
MODELS = {
    "skip and both clips": options_of(use_skip_connections=True),
    "plain": options_of(**PLAIN),
    "three layers, not projected": options_of(dim=5, projection_dim=5, n_layers=3, use_skip_connections=True),
}
MODELS["plain"]["char_cnn"] |= {"activation": "tanh", "n_highway": 0}


@pytest.mark.parametrize("name", MODELS)
def test_equals_an_independent_model(name: str, tmp_path) -> None:
    options = MODELS[name]
    weights = random_weights(options)
    elmo = Elmo.from_folder(write(tmp_path, options, weights), batch_size=3)
    assert (elmo.layers, elmo.width) == (1 + options["lstm"]["n_layers"], 2 * options["lstm"]["projection_dim"])
    for found, words in zip(elmo.vectors(SENTENCES), SENTENCES, strict=True):
        assert found.dtype == np.float32 and found.shape == (elmo.layers, len(words), elmo.width)
        if words:
            np.testing.assert_allclose(found, oracle.bilm(words, weights, options)[0], rtol=1e-4, atol=1e-5)


def test_each_option_changes_the_vectors(tmp_path) -> None:
    base = options_of(use_skip_connections=True)
    found = {}
    for change in ({}, {"use_skip_connections": False}, {"cell_clip": None}, {"proj_clip": None}):
        options = {**base, "lstm": {**base["lstm"], **change}}
        weights = random_weights(options)
        found[str(change)] = oracle.bilm(SENTENCES[1], weights, options)[0]  # equal to Elmo's by the test above
    first, *others = found.values()
    assert all(np.abs(first - other).max() > 1e-3 for other in others)


def test_states_go_on_where_asked_for_and_stay_in_their_rows(tmp_path) -> None:
    options = MODELS["skip and both clips"]
    weights = random_weights(options)
    elmo = Elmo.from_folder(write(tmp_path, options, weights), stateful=True, batch_size=2)
    first, second, third = elmo.vectors(SENTENCES[:3])  # two batches: the third sentence is in the first's row
    (fourth,) = elmo.vectors([SENTENCES[0]])
    wanted, after = oracle.bilm(SENTENCES[0], weights, options)
    np.testing.assert_allclose(first, wanted, rtol=1e-4, atol=1e-5)
    wanted, after = oracle.bilm(SENTENCES[2], weights, options, after)
    np.testing.assert_allclose(third, wanted, rtol=1e-4, atol=1e-5)
    wanted, _ = oracle.bilm(SENTENCES[0], weights, options, after)
    np.testing.assert_allclose(fourth, wanted, rtol=1e-4, atol=1e-5)
    assert np.abs(fourth - first).max() > 1e-3
    np.testing.assert_allclose(second, oracle.bilm(SENTENCES[1], weights, options)[0], rtol=1e-4, atol=1e-5)
    elmo.reset()
    np.testing.assert_allclose(elmo.vectors([SENTENCES[0]])[0], first, rtol=1e-5, atol=1e-6)


@pytest.mark.corpus
def test_equals_the_published_fixture(real_data) -> None:
    folder = real_data / "elmo_fixtures" / "model"
    if not folder.is_dir():
        pytest.skip(f"no ELMo fixture: {folder} is absent")
    elmo = Elmo.from_folder(folder, stateful=True, batch_size=3)
    rows = json.loads((folder / "lm_embeddings_sentences.json").read_text("utf-8"))
    expected = [h5py.File(folder / f"lm_embeddings_{k}.hdf5", "r") for k in range(3)]
    for number in range(10):
        found = elmo.vectors([row[number].split() for row in rows])
        for array, file in zip(found, expected, strict=True):
            wanted = file[str(number)][...]  # (direction, time, width) of the top layer
            np.testing.assert_allclose(array[-1, :, :16], wanted[0], rtol=0, atol=1e-5)
            np.testing.assert_allclose(array[-1, :, 16:], wanted[1], rtol=0, atol=1e-5)
    for file in expected:
        file.close()


def test_the_command_line_writes_its_vectors(tmp_path, capsys) -> None:
    folder = write(tmp_path, MODELS["plain"])
    (tmp_path / "raw.txt").write_text("Snow fell .\n")
    output = tmp_path / "v.h5"
    assert main(["embed", str(folder), str(tmp_path / "raw.txt"), "--format", "text", "--output", str(output)]) == 0
    assert "1 different sentences of 1, 3 layers of width 6" in capsys.readouterr().out
    with ContextualStore(output) as store:
        wanted, _ = oracle.bilm(SENTENCES[0], random_weights(MODELS["plain"]), MODELS["plain"])
        np.testing.assert_allclose(store.vectors(SENTENCES[:1])[0], wanted, rtol=1e-4, atol=1e-5)


def test_its_place_opens_it_again(tmp_path) -> None:
    folder = write(tmp_path, MODELS["plain"])
    elmo = open_producer(folder)
    assert isinstance(elmo, Elmo) and elmo.place == str(folder)
    assert Elmo.from_folder(folder, stateful=True).place is None  # it would be opened without states
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "options.json").rename(tmp_path / "elsewhere" / "options.json")
    apart = Elmo.from_files(tmp_path / "elsewhere" / "options.json", tmp_path / "lm_weights.hdf5")
    assert apart.place is None  # no folder holds both
    (tmp_path / "other").mkdir()
    other = Elmo.from_folder(write(tmp_path / "other", MODELS["three layers, not projected"]))
    assert apart.fingerprint == elmo.fingerprint != other.fingerprint
    with pytest.raises(SettingsError, match="batch_size"):
        Elmo.from_files(tmp_path / "elsewhere" / "options.json", tmp_path / "lm_weights.hdf5", batch_size=0)


def published(folder):
    """A tiny model that reads as much of a word as the published ones."""
    options = options_of()
    options["char_cnn"]["max_characters_per_token"] = 50
    return write(folder, options)


def fine_tuned(folder, **options):
    """A tagger that reads words and ELMo's vectors, whose model learns with it."""
    return tiny.tagger(dropout=0.0, chars=None, contextual=elmo_vectors(published(folder)), **options)


def test_a_tagger_reads_the_same_vectors_as_from_the_producer(tmp_path) -> None:
    producer = Elmo.from_folder(published(tmp_path))
    inside, beside = fine_tuned(tmp_path), tiny.tagger(dropout=0.0, chars=None, contextual=producer)
    assert list(inside.input) == ["words", "casing", "elmo_chars", "char_rows", "mask"]
    beside.features[-1].set_weights(inside.features[-1].mix.get_weights())
    for one, other in (
        (inside.features[0], beside.features[0]),
        (inside.features[1], beside.features[1]),
        (inside.encoder, beside.encoder),
        (inside.head, beside.head),
    ):
        other.set_weights(one.get_weights())
    for found, wanted in zip(inside.predict(tiny.dev_part()), beside.predict(tiny.dev_part()), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("eagerly")
def test_all_its_weights_learn_with_the_tagger_and_travel_with_it(tmp_path) -> None:
    (tmp_path / "elmo").mkdir()
    tagger = fine_tuned(tmp_path / "elmo")
    before = tagger.features[-1].get_weights()
    tagger.fit(tiny.train_part(), epochs=1, batch_size=24, verbose=0)
    moved = [np.abs(new - old).max() for new, old in zip(tagger.features[-1].get_weights(), before, strict=True)]
    assert min(moved) > 0 and len(moved) == len(tagger.features[-1].trainable_variables)
    tagger.save(tmp_path / "tagger.keras")
    (tmp_path / "elmo" / "lm_weights.hdf5").rename(tmp_path / "gone")
    again = load(tmp_path / "tagger.keras")
    grown = tagger.extended(tiny.train_part())
    joint = Ensemble([tagger, again])
    scores = tagger.predict(tiny.dev_part())
    for other in (again, grown):
        for found, wanted in zip(other.predict(tiny.dev_part()), scores, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    with pytest.raises(SettingsError, match="computes contextual vectors itself"):
        tagger.contextual = Elmo.from_folder(published(tmp_path))
    assert joint.tag("Snow fell.").tags == tagger.tag("Snow fell.").tags


def test_separate_tasks_have_a_model_each(tmp_path) -> None:
    elmo = elmo_vectors(published(tmp_path))
    made = toy.tagger("stl", contextual=elmo)
    parts = [made.features_of(task)[-1] for task in made.tasks]
    assert [part.name for part in parts] == [f"elmo_vectors_{task}" for task in made.tasks]
    weights = [id(weight) for part in parts for weight in part.weights]
    assert len(set(weights)) == len(weights) == 3 * len(elmo.weights)
    shared = toy.tagger("lstm_s", contextual=elmo)
    assert {id(shared.features_of(task)[-1]) for task in shared.tasks} == {id(shared.features[-1])}
