"""`seqlab check`: looks for trouble in labelled files before anybody trains on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from seqlab.cli.reading import parse_columns


@dataclass(frozen=True)
class Check:
    """Reports counts, schemes and their violations, labels, lengths, and what other files share with the first."""

    files: Annotated[
        tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(help="labelled files, the training file first")
    ]
    columns: Annotated[list[str], tyro.conf.arg(help="NAME=NUMBER of each column (conll)")] = field(
        default_factory=lambda: ["word=0", "label=-1"]
    )
    format: Annotated[
        Literal["conll", "conllu"] | None,
        tyro.conf.arg(help="file format; by the ending .conllu if not given"),
    ] = None
    encoding: Annotated[str, tyro.conf.arg(help="text encoding")] = "utf-8"


def main(arguments: Sequence[str]) -> int:
    """Parses the arguments and prints the report; the status is 1 if a tag breaks its scheme."""
    options = tyro.cli(Check, args=list(arguments), prog="seqlab check")
    if not options.files:
        raise SystemExit("seqlab check: name at least one file.")

    from seqlab.corpora.check import check
    from seqlab.corpora.conll import conll
    from seqlab.corpora.conllu import conllu

    corpora = []
    for path in options.files:
        is_conllu = options.format == "conllu" or (options.format is None and ".conllu" in path.suffixes)
        if is_conllu:
            corpora.append(conllu(path, encoding=options.encoding, strict=False))
        else:
            columns = parse_columns(options.columns)
            corpora.append(conll(path, columns, encoding=options.encoding, strict=False))
    report = check(*corpora)
    print(report.text())
    return int(report.bad)
