"""What a trained tagger says of data and text, whatever it is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np

from seqlab.batches.loader import Batches, scoring_padding
from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import DataError, check_count
from seqlab.evaluation.calibration import Reliability, reliability_of
from seqlab.evaluation.scores import Scores, score
from seqlab.evaluation.temperature import Temperature, minimise_temperature
from seqlab.models.auxiliary import Auxiliary
from seqlab.models.decoding import Answer, Decoder
from seqlab.models.gold import labelled, without_broken
from seqlab.models.limited import Forced, limited
from seqlab.models.one_pass import OneHeadModel, labels_of, scores_of
from seqlab.models.producers import give_contextual
from seqlab.models.tagging import Reading, Tagging, tagged
from seqlab.text.contextual import Contextual
from seqlab.text.tokenizer import Tokenizer, split_sentences
from seqlab.text.vectorizer import Encoded, Vectorizer


class Labeller(OneHeadModel):
    """A sequence model that knows its labels and how sentences are encoded: the side of a tagger that is asked.

    Attributes:
        vectorizer: Turns words into integers.
        task: The column that is tagged, one of the vectorizer's.
        tasks: All columns whose labels it learns, `task` first.
        head: The layer whose scores are the first output.
        auxiliary: What it learns besides.
    """

    vectorizer: Vectorizer
    task: str
    tasks: tuple[str, ...]
    auxiliary: tuple[Auxiliary, ...] = ()
    _decoder: Decoder | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the scores."""
        return tuple(self.vectorizer.labels[self.task].items)

    @property
    def scheme(self) -> str | None:
        """The tag scheme of the labels, `None` for plain labels."""
        return self.vectorizer.schemes.get(self.task)

    @property
    def contextual(self) -> Contextual | None:
        """Where contextual vectors come from, `None` for a model that reads none.

        May be set to a file of them (`ContextualStore`, or its path, which ends in .h5), a producer (or its place), or
        `Contextual(file, producer)` for both. A model names file and place when it is saved; they do not travel in it.
        """
        return self.vectorizer.contextual

    @contextual.setter
    def contextual(self, source: Any) -> None:
        give_contextual(self, source)

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
        return self.batched(data, tasks=found if self.task in found else [], **options)

    def batched(self, encoded: Encoded, **options: Any) -> Batches:
        """Returns encoded sentences as batches with the arrays that the model reads; options as `Batches`."""
        return Batches(encoded, fields=tuple(self.input), **options)

    def predict(self, x: Any, **kwargs: Any) -> Any:
        """Predicts as `keras.Model.predict` does; for sentences, a list of `(tokens, labels)` score arrays."""
        batches = self.batches(x)
        if isinstance(batches, Batches):
            return self.decoder.scores(batches)
        return super().predict(batches, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, return_dict: bool = False, **kwargs: Any) -> Any:
        """Evaluates as `keras.Model.evaluate` does, with precision, recall, F1 and accuracy of the tags besides."""
        size = kwargs.pop("batch_size", None) or 32
        batches = labelled(self.batches(x, batch_size=size, padding=scoring_padding()), self.task)
        batches = without_broken(self, batches, "data to evaluate", labels=y)
        if not isinstance(batches, keras.utils.PyDataset) and y is not None:
            kwargs["batch_size"] = size
        with self.noting((lambda: batches.plan) if isinstance(batches, Batches) else None) as notes:
            logs = super().evaluate(batches, y, return_dict=True, **kwargs)
        if isinstance(batches, Batches):
            told = labels_of(notes.labels, notes.plan, batches.encoded.lengths)
            scores = self.score(batches) if told is None else scores_of(self, batches.encoded.sentences, told)
            logs.update(scores.logs())
        return logs if return_dict else list(logs.values())

    @property
    def decoder(self) -> Decoder:
        """Runs the graphs that end in labels, scores and probabilities."""
        if self._decoder is None:
            self._decoder = Decoder(self)
        return self._decoder

    def score(self, data: Any) -> Scores:
        """Tags a corpus and scores it against its own labels, those that training never saw included.

        Args:
            data: A corpus or `Batches`.
        """
        batches = labelled(self.batches(data, padding=scoring_padding()), self.task)
        gold = [sentence.columns[self.task] for sentence in batches.encoded.sentences]
        return score(gold, self.tags(batches), self.scheme)

    def tags(self, data: Any, forced: Mapping[int, Forced] | None = None) -> list[list[str]]:
        """Returns the tags of each sentence of a corpus, in its order.

        Args:
            data: A corpus, a list of sentences, or `Batches`.
            forced: For some sentences, by number, the tags of some tokens: `{0: {2: "B-PER", 4: {"O", "B-LOC"}}}`.

        Raises:
            DataError: Nothing satisfies the head's rules and what is forced in some sentence, which is named.
        """
        names, batches = self.labels, self._limited(data, forced)
        return [[names[label] for label in labels] for labels in self.decoder.labels(batches)]

    def tag(
        self,
        text: str | Sequence[str] | Sentence,
        tokenizer: Tokenizer = split_sentences,
        probabilities: bool = False,
        n_best: int | None = None,
        forced: Forced | None = None,
    ) -> Tagging:
        """Tags one text, or one sentence that is already cut into words.

        Args:
            text: The text; or the words, taken as they are; or a `Sentence`, with the columns that the tagger reads.
            tokenizer: Cuts a text into sentences of tokens.
            probabilities: Whether to tell the probability of each tag (its marginal) and of each span (its posterior,
                boundaries included).
            n_best: How many of the best ways to tag each sentence to tell, with their probabilities.
            forced: For some tokens of the text, from 0, the tag or the tags allowed: `{2: "B-PER", 4: {"O", "B-LOC"}}`.

        Returns:
            Tokens, tags and spans with character offsets; empty for empty text.

        Raises:
            DataError: Nothing satisfies the head's rules and what is forced in some sentence, which is named; the
                tagger reads a column besides the words, and the text has none.
            SettingsError: For an `n_best` below 1, or a head that has no such probabilities.
        """
        return self.tag_all([text], tokenizer, probabilities, n_best, None if forced is None else {0: forced})[0]

    def tag_all(
        self,
        texts: Iterable[str | Sequence[str] | Sentence],
        tokenizer: Tokenizer = split_sentences,
        probabilities: bool = False,
        n_best: int | None = None,
        forced: Mapping[int, Forced] | None = None,
    ) -> list[Tagging]:
        """Tags many texts at once, in batches over all of them. See `tag`; `forced` is by a text's number."""
        if isinstance(texts, str):
            raise DataError("tag_all takes several texts, received one; use tag for one text.")
        if n_best is not None:
            check_count("n_best", n_best)
        read = partial(self.readings, probabilities=probabilities, n_best=n_best)
        asked = {"probabilities": probabilities, "n_best": n_best is not None}
        return tagged(texts, tokenizer, read, forced, scheme=self.scheme, **asked)

    def readings(
        self,
        data: Any,
        forced: Mapping[int, Forced] | None = None,
        probabilities: bool = False,
        n_best: int | None = None,
        scores: Sequence[np.ndarray] | None = None,
    ) -> list[Reading]:
        """Returns what the tagger says of each sentence of a corpus, in its order; arguments as in `tags` and `tag`.

        `scores` are those that `predict` returns, where they are there already.
        """
        if scores is None and not probabilities and n_best is None:
            return [Reading(tags) for tags in self.tags(data, forced)]
        batches, decoder = self._limited(data, forced), self.decoder
        scores = decoder.scores(batches) if scores is None else scores
        answers = decoder.answers(batches, scores, probabilities, n_best)
        found = [_reading(answer, np.array(self.labels, object)) for answer in answers]
        if probabilities and self.scheme is not None:
            spans = [reading.spans(self.scheme) for reading in found]
            posteriors = decoder.posteriors(batches, scores, spans)
            found = [replace(reading, posteriors=part) for reading, part in zip(found, posteriors, strict=True)]
        return found

    def probabilities(self, data: Any) -> list[np.ndarray]:
        """Returns the probability of every label at each token (its marginal): a `(tokens, labels)` array a sentence.

        Args:
            data: A corpus, a list of sentences or `Batches`.
        """
        return [answer.probabilities for answer in self._answers(data)]

    def reliability(self, data: Any, bins: int = 15) -> Reliability:
        """Holds the probabilities of the tags that `tags` gives against how many of them are right.

        Args:
            data: A labelled corpus or `Batches`. Labels that training never saw count as errors.
            bins: Number of bins of equal width.
        """
        batches = self._sentences(data)
        answers, names = self._answers(batches), np.array(self.labels, object)
        gold = [sentence.columns[self.task] for sentence in batches.encoded.sentences]
        right = [names[answer.labels] == np.array(tags, object) for answer, tags in zip(answers, gold, strict=True)]
        return reliability_of(np.concatenate([answer.confidences for answer in answers]), np.concatenate(right), bins)

    def calibrate(self, data: Any) -> Temperature:
        """Fits the temperature of the head on sentences that training has not seen, and keeps it there.

            T = argmin over T > 0 of the mean over tokens of -log p(t)[y(t)],    p the marginals at temperature T

        All probabilities then use it; tags stay what they are. It is saved with the model. Calibrate anew after
        further training.

        Args:
            data: A labelled corpus or `Batches`, such as the development set; labels that training never saw are left
                out.

        Returns:
            The temperature, and the mean at temperature 1 and at the new one.

        Raises:
            DataError: Without labels, or where there is no minimum, as when every tag is right and sure.
            SettingsError: For a head without a temperature.
        """
        batches = self._sentences(data)
        encoded = batches.encoded
        labels = np.split(encoded.labels[self.task], encoded.offsets[1:-1])
        limits = self._limited(batches)
        loss = self.decoder.token_loss(limits, self.decoder.scores(limits), labels)
        found = minimise_temperature(loss, tolerance=1e-4)  # as exact as sums of float32 are
        self.head.temperature = found.value
        return found

    def _sentences(self, data: Any) -> Batches:
        """Labelled sentences."""
        batches = labelled(self.batches(data), self.task)
        if not isinstance(batches, Batches):
            raise DataError(f"Expected a corpus, a list of sentences or Batches, received {type(data).__name__}.")
        return batches

    def _limited(self, data: Any, forced: Mapping[int, Forced] | None = None) -> Any:
        return limited(self.batches(data), self.head, self.labels, forced)

    def _answers(self, data: Any) -> list[Answer]:
        batches = self._limited(data)
        return self.decoder.answers(batches, self.decoder.scores(batches), probabilities=True)


def _reading(answer: Answer, names: np.ndarray) -> Reading:
    """Names the labels of one sentence."""
    return Reading(
        tags=names[answer.labels].tolist(),
        probabilities=answer.confidences.tolist(),
        n_best=[
            (names[path].tolist(), chance) for path, chance in zip(answer.paths, answer.chances.tolist(), strict=True)
        ],
    )


def _is_sentences(data: Any) -> bool:
    return isinstance(data, Sequence) and all(isinstance(item, Sentence) for item in data)
