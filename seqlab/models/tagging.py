"""What a tagger says of a text: tokens, tags and spans, with exact places in the original."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from seqlab.corpora.records import Sentence
from seqlab.errors import DataError, SettingsError
from seqlab.models.limited import Forced
from seqlab.tags.spans import spans
from seqlab.text.tokenizer import Token, Tokenizer


class TextSpan(NamedTuple):
    """A labelled stretch of text: `text == original[start:end]`, in characters."""

    type: str
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Tagging:
    """The tags of one text.

    Attributes:
        text: The original, kept to the letter.
        tokens: Its tokens with their places in `text`, over all sentences.
        tags: A tag for each token.
        spans: The labelled spans that the tags spell; empty where labels are plain (parts of speech).
        sentences: First and last token (exclusive) of each sentence.
    """

    text: str
    tokens: tuple[Token, ...]
    tags: tuple[str, ...]
    spans: tuple[TextSpan, ...]
    sentences: tuple[tuple[int, int], ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as JSON-safe values."""
        return {
            **asdict(self),
            "tokens": [token._asdict() for token in self.tokens],
            "spans": [span._asdict() for span in self.spans],
        }


class Draft(NamedTuple):
    """A text that is cut into tokens and waits for its tags."""

    text: str
    sentences: list[list[Token]]

    def to_tag(self) -> list[Sentence]:
        """Returns its sentences as records."""
        return [Sentence(tuple(token.text for token in tokens)) for tokens in self.sentences]

    def finish(self, tags: Sequence[Sequence[str]], scheme: str | None) -> Tagging:
        """Joins the tags of each sentence to its tokens."""
        found, bounds, count = [], [], 0
        for tokens, sentence in zip(self.sentences, tags, strict=True):
            bounds.append((count, count + len(tokens)))
            count += len(tokens)
            for span in spans(sentence, scheme) if scheme else []:
                start, end = tokens[span.start].start, tokens[span.end - 1].end
                found.append(TextSpan(span.type, start, end, self.text[start:end]))
        return Tagging(
            text=self.text,
            tokens=tuple(token for tokens in self.sentences for token in tokens),
            tags=tuple(tag for sentence in tags for tag in sentence),
            spans=tuple(found),
            sentences=tuple(bounds),
        )


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
    texts: Iterable[str | Sequence[str]],
    tokenizer: Tokenizer,
    tags_of: Callable[[list[Sentence], dict[int, Forced]], list[list[str]]],
    scheme: str | None,
    forced: Mapping[int, Forced] | None = None,
) -> list[Tagging]:
    """Tags texts, and sentences that are already cut into words, in batches over all of them.

    Args:
        texts: The texts.
        tokenizer: Cuts a text into sentences of tokens.
        tags_of: From sentences, and the tags forced in some of them, to the tags of each.
        scheme: The tag scheme, `None` for plain labels.
        forced: For some texts, by number, the tags of some tokens, counted over the whole text.

    Raises:
        SettingsError: Tags are forced in a text or at a token that does not exist.
    """
    drafts = [Draft(text, tokenizer(text)) if isinstance(text, str) else draft_words(text) for text in texts]
    flat = [sentence for draft in drafts for sentence in draft.to_tag()]
    limits = _by_sentence(drafts, forced or {})
    tags = iter(tags_of(flat, limits) if flat else [])
    return [draft.finish([next(tags) for _ in draft.sentences], scheme) for draft in drafts]


def _by_sentence(drafts: Sequence[Draft], forced: Mapping[int, Forced]) -> dict[int, Forced]:
    """Says of tags that are forced in texts in which sentences, counted over all texts, they are."""
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
