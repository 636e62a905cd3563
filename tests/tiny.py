"""Small parts of the embedded corpus and small models, so that a test trains in seconds.

All sentences have one length unless a test asks for more: a compiler that specialises on shapes compiles once.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import keras

from seqlab.corpora.conll import conll, write_conll
from seqlab.corpora.records import Corpus
from seqlab.layers.stack import RecurrentStack
from seqlab.models.language_model import LanguageModel
from seqlab.models.tagger import Tagger
from seqlab.multitask_settings import MultiTaskSettings
from seqlab.settings import DataSettings, EncoderSettings, Settings, TrainingSettings, WordSettings

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "sample"
COLUMNS = {"word": 0, "pos": 1, "chunk": 2, "ner": 3}
LENGTH = 10


@functools.cache
def sample(name: str) -> Corpus:
    """One file of the embedded corpus: train, dev or test."""
    return conll(SAMPLE / f"{name}.conll", COLUMNS)


@functools.cache
def part(name: str, count: int, length: int = LENGTH) -> Corpus:
    """The first sentences of one length."""
    whole = sample(name)
    return Corpus([sentence for sentence in whole if len(sentence) == length][:count], whole.schemes, name)


def train_part() -> Corpus:
    """24 sentences of 10 tokens: three batches of 8."""
    return part("train", 24)


def dev_part() -> Corpus:
    """5 sentences of 10 tokens."""
    return part("dev", 5)


def tagger(corpus: Corpus | None = None, task: str = "chunk", **options: Any) -> Tagger:
    """A small compiled tagger."""
    encoder = options.pop("encoder", None) or RecurrentStack(8, dropout=options.pop("dropout", 0.2), name="encoder")
    made = Tagger.from_corpus(train_part() if corpus is None else corpus, task, encoder=encoder, **options)
    made.compile(keras.optimizers.Adam(0.03))
    return made


def language_model(corpus: Corpus | None = None, units: int = 4, dropout: float = 0.0, **options: Any) -> LanguageModel:
    """A small compiled language model."""
    encoder = RecurrentStack(units, 2, dropout, stacking="per_direction", all_layers=True, name="encoder")
    options = {"reads": "words", "samples": None, "min_count": 1, **options}
    made = LanguageModel.from_corpus(train_part() if corpus is None else corpus, encoder=encoder, **options)
    made.compile(keras.optimizers.Adam(0.03))
    made.optimizer.build(made.trainable_variables)  # Keras warns when it opens a file without its variables
    return made


@functools.cache
def trained() -> Tagger:
    """A chunker after six epochs, shared by the tests that only read it."""
    keras.utils.set_random_seed(3)
    made = tagger()
    made.fit(train_part(), epochs=6, batch_size=8, verbose=0)
    return made


def write(folder: Path) -> Path:
    """Writes the small training, development and test file into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, corpus in (("train", train_part()), ("dev", dev_part()), ("test", part("test", 5))):
        write_conll(corpus, folder / f"{name}.conll", columns=COLUMNS)
    return folder


def settings(folder: Path, **training: Any) -> Settings:
    """Settings of a small run on the files that `write` left in a folder."""
    options = {"epochs": 6, "batch_size": 8, "learning_rate": 0.05, "patience": 3, **training}
    if options.get("schedule", "halve") == "halve":
        options.setdefault("halve_after", 1)
    return Settings(
        data=DataSettings(
            train=str(folder / "train.conll"),
            dev=str(folder / "dev.conll"),
            test=str(folder / "test.conll"),
            columns=COLUMNS,
        ),
        task="chunk",
        words=WordSettings(dim=8, dropout=0.1),
        encoder=EncoderSettings(units=8, layers=1, dropout=0.2),
        training=TrainingSettings(**options),
    )


def finished_task_settings(folder: Path) -> MultiTaskSettings:
    """Those of the fixture `finished_tasks`: its tasks learn the words beside each token too, and average weights."""
    training = {"epochs": 3, "batch_size": 8, "learning_rate": 0.03, "schedule": "halve", "average": 0.5}
    return task_settings(folder, language={"weight": 0.1, "words": 50, "units": 4}, training=training)


def task_settings(folder: Path, **changes: Any) -> MultiTaskSettings:
    """Settings of a small run of two tasks on those files; one is learnt under another name, and has no test file."""
    data = {name: str(folder / f"{name}.conll") for name in ("train", "dev", "test")}
    options: dict[str, Any] = {
        "tasks": [
            {"name": "tag", "column": "pos", "data": {**data, "test": None, "columns": COLUMNS}, "head": "softmax"},
            {"name": "chunk", "data": {**data, "columns": COLUMNS}, "head": "softmax", "weight": 2},
        ],
        "words": {"dim": 6, "casing": False, "chars": None},
        "encoder": {"kind": "lstm_s", "units": 4, "layers": 1, "dropout": 0.2},
        "schedule": {"kind": "weighted", "steps": 4, "power": 3},
        "training": {"epochs": 3, "batch_size": 8, "learning_rate": 0.03, "schedule": "halve"},
    }
    return MultiTaskSettings(**{**options, **changes})
