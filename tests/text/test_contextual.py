from __future__ import annotations

import numpy as np
import pytest

from seqlab.corpora.records import Sentence
from seqlab.errors import DataError, SettingsError
from seqlab.text.contextual import Contextual, Producer, contextual_of
from tests.text.producers import Toy, store_of

KNOWN, OTHER = ["Snow", "fell"], ["It", "thawed"]


@pytest.fixture
def store(tmp_path):
    return store_of(tmp_path / "v.h5", [KNOWN])


def test_the_file_comes_first_and_then_the_producer(store) -> None:
    toy = Toy()
    source = Contextual(store, toy)
    found = source.vectors([OTHER, KNOWN, []])
    for array, wanted in zip(found, Toy().vectors([OTHER, KNOWN, []]), strict=True):
        np.testing.assert_array_equal(array, wanted)
    assert toy.asked == [OTHER]
    assert isinstance(toy, Producer) and isinstance(store, Producer) and isinstance(source, Producer)


def test_what_is_nowhere_says_what_to_do(store) -> None:
    source = Contextual(store)
    sentences = [Sentence(tuple(KNOWN)), Sentence(()), Sentence(tuple(OTHER), file="a.conll", lines=(7, 8))]
    source.check(sentences[:2])
    text = (
        r"2 layers of 3\), and .*v\.h5 has none for 1 of 3 sentences, first 'It thawed' \(a\.conll:7\).*"
        r"seqlab embed PRODUCER CORPUS.*tagger\.contextual = 'FILE\.h5'.*tagger\.contextual = producer"
    )
    with pytest.raises(DataError, match=text):
        source.check(sentences)
    with pytest.raises(DataError, match="for 1 of 1 sentences"):
        source.vectors([OTHER])
    gone = Contextual.from_config({"file": "gone.h5", "producer": None, "layers": 2, "width": 3})
    with pytest.raises(DataError, match=r"there is no file gone\.h5"):
        gone.check(sentences[:1])
    with pytest.raises(DataError, match="it was given no file"):
        Contextual(layers=2, width=3).check(sentences[:1])


def test_config_names_file_and_place_and_opens_them_when_needed(store) -> None:
    class Placed(Toy):
        place = "somewhere"

    opened = []

    def opener(place: str) -> Toy:
        opened.append(place)
        return Toy()

    config = Contextual(store, Placed()).get_config()
    assert config == {"file": store.path, "producer": "somewhere", "layers": 2, "width": 3, "fingerprint": None}
    again = Contextual.from_config(config, opener)
    np.testing.assert_array_equal(again.vectors([KNOWN])[0], Toy().vectors([KNOWN])[0])
    assert opened == []
    again.check([Sentence(tuple(OTHER))])
    again.vectors([OTHER])
    again.vectors([OTHER])
    assert opened == ["somewhere"]
    with pytest.raises(SettingsError, match="Nothing opens the producer 'somewhere' here"):
        Contextual.from_config(config).vectors([OTHER])


def test_sizes_are_those_of_the_source_and_are_held_to(store, tmp_path) -> None:
    assert (Contextual(store).layers, Contextual(producer=Toy(4, 5)).width) == (2, 5)
    with pytest.raises(SettingsError, match="received neither"):
        Contextual()
    text = r"Expected contextual vectors of 2 layers of width 3; Toy gives 2 layers of width 4"
    with pytest.raises(SettingsError, match=text):
        Contextual(store, Toy(2, 4))
    narrow = store_of(tmp_path / "narrow.h5", [KNOWN], Toy(2, 2))
    with pytest.raises(SettingsError, match=r"narrow\.h5 gives 2 layers of width 2"):
        Contextual(narrow.path, layers=2, width=3).vectors([KNOWN])
    late = Contextual(producer="x", layers=2, width=3, opener=lambda place: Toy(1, 3))
    with pytest.raises(SettingsError, match="Toy gives 1 layers"):
        late.vectors([KNOWN])


def test_anything_that_gives_vectors_is_a_source(store) -> None:
    toy = Toy()
    for source in (store, store.path, toy, Contextual(store)):
        found = contextual_of(source)
        assert (found.layers, found.width) == (2, 3)
    assert contextual_of(toy).vectors([OTHER])[0].shape == (2, 2, 3)
    assert contextual_of("folder", lambda place: Toy(7, 1)).layers == 7


def test_same_is_told_by_file_and_place_or_by_the_producer_itself(store) -> None:
    class Placed(Toy):
        place = "somewhere"

    toy = Toy()
    assert Contextual(store).same(Contextual(store.path))
    assert Contextual(producer=toy).same(Contextual(producer=toy))
    assert not Contextual(producer=toy).same(Contextual(producer=Toy()))
    assert Contextual(producer=Placed()).same(Contextual(producer=Placed()))
    for one, other, alike in (("a", "a", True), ("a", None, True), ("a", "b", False)):
        pair = [Contextual(producer="x", layers=2, width=3, fingerprint=given) for given in (one, other)]
        assert pair[0].same(pair[1]) == pair[1].same(pair[0]) == alike
    assert not Contextual(store).same(None) and not Contextual(store).same(Contextual(store, toy))


def known(fingerprint: str) -> Toy:
    toy = Toy()
    toy.fingerprint = fingerprint
    return toy


def test_vectors_of_two_producers_are_not_mixed(tmp_path) -> None:
    """Their sizes are equal: nothing but the fingerprint tells them apart."""
    path = store_of(tmp_path / "a.h5", [KNOWN], known("aaaaaaaaaaaaaaaa")).path
    text = r"\(fingerprint aaaaaaaaaaaa\); those of Toy are another's \(bbbbbbbbbbbb\).*seqlab embed"
    with pytest.raises(SettingsError, match=text):
        Contextual(path, known("bbbbbbbbbbbbbbbb"))
    opened = Contextual(path, "place", opener=lambda place: known("bbbbbbbbbbbbbbbb"))
    opened.vectors([KNOWN])
    with pytest.raises(SettingsError, match=text):
        opened.vectors([OTHER])
    for other in (Toy(), known("aaaaaaaaaaaaaaaa")):
        assert len(Contextual(path, other).vectors([OTHER])) == 1


def test_a_model_keeps_whose_vectors_it_reads(tmp_path) -> None:
    path = store_of(tmp_path / "a.h5", [KNOWN], known("a")).path
    config = Contextual(path).get_config()
    assert config["fingerprint"] == "a"
    again = Contextual.from_config(config)
    with pytest.raises(SettingsError, match="Toy are another's"):
        again.check_source(contextual_of(known("b")))
    again.check_source(contextual_of(known("a")))
    store_of(tmp_path / "a.h5", [KNOWN], known("b")).close()
    with pytest.raises(SettingsError, match=r"a\.h5 are another's"):
        again.vectors([KNOWN])
    del config["fingerprint"]  # as models were written before
    assert len(Contextual.from_config(config).vectors([KNOWN])) == 1
