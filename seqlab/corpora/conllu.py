"""CoNLL-U: ten columns between tabs, multiword ranges, empty nodes, comments and MISC."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from seqlab.corpora.columns import SchemeChoice, settle_schemes
from seqlab.corpora.files import blocks, read_lines
from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import DataError, SettingsError, suggest

FIELDS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
SOURCES = FIELDS[2:]
PAIRED = ("feats", "misc")
POS: Mapping[str, str] = MappingProxyType({"pos": "upos"})
NODE = re.compile(r"(?P<first>\d+)(?:-(?P<last>\d+)|\.(?P<empty>\d+))?")

Row = tuple[int, list[str]]


def conllu(
    path: str | os.PathLike[str],
    tasks: Mapping[str, str] = POS,
    *,
    scheme: SchemeChoice = None,
    encoding: str = "utf-8",
    strict: bool = True,
    name: str | None = None,
) -> Corpus:
    """Reads a CoNLL-U file, plain or gzip; its tokens are the syntactic words.

    Multiword ranges and empty nodes are checked and left out of the words. The sentence's text is that of its
    `# text` comment, else it is put together from the surface tokens and `SpaceAfter=No`. `# sent_id` becomes
    the sentence's id, and `# newdoc` begins a document.

    Args:
        path: The file.
        tasks: Names of the columns to read and where they come from: `lemma`, `upos`, `xpos`, `feats`,
            `head`, `deprel`, `deps`, `misc`, or one key as `misc:Key` or `feats:Key` (`_` where absent).
        scheme: Tag scheme, as in `conll`.
        encoding: The file's encoding.
        strict: Whether tags that break the scheme are an error. Otherwise they are kept as they are.
        name: The corpus' name; by default the file's.

    Raises:
        DataError: The file cannot be read; the message names the file and, where there is one, the line.
        SettingsError: `tasks` or `scheme` name something that does not exist.
    """
    file = os.fspath(path)
    for task, source in tasks.items():
        _check_source(task, source)
    sentences: list[Sentence] = []
    document = 0
    for block in blocks(read_lines(path, encoding)):
        size = next((i for i, (_, line) in enumerate(block) if not line.startswith("#")), len(block))
        comments = _comments(block[:size])
        document += bool(sentences) and "newdoc" in comments
        if size < len(block):
            sentences.append(_sentence(block[size:], comments, tasks, file, document))
    if not sentences:
        raise DataError("No word in the file: expected at least one sentence.", file)
    return Corpus(sentences, settle_schemes(sentences, list(tasks), scheme, strict), name or Path(path).name)


def _check_source(task: str, source: str) -> None:
    if task == "word":
        raise SettingsError("A task cannot be called 'word': the words are always read, from FORM.")
    field, colon, key = source.partition(":")
    if field not in SOURCES or (colon and (field not in PAIRED or not key)):
        known = ", ".join(SOURCES)
        raise SettingsError(
            f"Task {task!r} asks for {source!r}; known: {known}, and feats:Key or misc:Key.{suggest(field, SOURCES)}"
        )


def _comments(lines: Sequence[tuple[int, str]]) -> dict[str, str]:
    """Key and value of each comment; `# newdoc id = x` counts under its first word too."""
    found: dict[str, str] = {}
    for _, line in lines:
        key, _, value = line[1:].partition("=")
        found.setdefault(key.strip(), value.strip())
        found.setdefault(key.split(maxsplit=1)[0] if key.strip() else "", "")
    return found


def _sentence(
    block: Sequence[tuple[int, str]],
    comments: Mapping[str, str],
    tasks: Mapping[str, str],
    file: str,
    document: int,
) -> Sentence:
    rows = [(number, _fields(line, file, number)) for number, line in block]
    words, surface = _check_nodes(rows, file)
    return Sentence(
        words=tuple(fields[1] for _, fields in words),
        columns={task: tuple(_value(f, source) for _, f in words) for task, source in tasks.items()},
        file=file,
        lines=tuple(number for number, _ in words),
        document=document,
        text=comments.get("text") or _rebuilt(surface),
        id=comments.get("sent_id", ""),
    )


def _fields(line: str, file: str, number: int) -> list[str]:
    fields = line.split("\t")
    if len(fields) != len(FIELDS):
        hint = " Are the tabs blanks here?" if len(fields) == 1 else ""
        raise DataError(f"{len(fields)} column(s); CoNLL-U has 10, between tabs.{hint}", file, number)
    if "" in fields:
        raise DataError(f"Column {FIELDS[fields.index('')].upper()} is empty; expected a value or _.", file, number)
    return fields


def _check_nodes(rows: Sequence[Row], file: str) -> tuple[list[Row], list[list[str]]]:
    """Checks the order of ids; returns the words, and the surface tokens: ranges instead of their parts."""
    words: list[Row] = []
    surface: list[list[str]] = []
    empty, covered, opened = 0, 0, 0
    for number, fields in rows:
        node = NODE.fullmatch(fields[0])
        if node is None:
            raise DataError(f"ID {fields[0]!r}; expected 3, a range 3-4 or an empty node 3.1.", file, number)
        first, count = int(node["first"]), len(words)
        if node["empty"]:
            empty += 1
            expected = f"{count}.{empty}"
        elif node["last"]:
            expected = f"{count + 1}-{max(int(node['last']), count + 2)}"
            if covered > count:
                raise DataError(f"The range {fields[0]} overlaps one that ends at {covered}.", file, number)
            covered, opened = int(node["last"]), number
            surface.append(fields)
        else:
            empty = 0
            expected = str(count + 1)
            words.append((number, fields))
            if first > covered:
                surface.append(fields)
        if fields[0] != expected:
            raise DataError(f"ID {fields[0]!r}; expected {expected!r} here.", file, number)
    if covered > len(words):
        raise DataError(f"The range ends at {covered}, but the sentence at {len(words)}.", file, opened)
    if not words:
        raise DataError("A sentence without words.", file, rows[0][0])
    return words, surface


def _value(fields: Sequence[str], source: str) -> str:
    field, _, key = source.partition(":")
    value = fields[FIELDS.index(field)]
    return _pairs(value).get(key, "_") if key else value


def _pairs(value: str) -> dict[str, str]:
    return dict(pair.partition("=")[::2] for pair in value.split("|") if "=" in pair)


def _rebuilt(surface: Sequence[Sequence[str]]) -> str:
    glue = ["" if _pairs(fields[9]).get("SpaceAfter") == "No" else " " for fields in surface]
    return "".join(fields[1] + space for fields, space in zip(surface, glue, strict=True)).removesuffix(" ")
