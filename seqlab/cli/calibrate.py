"""`seqlab calibrate`: makes the probabilities of a trained model honest."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import Annotated

import tyro

from seqlab.cli.reading import ReadingFlags, opened
from seqlab.errors import SettingsError
from seqlab.files import model_file


@dataclass(frozen=True)
class Calibrate(ReadingFlags):
    """Fits the temperature of a model on labelled files unseen in training, such as the development file.

    All probabilities are those at that temperature then; tags stay what they are. The model file is replaced. Prints
    how far probabilities could be trusted before and can be trusted now: give other files to `seqlab evaluate
    --calibration` for a figure on data that the temperature was not fitted on.
    """

    model: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(help="a run's folder or a .keras file")]
    files: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(help="labelled files")]


def main(arguments: Sequence[str]) -> int:
    """Parses the arguments, calibrates, saves the model and prints the tables."""
    options = tyro.cli(Calibrate, args=list(arguments), prog="seqlab calibrate")
    if not options.files:
        raise SettingsError("name at least one labelled file.")

    from seqlab.training.data import read
    from seqlab.training.lock import locked

    path = model_file(options.model)
    with locked(options.model) if options.model.is_dir() else nullcontext():
        model, tagger = opened(options.model, options.task)
        data = options.settings(options.model, tagger.task)
        corpus = reduce(add, (tagger.aligned(read(file, tagger.task, data)) for file in options.files))
        before = tagger.reliability(corpus)
        found = tagger.calibrate(corpus)
        model.save(path)
    print(f"before\n{before}\n\nafter\n{tagger.reliability(corpus)}\n\n{found}\nmodel: {path}")
    return 0
