from __future__ import annotations

import h5py
import numpy as np
import pytest

from seqlab.errors import DataError, SettingsError
from seqlab.text import contextual_store
from seqlab.text.contextual_store import ContextualStore, key_of, write_store
from tests.text.producers import Toy, store_of

SENTENCES = [["Snow", "fell", "."], ["It", "fell"], ["Snøen", "falt", "i", "går"], ["It", "fell"], []]


def same(found: list[np.ndarray], sentences: list[list[str]]) -> None:
    for array, wanted in zip(found, Toy().vectors(sentences), strict=True):
        assert array.dtype == np.float32 and array.shape == wanted.shape
        np.testing.assert_array_equal(array, wanted)


def test_gives_back_what_was_written(tmp_path) -> None:
    with store_of(tmp_path / "v.h5", SENTENCES) as store:
        assert (store.layers, store.width, len(store)) == (2, 3, 3)
        same(store.vectors(SENTENCES[::-1]), SENTENCES[::-1])
        assert store.missing([*SENTENCES, ["It", "fell", "."], ["Itfell"]]) == [5, 6]
        assert ["It", "fell"] in store and ("It",) not in store


def test_blocks_and_order_change_nothing(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(contextual_store, "CHUNK", 30)
    monkeypatch.setattr(contextual_store, "WORDS_AT_ONCE", 2)
    toy = Toy()
    told: list[tuple[int, int]] = []
    assert write_store(tmp_path / "v.h5", toy, SENTENCES, at_once=2, progress=lambda *n: told.append(n)) == 3
    assert told == [(2, 3), (3, 3)]
    assert toy.asked == SENTENCES[:3]  # each sentence once, in order
    with ContextualStore(tmp_path / "v.h5") as store:
        same(store.vectors(SENTENCES), SENTENCES)
        assert store._file["vectors"].chunks == (1, 2, 3)


def test_memory_holds_a_block_of_sentences_while_it_is_written(tmp_path) -> None:
    class Watched(Toy):
        most = 0

        def vectors(self, sentences):
            self.most = max(self.most, len(sentences))
            return super().vectors(sentences)

    toy = Watched()
    write_store(tmp_path / "v.h5", toy, [[str(n)] for n in range(200)])
    assert toy.most == contextual_store.SENTENCES_AT_ONCE


def test_half_precision_halves_the_file(tmp_path) -> None:
    sentences = [[str(n), "x"] for n in range(300)]
    for name, half in (("whole.h5", False), ("half.h5", True)):
        write_store(tmp_path / name, Toy(3, 50), sentences, half=half)
    with ContextualStore(tmp_path / "half.h5") as store:
        np.testing.assert_allclose(store.vectors(sentences[:1])[0], Toy(3, 50).vectors(sentences[:1])[0], atol=2e-3)
    assert (tmp_path / "half.h5").stat().st_size < 0.6 * (tmp_path / "whole.h5").stat().st_size


def test_five_lines_of_h5py_make_one(tmp_path) -> None:
    with h5py.File(tmp_path / "own.h5", "w") as file:
        file["words"] = [word for words in SENTENCES for word in words]
        file["lengths"] = [len(words) for words in SENTENCES]
        file["vectors"] = np.concatenate([array.transpose(1, 0, 2) for array in Toy().vectors(SENTENCES)])
    same(ContextualStore(tmp_path / "own.h5").vectors(SENTENCES), SENTENCES)


def test_a_failure_leaves_the_old_file(tmp_path) -> None:
    class Failing(Toy):
        def vectors(self, sentences):
            raise RuntimeError("no more")

    store_of(tmp_path / "v.h5", SENTENCES).close()
    with pytest.raises(RuntimeError):
        write_store(tmp_path / "v.h5", Failing(), SENTENCES)
    same(ContextualStore(tmp_path / "v.h5").vectors(SENTENCES), SENTENCES)
    assert [path.name for path in tmp_path.iterdir()] == ["v.h5"]


def test_a_sentence_that_is_not_there(tmp_path) -> None:
    with pytest.raises(DataError, match=r"v\.h5: It has no vectors of the sentence 'Nothing fell'"):
        store_of(tmp_path / "v.h5", SENTENCES).vectors([["Nothing", "fell"]])


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.95])
def test_a_cut_file(tmp_path, keep: float) -> None:
    store_of(tmp_path / "v.h5", [[str(n)] for n in range(500)], Toy(2, 20)).close()
    whole = (tmp_path / "v.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: int(keep * len(whole))])
    with pytest.raises(DataError, match="cut off"):
        ContextualStore(tmp_path / "cut.h5")


def test_no_file(tmp_path) -> None:
    store_of(tmp_path / "train.h5", SENTENCES).close()
    with pytest.raises(DataError, match=r"no such file.*Did you mean 'train\.h5'"):
        ContextualStore(tmp_path / "trian.h5")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lengths": None}, r"It has no dataset lengths\. Expected `words`"),
        ({"lengths": [3, 2, 5]}, "3 words|lengths that sum to 10"),
        ({"lengths": [10, -1]}, "lengths that sum to 9"),
        ({"lengths": [3.0, 2.0, 4.0]}, "received words .* lengths .* of float64"),
        ({"vectors": np.zeros((9, 3), "float32")}, r"vectors \(9, 3\) of float32"),
        ({"vectors": np.zeros((9, 2, 3), int)}, "vectors .* of int64"),
        ({"vectors": np.zeros((8, 2, 3), "float32")}, "9 words, 8 vectors"),
        ({"words": np.arange(9)}, "words .* of int64"),
        ({"words": [b"\xff", *[b"a"] * 8]}, "is not UTF-8"),
    ],
)
def test_another_layout(tmp_path, change, words: str) -> None:
    parts = {"words": list("abcdefghi"), "lengths": [3, 2, 4], "vectors": np.ones((9, 2, 3), "float32")} | change
    with h5py.File(tmp_path / "v.h5", "w") as file:
        for name, value in parts.items():
            if value is not None:
                file[name] = value
    with pytest.raises(DataError, match=words):
        ContextualStore(tmp_path / "v.h5")


def test_numbers_that_are_none(tmp_path) -> None:
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file["words"], file["lengths"] = ["a", "b"], [1, 1]
        file["vectors"] = np.array([1, np.nan], "float32").reshape(2, 1, 1)
    store = ContextualStore(tmp_path / "v.h5")
    assert store.vectors([["a"]])[0].shape == (1, 1, 1)
    with pytest.raises(DataError, match="'b' are not all finite"):
        store.vectors([["b"]])


class Wrong(Toy):
    def __init__(self, change) -> None:
        super().__init__()
        self.change = change

    def vectors(self, sentences):
        return self.change(super().vectors(sentences))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda found: found[1:], "Wrong gave 2 arrays for 3 sentences"),
        (lambda found: [a.transpose(1, 0, 2) for a in found], r"gave \(3, 2, 3\) of float32 for 'Snow fell \.'"),
        (lambda found: [a.astype("float64") for a in found], "of float64"),
        (lambda found: [1e6 * a for a in found], "infinite or no numbers as float16"),
    ],
)
def test_a_producer_that_gives_something_else(tmp_path, change, words: str) -> None:
    with pytest.raises(DataError, match=words), np.errstate(over="ignore"):
        write_store(tmp_path / "v.h5", Wrong(change), SENTENCES, half=True)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written(tmp_path) -> None:
    with pytest.raises(SettingsError, match=r"ends in \.h5, received .*v\.npz"):
        write_store(tmp_path / "v.npz", Toy(), SENTENCES)
    with pytest.raises(SettingsError, match="no sentences"):
        write_store(tmp_path / "v.h5", Toy(), [[]])
    with pytest.raises(DataError, match="NUL"):
        write_store(tmp_path / "v.h5", Toy(), [["a\0b"]])


def test_keys_tell_sentences_apart() -> None:
    keys = {key_of(words) for words in (["a", "b"], ["ab"], ["a b"], ["a", "b", ""], ["", "a", "b"])}
    assert len(keys) == 5


def test_the_file_keeps_whose_vectors_it_holds(tmp_path) -> None:
    assert store_of(tmp_path / "toy.h5", SENTENCES).fingerprint is None
    toy = Toy()
    toy.fingerprint = "abc"
    with store_of(tmp_path / "v.h5", SENTENCES, toy) as store:
        assert store.fingerprint == "abc"
        write_store(tmp_path / "copy.h5", store, SENTENCES)
    assert ContextualStore(tmp_path / "copy.h5").fingerprint == "abc"
    with h5py.File(tmp_path / "copy.h5", "a") as file:
        file.attrs["fingerprint"] = 3
    with pytest.raises(DataError, match=r"Its attribute fingerprint is .*3.*; expected a text"):
        ContextualStore(tmp_path / "copy.h5")
