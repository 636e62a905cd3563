"""Column files: one token a line, columns in any order, a blank line after each sentence.

A line is a comment only if it starts with `#` and a blank (or is `#` alone), stands before the first token of
its sentence, and either has another number of columns than the tokens or reads `# key = value` with a key in
small letters. So no token `#` is lost; a comment that happens to have the tokens' columns is read as a token.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from seqlab.corpora.columns import SchemeChoice, settle_schemes
from seqlab.corpora.files import blocks, read_lines, write_atomically
from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import DataError, SettingsError, suggest

DOCUMENT = "-DOCSTART-"
WORD_AND_CHUNK: Mapping[str, int] = MappingProxyType({"word": 0, "chunk": -1})
BLANKS = re.compile("[ \t]+")
NUMBER_SIGN = re.compile("#([ \t]|$)")
KEY_AND_VALUE = re.compile(r"# [a-z]\w*( [a-z]\w*)* = ")

Row = tuple[int, list[str]]
"""The number of a line and its fields."""


@dataclass(frozen=True, slots=True)
class _Table:
    """A file's lines, with what it takes to read them."""

    file: str
    lines: Sequence[str]
    split: Callable[[str], list[str]]
    comments: bool


def conll(
    path: str | os.PathLike[str],
    columns: Mapping[str, int] = WORD_AND_CHUNK,
    *,
    scheme: SchemeChoice = None,
    separator: str | None = None,
    encoding: str = "utf-8",
    comments: bool = True,
    strict: bool = True,
    name: str | None = None,
) -> Corpus:
    r"""Reads a column file, plain or gzip.

    Every token line has the same number of columns; a line that starts with `-DOCSTART-` begins a document.

    Args:
        path: The file.
        columns: Names and places of the columns to read, `"word"` among them; negative places count from the
            end.
        scheme: Tag scheme: one name for all columns of span tags, or a name (None for plain labels) by
            column. Columns without one are detected; parts of speech and the like are plain labels.
        separator: What stands between columns, such as `"\t"`; None for any run of spaces and tabs.
        encoding: The file's encoding.
        comments: Whether there can be comment lines (the module says which lines are).
        strict: Whether tags that break the scheme are an error. Otherwise they are kept as they are.
        name: The corpus' name; by default the file's.

    Raises:
        DataError: The file cannot be read as asked; the message names the file and, where it can, the line.
        SettingsError: The arguments cannot fit any file.
    """
    if "word" not in columns:
        raise SettingsError(f"columns needs the place of 'word'; received only {list(columns)}.")
    split = _splitter(separator)
    table = _Table(os.fspath(path), read_lines(path, encoding), split, comments)
    sentences = list(_sentences(table, columns))
    if not sentences:
        raise DataError("No token in the file: expected at least one sentence.", table.file)
    tasks = [task for task in columns if task != "word"]
    return Corpus(sentences, settle_schemes(sentences, tasks, scheme, strict), name or Path(path).name)


def write_conll(
    corpus: Sequence[Sentence],
    path: str | os.PathLike[str],
    columns: Iterable[str] | None = None,
    *,
    separator: str = " ",
    encoding: str = "utf-8",
) -> None:
    """Writes a column file that `conll` reads back; the old file survives any failure.

    Args:
        corpus: The sentences. Where they belong to several documents, `-DOCSTART-` lines tell them apart.
        path: The file to write; a name in .gz is compressed.
        columns: The names of the columns in their order; by default `"word"` and then all others.
        separator: What to write between columns.
        encoding: The file's encoding.

    Raises:
        DataError: An empty sentence, an unknown column, or a value that could not be read back from its line.
    """
    many = len({(sentence.file, sentence.document) for sentence in corpus}) > 1
    names = None if columns is None else list(columns)
    current = None
    parts = []
    for sentence in corpus:
        if many and current != (sentence.file, sentence.document):
            current = (sentence.file, sentence.document)
            parts.append(f"{DOCUMENT}\n\n")
        parts.append(_written(sentence, names, separator))
    write_atomically(path, "".join(parts), encoding)


def _splitter(separator: str | None) -> Callable[[str], list[str]]:
    if separator == "":
        raise SettingsError("separator is empty; expected a character such as '\\t', or None for any blanks.")
    if separator is None:
        return lambda line: BLANKS.split(line.strip(" \t"))
    return lambda line: line.split(separator)


def _width(table: _Table) -> int:
    """The number of columns: that of the first line that is a token beyond doubt, else of the last line."""
    width = 0
    for line in table.lines:
        if line.strip(" \t") and not line.startswith(DOCUMENT):
            width = len(table.split(line))
            if not (table.comments and NUMBER_SIGN.match(line)):
                break
    return width


def _sentences(table: _Table, columns: Mapping[str, int]) -> Iterator[Sentence]:
    width = _width(table)
    for name, place in columns.items():
        if width and not -width <= place < width:
            raise DataError(
                f"Column {name!r} is asked for at {place}, but the lines have {width} column(s): expected "
                f"{-width} to {width - 1}. Correct columns=..., or separator=... if the count is wrong.",
                table.file,
            )
    for document, rows in _rows(table, width):
        values = {name: tuple(fields[place] for _, fields in rows) for name, place in columns.items()}
        numbers = tuple(number for number, _ in rows)
        for name, column in values.items():
            if "" in column:
                message = f"Column {name!r} is empty; expected a value."
                raise DataError(message, table.file, numbers[column.index("")])
        words = values.pop("word")
        yield Sentence(words, values, table.file, numbers, document)


def _rows(table: _Table, width: int) -> Iterator[tuple[int, list[Row]]]:
    """Yields the document and the rows of each sentence."""
    document, started = 0, False
    for block in blocks(table.lines):
        rows: list[Row] = []
        for number, line in block:
            if line.startswith(DOCUMENT):
                if rows:
                    yield document, rows
                document += started or bool(rows)
                rows, started = [], False
                continue
            fields = table.split(line)
            if table.comments and not rows and _is_comment(line, len(fields), width):
                continue
            if len(fields) != width:
                raise DataError(_ragged(line, len(fields), width), table.file, number)
            rows.append((number, fields))
        if rows:
            started = True
            yield document, rows


def _is_comment(line: str, found: int, width: int) -> bool:
    return bool(NUMBER_SIGN.match(line)) and (found != width or bool(KEY_AND_VALUE.match(line)))


def _ragged(line: str, found: int, width: int) -> str:
    shown = line if len(line) <= 60 else line[:57] + "..."
    hint = " If values hold blanks, pass separator='\\t'." if "\t" in line and found > width else ""
    rule = "Every token line needs the same columns."
    return f"{found} column(s) in {shown!r}, but {width} in the file's first token. {rule}{hint}"


def _written(sentence: Sentence, names: Sequence[str] | None, separator: str) -> str:
    known = {"word": sentence.words, **sentence.columns}
    names = list(known) if names is None else names
    for name in names:
        if name not in known:
            raise DataError(f"Unknown column {name!r}; known: {', '.join(known)}.{suggest(name, known)}")
    if not sentence.words:
        raise DataError("An empty sentence cannot be written: a column file has no place for it.", sentence.file)
    banned = re.compile(r"[\r\n]|" + (re.escape(separator) if separator.strip(" ") else "[ \t]"))
    rows = []
    for i, row in enumerate(zip(*(known[name] for name in names), strict=True)):
        line = separator.join(row)
        if not all(row) or any(banned.search(value) for value in row):
            problem = "a value is empty or holds a separator"
        elif not line.strip(" \t") or line.startswith(DOCUMENT) or (i == 0 and KEY_AND_VALUE.match(line)):
            problem = "the line would not be read as a token"
        else:
            rows.append(line + "\n")
            continue
        raise DataError(f"Cannot write {list(row)} at {sentence.place(i)}: {problem}.")
    return "".join(rows) + "\n"
