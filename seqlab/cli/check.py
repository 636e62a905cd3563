"""`seqlab check`: looks for trouble in labelled files before anybody trains on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from seqlab.cli.reading import SEPARATOR, parse_columns, parse_fields, parse_separator, refuse_unused
from seqlab.constants import DEFAULT_RULES
from seqlab.errors import SettingsError, check_encoding

if TYPE_CHECKING:
    from seqlab.corpora.records import Corpus

TOP = 20  # words that are named


@dataclass(frozen=True)
class Check:
    """Reports counts, schemes and their violations, labels, lengths, and what other files share with the first."""

    files: Annotated[
        tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(help="labelled files, the training file first")
    ]
    columns: Annotated[
        list[str], tyro.conf.arg(help="NAME=NUMBER of each column (conll), word=0 label=-1 if not given")
    ] = field(default_factory=list)
    fields: Annotated[list[str], tyro.conf.arg(help="NAME=FIELD of each column (conllu), pos=upos if not given")] = (
        field(default_factory=list)
    )
    format: Annotated[
        Literal["conll", "conllu"] | None,
        tyro.conf.arg(help="file format; by the ending .conllu if not given"),
    ] = None
    separator: Annotated[str | None, tyro.conf.arg(help=f"{SEPARATOR}; any blanks if not given")] = None
    encoding: Annotated[str, tyro.conf.arg(help="text encoding")] = "utf-8"
    vectors: Annotated[
        Path | None, tyro.conf.arg(help="word-vector file: report which words of the files it knows, and how")
    ] = None
    vector_encoding: Annotated[
        str | None, tyro.conf.arg(help="text encoding of the vector file, utf-8 if not given; latin-1 takes any byte")
    ] = None
    rules: Annotated[
        tuple[str, ...] | None,
        tyro.conf.arg(
            help="rules by which words are looked up, as words.rules of a run; its default if not given, none if bare"
        ),
    ] = None
    top: Annotated[
        int | None, tyro.conf.arg(help=f"how many of the most frequent words that it lacks to name; {TOP} if not given")
    ] = None


def main(arguments: Sequence[str]) -> int:
    """Parses the arguments and prints the report; the status is 1 if a tag breaks its scheme."""
    options = tyro.cli(Check, args=list(arguments), prog="seqlab check")
    if not options.files:
        raise SystemExit("seqlab check: name at least one file.")
    for name in ("vector_encoding", "rules", "top"):
        if getattr(options, name) is not None and options.vectors is None:
            raise SettingsError(f"--{name.replace('_', '-')} is about --vectors FILE: name one, or leave it out.")
    top = TOP if options.top is None else options.top
    if top < 0:
        raise SettingsError(f"--top takes a number of at least 0, received {top}.")

    rules = DEFAULT_RULES if options.rules is None else options.rules
    encoding = options.vector_encoding or "utf-8"
    if options.vectors is not None:
        _check_vectors(options.vectors, encoding, rules)

    from seqlab.corpora.check import check
    from seqlab.corpora.conll import conll
    from seqlab.corpora.conllu import conllu

    forms = [options.format or ("conllu" if ".conllu" in path.suffixes else "conll") for path in options.files]
    refuse_unused(set(forms), options.columns, options.fields, options.separator)
    columns = parse_columns(options.columns or ["word=0", "label=-1"])
    fields = parse_fields(options.fields or ["pos=upos"])
    separator = None if options.separator is None else parse_separator(options.separator)
    corpora = []
    for path, form in zip(options.files, forms, strict=True):
        if form == "conllu":
            corpora.append(conllu(path, fields, encoding=options.encoding, strict=False))
        else:
            corpora.append(conll(path, columns, separator=separator, encoding=options.encoding, strict=False))
    report = check(*corpora)
    print(report.text())
    if options.vectors is not None:
        _print_coverage(options.vectors, encoding, corpora, rules, top)
    return int(report.bad)


def _check_vectors(path: Path, encoding: str, rules: Sequence[str]) -> None:
    """Refuses what can be refused before corpora are read and reported on."""
    from seqlab.text.rules import lookups
    from seqlab.text.vectors import is_compressed

    lookups("", rules)
    if len(set(rules)) < len(rules):
        raise SettingsError(f"--rules takes each rule once, as words.rules of a run does; received {' '.join(rules)}.")
    check_encoding("--vector-encoding", encoding)
    is_compressed(path)


def _print_coverage(path: Path, encoding: str, corpora: Sequence[Corpus], rules: Sequence[str], top: int) -> None:
    from seqlab.progress import reading_bar
    from seqlab.text.coverage import candidates, coverage
    from seqlab.text.vectors import examine_vectors

    with reading_bar(path) as progress:  # the file may be larger than memory
        vectors, rows = examine_vectors(path, candidates(corpora, rules), encoding, progress)
    print(f"\nword vectors: {path}, {rows:,} rows, {vectors.dimension} numbers each")
    for corpus in corpora:
        print(f"\n{corpus.name}\n{coverage(corpus.words(), vectors.rows, rules).text(top)}")
