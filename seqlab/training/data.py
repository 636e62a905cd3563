"""Reads the corpora that a run's settings name."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from seqlab.corpora.conll import conll
from seqlab.corpora.conllu import conllu
from seqlab.corpora.records import Corpus
from seqlab.errors import DataError
from seqlab.files import model_file
from seqlab.models.producers import producer_files
from seqlab.settings import DataSettings, Settings

log = logging.getLogger(__name__)


class Data(NamedTuple):
    """The corpora of a run; `test` is `None` where the settings name none."""

    train: Corpus
    dev: Corpus
    test: Corpus | None


def read(path: str | Path, task: str, data: DataSettings, scheme: str | None = None) -> Corpus:
    """Reads one file as the settings say."""
    if data.format == "conllu":
        return conllu(path, data.fields, encoding=data.encoding, strict=not data.lenient)
    wanted = scheme or data.scheme
    return conll(
        path,
        data.columns,
        scheme={task: wanted} if wanted else None,
        separator=data.separator,
        encoding=data.encoding,
        strict=not data.lenient,
    )


def corpora(settings: Settings, strict: bool = False) -> Data:
    """Reads training, development and test corpus; without a development file, part of training is held out.

    Args:
        settings: The run's settings.
        strict: Refuse labels in development or test data that training has not seen, instead of reporting them.

    Raises:
        DataError: For anything wrong with a file, naming file and line.
    """
    data, task = settings.data, settings.task
    train = read(data.train, task, data)
    if task not in train.tasks:
        raise DataError(f"no column {task!r}; the file gives: {', '.join(train.tasks)}.", data.train)
    scheme = train.schemes.get(task)
    if data.dev is not None:
        dev = read(data.dev, task, data, scheme)
    else:
        train, dev = held_out(train, data.held_out, data.split_seed)
    train = limited(train, data.sentences, data.split_seed)
    if data.join_dev:
        log.warning(
            "data.join_dev: trains on the development sentences too; figures on them tell nothing of other text."
        )
        alike = dev
        for column, scheme in train.schemes.items():  # columns that are not the task's have the schemes of their files
            if scheme is not None and alike.schemes.get(column) not in (None, scheme):
                alike = alike.converted(column, scheme)
        train = train + alike
    test = read(data.test, task, data, scheme) if data.test is not None else None
    for name, other in (("development", dev), ("test", test)):
        if other is not None:
            report_unseen(train, other, task, name, strict)
    return Data(train, dev, test)


def held_out(train: Corpus, amount: float, seed: int) -> tuple[Corpus, Corpus]:
    """Holds out a share (below 1) or a number of sentences, drawn by the seed; returns the rest and the drawn."""
    drawn, rest = train.sample(count_held_out(len(train), amount), seed)
    return rest, drawn


def count_held_out(sentences: int, amount: float) -> int:
    """How many of so many sentences are held out, by a share (below 1) or a number."""
    count = round(sentences * amount) if amount < 1 else int(amount)
    if not 0 < count < sentences:
        raise DataError(
            f"Cannot hold out {count} of {sentences} sentences for development: both parts need at least one. "
            "Set data.held_out to a smaller share, or name a data.dev file."
        )
    return count


def limited(train: Corpus, sentences: int | None, seed: int) -> Corpus:
    """Draws so many sentences of the training corpus by the seed; all of them for `None`."""
    if sentences is None:
        return train
    if sentences > len(train):
        raise DataError(
            f"data.sentences asks for {sentences} sentences, training has {len(train)} that are not held out. Set it "
            "to at most that, or leave it out."
        )
    return train.sample(sentences, seed)[0]


def digest(*settings: Settings) -> dict[str, str]:
    """Returns the SHA-256 of every file that some settings name: a resumed run must read the same ones."""
    found = {}
    for path in dict.fromkeys(path for one in settings for path in _named(one)):  # each is read once
        if Path(path).is_file():
            with Path(path).open("rb") as stream:
                found[path] = hashlib.file_digest(stream, "sha256").hexdigest()
    return found


def _named(settings: Settings) -> list[str]:
    """The files that settings name, present or not."""
    data = settings.data
    paths = [data.train, data.dev, data.test, settings.words.vectors, *settings.rules.lists.values()]
    paths.append(settings.contextual.file)
    if settings.distill.teacher is not None:
        paths.append(str(model_file(settings.distill.teacher)))
    for place in (settings.contextual.producer, settings.contextual.fine_tune):
        if place is not None:
            paths += map(str, producer_files(place))
    return [path for path in paths if path is not None]


def report_unseen(train: Corpus, other: Corpus, task: str, name: str, strict: bool) -> None:
    """Warns of labels that training has not seen, or refuses them."""
    known = train.labels(task)
    unseen = Counter({label: n for label, n in other.labels(task).items() if label not in known})
    if not unseen:
        return
    listed = ", ".join(f"{label} ({count})" for label, count in unseen.most_common())
    text = f"The {name} data holds {task} labels that training has not seen: {listed}."
    if strict:
        raise DataError(f"{text} Correct them, or run without strict to count them as errors.")
    log.warning("%s They count as errors.", text)
