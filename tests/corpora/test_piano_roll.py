"""Piano rolls: values, and each fault with its place."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from seqlab.corpora.catalogue import locate
from seqlab.corpora.piano_roll import KEYS, next_steps, piano_rolls
from seqlab.errors import DataError

GOOD = {"train": [[[21, 108], []], [[60], [60, 60], [64]]], "valid": [[[60], [61]]], "test": [[[62], [63]]]}


@pytest.fixture
def read(tmp_path):
    def reader(content):
        path = tmp_path / "rolls.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return piano_rolls(path)

    return reader


def test_keys_of_each_step(read):
    rolls = read(GOOD)
    assert [piece.shape for piece in rolls.train] == [(2, KEYS), (3, KEYS)]
    first, second = rolls.train
    assert np.flatnonzero(first[0]).tolist() == [0, 87]
    assert not first[1].any()
    assert np.argwhere(second).tolist() == [[0, 39], [1, 39], [2, 43]]
    assert np.flatnonzero(rolls.valid[0][1]).tolist() == [40]
    assert np.flatnonzero(rolls.test[0][0]).tolist() == [41]


def test_gzip_is_unpacked(tmp_path):
    path = tmp_path / "rolls.json.gz"
    path.write_bytes(gzip.compress(json.dumps(GOOD).encode()))
    assert len(piano_rolls(path).train) == 2


def test_the_first_step_is_no_target():
    piece = np.arange(6).reshape(3, 2)
    inputs, targets = next_steps(piece)
    assert inputs.tolist() == [[0, 1], [2, 3]]
    assert targets.tolist() == [[2, 3], [4, 5]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"train": [\n[,]]}', r"rolls\.json:2: Not JSON .* Pickled copies"),
        ("[" * 100_000, "Nested too deeply"),
        ([1], "Holds a list of 1; expected an object of the parts train, valid, test"),
        ({**GOOD, "vaild": []}, "Unknown part 'vaild'.*Did you mean 'valid'"),
        ({"train": GOOD["train"], "test": GOOD["test"]}, "'valid' is missing; there are train, test"),
        ({}, "'train' is missing; there are none"),
        ({**GOOD, "test": []}, "test holds an empty list; expected a list of at least one piece"),
        ({**GOOD, "valid": None}, "valid holds null"),
        ({**GOOD, "train": [GOOD["train"][0], [[60]]]}, "train, piece 2 is a list of 1; expected .* two steps"),
        ({**GOOD, "train": ["ab"]}, "train, piece 1 is a string"),
        ({**GOOD, "train": [[[60], 61]]}, r"train, piece 1, step 2 is a number; expected .*\[\] for silence"),
        ({**GOOD, "train": [[[60], [20]]]}, "train, piece 1, step 2 has the pitch 20; .*21 to 108"),
        ({**GOOD, "train": [[[109], [60]]]}, "train, piece 1, step 1 has the pitch 109"),
        ({**GOOD, "test": [[[60], [60.5]]]}, "test, piece 1, step 2 has the pitch 60.5"),
        ({**GOOD, "test": [[[60], [True]]]}, "has the pitch true"),
        ({**GOOD, "test": [[[60], ["C4"]]]}, 'has the pitch "C4"'),
    ],
)
def test_faults_name_their_place(read, content, message):
    with pytest.raises(DataError, match=message):
        read(content)


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        piano_rolls(tmp_path / "absent.json")


def test_jsb_chorales(real_data):
    rolls = piano_rolls(locate("jsb", "quarter", real_data))
    parts = (rolls.train, rolls.valid, rolls.test)
    assert [len(part) for part in parts] == [229, 76, 77]
    assert [sum(map(len, part)) for part in parts] == [13_807, 4_602, 4_725]
    sounding = np.flatnonzero(np.concatenate([piece for part in parts for piece in part]).any(0))
    assert (sounding.min() + 21, sounding.max() + 21) == (43, 96)
