"""`seqlab embed`: the contextual vectors of a corpus, written once and read by every training on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from seqlab.cli.reading import SEPARATOR, parse_columns, parse_separator, refuse_unused
from seqlab.constants import HDF5_ENDINGS
from seqlab.errors import DataError, SettingsError


@dataclass(frozen=True)
class Embed:
    """Writes the contextual vectors of corpora to a file for --contextual.file of seqlab train.

    Each distinct sentence is written once. Name all files that the tagger is to see: training, development, test; or
    the recipe that it will be trained by.
    """

    producer: Annotated[
        tyro.conf.Positional[Path],
        tyro.conf.arg(
            help="what gives the vectors: a folder of ELMo's (options, weights), a run of seqlab pretrain or its "
            ".keras file, a fastText model (.bin), or a file of vectors (.h5)"
        ),
    ]
    files: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(help="files of sentences")]
    output: Annotated[Path, tyro.conf.arg(help="file to write, which ends in .h5")]
    columns: Annotated[
        list[str], tyro.conf.arg(help="NAME=NUMBER of the words' column (conll), word=0 if not given")
    ] = field(default_factory=list)
    format: Annotated[
        Literal["conll", "conllu", "text"] | None,
        tyro.conf.arg(help="format of all files: text is a sentence a line; by the names' endings if not given"),
    ] = None
    separator: Annotated[str | None, tyro.conf.arg(help=f"{SEPARATOR}; any blanks if not given")] = None
    encoding: Annotated[str, tyro.conf.arg(help="text encoding")] = "utf-8"
    recipe: Annotated[
        str | None, tyro.conf.arg(help="recipe whose files are read, as it says, in place of files named here")
    ] = None
    half: Annotated[bool, tyro.conf.arg(help="numbers of 16 bits: a file of half the size")] = False


def main(arguments: Sequence[str]) -> int:
    """Parses the arguments, asks the producer and writes the file."""
    options = tyro.cli(Embed, args=list(arguments), prog="seqlab embed")
    _check(options)
    if options.output.suffix not in HDF5_ENDINGS:
        raise SettingsError(f"--output is a file that ends in .h5, received {options.output}.")
    if options.recipe is not None:
        sentences = _of_recipe(options.recipe)
    else:
        sentences = [words for path in options.files for words in _sentences(path, options)]

    from seqlab.models.producers import open_producer
    from seqlab.progress import counting_bar
    from seqlab.text.contextual_store import write_store

    producer = open_producer(options.producer)
    with counting_bar("sentences") as progress:
        count = write_store(options.output, producer, sentences, options.half, progress=progress)
    size = options.output.stat().st_size / 1e6
    print(
        f"{options.output}: {count} different sentences of {len(sentences)}, {producer.layers} layers of width "
        f"{producer.width}, {size:.1f} MB"
    )
    return 0


def _check(options: Embed) -> None:
    if options.recipe is None:
        if not options.files:
            raise SettingsError("name at least one file of sentences, or a recipe: --recipe FILE.")
        return
    about_files = (options.columns, options.format, options.separator, options.encoding != "utf-8")
    if options.files or any(about_files):
        raise SettingsError(
            "--recipe says which files are read, and how: leave files, --columns, --format, --separator and --encoding "
            "out."
        )


def _of_recipe(path: str) -> list[tuple[str, ...]]:
    """The words of each sentence of a recipe's files."""
    from seqlab.cli.train import read_recipe
    from seqlab.multitask_settings import MultiTaskSettings
    from seqlab.settings import Settings
    from seqlab.training.data import read

    found = read_recipe(path)
    if not isinstance(found, Settings | MultiTaskSettings):
        raise SettingsError(f"{path}: expected a recipe of a tagger; its settings are {type(found).__name__}.")
    runs = [found] if isinstance(found, Settings) else [found.of(task) for task in found.tasks]
    files = [(run, file) for run in runs for file in (run.data.train, run.data.dev, run.data.test) if file is not None]
    return [sentence.words for run, file in files for sentence in read(file, run.task, run.data)]


def _sentences(path: Path, options: Embed) -> list[tuple[str, ...]]:
    """The words of each sentence of a file."""
    from seqlab.corpora.conll import conll
    from seqlab.corpora.files import read_lines
    from seqlab.corpora.raw import columns_of, format_of, words_only

    form = options.format or format_of(path)
    refuse_unused({form}, options.columns, (), options.separator)
    if form != "conll":
        return [one.words for one in words_only(path, options.format, encoding=options.encoding)]
    columns = parse_columns(options.columns or ["word=0"])
    separator = None if options.separator is None else parse_separator(options.separator)
    try:
        return [one.words for one in conll(path, columns, separator=separator, encoding=options.encoding, strict=False)]
    except DataError as error:
        if error.line is None or columns_of(read_lines(path, options.encoding)) is not None:
            raise
        raise DataError(f"{error} If it is text, a sentence a line, pass --format text.") from error
