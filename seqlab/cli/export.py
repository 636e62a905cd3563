"""`seqlab export`: a model as a TensorFlow SavedModel."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from seqlab.files import model_file


@dataclass(frozen=True)
class Export:
    """Writes a model as a TensorFlow SavedModel that gives labels and probabilities without seqlab."""

    model: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(help="a run's folder or a .keras file")]
    folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(help="the folder to write")]
    overwrite: Annotated[bool, tyro.conf.arg(help="replace an older export")] = False


def main(arguments: Sequence[str]) -> int:
    """Parses the arguments, exports and prints the signatures."""
    options = tyro.cli(Export, args=list(arguments), prog="seqlab export")
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "tensorflow"  # it alone writes a SavedModel, and reads what others saved

    from seqlab.inference.load import load

    load(model_file(options.model)).export(options.folder, verbose=True, overwrite=options.overwrite)
    return 0
