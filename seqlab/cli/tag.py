"""`seqlab tag`: tags text, files or standard input."""

from __future__ import annotations

import codecs
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal, TextIO

import tyro

from seqlab.cli.reading import CONTEXTUAL, SEPARATOR, TASK, opened, parse_columns, parse_separator
from seqlab.errors import DataError, SettingsError

LINES_AT_ONCE = 2000


@dataclass(frozen=True)
class Tag:
    """Tags text. Each line (or TEXT) is a text of its own; the original is kept to the letter in JSON output.

    Columns are separated by tabs: word, tag and, with --probabilities, the probability of the tag. With --nbest, a
    comment before each sentence holds each of its best taggings, best first: "# best = PROBABILITY TAG TAG ...".
    JSON holds the probabilities of spans too.
    """

    model: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(help="a run's folder or a .keras file")]
    text: Annotated[
        tyro.conf.Positional[tuple[str, ...]],
        tyro.conf.arg(help="texts; standard input if there are none and no files"),
    ] = ()
    files: Annotated[tuple[Path, ...], tyro.conf.arg(help="text files, a text a line")] = ()
    format: Annotated[Literal["conll", "json"], tyro.conf.arg(help="columns, or JSON lines with character offsets")] = (
        "conll"
    )
    probabilities: Annotated[bool, tyro.conf.arg(help="tell the probability of each tag, and of each span (json)")] = (
        False
    )
    nbest: Annotated[
        int | None, tyro.conf.arg(help="tell this many of the best taggings of each sentence, with their probabilities")
    ] = None
    tokens: Annotated[bool, tyro.conf.arg(help="lines are already cut into words by blanks, one sentence a line")] = (
        False
    )
    columns: Annotated[
        list[str],
        tyro.conf.arg(
            help="NAME=NUMBER of each column of files that are column files, as word=0 pos=1: for models that read a "
            "column besides the words"
        ),
    ] = field(default_factory=list)
    contextual: Annotated[Path | None, tyro.conf.arg(help=CONTEXTUAL)] = None
    task: Annotated[str | None, tyro.conf.arg(help=TASK)] = None
    separator: Annotated[str | None, tyro.conf.arg(help=f"{SEPARATOR}; any blanks if not given")] = None
    encoding: Annotated[str, tyro.conf.arg(help="text encoding of files and standard input; output is UTF-8")] = "utf-8"


def main(arguments: Sequence[str]) -> int:
    """Parses the arguments, tags, and prints as it goes."""
    options = tyro.cli(Tag, args=list(arguments), prog="seqlab tag")
    _check(options)

    from seqlab.text.tokenizer import split_sentences, whitespace

    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(encoding=options.encoding, errors="strict", newline="\n")
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    _, tagger = opened(options.model, options.task)
    if options.contextual is not None:
        tagger.contextual = options.contextual
    lines: Iterator[Any] = _sentences(options) if options.columns else _lines(options)
    while chunk := list(islice(lines, LINES_AT_ONCE)):
        tokenizer = whitespace if options.tokens else split_sentences
        for tagging in tagger.tag_all(chunk, tokenizer, options.probabilities, options.nbest):
            _write(tagging, options.format, sys.stdout)
    return 0


def _check(options: Tag) -> None:
    if options.nbest is not None and options.nbest < 1:
        raise SettingsError(f"--nbest takes a number of at least 1, received {options.nbest}.")
    if options.columns and (options.text or options.tokens or not options.files):
        raise SettingsError("--columns is for column files: name them with --files, without texts and --tokens.")
    if options.separator is not None and not options.columns:
        raise SettingsError("--separator is for column files: say what the columns are with --columns.")


def _sentences(options: Tag) -> Iterator[Any]:
    from seqlab.corpora.conll import conll

    columns = parse_columns(options.columns)
    separator = None if options.separator is None else parse_separator(options.separator)
    for path in options.files:
        yield from conll(path, columns, separator=separator, encoding=options.encoding, strict=False)


def _lines(options: Tag) -> Iterator[str]:
    yield from options.text
    try:
        codecs.lookup(options.encoding)
    except LookupError:
        raise SettingsError(f"unknown encoding {options.encoding!r}; try utf-8 or latin-1.") from None
    for path in options.files:
        if not path.is_file():
            raise DataError(
                "a folder; expected a text file." if path.is_dir() else "no such file; expected a text file.", str(path)
            )
        with path.open(encoding=options.encoding, newline="\n") as stream:
            yield from _stripped(stream, str(path), options.encoding)
    if not options.text and not options.files:
        yield from _stripped(sys.stdin, "standard input", options.encoding)


def _stripped(stream: Iterable[str], name: str, encoding: str) -> Iterator[str]:
    try:
        for line in stream:
            yield line.removesuffix("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"expected {encoding} text: {error}. Say --encoding latin-1 if it is Latin-1.", name) from error


def _write(tagging: Any, form: str, stream: TextIO) -> None:
    if form == "json":
        stream.write(json.dumps(tagging.to_dict(), ensure_ascii=False) + "\n")
        return
    columns = [[token.text for token in tagging.tokens], tagging.tags]
    if tagging.probabilities is not None:
        columns.append([f"{p:.6g}" for p in tagging.probabilities])
    rows = list(zip(*columns, strict=True))
    for number, (start, end) in enumerate(tagging.sentences):
        for way in tagging.n_best[number] if tagging.n_best is not None else ():
            stream.write(f"# best = {way.probability:.6g} {' '.join(way.tags)}\n")
        stream.writelines("\t".join(row) + "\n" for row in rows[start:end])
        stream.write("\n")
