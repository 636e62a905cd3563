"""What a tagger says of a text: tokens, tags and spans, with exact places in the original."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from seqlab.corpora.records import Sentence
from seqlab.errors import DataError, SettingsError
from seqlab.models.limited import Forced, check_forced
from seqlab.tags.spans import Span, spans
from seqlab.text.tokenizer import Token, Tokenizer


class TextSpan(NamedTuple):
    """A labelled stretch of text: `text == original[start:end]`, in characters.

    Attributes:
        type: Its type.
        start: Its first character.
        end: The character after its last.
        text: What stands there.
        probability: That just this stretch is a span of just this type; `None` if not asked for.
    """

    type: str
    start: int
    end: int
    text: str
    probability: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns what there is as JSON-safe values."""
        return {name: value for name, value in self._asdict().items() if value is not None}


class Alternative(NamedTuple):
    """One of the best ways to tag a sentence.

    Attributes:
        tags: A tag for each token of the sentence.
        probability: That all of these tags are right.
        spans: The spans that they spell.
    """

    tags: tuple[str, ...]
    probability: float
    spans: tuple[TextSpan, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as JSON-safe values."""
        return {**self._asdict(), "tags": list(self.tags), "spans": [span.to_dict() for span in self.spans]}


@dataclass(frozen=True)
class Tagging:
    """The tags of one text.

    Attributes:
        text: The original, kept to the letter.
        tokens: Its tokens with their places in `text`, over all sentences.
        tags: A tag for each token.
        spans: The labelled spans that the tags spell; empty where labels are plain (parts of speech).
        sentences: First and last token (exclusive) of each sentence.
        probabilities: The probability of each token's tag, over all taggings of its sentence; `None` if not asked for.
        n_best: For each sentence the best ways to tag it, best first; `None` if not asked for. Fewer where there are
            fewer.
    """

    text: str
    tokens: tuple[Token, ...]
    tags: tuple[str, ...]
    spans: tuple[TextSpan, ...]
    sentences: tuple[tuple[int, int], ...]
    probabilities: tuple[float, ...] | None = None
    n_best: tuple[tuple[Alternative, ...], ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns everything that was asked for as JSON-safe values."""
        found: dict[str, Any] = {
            "text": self.text,
            "tokens": [token._asdict() for token in self.tokens],
            "tags": list(self.tags),
            "spans": [span.to_dict() for span in self.spans],
            "sentences": [list(bounds) for bounds in self.sentences],
        }
        if self.probabilities is not None:
            found["probabilities"] = list(self.probabilities)
        if self.n_best is not None:
            found["n_best"] = [[way.to_dict() for way in ways] for ways in self.n_best]
        return found


@dataclass(frozen=True)
class Reading:
    """What a tagger says of one sentence.

    Attributes:
        tags: A tag for each token.
        probabilities: The probability of each of them.
        n_best: The best sequences of tags with their probabilities, best first.
        posteriors: The probability of each span that `tags` and `n_best` spell.

    What was not asked for is empty.
    """

    tags: Sequence[str]
    probabilities: Sequence[float] = ()
    n_best: Sequence[tuple[Sequence[str], float]] = ()
    posteriors: Mapping[Span, float] = field(default_factory=dict)

    def spans(self, scheme: str) -> list[Span]:
        """Returns the different spans that `tags` and `n_best` spell, in order of their first mention."""
        ways = [self.tags, *(tags for tags, _ in self.n_best)]
        return list(dict.fromkeys(span for tags in ways for span in spans(tags, scheme)))


class Draft(NamedTuple):
    """A text that is cut into tokens and waits for its tags."""

    text: str
    sentences: list[list[Token]]
    given: Sentence | None = None  # the one sentence, where it came as a record, perhaps with columns

    def to_tag(self) -> list[Sentence]:
        """Returns its sentences as records."""
        if self.given is not None and self.sentences:
            return [self.given]
        return [Sentence(tuple(token.text for token in tokens)) for tokens in self.sentences]

    def finish(
        self, readings: Sequence[Reading], scheme: str | None, probabilities: bool = False, n_best: bool = False
    ) -> Tagging:
        """Joins what is said of each sentence to its tokens.

        Args:
            readings: What is said of each.
            scheme: The tag scheme, `None` for plain labels.
            probabilities: Whether the readings hold probabilities.
            n_best: Whether the readings hold the n best sequences of tags.
        """
        pairs = list(zip(self.sentences, readings, strict=True))
        ends = accumulate((len(tokens) for tokens in self.sentences), initial=0)
        ways = tuple(
            tuple(
                Alternative(tuple(tags), probability, self._spans(tokens, reading, tags, scheme))
                for tags, probability in reading.n_best
            )
            for tokens, reading in pairs
        )
        return Tagging(
            text=self.text,
            tokens=tuple(token for tokens in self.sentences for token in tokens),
            tags=tuple(tag for reading in readings for tag in reading.tags),
            spans=tuple(
                span for tokens, reading in pairs for span in self._spans(tokens, reading, reading.tags, scheme)
            ),
            sentences=tuple(pairwise(ends)),
            probabilities=tuple(p for reading in readings for p in reading.probabilities) if probabilities else None,
            n_best=ways if n_best else None,
        )

    def _spans(
        self, tokens: Sequence[Token], reading: Reading, tags: Sequence[str], scheme: str | None
    ) -> tuple[TextSpan, ...]:
        """Cuts out of the text what tags of one sentence spell."""
        found = []
        for span in spans(tags, scheme) if scheme else []:
            start, end = tokens[span.start].start, tokens[span.end - 1].end
            found.append(TextSpan(span.type, start, end, self.text[start:end], reading.posteriors.get(span)))
        return tuple(found)


def draft_words(words: Sequence[str]) -> Draft:
    """Takes a sentence that is already cut into words; its text is the words joined by blanks."""
    tokens, place = [], 0
    if "" in words:
        raise DataError(
            f"word {list(words).index('')} of a sentence is empty; leave it out, or write what stands there."
        )
    for word in words:
        tokens.append(Token(word, place, place + len(word)))
        place += len(word) + 1
    return Draft(" ".join(words), [tokens] if tokens else [])


def tagged(
    texts: Iterable[str | Sequence[str] | Sentence],
    tokenizer: Tokenizer,
    read: Callable[[list[Sentence], dict[int, Forced]], list[Reading]],
    forced: Mapping[int, Forced] | None = None,
    **options: Any,
) -> list[Tagging]:
    """Tags texts, and sentences that are already cut into words, in batches over all of them.

    Args:
        texts: The texts; words or records are taken as they are.
        tokenizer: Cuts a text into sentences of tokens.
        read: From sentences, and the tags forced in some of them, to what is said of each.
        forced: For some texts, by number, the tags of some tokens, counted over the whole text.
        **options: Of `Draft.finish`.

    Raises:
        SettingsError: Tags are forced in a text or at a token that does not exist.
    """
    drafts = [_draft(text, tokenizer) for text in texts]
    flat = [sentence for draft in drafts for sentence in draft.to_tag()]
    limits = _by_sentence(drafts, forced or {})
    readings = iter(read(flat, limits) if flat else [])
    return [draft.finish([next(readings) for _ in draft.sentences], **options) for draft in drafts]


def _draft(text: str | Sequence[str] | Sentence, tokenizer: Tokenizer) -> Draft:
    if isinstance(text, str):
        return Draft(text, tokenizer(text))
    if isinstance(text, Sentence):
        return draft_words(text.words)._replace(given=text)
    return draft_words(text)


def _by_sentence(drafts: Sequence[Draft], forced: Mapping[int, Forced]) -> dict[int, Forced]:
    """Says of tags that are forced in texts in which sentences, counted over all texts, they are."""
    check_forced(forced)
    for number in forced:
        if number not in range(len(drafts)):
            raise SettingsError(f"Tags are forced in text {number!r}; there are {len(drafts)}, counted from 0.")
    found: dict[int, Forced] = {}
    sentences = 0
    for number, draft in enumerate(drafts):
        left = dict(forced.get(number, {}))
        start = 0
        for tokens in draft.sentences:
            end = start + len(tokens)
            own = {place: left.pop(place) for place in list(left) if place in range(start, end)}
            if own:
                found[sentences] = {place - start: tags for place, tags in own.items()}
            sentences, start = sentences + 1, end
        for place in left:
            raise SettingsError(f"Tags are forced at token {place!r} of a text of {start} tokens, counted from 0.")
    return found
