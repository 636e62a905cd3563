"""The training of a language model on raw text, in a folder of its own that a kill leaves fit to be resumed."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any, NamedTuple

import keras

from seqlab.batches.neighbours import END, START, NeighbourBatches
from seqlab.batches.stored_text import StoredText, spread, store_text
from seqlab.corpora.raw import between_blanks, format_of, listed_words, stream_words
from seqlab.errors import SettingsError
from seqlab.evaluation.perplexity import Perplexity, unigram_perplexity
from seqlab.files import write_text
from seqlab.layers.cells.table import cell_with
from seqlab.layers.stack import RecurrentStack
from seqlab.models.language_model import LanguageModel
from seqlab.models.language_parts import features_of_text, vectorizer_of_text
from seqlab.models.language_scoring import class_counts
from seqlab.pretrain_settings import PretrainSettings
from seqlab.settings import TrainingSettings
from seqlab.text.tokenizer import split_sentences
from seqlab.text.vectorizer import Vectorizer
from seqlab.training.course import follow
from seqlab.training.data import count_held_out
from seqlab.training.folder import MODEL, SCORES, open_folder
from seqlab.training.lock import locked
from seqlab.training.schedules import watching

VOCABULARY = "vocabulary.txt"
MAX_WORDS, MIN_COUNT = 50_000, 2
VERB = "pretrain"
PLACE = ".text-"  # begin of the name of the folder within a run's that holds its texts as integers, while it runs


class Texts(NamedTuple):
    """What a run reads: sentences without annotation."""

    train: StoredText
    dev: StoredText


@dataclass(frozen=True)
class Pretrained:
    """What a run left behind: the model, and the perplexity by part (`train`, `dev`)."""

    model: LanguageModel
    scores: dict[str, Perplexity]
    unigram: float
    folder: Path


def pretrain(settings: PretrainSettings, folder: str | Path, resume: bool = False, verbose: int = 1) -> Pretrained:
    """Trains a language model as the settings say and leaves everything about it in a folder.

    The folder holds `settings.json`, `versions.json` (packages, seed, checksums of the texts), `vocabulary.txt` (the
    words it knows, most frequent first), `history.jsonl` (a line for each epoch), `model.keras` (the best epoch so
    far), `state.npz` (last epoch, for resuming) and `scores.json`: perplexities by the full softmax, of as many
    sentences of the training text as there are to validate on, at equal distances from its first on, and that of a
    unigram model beside them.

    Texts are read a sentence at a time (column files one at a time) and wait in the folder as integers, 8 bytes a
    token, until the process ends. Memory holds the distinct words, some tens of bytes a sentence for the order of an
    epoch, and a batch.

    Args:
        settings: The resolved settings.
        folder: The run's folder; it may hold a run only with `resume`.
        resume: Go on from the last finished epoch; the end is that of an unbroken run with the same seed.
        verbose: As Keras' `fit`.

    Raises:
        SettingsError: If the folder holds another run, or a run with other settings or another vocabulary, or another
            process trains in it.
        DataError: For anything wrong with the texts, or for others than the run began with.
    """
    folder = Path(folder)
    _check_options(settings)
    listed = None if settings.vocabulary is None else listed_words(settings.vocabulary, settings.encoding)
    most, least = settings.max_words or MAX_WORDS, settings.min_count or MIN_COUNT
    with locked(folder), _place_of_texts(folder) as place:
        texts = read_texts(settings, place)
        vectorizer = vectorizer_of_text(
            texts.train.words(), least, most, listed if listed is None else listed[: settings.max_words]
        )
        if resume:
            _check_vocabulary(vectorizer, folder)
        open_folder(settings, folder, resume, _digest(settings), VERB)
        write_text(folder / VOCABULARY, "".join(f"{word}\n" for word in _words(vectorizer)))
        return _run(settings, folder, texts, vectorizer, verbose)


def read_texts(settings: PretrainSettings, place: Path) -> Texts:
    """Reads the texts into a folder; without a `dev`, a part of the sentences is held out.

    Args:
        settings: The settings.
        place: The folder.

    Raises:
        SettingsError: If no text is named, or for an option that concerns none of the files.
        DataError: For anything wrong with a file, naming file and line.
    """
    _check_options(settings)
    if settings.dev is not None:
        dev = store_text(place / "dev", _sentences((settings.dev,), settings))
        return Texts(store_text(place / "train", _sentences(settings.text, settings)), dev)
    total = sum(1 for _ in _sentences(settings.text, settings))
    drawn = random.Random(settings.seed).sample(range(total), count_held_out(total, settings.held_out))
    held, rest = bytearray(total), bytearray(b"\1") * total
    for number in drawn:
        held[number], rest[number] = 1, 0
    return Texts(
        *(
            store_text(place / name, compress(_sentences(settings.text, settings), chosen))
            for name, chosen in (("train", rest), ("dev", held))
        )
    )


def _check_options(settings: PretrainSettings) -> None:
    if not settings.text:
        raise SettingsError("name at least one text to train on.")
    for path in (*settings.text, settings.dev, settings.vocabulary):
        if path is not None and Path(path).exists() and not (Path(path).is_file() or Path(path).is_dir()):
            raise SettingsError(
                f"{path} is no file but a pipe or a device: a run reads its texts several times. Write it to a file, "
                "which may be gzip."
            )
    forms = {settings.format or format_of(path) for path in (*settings.text, settings.dev) if path is not None}
    for name, form in (("column", "conll"), ("tokenize", "text")):
        if getattr(settings, name) not in (None, False) and form not in forms:
            raise SettingsError(f"{name} is for {form} files, received {', '.join(sorted(forms))}: leave it out.")


@contextmanager
def _place_of_texts(folder: Path) -> Iterator[Path]:
    """A folder for the texts as integers, within that of the run; those that killed processes left are removed."""
    for leftover in folder.glob(f"{PLACE}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=PLACE, dir=folder, ignore_cleanup_errors=True) as place:
        yield Path(place)


def build(settings: PretrainSettings, vectorizer: Vectorizer) -> LanguageModel:
    """Builds the model that the settings describe."""
    encoder = RecurrentStack(
        cell=cell_with("np", settings.units, settings.projection),
        layers=settings.layers,
        dropout=settings.dropout,
        connection=settings.connection,
        stacking="per_direction",
        all_layers=True,
        name="encoder",
    )
    width = settings.projection or settings.units
    dim = settings.dim or width
    features = features_of_text(vectorizer, settings.reads, dim, settings.word_dropout, settings.characters())
    return LanguageModel(vectorizer, features, encoder, settings.samples, settings.tied)


def _sentences(paths: Sequence[str], settings: PretrainSettings) -> Iterator[Sequence[str]]:
    """The words of each sentence of some files, without what stands beside them."""
    split = _tokenized if settings.tokenize else between_blanks
    for path in paths:
        found = stream_words(
            path, settings.format, column=settings.column or 0, split=split, encoding=settings.encoding
        )
        for sentence in found:
            yield sentence.words


def _tokenized(line: str) -> list[list[str]]:
    return [[token.text for token in sentence] for sentence in split_sentences(line)]


def _run(settings: PretrainSettings, folder: Path, texts: Texts, vectorizer: Vectorizer, verbose: int) -> Pretrained:
    keras.utils.set_random_seed(settings.seed)
    model = build(settings, vectorizer)
    model.compile(keras.optimizers.Adam(settings.learning_rate, global_clipnorm=settings.clip_norm))
    train, dev = (text.encode(vectorizer) for text in texts)
    batches = model.batches(train, batch_size=settings.batch_size, shuffle=True, seed=settings.seed)
    follow(
        model,
        batches,
        folder,
        settings.epochs,
        watching(TrainingSettings(monitor="val_loss", halve_after=settings.halve_after, patience=settings.patience)),
        validation_data=model.batches(dev, batch_size=settings.batch_size),
        restore_best=None,
        verbose=verbose,
    )
    return _finish(model, folder, batches, model.batches(dev))


def _finish(model: LanguageModel, folder: Path, batches: NeighbourBatches, dev: NeighbourBatches) -> Pretrained:
    model.save(folder / MODEL)
    sample = spread(batches.encoded, len(dev.encoded.lengths))
    scores = {"train": model.perplexity(sample), "dev": model.perplexity(dev)}
    unigram = unigram_perplexity(class_counts(batches, model.classes), class_counts(dev, model.classes))
    found: dict[str, Any] = {part: score.to_dict() for part, score in scores.items()}
    found["dev"]["unigram_perplexity"] = unigram
    write_text(folder / SCORES, json.dumps({"words": model.classes - 3, **found}, indent=1) + "\n")
    return Pretrained(model, scores, unigram, folder)


def _words(vectorizer: Vectorizer) -> list[str]:
    """The words that a model knows, without the edges."""
    return [word for word in vectorizer.words if word not in (START, END)]


def _check_vocabulary(vectorizer: Vectorizer, folder: Path) -> None:
    """Refuses to go on with another vocabulary than that of the run: the weights stand for its words."""
    stored = folder / VOCABULARY
    if not stored.is_file():
        return
    before, now = stored.read_text("utf-8").split("\n")[:-1], _words(vectorizer)
    if before != now:
        raise SettingsError(
            f"{folder} holds a run with another vocabulary ({stored}: {len(before)} words; now {len(now)}, the first "
            f"that differs is {_difference(before, now)}). Its weights stand for those words: give back the text or "
            "the list of words that it began with, or start a new run."
        )


def _difference(before: Sequence[str], now: Sequence[str]) -> str:
    longest = max(len(before), len(now))
    one, other = ([*words, *[""] * (longest - len(words))] for words in (before, now))
    number = next(k for k in range(longest) if one[k] != other[k])
    return f"number {number + 1}, {one[number]!r} before, {other[number]!r} now"


def _digest(settings: PretrainSettings) -> dict[str, str]:
    """The SHA-256 of every file that the settings name: a resumed run must read the same ones."""
    found = {}
    for path in (*settings.text, settings.dev, settings.vocabulary):
        if path is not None:
            with Path(path).open("rb") as stream:
                found[path] = hashlib.file_digest(stream, "sha256").hexdigest()
    return found
