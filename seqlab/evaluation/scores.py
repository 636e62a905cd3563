"""One rule for every number: seqeval's default mode, which equals the `conlleval` script that papers report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from seqlab.tags.schemes import OUTSIDE, violations
from seqlab.tags.schemes import scheme as resolve_scheme
from seqlab.tags.spans import Span, encode, spans

Tags = Sequence[Sequence[str]]
TOKENS = "token accuracy"


@dataclass(frozen=True)
class Score:
    """Precision, recall and F1 of one type, between 0 and 1, and the number of gold spans (or tokens)."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Scores:
    """What a tagger reached on a corpus.

    Attributes:
        types: Score of each type (of each label where labels are plain, as parts of speech are).
        overall: Micro-averaged score over all types, `conlleval`'s headline.
        strict: The same by exact scheme: spans with a tag that the scheme would not write there count for nothing;
            `None` for plain labels.
        accuracy: Share of tokens with the right tag.
        sentences: Share of sentences with every tag right.
        tokens: Tokens scored.
    """

    types: dict[str, Score]
    overall: Score
    strict: Score | None
    accuracy: float
    sentences: float
    tokens: int

    def logs(self) -> dict[str, float]:
        """Returns the figures that join Keras' logs: precision, recall, f1 and accuracy."""
        return {
            "precision": self.overall.precision,
            "recall": self.overall.recall,
            "f1": self.overall.f1,
            "accuracy": self.accuracy,
        }

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as JSON-safe values."""
        return asdict(self)

    def table(self, title: str = "type") -> str:
        """Returns a table for people, in per cent: a row for each type, then the totals."""
        width = max([len(name) for name in self.types] + [len(title), len(TOKENS)])
        lines = [f"{title:<{width}}  precision  recall      f1  support"]
        lines += [_row(name, score, width) for name, score in sorted(self.types.items())]
        lines.append("-" * len(lines[0]))
        if self.strict is None:
            # every token has one label and one prediction: micro precision, recall and F1 are the accuracy
            lines.append(f"{'accuracy':<{width}}  {'':9}  {'':6}  {100 * self.accuracy:6.2f}  {self.tokens:7d}")
        else:
            lines += [_row("overall", self.overall, width), _row("strict", self.strict, width)]
            lines.append(f"{TOKENS:<{width}}  {'':9}  {'':6}  {100 * self.accuracy:6.2f}  {self.tokens:7d}")
        lines.append(f"sentences entirely right: {100 * self.sentences:.1f} %")
        return "\n".join(lines)


def score(gold: Tags, predicted: Tags, scheme: str | None) -> Scores:
    """Scores predicted tags against gold ones.

    Args:
        gold: Tags of each sentence; a tag that training never saw counts as an error like any other.
        predicted: As many tags for each of the same sentences.
        scheme: Tag scheme of both, `None` for plain labels.

    Returns:
        The scores. Nothing to find and nothing predicted gives 0, as in `conlleval`.

    Raises:
        ValueError: If the two differ in the number of sentences or of tags in a sentence.
        DataError: If a tag cannot occur in the scheme at all.

    >>> score([["B-PER", "I-PER", "O"]], [["B-PER", "O", "O"]], "iob2").overall.f1
    0.0
    """
    check_pairs(gold, predicted)
    pairs = [
        (g, p) for sentence, guess in zip(gold, predicted, strict=True) for g, p in zip(sentence, guess, strict=True)
    ]
    right = sum(g == p for g, p in pairs)
    whole = sum(list(sentence) == list(guess) for sentence, guess in zip(gold, predicted, strict=True))
    types, overall, strict = _plain(pairs) if scheme is None else _spans(gold, predicted, resolve_scheme(scheme).name)
    return Scores(
        types=types,
        overall=overall,
        strict=strict,
        accuracy=right / max(len(pairs), 1),
        sentences=whole / max(len(gold), 1),
        tokens=len(pairs),
    )


def check_pairs(gold: Tags, predicted: Tags) -> None:
    """Refuses predictions for another number of sentences, or of tokens in one, than there are gold tags."""
    if len(gold) != len(predicted):
        raise ValueError(f"Expected predictions for {len(gold)} sentences, received {len(predicted)}.")
    for number, (sentence, guess) in enumerate(zip(gold, predicted, strict=True)):
        if len(sentence) != len(guess):
            raise ValueError(f"Sentence {number}: expected {len(sentence)} tags, received {len(guess)}.")


def _spans(gold: Tags, predicted: Tags, scheme: str) -> tuple[dict[str, Score], Score, Score]:
    _, strict = _report(_sound(gold, scheme), _sound(predicted, scheme))  # first: it refuses what is no tag
    types, overall = _report(_as_iob2(gold, scheme), _as_iob2(predicted, scheme))
    return types, overall, strict


def _report(gold: Tags, predicted: Tags) -> tuple[dict[str, Score], Score]:
    from seqeval.metrics import classification_report

    if all(tag == OUTSIDE for tags in (*gold, *predicted) for tag in tags):  # seqeval fails without a single span
        return {}, Score(0.0, 0.0, 0.0, 0)
    report = classification_report(
        [list(tags) for tags in gold], [list(tags) for tags in predicted], output_dict=True, zero_division=0
    )
    averages = {name: _score(report.pop(name)) for name in ("micro avg", "macro avg", "weighted avg")}
    return {name: _score(row) for name, row in report.items()}, averages["micro avg"]


def _score(row: dict[str, Any]) -> Score:
    return Score(float(row["precision"]), float(row["recall"]), float(row["f1-score"]), int(row["support"]))


def _as_iob2(sequences: Tags, scheme: str) -> Tags:
    if scheme in ("iob1", "iob2"):
        return sequences
    return [encode(spans(tags, scheme), len(tags), "iob2") for tags in sequences]


def _sound(sequences: Tags, scheme: str) -> Tags:
    # seqeval's own strict mode does not know BMES, misses spans of IOE1 and cuts hyphens off the ends of types.
    return [encode(_sound_spans(tags, scheme), len(tags), "iob2") for tags in sequences]


def _sound_spans(tags: Sequence[str], scheme: str) -> list[Span]:
    wrong = {index for index, _ in violations(tags, scheme)}
    return [span for span in spans(tags, scheme) if wrong.isdisjoint(range(span.start, span.end))]


def _plain(pairs: list[tuple[str, str]]) -> tuple[dict[str, Score], Score, None]:
    labels = sorted({label for pair in pairs for label in pair})
    gold, guessed, right = (dict.fromkeys(labels, 0) for _ in range(3))
    for g, p in pairs:
        gold[g] += 1
        guessed[p] += 1
        right[g] += g == p
    types = {label: _ratio(right[label], guessed[label], gold[label]) for label in labels}
    total = sum(right.values())
    return types, _ratio(total, len(pairs), len(pairs)), None


def _ratio(right: int, guessed: int, gold: int) -> Score:
    precision, recall = right / max(guessed, 1), right / max(gold, 1)
    return Score(precision, recall, 2 * right / max(guessed + gold, 1), gold)


def _row(name: str, score: Score, width: int) -> str:
    return (
        f"{name:<{width}}  {100 * score.precision:9.2f}  {100 * score.recall:6.2f}  {100 * score.f1:6.2f}  "
        f"{score.support:7d}"
    )
