"""Raw text: one sentence a line, its words between blanks, or as a tokeniser finds them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import tee
from pathlib import Path

from seqlab.corpora.conll import BLANKS, conll
from seqlab.corpora.conllu import conllu
from seqlab.corpora.files import read_lines, stream_lines
from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import DataError, SettingsError, suggest

Splitter = Callable[[str], Iterable[Sequence[str]]]
"""From a line to the words of its sentences."""
FORMATS = ("text", "conll", "conllu")
GZIP = ".gz"
MARKS = ("<S>", "</S>", "<UNK>")
LOOKED_AT, NEARLY_ALL = 1000, 0.95


def between_blanks(line: str) -> list[list[str]]:
    """The line as one sentence, its words between spaces and tabs.

    >>> between_blanks(" No comment , he said .")
    [['No', 'comment', ',', 'he', 'said', '.']]
    """
    bare = line.strip(" \t")
    return [BLANKS.split(bare)] if bare else []


def raw(
    path: str | os.PathLike[str],
    *,
    split: Splitter = between_blanks,
    encoding: str = "utf-8",
    name: str | None = None,
) -> Corpus:
    """Reads a text file, plain or gzip, a line at a time; blank lines are left out.

    Args:
        path: The file.
        split: What makes sentences of words of a line; a sentence without words is left out.
        encoding: The file's encoding.
        name: The corpus' name; by default the file's.

    Raises:
        DataError: The file is missing, empty or not in this encoding; the message names the file and the line.
    """
    return Corpus(_split(path, stream_lines(path, encoding), split), name=name or Path(path).name)


def _split(path: str | os.PathLike[str], lines: Iterable[str], split: Splitter) -> Iterator[Sentence]:
    file, empty = os.fspath(path), True
    for number, line in enumerate(lines, 1):
        for words in split(line):
            if words:
                empty = False
                yield Sentence(tuple(words), {}, file, (number,) * len(words))
    if empty:
        raise DataError("No word in the file: expected at least one sentence, each on a line of its own.", file)


def words_only(
    path: str | os.PathLike[str],
    form: str | None = None,
    *,
    column: int = 0,
    split: Splitter = between_blanks,
    encoding: str = "utf-8",
) -> Corpus:
    """Reads the words of a file in any format, without its annotation.

    Args:
        path: The file.
        form: "text" (as `raw` reads it), "conll" or "conllu"; by default what the name ends in (`.conll`, `.conllu`,
            also with `.gz`), else text.
        column: Place of the words in a column file.
        split: As in `raw`.
        encoding: The file's encoding.

    Raises:
        DataError: The file cannot be read, or looks like columns where it is text by its name alone.
        SettingsError: For an unknown format.
    """
    found = stream_words(path, form, column=column, split=split, encoding=encoding)
    return Corpus(found, name=Path(path).name)


def stream_words(
    path: str | os.PathLike[str],
    form: str | None = None,
    *,
    column: int = 0,
    split: Splitter = between_blanks,
    encoding: str = "utf-8",
) -> Iterator[Sentence]:
    """As `words_only`, a sentence at a time: memory holds one of a text; a column file is read as a whole."""
    guessed, form = form is None, format_of(path) if form is None else form
    if form == "text":
        lines = stream_lines(path, encoding)
        yield from _split(path, _no_columns(lines, os.fspath(path)) if guessed else lines, split)
    elif form == "conll":
        yield from conll(path, {"word": column}, encoding=encoding)
    elif form == "conllu":
        yield from conllu(path, {}, encoding=encoding)
    else:
        raise SettingsError(f"Unknown format {form!r}; expected one of {', '.join(FORMATS)}.{suggest(form, FORMATS)}")


def format_of(path: str | os.PathLike[str]) -> str:
    """Tells the format of a text by its name.

    >>> format_of("en-ud-train.conllu.gz"), format_of("letters.txt")
    ('conllu', 'text')
    """
    file = Path(path)
    ending = (file.with_suffix("") if file.suffix == GZIP else file).suffix.removeprefix(".")
    return ending if ending in FORMATS else "text"


def columns_of(lines: Iterable[str]) -> int | None:
    """Tells how many columns lines seem to have, by the first 1,000 that are not blank.

    Args:
        lines: The lines of a file.

    Returns:
        The number of fields that nearly all of them have, 2 or more; `None` where there is none, or where blank lines
        part no blocks.

    >>> columns_of(["Snow NN", "fell VB", "", "No UH"]), columns_of(["Snow fell", "", "No comment at all"])
    (2, None)
    """
    counts, blocks, blank = Counter[int](), 0, True
    written = (line.strip(" \t") for line in lines if not line.startswith("# "))  # comments, or a few tokens
    for line in written:
        if line:
            counts[len(line.split("\t") if "\t" in line else BLANKS.split(line))] += 1
            blocks += blank
        blank = not line
        if counts.total() == LOOKED_AT:
            break
    if not 1 < blocks < counts.total():
        return None
    fields, count = counts.most_common(1)[0]
    return fields if fields > 1 and count >= NEARLY_ALL * counts.total() else None


def _no_columns(lines: Iterable[str], file: str) -> Iterator[str]:
    """The lines; refuses a column file that nothing but its name makes a text: each line would be a sentence."""
    ahead, lines = tee(lines)  # a pipe can be read once
    columns = columns_of(ahead)
    if columns is not None:
        raise DataError(
            f"It looks like columns ({columns} fields in nearly every line, blank lines between blocks), and by its "
            "name it is text, a sentence a line: pass --format conll (conllu for Universal Dependencies), or --format "
            "text to read it as it is.",
            file,
        )
    return lines


def listed_words(path: str | os.PathLike[str], encoding: str = "utf-8") -> list[str]:
    """Reads a list of words, one a line; the marks `<S>`, `</S>` and `<UNK>` of other programs are left out.

    Args:
        path: The file, plain or gzip.
        encoding: Its encoding.

    Raises:
        DataError: The file cannot be read, a line holds several words, or a word is there twice.
    """
    file, found = os.fspath(path), dict[str, int]()
    for number, line in enumerate(read_lines(path, encoding), 1):
        words = [word for sentence in between_blanks(line) for word in sentence]
        if len(words) > 1:
            raise DataError(f"Expected one word a line, received {line.strip()!r}.", file, number)
        for word in words:
            if word in found:
                raise DataError(f"The word {word!r} stands in line {found[word]} already; list it once.", file, number)
            if word not in MARKS:
                found[word] = number
    return list(found)
