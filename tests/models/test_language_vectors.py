from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from seqlab.cli.main import main
from seqlab.errors import ModelFileError
from seqlab.models.language_vectors import LanguageVectors, open_language_model
from seqlab.models.producers import open_producer
from seqlab.text.contextual import Producer
from seqlab.text.contextual_store import ContextualStore
from tests import tiny

pytestmark = pytest.mark.usefixtures("eagerly")

SENTENCES = [("the", "harbour", "froze"), ("Snow", "fell", "here")]


@pytest.fixture(scope="module")
def model():
    return tiny.language_model()


@pytest.fixture(scope="module")
def run(model, tmp_path_factory) -> Path:
    """The folder of a run, as far as this module looks into it."""
    folder = tmp_path_factory.mktemp("run")
    model.save(folder / "model.keras")
    return folder


def test_a_model_is_a_producer(model):
    producer = LanguageVectors(model)
    assert isinstance(producer, Producer) and (producer.layers, producer.width, producer.place) == (3, 8, None)
    assert producer.fingerprint is None
    for found, expected in zip(producer.vectors(SENTENCES), model.vectors(SENTENCES), strict=True):
        np.testing.assert_array_equal(found, expected)
        assert found.shape == (3, 3, 8)


def test_a_run_is_opened_by_its_place_and_embeds_a_corpus(model, run, tmp_path, capsys):
    producer = open_producer(run)
    assert isinstance(producer, LanguageVectors) and producer.place == str(run)
    assert (
        producer.fingerprint == hashlib.sha256(hashlib.sha256((run / "model.keras").read_bytes()).digest()).hexdigest()
    )
    text = tmp_path / "a.txt"
    text.write_text("".join(f"{' '.join(words)}\n" for words in SENTENCES), "utf-8")
    out = tmp_path / "vectors.h5"
    assert main(["embed", str(run / "model.keras"), str(text), "--output", str(out), "--format", "text"]) == 0
    assert "2 different sentences of 2, 3 layers of width 8" in capsys.readouterr().out
    for found, expected in zip(ContextualStore(out).vectors(SENTENCES), model.vectors(SENTENCES), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert ContextualStore(out).fingerprint == producer.fingerprint


def test_a_tagger_reads_them():
    model = tiny.language_model()
    tagger = tiny.tagger(chars=None, contextual=LanguageVectors(model))
    before = tagger.predict(tiny.dev_part())[0]
    model.softmax.bias.assign(model.softmax.bias + 1)  # of no concern to the vectors
    np.testing.assert_array_equal(tagger.predict(tiny.dev_part())[0], before)
    model.features[0].trained.assign(model.features[0].trained * 3)
    assert np.abs(tagger.predict(tiny.dev_part())[0] - before).max() > 1e-5


def test_what_is_no_language_model_is_named(tmp_path):
    tiny.tagger(chars=None).save(tmp_path / "tagger.keras")
    with pytest.raises(ModelFileError, match=r"tagger\.keras: expected a language model .* found a Tagger"):
        open_language_model(tmp_path / "tagger.keras")
    (tmp_path / "cut.keras").write_bytes(b"PK\x03\x04")
    with pytest.raises(ModelFileError, match=r"cut\.keras: expected a language model that seqlab pretrain wrote\."):
        open_language_model(tmp_path / "cut.keras")
