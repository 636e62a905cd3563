"""Saved taggers: the same in a fresh process, no pickle, and a clear word for every kind of bad file."""

from __future__ import annotations

import functools
import json
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from seqlab.corpora.records import Sentence
from seqlab.errors import ModelFileError
from seqlab.inference.load import load, load_tagger
from seqlab.layers.stack import RecurrentStack
from tests import tiny

ROOT = Path(__file__).resolve().parents[2]
TEXTS = ["The council in Oslo rejected a plan.", "Snow 👩‍🚀 fell."]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    tiny.trained().save(path)
    return path


FRESH = """
import json, sys, keras, seqlab
path, texts = sys.argv[1], json.loads(sys.argv[2])
first, second = keras.models.load_model(path), seqlab.load(path)
print(json.dumps([[model.tag(text).to_dict() for text in texts] for model in (first, second)]))
sentence = seqlab.corpora.Sentence(("The", "council"))
print(json.dumps([float(model.predict([sentence])[0].sum()) for model in (first, second)]))
"""


def test_a_fresh_process_gives_the_same_tags_and_scores(saved: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", FRESH, str(saved), json.dumps(TEXTS)],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    tags, sums = map(json.loads, done.stdout.splitlines())
    wanted = json.loads(json.dumps([tiny.trained().tag(text).to_dict() for text in TEXTS]))
    assert tags == [wanted, wanted]
    here = tiny.trained().predict([Sentence(("The", "council"))])[0].sum()
    assert_allclose(sums, [here, here], rtol=1e-4)


def test_everything_is_kept(saved: Path) -> None:
    old, new = tiny.trained(), load(saved)
    assert json.dumps(new.get_config()) == json.dumps(old.get_config())
    assert (new.labels, new.scheme, new.task) == (old.labels, old.scheme, old.task)
    for one, other in zip(old.get_weights(), new.get_weights(), strict=True):
        assert_array_equal(one, other)


def test_training_goes_on_with_the_optimisers_state(tmp_path: Path) -> None:
    train = tiny.train_part()
    first = tiny.tagger(encoder=RecurrentStack(4, name="encoder"))  # without dropout the next steps are determined
    first.fit(train, epochs=2, batch_size=8, verbose=0)
    first.save(tmp_path / "half.keras")
    second = load(tmp_path / "half.keras")
    assert int(second.optimizer.iterations) == 6
    for one, other in zip(first.optimizer.variables, second.optimizer.variables, strict=True):
        assert_array_equal(*map(keras.ops.convert_to_numpy, (one, other)))
    for model in (first, second):
        model.fit(train, epochs=1, batch_size=8, verbose=0)
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_no_pickle_and_no_code_in_the_file(saved: Path) -> None:
    with zipfile.ZipFile(saved) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert set(members) == {"metadata.json", "config.json", "model.weights.h5"}
    for name, content in members.items():
        assert b"pickle" not in content.lower(), name
        assert not content.startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")), name
    config = json.loads(members["config.json"])
    assert config["class_name"] == "Tagger"
    assert "lambda" not in members["config.json"].decode().lower()


@functools.cache
def content(path: Path) -> bytes:
    return path.read_bytes()


def refused(path: Path, data: bytes, match: str) -> None:
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=match) as caught:
        load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.999])
def test_truncated_file(share: float, saved: Path, tmp_path: Path) -> None:
    whole = content(saved)
    refused(tmp_path / "cut.keras", whole[: int(share * len(whole))], "damaged or was cut off")


def test_flipped_bytes_are_found(saved: Path, tmp_path: Path) -> None:
    whole, draw = content(saved), random.Random(4)
    path = tmp_path / "flipped.keras"
    # The archive's directory stands at the end; most of the file is weights.
    places = [draw.randrange(len(whole)) for _ in range(20)] + [len(whole) - draw.randrange(250) - 1 for _ in range(60)]
    found = 0
    for place in places:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << draw.randrange(8))]) + whole[place + 1 :])
        try:
            load(path)  # a flip in a time stamp or a comment harms nobody
        except ModelFileError:
            found += 1
    assert found > 40


def test_missing_file_suggests_its_neighbour(saved: Path) -> None:
    with pytest.raises(ModelFileError, match=r"no such file.*Did you mean 'model\.keras'\?"):
        load(saved.with_name("modle.keras"))
    with pytest.raises(ModelFileError, match="no such file"):
        load(saved.parent)


def test_foreign_files(saved: Path, tmp_path: Path) -> None:
    refused(tmp_path / "text.keras", b"not a model", "a zip archive")
    other = tmp_path / "zip.keras"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("readme.txt", "hello")
    refused(other, other.read_bytes(), "cannot be rebuilt")
    plain = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    plain.save(tmp_path / "plain.keras")
    refused(tmp_path / "plain.keras", content(tmp_path / "plain.keras"), "saved by seqlab, found a Sequential")


@pytest.mark.parametrize("damage", ["not json", "unknown class", "newer part", "other shape"])
def test_changed_insides(damage: str, saved: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(saved) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    if damage == "unknown class":
        config["registered_name"] = config["class_name"] = "seqlab>Future"
    elif damage == "newer part":
        config["config"]["encoder"]["config"]["zoneout"] = 0.1
    elif damage == "other shape":
        config["config"]["head"]["config"]["tags"] += 1
        config["config"]["head"].pop("build_config", None)
    members["config.json"] = b"{" if damage == "not json" else json.dumps(config).encode()
    path = tmp_path / "changed.keras"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    refused(path, path.read_bytes(), "cannot be rebuilt from this file")


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Lambda(lambda x: x + 1, output_shape=(2,))(inputs))
    model.save(tmp_path / "code.keras")
    with pytest.raises(ModelFileError, match="cannot be rebuilt"):
        load(tmp_path / "code.keras")


def test_same_scores_after_loading(saved: Path) -> None:
    dev = tiny.dev_part()
    for one, other in zip(tiny.trained().predict(dev), load(saved).predict(dev), strict=True):
        assert_allclose(one, other, rtol=1e-6, atol=1e-6)
        assert np.isfinite(one).all()


def test_what_does_not_tag_is_named(saved: Path, tmp_path: Path) -> None:
    assert load_tagger(saved).task == "chunk"
    tiny.language_model().save(tmp_path / "lm.keras")
    with pytest.raises(ModelFileError, match=r"lm\.keras: expected a model that tags, .* found a LanguageModel"):
        load_tagger(tmp_path / "lm.keras")
