"""A study without any training: real settings, a small space and the process of `fake.py`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from seqlab import studies
from seqlab.settings import DataSettings, Settings
from seqlab.tuning.description import described
from seqlab.tuning.folder import open_study
from seqlab.tuning.oracles import Durable, make_oracle
from seqlab.tuning.search import Options, Search
from seqlab.tuning.space import SearchSpace

FAKE = (sys.executable, str(Path(__file__).with_name("fake.py")))
RESIDENT = (*FAKE, "--resident")
OBJECTIVE = studies.Objective("val_f1", "max")
SETTINGS = Settings(data=DataSettings(train="train.conll"))


def rates(hp: Any) -> dict[str, Any]:
    return {
        "training.learning_rate": hp.Float("rate", 1e-4, 1.0, sampling="log"),
        "encoder.units": hp.Int("encoder.units", 20, 160, step=20),
    }


def modes(*names: str) -> Callable[[Any], Mapping[str, Any]]:
    """A space of one choice: what becomes of a trial."""

    def declare(hp: Any) -> dict[str, Any]:
        hp.Choice("task.mode", list(names))
        return {}

    return declare


def begin(
    folder: Path,
    declare: Any = rates,
    tuner: str = "random",
    trials: int | None = 4,
    resume: bool = False,
    **options: Any,
) -> tuple[Search, Durable]:
    """A search in a folder, ready to run."""
    space = SearchSpace(SETTINGS, declare)
    oracle = make_oracle(tuner, OBJECTIVE, space.hyperparameters, trials, 7, 9)
    study = studies.Study(OBJECTIVE, space.parameters, "seqlab tune", 7, tuner)
    given = Options(**{"command": RESIDENT if options.get("resident") else FAKE, **options})
    open_study(folder, study, described(SETTINGS, given.executions, False), oracle, resume, parquet=False)
    return Search(oracle, space, folder, OBJECTIVE, given), oracle


def pids(folder: Path) -> list[int]:
    """The process of each trial, of its last start."""
    return [int(path.read_text("utf-8").split()[-1]) for path in sorted(folder.glob("trial_*/starts.txt"))]


def starts(folder: Path) -> dict[str, int]:
    """How often the process of each trial was started."""
    return {path.parent.name: len(path.read_text("utf-8").split()) for path in folder.glob("trial_*/starts.txt")}
