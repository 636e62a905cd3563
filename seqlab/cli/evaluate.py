"""`seqlab evaluate`: scores of a model on labelled files."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from seqlab.cli.reading import SEPARATOR, data_settings, model_file
from seqlab.errors import SettingsError

log = logging.getLogger(__name__)
EXAMPLES = 3


@dataclass(frozen=True)
class Evaluate:
    """Scores a model on labelled files: precision, recall and F1 of each type, as `conlleval` counts."""

    model: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(help="a run's folder or a .keras file")]
    files: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(help="labelled files")]
    errors: Annotated[
        bool, tyro.conf.arg(help="report the errors: confusions, boundaries, examples with file and line")
    ] = False
    examples: Annotated[
        int | None,
        tyro.conf.arg(help=f"examples of each kind of error, {EXAMPLES} if not given; asks for the errors too"),
    ] = None
    columns: Annotated[list[str], tyro.conf.arg(help="NAME=NUMBER of each column (conll), if not as in training")] = (
        field(default_factory=list)
    )
    fields: Annotated[list[str], tyro.conf.arg(help="NAME=FIELD of each column (conllu), if not as in training")] = (
        field(default_factory=list)
    )
    format: Annotated[Literal["conll", "conllu"] | None, tyro.conf.arg(help="file format, if not as in training")] = (
        None
    )
    separator: Annotated[str | None, tyro.conf.arg(help=f"{SEPARATOR}, if not as in training")] = None
    encoding: Annotated[str | None, tyro.conf.arg(help="text encoding, if not as in training")] = None
    lenient: Annotated[
        bool, tyro.conf.arg(help="keep tags that break their scheme, and read them as conlleval does")
    ] = False
    strict: Annotated[bool, tyro.conf.arg(help="refuse labels that the model does not know")] = False
    json: Annotated[bool, tyro.conf.arg(help="print scores, and errors if asked for, as JSON, a line a file")] = False


def main(arguments: Sequence[str]) -> int:
    """Parses the arguments, scores each file and prints the tables."""
    options = tyro.cli(Evaluate, args=list(arguments), prog="seqlab evaluate")
    if not options.files:
        raise SettingsError("name at least one labelled file.")
    examples = EXAMPLES if options.examples is None else options.examples
    if examples < 0:
        raise SettingsError(f"--examples takes a number of at least 0, received {examples}.")
    with_errors = options.errors or options.examples is not None

    from seqlab.evaluation.errors import report
    from seqlab.evaluation.scores import score
    from seqlab.inference.load import load
    from seqlab.training.data import read

    tagger = load(model_file(options.model))
    data = data_settings(
        options.model,
        tagger.task,
        columns=options.columns,
        fields=options.fields,
        form=options.format,
        separator=options.separator,
        encoding=options.encoding,
        lenient=options.lenient,
    )
    for path in options.files:
        corpus = tagger.aligned(read(path, tagger.task, data))
        unseen = tagger.vectorizer.encode(corpus, options.strict, [tagger.task]).unseen.get(tagger.task)
        if unseen:
            listed = ", ".join(f"{label} ({count})" for label, count in unseen.most_common())
            log.warning("%s: labels that training has not seen, counted as errors: %s", path, listed)
        gold, predicted = corpus.column(tagger.task), tagger.tags(corpus)
        scores = score(gold, predicted, tagger.scheme)
        errors = report(corpus, tagger.task, predicted, tagger.scheme) if with_errors else None
        if options.json:
            found = {} if errors is None else {"errors": errors.to_dict(examples)}
            print(json.dumps({"file": str(path), **scores.to_dict(), **found}))
            continue
        print(f"{path}\n{scores.table(tagger.task)}")
        if errors is not None:
            print(f"\n{errors.text(examples)}")
    return 0
