"""`seqlab ensemble`: several trained taggers as one model file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from seqlab.errors import ModelFileError, SettingsError
from seqlab.files import model_file


@dataclass(frozen=True)
class EnsembleFlags:
    """Averages trained taggers: probabilities of softmax heads, potentials of CRFs.

    The new file is a model as any other: it tags, is evaluated, calibrated and exported in the same way.
    """

    models: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(help="runs' folders or .keras files")]
    out: Annotated[Path, tyro.conf.arg(help="file to write, .keras")]
    overwrite: Annotated[bool, tyro.conf.arg(help="replace an older file")] = False


def main(arguments: Sequence[str]) -> int:
    """Parses the arguments, averages the models and saves the ensemble."""
    options = tyro.cli(EnsembleFlags, args=list(arguments), prog="seqlab ensemble")
    if len(options.models) < 2:
        raise SettingsError(f"name at least two models, received {len(options.models)}.")
    if options.out.suffix != ".keras":
        raise SettingsError(f"--out takes a path that ends in .keras, received {options.out}.")
    if options.out.exists() and not options.overwrite:
        raise FileExistsError(f"{options.out} exists: choose another name, or say --overwrite.")

    from seqlab.inference.load import load
    from seqlab.models.ensemble import Ensemble
    from seqlab.models.tagger import Tagger

    files = [model_file(place) for place in options.models]
    members = [load(file) for file in files]
    for file, member in zip(files, members, strict=True):
        if not isinstance(member, Tagger):
            raise ModelFileError(f"{file}: an ensemble is made of taggers, found {type(member).__name__}.")
    found = Ensemble(members)
    found.save(options.out)
    for number, file in enumerate(files, 1):
        print(f"member {number}: {file}")
    print(f"{len(files)} members, {found.count_params():,} parameters\nmodel: {options.out}")
    return 0
