"""What a trained tagger says of data and text, whatever it is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras

from seqlab.batches.loader import Batches
from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import DataError
from seqlab.evaluation.scores import Scores, score
from seqlab.models.decoding import Decoder
from seqlab.models.limited import Forced, limited
from seqlab.models.sequence_model import SequenceModel
from seqlab.models.tagging import Tagging, tagged
from seqlab.text.tokenizer import Tokenizer, split_sentences
from seqlab.text.vectorizer import Encoded, Vectorizer


class Labeller(SequenceModel):
    """A sequence model that knows its labels and how sentences are encoded: the side of a tagger that is asked.

    Attributes:
        vectorizer: Turns words into integers.
        task: The column that is tagged, one of the vectorizer's.
        tasks: All columns whose labels it learns, `task` first.
        head: The layer whose scores are the first output.
    """

    vectorizer: Vectorizer
    task: str
    tasks: tuple[str, ...]
    head: keras.layers.Layer
    _decoder: Decoder | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the scores."""
        return tuple(self.vectorizer.labels[self.task].items)

    @property
    def scheme(self) -> str | None:
        """The tag scheme of the labels, `None` for plain labels."""
        return self.vectorizer.schemes.get(self.task)

    def aligned(self, corpus: Any) -> Any:
        """Returns a corpus with this task's tags in the tagger's scheme; other sentences as they are."""
        given = corpus.schemes.get(self.task) if isinstance(corpus, Corpus) else None
        if self.scheme is None or given in (None, self.scheme):
            return corpus
        return corpus.converted(self.task, self.scheme)

    def batches(self, data: Any, strict: bool = False, **options: Any) -> Any:
        """Returns sentences as `Batches` of this tagger's task; other data as it is.

        Args:
            data: A corpus, a list of sentences, an `Encoded`, or anything that Keras takes.
            strict: Refuse labels that the tagger does not know.
            **options: As `Batches`.
        """
        if not isinstance(data, Encoded):
            if isinstance(data, keras.utils.PyDataset) or not _is_sentences(data):
                return data
            data = self.vectorizer.encode(self.aligned(data), strict=strict)
        found = [task for task in self.tasks if task in data.labels]
        return Batches(data, tasks=found if self.task in found else [], fields=tuple(self.input), **options)

    def predict(self, x: Any, **kwargs: Any) -> Any:
        """Predicts as `keras.Model.predict` does; for sentences, a list of `(tokens, labels)` score arrays."""
        batches = self.batches(x)
        if isinstance(batches, Batches):
            return self.decoder.scores(batches)
        return super().predict(batches, **kwargs)

    @property
    def decoder(self) -> Decoder:
        """Runs the graph that ends in decoded labels."""
        if self._decoder is None:
            self._decoder = Decoder(self)
        return self._decoder

    def score(self, data: Any) -> Scores:
        """Tags a corpus and scores it against its own labels, those that training never saw included.

        Args:
            data: A corpus or `Batches`.
        """
        batches = labelled(self.batches(data), self.task)
        gold = [sentence.columns[self.task] for sentence in batches.encoded.sentences]
        return score(gold, self.tags(batches), self.scheme)

    def tags(self, data: Any, forced: Mapping[int, Forced] | None = None) -> list[list[str]]:
        """Returns the tags of each sentence of a corpus, in its order.

        Args:
            data: A corpus, a list of sentences, or `Batches` in the order of their sentences.
            forced: For some sentences, by number, the tags of some tokens: `{0: {2: "B-PER", 4: {"O", "B-LOC"}}}`.

        Raises:
            DataError: Nothing satisfies the head's rules and what is forced in some sentence, which is named.
        """
        names = self.labels
        batches = limited(self.batches(data), self.head, names, forced)
        return [[names[label] for label in labels] for labels in self.decoder.labels(batches)]

    def tag(
        self, text: str | Sequence[str], tokenizer: Tokenizer = split_sentences, forced: Forced | None = None
    ) -> Tagging:
        """Tags one text, or one sentence that is already cut into words.

        Args:
            text: The text; or the words, taken as they are.
            tokenizer: Cuts a text into sentences of tokens.
            forced: For some tokens of the text, from 0, the tag or the tags allowed: `{2: "B-PER", 4: {"O", "B-LOC"}}`.

        Returns:
            Tokens, tags and spans with character offsets; empty for empty text.
        """
        return self.tag_all([text], tokenizer, None if forced is None else {0: forced})[0]

    def tag_all(
        self,
        texts: Iterable[str | Sequence[str]],
        tokenizer: Tokenizer = split_sentences,
        forced: Mapping[int, Forced] | None = None,
    ) -> list[Tagging]:
        """Tags many texts at once, in batches over all of them. See `tag`; `forced` is by a text's number."""
        if isinstance(texts, str):
            raise DataError("tag_all takes several texts, received one; use tag for one text.")
        return tagged(texts, tokenizer, self.tags, self.scheme, forced)


def labelled(batches: Any, *tasks: str) -> Any:
    """Refuses a corpus without sentences, or without a task's column."""
    if not isinstance(batches, Batches):
        return batches
    if not len(batches):
        raise DataError("Expected sentences, received none.")
    for task in tasks:
        if task not in batches.tasks:
            raise DataError(f"The sentences have no column {task!r}, which this tagger learns; read them with it.")
    return batches


def _is_sentences(data: Any) -> bool:
    return isinstance(data, Sequence) and all(isinstance(item, Sentence) for item in data)
