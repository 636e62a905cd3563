"""`seqlab evaluate`: scores of a model on labelled files."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from seqlab.cli.reading import CONTEXTUAL, ReadingFlags, opened
from seqlab.errors import SettingsError
from seqlab.files import replaced

log = logging.getLogger(__name__)
EXAMPLES = 3


@dataclass(frozen=True)
class Evaluate(ReadingFlags):
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
    calibration: Annotated[
        bool, tyro.conf.arg(help="report whether the probabilities of tags can be trusted, as a table")
    ] = False
    diagram: Annotated[
        Path | None, tyro.conf.arg(help="image that shows the same, of one file; asks for the calibration too")
    ] = None
    contextual: Annotated[Path | None, tyro.conf.arg(help=CONTEXTUAL)] = None
    strict: Annotated[bool, tyro.conf.arg(help="refuse labels that the model does not know")] = False
    json: Annotated[bool, tyro.conf.arg(help="print scores and all else that is asked for as JSON, a line a file")] = (
        False
    )


def main(arguments: Sequence[str]) -> int:
    """Parses the arguments, scores each file and prints the tables."""
    options = tyro.cli(Evaluate, args=list(arguments), prog="seqlab evaluate")
    if not options.files:
        raise SettingsError("name at least one labelled file.")
    examples = EXAMPLES if options.examples is None else options.examples
    if examples < 0:
        raise SettingsError(f"--examples takes a number of at least 0, received {examples}.")
    with_errors = options.errors or options.examples is not None

    if options.diagram is not None and len(options.files) > 1:
        raise SettingsError(f"--diagram shows one file, received {len(options.files)}: evaluate them one by one.")

    from seqlab.evaluation.errors import report
    from seqlab.evaluation.scores import score
    from seqlab.training.data import read

    _, tagger = opened(options.model, options.task)
    if options.contextual is not None:
        tagger.contextual = options.contextual
    data = options.settings(options.model, tagger.task)
    for path in options.files:
        corpus = tagger.aligned(read(path, tagger.task, data))
        unseen = tagger.vectorizer.encode(corpus, options.strict, [tagger.task]).unseen.get(tagger.task)
        if unseen:
            listed = ", ".join(f"{label} ({count})" for label, count in unseen.most_common())
            log.warning("%s: labels that training has not seen, counted as errors: %s", path, listed)
        gold, predicted = corpus.column(tagger.task), tagger.tags(corpus)
        scores = score(gold, predicted, tagger.scheme)
        errors = report(corpus, tagger.task, predicted, tagger.scheme) if with_errors else None
        found = tagger.reliability(corpus) if options.calibration or options.diagram is not None else None
        if options.diagram is not None:
            _draw(found, options.diagram)
        if options.json:
            parts = {} if errors is None else {"errors": errors.to_dict(examples)}
            parts |= {} if found is None else {"calibration": found.to_dict()}
            print(json.dumps({"file": str(path), **scores.to_dict(), **parts}))
            continue
        print(f"{path}\n{scores.table(tagger.task)}")
        if errors is not None:
            print(f"\n{errors.text(examples)}")
        if found is not None:
            print(f"\n{found}")
    return 0


def _draw(found: Any, path: Path) -> None:
    """Writes the diagram in the format that the file's ending names."""
    try:
        figure = found.figure()
        with replaced(path) as temporary:
            figure.savefig(temporary)
    except (ImportError, ValueError) as error:  # no matplotlib; an ending that it does not know
        raise SettingsError(f"--diagram {path}: {error}") from error
