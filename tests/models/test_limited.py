"""Taggers under rules give the best of all allowed paths; sentences that nothing satisfies are refused."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from seqlab.batches.loader import Batches
from seqlab.corpora.records import Sentence
from seqlab.errors import DataError, SettingsError
from seqlab.models.limited import LimitedBatches, limited
from seqlab.tags import rules as tag_rules
from seqlab.tags.counting import at_least_one, at_most_one
from seqlab.tags.listed import only_listed
from seqlab.tags.spans import Span
from tests import tiny
from tests.conftest import ROOT
from tests.models import toy
from tests.oracles import constraints as oracle
from tests.oracles.spans import read

ENTRIES = [["a"], ["b", "a"], ["c", "a", "b"]]
NO_REPEAT = [("O", "O"), (None, "B-Y"), ("B-X", None)]
pytestmark = pytest.mark.usefixtures("eagerly")  # what is compiled is held in a fresh process, below


def listed(labels, scheme):
    return only_listed(labels, scheme, "X", ENTRIES) & tag_rules.scheme_constraints(labels, scheme)


CASES = {
    "scheme": (True, toy.WELL_FORMED),
    "most": (
        lambda labels, scheme: at_most_one(labels, scheme, "X", "Y") & tag_rules.scheme_constraints(labels, scheme),
        oracle.both(toy.WELL_FORMED, oracle.at_most_one("X", "Y")),
    ),
    "least": (lambda labels, scheme: at_least_one(labels, scheme, "X"), oracle.at_least_one("X")),
    "listed": (listed, oracle.both(toy.WELL_FORMED, oracle.listed("X", ENTRIES))),
    "forbidden": (lambda labels, scheme: tag_rules.forbid(labels, NO_REPEAT), oracle.never(NO_REPEAT)),
    "required": (
        lambda labels, scheme: tag_rules.require(labels, [("O", "B-X"), ("O", None)]),
        oracle.followed({("O", "B-X"), ("O", None)}),
    ),
    "predicate": (
        lambda labels, scheme: tag_rules.from_predicate(labels, lambda before, after: before != after),
        lambda path, words: all(a != b for a, b in zip(path, path[1:], strict=False)),
    ),
}


@pytest.mark.parametrize(
    ("name", "head"), [*((name, "crf") for name in CASES), ("scheme", "softmax"), ("listed", "softmax")]
)
def test_each_kind_of_rule_gives_the_best_allowed_path(name, head):
    constrained, allows = CASES[name]
    tagger = toy.tagger(constrained, head)
    found = toy.check_exact(tagger, allows)
    assert found != toy.best(tagger, toy.TEXTS, lambda *_: True), "the rule changes nothing"
    assert list(tagger.tag(toy.TEXTS[1]).tags) == found[1]  # alone, and not in a padded batch
    gold = toy.corpus()
    wrong = [
        a != b for path, tags in zip(found, gold.column("ner"), strict=True) for a, b in zip(path, tags, strict=True)
    ]
    assert tagger.score(gold).accuracy == pytest.approx(1 - np.mean(wrong))
    assert tagger.evaluate(gold, return_dict=True, verbose=0)["accuracy"] == pytest.approx(1 - np.mean(wrong))


FREE = {0: {1: {"I-X"}, 3: {"B-Y", "O"}}, 3: {0: ["O"]}}
FORCED = {"free": FREE, "scheme": FREE, "listed": {0: {0: {"B-Y"}, 3: {"B-Y", "O"}}, 3: {0: ["O"]}}}


@pytest.mark.parametrize("name", FORCED)
def test_forced_tags_with_and_without_rules(name):
    constrained, allows = {"free": (False, lambda path, words: True), **CASES}[name]
    tagger, forced = toy.tagger(constrained), FORCED[name]
    sentences = [Sentence(words) for words in toy.TEXTS]
    held = [oracle.both(allows, oracle.forced(forced.get(number, {}))) for number in range(len(sentences))]
    wanted = toy.best(tagger, toy.TEXTS, lambda number, path, words: held[number](path, words))
    assert wanted != tagger.tags(sentences)
    assert tagger.tags(sentences, forced=forced) == wanted
    assert tagger.tags(tagger.batches(sentences, batch_size=2), forced=forced) == wanted
    alone = {place: next(iter(tags)) if len(tags) == 1 else tags for place, tags in forced[0].items()}
    assert list(tagger.tag(toy.TEXTS[0], forced=alone).tags) == wanted[0]
    assert [list(tagging.tags) for tagging in tagger.tag_all(toy.TEXTS, forced=forced)] == wanted
    assert tagger.tags(sentences, forced={}) == tagger.tags(sentences, forced={1: {}}) == tagger.tags(sentences)


def test_confidences_are_those_of_the_paths_that_are_left():
    (constrained, allows), forced = CASES["listed"], FORCED["listed"]
    tagger = toy.tagger(constrained)
    tagger.head.temperature = 2.0
    batches = toy.batches(tagger, toy.TEXTS)
    readings = tagger.readings(batches, forced, probabilities=True, n_best=3)
    marginals = tagger.probabilities(batches)  # under the rules alone
    scores = tagger.predict(batches)
    for number, (words, reading) in enumerate(zip(toy.TEXTS, readings, strict=True)):
        held = oracle.both(allows, oracle.forced(forced.get(number, {})))
        paths, shares = toy.distribution(tagger, words, scores[number], held)
        assert [tuple(tags) for tags, _ in reading.n_best] == paths[:3]
        assert [chance for _, chance in reading.n_best] == pytest.approx(shares[:3], rel=1e-3)
        same = np.array(paths) == np.array(reading.tags)  # (paths, tokens)
        assert reading.probabilities == pytest.approx(shares @ same, rel=1e-3)
        for chunk in read(reading.tags):
            wanted = shares @ [chunk in read(path) for path in paths]
            assert reading.posteriors[Span(*chunk)] == pytest.approx(wanted, rel=1e-3)
        free, weights = toy.distribution(tagger, words, scores[number], allows)
        shown = np.array(free)[..., None] == np.array(tagger.labels)  # (paths, tokens, labels)
        np.testing.assert_allclose(marginals[number], np.einsum("p,ptk->tk", weights, shown), atol=1e-4)


def test_tags_are_forced_by_a_tokens_place_in_a_whole_text():
    tagger = tiny.trained()
    text = "The council rejected it. Snow fell in Oslo."
    free = tagger.tag(text)
    assert len(free.sentences) == 2
    forced = {1: "B-ADJP", 5: "B-PP", 8: ["B-SBAR"]}
    found = tagger.tag(text, forced=forced)
    assert (found.tags[1], found.tags[5], found.tags[8]) == ("B-ADJP", "B-PP", "B-SBAR")
    assert found.tokens == free.tokens
    for wrong, message in (
        ({10: "O"}, r"at token 10 of a text of 10 tokens, counted from 0"),
        ({"1": "O"}, r"at token '1' of a text"),
        ({2: "B-NPP"}, r"Unknown tag 'B-NPP' is forced at position 2\. Did you mean 'B-PP'"),
        ({2: []}, r"No tag is left at position 2"),
    ):
        with pytest.raises(SettingsError, match=message):
            tagger.tag(text, forced=wrong)
    for wrong in (["O"] * 3, "B-NP"):
        with pytest.raises(SettingsError, match="forced holds .*; expected a dict from a token to its tags"):
            tagger.tag(text, forced=wrong)
    with pytest.raises(SettingsError, match="forced is a list; expected a dict from a sentence's number"):
        tagger.tag_all([text], forced=[{0: "O"}])
    with pytest.raises(SettingsError, match="in text 1; there are 1, counted from 0"):
        tagger.tag_all([text], forced={1: {0: "O"}})


@pytest.mark.parametrize(
    ("forced", "message"),
    [
        ([{0: "O"}], r"forced is a list; expected a dict from a sentence's number"),
        ({9: {0: "O"}}, r"in sentence 9; there are 5, counted from 0"),
        ({True: {0: "O"}}, r"in sentence True"),
        ({0: "O"}, r"forced holds 'O'; expected a dict from a token"),
        ({4: {1: "O"}}, r"forced at position 1; the sentence has positions 0 to 0"),
    ],
)
def test_what_is_forced_nowhere(forced, message):
    with pytest.raises(SettingsError, match=message):
        limited(toy.tagger().batches(toy.corpus()), toy.tagger().head, toy.TAGS, forced)


def test_tags_are_forced_in_sentences_under_a_head_that_gives_each_token_one():
    batches = toy.tagger().batches(toy.corpus())
    with pytest.raises(SettingsError, match="each token one; object does not"):
        limited(batches, object(), toy.TAGS, {0: {0: "O"}})
    with pytest.raises(SettingsError, match="received dict in their place"):
        limited({}, toy.tagger().head, toy.TAGS, {0: {0: "O"}})


def test_a_sentence_that_nothing_satisfies_is_refused_before_anything_is_decoded(monkeypatch):
    tagger = toy.tagger(lambda labels, scheme: at_least_one(labels, scheme, "X", "Y"))
    monkeypatch.setattr(type(tagger), "decoder", None)
    for use in (
        lambda: tagger.tags(toy.corpus()),
        lambda: tagger.score(toy.corpus()),
        lambda: tagger.evaluate(toy.corpus(), verbose=0),
        lambda: tagger.fit(toy.corpus(), validation_data=toy.corpus(), verbose=0),
    ):
        with pytest.raises(DataError, match=r"^toy.txt:41: No tags fit the sentence 'b'\. No path of 1 token"):
            use()
    with pytest.raises(DataError, match="^No tags fit the sentence 'a b c'.*or the tags forced in this sentence"):
        tagger.tag(["a", "b", "c"], forced={0: "O", 1: "O"})
    assert tagger.optimizer.iterations == 0


def test_what_decides_nothing_costs_nothing():
    for constrained in (False, True, CASES["most"][0]):
        tagger = toy.tagger(constrained)
        batches = tagger.batches(toy.corpus(), batch_size=5, padding=0.9)
        assert limited(batches, tagger.head, tagger.labels) is batches
        assert limited(batches, tagger.head, tagger.labels, {}) is batches
    held = limited(batches, tagger.head, tagger.labels, {2: {1: "O"}})
    assert isinstance(held, LimitedBatches) and isinstance(batches, Batches)
    assert held.fields == (*batches.fields, "allowed") and len(held) == len(batches)
    inputs, labels = held[0]
    assert inputs["allowed"].shape == (*held.shape(0), tagger.head.constraints.states) and labels.shape == held.shape(0)
    row = list(held.plan[0].sentences).index(2)
    assert set(np.asarray(toy.TAGS)[tagger.head.constraints.origins[inputs["allowed"][row, 1]]]) == {"O"}
    assert inputs["allowed"].sum() < inputs["allowed"].size and inputs["allowed"][row, 3:].all()


PROGRAM = """
import json, sys, seqlab
tagger = seqlab.load(sys.argv[1])
print(json.dumps([found.tags for found in tagger.tag_all(json.loads(sys.argv[2]), forced={5: {0: "B-Y"}})]))
"""


def test_a_saved_tagger_keeps_rules_and_lists_in_a_fresh_process(tmp_path):
    tagger = toy.tagger(listed)
    tagger.save(tmp_path / "toy.keras")
    asked = [*toy.TEXTS, ("a", "b", "a")]
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "toy.keras"), json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    wanted = toy.check_exact(tagger, CASES["listed"][1])
    found = json.loads(done.stdout)
    assert found[:5] == wanted and found[5] == list(tagger.tag(asked[5], forced={0: "B-Y"}).tags)
