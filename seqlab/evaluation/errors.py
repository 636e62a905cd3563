"""What a tagger gets wrong: types mixed up, boundaries missed, spans invented, with the places to look."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from seqlab.corpora.records import Corpus, Sentence
from seqlab.tags.spans import Span, spans

KINDS = {
    "type": "right words, wrong type",
    "boundary": "right type, wrong boundary",
    "both": "overlapping, wrong type and boundary",
    "missed": "gold span without a predicted one to compare with",
    "invented": "predicted span without a gold one to compare with",
    "label": "wrong label",
}


@dataclass(frozen=True)
class Error:
    """One error: a gold and a predicted span (or label), and where it stands."""

    kind: str
    gold: str
    predicted: str
    place: str
    text: str


@dataclass(frozen=True)
class ErrorReport:
    """All errors of a tagger on a corpus."""

    errors: tuple[Error, ...]

    def kinds(self) -> Counter[str]:
        """Returns how many errors there are of each kind in `KINDS`."""
        return Counter(error.kind for error in self.errors)

    def confusions(self) -> Counter[tuple[str, str]]:
        """Returns how often one type (or label) was taken for another; `""` stands for no span."""
        return Counter((error.gold, error.predicted) for error in self.errors if error.gold != error.predicted)

    def text(self, examples: int = 3, rows: int = 15) -> str:
        """Returns the report for people: kinds, the commonest confusions, examples with file and line."""
        lines = [f"errors: {len(self.errors)}"]
        lines += [f"  {count:6d}  {KINDS[kind]}" for kind, count in self.kinds().most_common()]
        lines.append("confusions (gold -> predicted):")
        for (gold, predicted), count in self.confusions().most_common(rows):
            lines.append(f"  {count:6d}  {gold or '(nothing)'} -> {predicted or '(nothing)'}")
        for kind, found in self._examples(examples).items():
            lines.append(f"{KINDS[kind]}:")
            for error in found:
                change = f"{error.gold or '(nothing)'} -> {error.predicted or '(nothing)'}"
                lines.append(f"  {error.place}: {change}: {error.text}")
        return "\n".join(lines)

    def to_dict(self, examples: int = 3) -> dict[str, Any]:
        """Returns the report as JSON-safe values: the number of errors, kinds, all confusions, examples by kind."""
        confusions = self.confusions().most_common()
        return {
            "count": len(self.errors),
            "kinds": dict(self.kinds().most_common()),
            "confusions": [{"gold": g, "predicted": p, "count": count} for (g, p), count in confusions],
            "examples": {kind: [asdict(error) for error in found] for kind, found in self._examples(examples).items()},
        }

    def _examples(self, count: int) -> dict[str, list[Error]]:
        """The first errors of each kind."""
        found: dict[str, list[Error]] = defaultdict(list)
        for error in self.errors if count else ():
            if len(found[error.kind]) < count:
                found[error.kind].append(error)
        return found


def report(corpus: Corpus, task: str, predicted: Sequence[Sequence[str]], scheme: str | None) -> ErrorReport:
    """Compares predictions with a corpus' own labels.

    Args:
        corpus: The corpus, with gold labels.
        task: Their column.
        predicted: Tags of each sentence.
        scheme: Tag scheme of both; `None` for plain labels.
    """
    errors: list[Error] = []
    for sentence, tags in zip(corpus, predicted, strict=True):
        gold = sentence.columns[task]
        errors += _labels(sentence, gold, tags) if scheme is None else _spans(sentence, gold, tags, scheme)
    return ErrorReport(tuple(errors))


def _labels(sentence: Sentence, gold: Sequence[str], tags: Sequence[str]) -> list[Error]:
    return [
        Error("label", g, p, sentence.place(k), _window(sentence, k, k + 1))
        for k, (g, p) in enumerate(zip(gold, tags, strict=True))
        if g != p
    ]


def _spans(sentence: Sentence, gold: Sequence[str], tags: Sequence[str], scheme: str) -> list[Error]:
    wanted, found = spans(gold, scheme), spans(tags, scheme)
    right = set(wanted) & set(found)
    wanted = [span for span in wanted if span not in right]
    found = [span for span in found if span not in right]
    partners = _partners(wanted, found)
    errors = []
    for span in wanted:
        partner = partners.get(span)
        if partner is None:
            errors.append(_error(sentence, "missed", span, None))
            continue
        same_words = span[1:] == partner[1:]
        kind = "type" if same_words else "boundary" if span.type == partner.type else "both"
        errors.append(_error(sentence, kind, span, partner))
    taken = set(partners.values())
    return errors + [_error(sentence, "invented", None, span) for span in found if span not in taken]


def _partners(wanted: list[Span], found: list[Span]) -> dict[Span, Span]:
    """Pairs spans that overlap, the greatest overlap first, then equal types; each is in one pair at most."""
    pairs = [(span, other) for span in wanted for other in found if _overlap(span, other)]
    pairs.sort(key=lambda pair: (-_overlap(*pair), pair[0].type != pair[1].type))
    partners: dict[Span, Span] = {}
    taken: set[Span] = set()
    for span, other in pairs:
        if span not in partners and other not in taken:
            partners[span] = other
            taken.add(other)
    return partners


def _overlap(one: Span, other: Span) -> int:
    return max(0, min(one.end, other.end) - max(one.start, other.start))


def _error(sentence: Sentence, kind: str, gold: Span | None, predicted: Span | None) -> Error:
    ends = [span for span in (gold, predicted) if span is not None]
    start, end = min(span.start for span in ends), max(span.end for span in ends)
    wanted, found = ("" if span is None else span.type for span in (gold, predicted))
    return Error(kind, wanted, found, sentence.place(start), _window(sentence, start, end, gold, predicted))


def _window(sentence: Sentence, start: int, end: int, gold: Span | None = None, predicted: Span | None = None) -> str:
    words = list(sentence.words)
    before, after = " ".join(words[max(0, start - 3) : start]), " ".join(words[end : end + 3])
    inside = " ".join(words[start:end])
    if gold is not None and predicted is not None and gold[1:] != predicted[1:]:
        wanted, found = (" ".join(words[span.start : span.end]) for span in (gold, predicted))
        inside = f"gold [{wanted}] predicted [{found}]"
    else:
        inside = f"[{inside}]"
    return " ".join(part for part in (before, inside, after) if part)
