"""What a tagger says of its own tags, against a list of all taggings of a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import DataError, SettingsError
from seqlab.inference.load import load
from seqlab.layers.heads.multilabel import MultiLabelHead
from seqlab.models.tagger import Tagger
from seqlab.models.tagging import Tagging
from seqlab.tags.spans import Span
from tests import tiny
from tests.oracles import calibration
from tests.oracles.crf import all_paths, forward_backward
from tests.oracles.spans import read, write

pytestmark = pytest.mark.usefixtures("eagerly")

WORDS = ("The", "council", "fell")
HEADS = [("crf", False), ("crf", True), ("softmax", False), ("softmax", True)]


def made(head: str = "crf", constrained: bool = False, temperature: float = 1.0) -> Tagger:
    """A tagger whose weights are all drawn, and whose confidences are neither even nor sure."""
    tagger = tiny.tagger(head=head, constrained=constrained, chars=None)
    rng = np.random.default_rng(4)
    tagger.set_weights([rng.normal(size=weight.shape) for weight in tagger.get_weights()])
    tagger.head.temperature = temperature
    return tagger


def moves(tagger: Tagger) -> list[np.ndarray]:
    return [np.asarray(keras.ops.convert_to_numpy(part), "float64") for part in tagger.head.moves()]


def listed(tagger: Tagger, words: tuple[str, ...]) -> tuple[list[tuple[str, ...]], np.ndarray]:
    """All taggings of a sentence that the head allows, best first, and their probabilities."""
    scores = np.asarray(tagger.predict([Sentence(words)])[0], "float64")
    paths = all_paths(scores, np.ones(len(words), bool), *moves(tagger))
    taggings = [tuple(tagger.labels[label] for label in path) for path in paths.labels]
    kept = np.array([tagger.head.constraints is None or fits(tags) for tags in taggings])
    totals = np.where(kept, paths.scores / tagger.head.temperature, -np.inf)
    order = np.argsort(-totals)[: kept.sum()]
    shares = np.exp(totals[order] - totals.max())
    return [taggings[place] for place in order], shares / shares.sum()


def fits(tags: tuple[str, ...]) -> bool:
    return write(read(tags), len(tags), "iob2") == list(tags)


@pytest.mark.parametrize(("head", "constrained"), HEADS)
def test_confidences_equal_the_list_of_all_taggings(head: str, constrained: bool) -> None:
    tagger = made(head, constrained, temperature=1.7)
    taggings, shares = listed(tagger, WORDS)
    found = tagger.tag(WORDS, probabilities=True, n_best=4)
    assert found.tags == taggings[0] == tagger.tag(WORDS).tags
    wanted = [sum(p for tags, p in zip(taggings, shares, strict=True) if tags[t] == found.tags[t]) for t in range(3)]
    assert found.probabilities == pytest.approx(wanted, rel=2e-4)
    ways = found.n_best[0]
    assert [way.tags for way in ways] == taggings[:4]
    assert [way.probability for way in ways] == pytest.approx(shares[:4], rel=2e-4)
    assert ways[0].spans == found.spans and len({way.spans for way in ways}) > 1
    for way in ways:
        chunks = read(way.tags)
        assert [(span.type, span.text) for span in way.spans] == [(kind, " ".join(WORDS[a:b])) for kind, a, b in chunks]
        held = [sum(p for tags, p in zip(taggings, shares, strict=True) if chunk in read(tags)) for chunk in chunks]
        assert [span.probability for span in way.spans] == pytest.approx(held, rel=2e-4)


@pytest.mark.parametrize(("head", "constrained"), HEADS[:3])
def test_marginals_sum_to_one_and_equal_the_list(head: str, constrained: bool) -> None:
    tagger = made(head, constrained, temperature=0.6)
    (found,) = tagger.probabilities([Sentence(WORDS)])
    assert found.shape == (3, len(tagger.labels))
    assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    taggings, shares = listed(tagger, WORDS)
    wanted = np.zeros(found.shape)
    for tags, p in zip(taggings, shares, strict=True):
        wanted[range(3), [tagger.labels.index(tag) for tag in tags]] += p
    assert_allclose(found, wanted, atol=1e-5)
    assert tagger.probabilities([]) == []


def test_many_lengths_equal_each_alone() -> None:
    tagger = made()
    corpus = tiny.part("dev", 1, 16) + tiny.part("dev", 1, 7) + tiny.part("dev", 2, 16)
    together = tagger.readings(tagger.batches(corpus, batch_size=2), probabilities=True, n_best=3)
    assert [reading.tags for reading in together] == tagger.tags(corpus)
    for sentence, one in zip(corpus, together, strict=True):
        (alone,) = tagger.readings([sentence], probabilities=True, n_best=3)
        assert one.tags == alone.tags == one.n_best[0][0]
        assert_allclose(one.probabilities, alone.probabilities, rtol=1e-3)
        assert [tags for tags, _ in one.n_best] == [tags for tags, _ in alone.n_best]
        assert_allclose([p for _, p in one.n_best], [p for _, p in alone.n_best], rtol=1e-3)
        assert one.posteriors.keys() == alone.posteriors.keys() and len(one.posteriors) > 0
        assert_allclose([*one.posteriors.values()], [*alone.posteriors.values()], rtol=1e-3)


@pytest.mark.compiled
def test_a_sentence_of_5000_tokens_and_a_span_of_hundreds() -> None:
    tagger = made()
    words = ["Snow"] * 400 + [word for sentence in tiny.sample("train") for word in sentence.words][:4600]
    tagger.head.projection.bias.assign([15.0 * (label == "I-NP") + 7.0 * (label == "B-NP") for label in tagger.labels])
    found = tagger.tag(words, probabilities=True, n_best=2)
    assert len(found.probabilities) == 5000 and 0 < min(found.probabilities) <= max(found.probabilities) <= 1
    assert all(0 <= span.probability <= 1 for span in found.spans)
    assert [len(way.tags) for way in found.n_best[0]] == [5000, 5000]
    batches = tagger.batches([Sentence(tuple(words))])
    scores = tagger.decoder.scores(batches)
    long = Span("NP", 100, 400)
    (posterior,) = tagger.decoder.posteriors(batches, scores, [[long, Span("NP", 100, 101)]])
    wanted = span_probability(tagger, np.asarray(scores[0], "float64"), long)
    assert wanted > 1e-9 and posterior[long] == pytest.approx(wanted, rel=5e-3)


def span_probability(tagger: Tagger, scores: np.ndarray, span: Span) -> float:
    """exp(log Z of the paths that have the span - log Z), the span spelt out as forbidden tags and pairs."""
    transitions, start, end = moves(tagger)
    whole, _ = forward_backward(scores, transitions, start, end)
    alpha = start + scores[0]
    for t in range(1, len(scores)):
        pairs = transitions.copy()
        if span.start <= t <= span.end:
            inside = span.start < t < span.end
            for a, before in enumerate(tagger.labels):
                for b, after in enumerate(tagger.labels):
                    on = "NP" in before and after == "I-NP"
                    here = t == span.end or after.endswith("-NP")
                    if on != inside or not here:
                        pairs[a, b] = -np.inf
        alpha = np.logaddexp.reduce(alpha[:, None] + pairs, axis=0) + scores[t]
    return float(np.exp(np.logaddexp.reduce(alpha + end) - whole))


def test_plain_labels_have_probabilities_and_no_spans() -> None:
    tagger = tiny.tagger(task="pos", head="softmax", chars=None)
    found = tagger.tag(["Snow", "fell"], probabilities=True, n_best=2)
    assert found.spans == () and len(found.probabilities) == 2
    assert len(found.n_best[0]) == 2 and found.n_best[0][0].spans == ()


def test_nothing_is_told_that_was_not_asked_for() -> None:
    tagger = made()
    plain = tagger.tag(WORDS).to_dict()
    assert plain.keys() == {"text", "tokens", "tags", "spans", "sentences"}
    assert all(span.keys() == {"type", "start", "end", "text"} for span in plain["spans"])
    full = json.loads(json.dumps(tagger.tag(WORDS, probabilities=True, n_best=2).to_dict()))
    assert full.keys() == plain.keys() | {"probabilities", "n_best"}
    assert full["spans"] == [full["n_best"][0][0]["spans"][k] for k in range(len(plain["spans"]))]
    only = tagger.tag(WORDS, n_best=2)
    assert only.probabilities is None and only.n_best[0][0].spans == tagger.tag(WORDS).spans
    assert tagger.tag("", probabilities=True, n_best=2) == Tagging("", (), (), (), (), (), ())


def test_fewer_taggings_than_asked_for() -> None:
    tagger = made(constrained=True)
    taggings, shares = listed(tagger, WORDS[:1])
    (ways,) = tagger.tag(WORDS[:1], n_best=50).n_best
    assert [way.tags for way in ways] == taggings and len(ways) < len(tagger.labels)
    assert sum(way.probability for way in ways) == pytest.approx(1, rel=1e-4)


def likelihood(tagger: Tagger, corpus: Corpus, temperature: float) -> float:
    """The mean of -log p over the labelled tokens, by sums of logarithms in float64."""
    logs = []
    for sentence, scores in zip(corpus, tagger.predict(corpus), strict=True):
        parts = [part / temperature for part in (np.asarray(scores, "float64"), *moves(tagger))]
        _, shares = forward_backward(*parts)
        logs += [
            np.log(shares[t, tagger.labels.index(tag)])
            for t, tag in enumerate(sentence.columns["chunk"])
            if tag in tagger.labels
        ]
    return -float(np.mean(logs))


def test_calibrate_finds_the_temperature_of_the_marginals(tmp_path: Path) -> None:
    tagger, dev = made(temperature=3.0), tiny.part("dev", 2, 16) + tiny.dev_part()
    tags, before = tagger.tags(dev), tagger.probabilities(dev)
    found = tagger.calibrate(dev)
    assert tagger.head.temperature == found.value != 3.0
    assert found.before == pytest.approx(likelihood(tagger, dev, 1.0), rel=1e-4)
    assert found.after == pytest.approx(likelihood(tagger, dev, found.value), rel=1e-4)
    for factor in (0.97, 1.03):
        assert likelihood(tagger, dev, factor * found.value) > found.after
    assert tagger.tags(dev) == tags
    after = tagger.probabilities(dev)
    assert np.abs(after[0] - before[0]).max() > 0.01
    _, shares = listed(tagger, WORDS)
    assert tagger.tag(WORDS, n_best=2).n_best[0][0].probability == pytest.approx(shares[0], rel=1e-3)

    tagger.save(tmp_path / "calibrated.keras")
    again = load(tmp_path / "calibrated.keras")
    assert again.head.temperature == found.value
    assert_allclose(again.probabilities(dev)[0], after[0], rtol=1e-5, atol=1e-6)
    assert again.extended(dev).head.temperature == found.value


def test_reliability_counts_the_tags_given_and_unseen_labels_as_errors() -> None:
    tagger, dev = made(), tiny.dev_part()
    first, *rest = dev
    columns = {**first.columns, "chunk": ("B-NEW", *first.columns["chunk"][1:])}
    odd = Corpus([Sentence(first.words, columns), *rest], dev.schemes)
    found = tagger.reliability(odd, bins=4)
    readings = tagger.readings(odd, probabilities=True)
    confidences = [p for reading in readings for p in reading.probabilities]
    gold = [tag for sentence in odd for tag in sentence.columns["chunk"]]
    right = [a == b for a, b in zip([tag for reading in readings for tag in reading.tags], gold, strict=True)]
    wanted = calibration.width_bins(confidences, right, 4)
    assert [(part.count, part.mean, part.right) for part in found.bins] == [pytest.approx(row) for row in wanted]
    assert found.count == 50 and sum(right) / 50 == pytest.approx(tagger.score(odd).accuracy)


def test_what_cannot_be_asked() -> None:
    tagger = made()
    for count in (0, -1, 2.5, True):
        with pytest.raises(SettingsError, match="`n_best` must be a whole number of at least 1"):
            tagger.tag("Snow fell.", n_best=count)
    bare = [Sentence(sentence.words) for sentence in tiny.dev_part()]
    uses: list[Any] = [tagger.calibrate, tagger.reliability]
    for use in uses:
        with pytest.raises(DataError, match="no column 'chunk'"):
            use(bare)
    head = MultiLabelHead(len(tagger.labels))
    other = Tagger(tagger.vectorizer, "chunk", tagger.features, tagger.encoder, head)
    with pytest.raises(SettingsError, match=r"Confidences are those of .* CRFHead; .* head is a MultiLabelHead"):
        other.tag("Snow fell.", probabilities=True)


def test_labels_that_the_tagger_knows_none_of() -> None:
    tagger, (first, *_) = made(), tiny.dev_part()
    odd = Corpus([Sentence(first.words, {"chunk": ("B-NEW",) * len(first)})], {"chunk": "iob2"})
    with pytest.raises(DataError, match="no labelled token"):
        tagger.calibrate(odd)


def test_weights_of_a_fit_reach_the_confidences() -> None:
    tagger, dev = made(), tiny.dev_part()
    before = tagger.probabilities(dev)
    tagger.set_weights([0.5 * weight for weight in tagger.get_weights()])
    assert np.abs(tagger.probabilities(dev)[0] - before[0]).max() > 0.01
    assert_array_equal(tagger.probabilities(dev)[0], tagger.probabilities(dev)[0])


def test_other_data_and_shuffled_batches() -> None:
    tagger = made()
    for ask in (tagger.calibrate, tagger.reliability):
        with pytest.raises(DataError, match="Expected a corpus, a list of sentences or Batches, received ndarray"):
            ask(np.zeros((2, 3)))
    corpus = tiny.part("dev", 6)
    shuffled = tagger.batches(corpus, batch_size=2, shuffle=True)
    assert len(shuffled) == 3
    assert [list(tags) for tags in tagger.tags(shuffled)] == tagger.tags(corpus)
    assert tagger.reliability(shuffled).expected_error == pytest.approx(tagger.reliability(corpus).expected_error)
