"""`seqlab tune`: searches the hyperparameters that a recipe declares, and trains the best."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from seqlab.errors import SettingsError, check_count
from seqlab.settings import DataSettings, Settings
from seqlab.settings_part import Part

_FLAT = tyro.conf.arg(name="")


@dataclass(frozen=True)
class Study:
    """Searches the hyperparameters of a recipe that has `search_space(hp)`; other flags change its settings.

    The seed of the settings is that of the search, too. A trial's figure is
    `training.monitor` of a tagger, the mean of the tasks' F1, or what is reported of frames.
    Afterwards `seqlab tune --best FOLDER` trains the study's best trial once more and saves its model.
    """

    study: Annotated[Path | None, tyro.conf.arg(help="folder of the study")] = None
    tuner: Annotated[
        Literal["random", "bayesian", "hyperband", "grid", "guided"],
        tyro.conf.arg(help="how trials are chosen; guided: the rate on a small network, then its size, then the rest"),
    ] = "random"
    trials: Annotated[int | None, tyro.conf.arg(help="most trials; all of a grid if not given")] = None
    jobs: Annotated[int, tyro.conf.arg(help="trials at once, each a process")] = 1
    executions: Annotated[int, tyro.conf.arg(help="trainings of each trial, each with a seed of its own")] = 1
    timeout: Annotated[float | None, tyro.conf.arg(help="seconds that a trial may take")] = None
    resume: Annotated[bool, tyro.conf.arg(help="go on with the study in the folder")] = False
    compiled: Annotated[
        bool,
        tyro.conf.arg(help="run trials of recipes/jsb.py and its like as compiled epochs, many in a process (JAX)"),
    ] = False
    population: Annotated[
        int | None,
        tyro.conf.arg(
            help="with --compiled, trials taken at once: those of one variant and rounded size train as one program"
        ),
    ] = None
    parquet: Annotated[bool, tyro.conf.arg(help="write the table of trials as Parquet, too")] = False
    chief: Annotated[
        str | None, tyro.conf.arg(help="HOST:PORT of the chief of several machines: this one, without --worker")
    ] = None
    worker: Annotated[str | None, tyro.conf.arg(help="name of this machine, which runs trials of the chief")] = None

    def check(self) -> None:
        """Refuses what means nothing."""
        for name in ("jobs", "executions") if self.trials is None else ("jobs", "executions", "trials"):
            check_count(name, getattr(self, name))
        if self.timeout is not None and self.timeout <= 0:
            raise SettingsError(f"--timeout takes seconds above 0, received {self.timeout:g}.")
        if self.population is not None and (not self.compiled or self.population < 2):
            raise SettingsError(
                f"--population takes a number of trials from 2 on, with --compiled; received {self.population}"
                f"{'' if self.compiled else ' without it'}."
            )
        if self.worker is not None and self.chief is None:
            raise SettingsError("--worker runs trials of a chief: name that one too (--chief HOST:PORT).")
        if self.worker is not None and (self.resume or self.parquet):
            raise SettingsError("--resume and --parquet are the chief's: leave them out with --worker.")
        own = self.jobs > 1 or self.timeout is not None or self.population is not None
        if self.chief is not None and self.worker is None and own:
            raise SettingsError("--jobs, --timeout and --population are the workers': a chief runs no trials.")


@dataclass(frozen=True)
class Best:
    """Trains the best trial of a study once more, with all epochs, and saves its model."""

    best: Annotated[Path, tyro.conf.arg(help="folder of the study")]
    run: Annotated[Path | None, tyro.conf.arg(help="folder of the run; 'best' in the study's if not given")] = None


def main(arguments: Sequence[str]) -> int:
    """Parses the arguments and searches, or trains the best."""
    if any(item == "--best" or item.startswith("--best=") for item in arguments):
        return _train_best(tyro.cli(Best, args=list(arguments), prog="seqlab tune"))
    if arguments and not arguments[0].startswith("-"):
        return _tune(arguments[0], arguments[1:])
    _parse(Settings(data=DataSettings(train="")), arguments, "[RECIPE]")
    raise SettingsError("name a recipe first: seqlab tune RECIPE [--tuner bayesian --trials 50 ...].")


def _parse(default: Part, arguments: Sequence[str], recipe: str) -> tuple[Any, Study]:
    def parsed(settings: Any = default, flags: Annotated[Study, _FLAT] = Study()) -> tuple[Any, Study]:
        return settings, flags

    parsed.__doc__ = Study.__doc__
    parsed.__annotations__["settings"] = Annotated[type(default), _FLAT]
    return tyro.cli(parsed, args=list(arguments), prog=f"seqlab tune {recipe}")


def _tune(recipe: str, arguments: Sequence[str]) -> int:
    from seqlab.cli.train import read_recipe_file

    default, module = read_recipe_file(recipe)
    settings, flags = _parse(default, arguments, recipe)
    flags.check()
    if not callable(getattr(module, "search_space", None)):
        raise SettingsError(f"{recipe}: a recipe to be tuned has a function search_space(hp), see README.md.")
    if isinstance(settings, Settings) and settings.data.folds is not None:
        raise SettingsError("data.folds is for seqlab train; use --executions for several trainings of each trial.")
    if any(getattr(part.data, "join_dev", False) for part in getattr(settings, "tasks", [settings])):
        raise SettingsError("Trials with data.join_dev learn what they are compared by; train the chosen settings so.")

    from seqlab import studies
    from seqlab.tuning.compiled import trial_of
    from seqlab.tuning.description import described, told
    from seqlab.tuning.distributed import parse_address
    from seqlab.tuning.folder import open_study
    from seqlab.tuning.kinds import kind_of
    from seqlab.tuning.oracles import make_oracle
    from seqlab.tuning.space import SearchSpace

    address = parse_address(flags.chief) if flags.chief is not None else None
    if flags.compiled:
        trial_of(settings)
    space = SearchSpace(settings, module.search_space, trial_of if flags.compiled else None)
    if flags.tuner == "hyperband" and "training.epochs" in space.changed:
        raise SettingsError("hyperband shares out training.epochs by itself: take it out of search_space.")
    objective = kind_of(settings).objective(settings)
    oracle = make_oracle(
        flags.tuner, objective, space.hyperparameters, flags.trials, settings.seed, settings.training.epochs
    )
    command = shlex.join(["seqlab", "tune", recipe, *arguments])
    study = studies.Study(objective, space.parameters, command, settings.seed, flags.tuner)
    search = described(settings, flags.executions, flags.compiled)
    folder = (flags.study or Path("runs") / f"{Path(recipe).stem}-tune-{time.strftime('%Y%m%d-%H%M%S')}").resolve()

    from seqlab.training.lock import locked

    with locked(folder):
        if address is not None:
            oracle.description = told(search, objective)
        if flags.worker is not None and address is not None:
            oracle.attach(folder, study)
            return _work(oracle, space, folder, objective, flags, address)
        open_study(folder, study, search, oracle, flags.resume, flags.parquet)
        return _search(oracle, space, folder, objective, flags, address)


def _search(oracle: Any, space: Any, folder: Path, objective: Any, flags: Study, address: Any) -> int:
    from seqlab import studies
    from seqlab.tuning import table
    from seqlab.tuning.board import write_board
    from seqlab.tuning.distributed import serve
    from seqlab.tuning.search import Search

    search = Search(oracle, space, folder, objective, _options(flags))
    trials = search.run() if address is None else serve(oracle, folder, address)
    with closing(trials), table.live(folder, lambda: len(oracle.ongoing_trials)) as show:
        for trial in trials:
            write_board(folder / f"trial_{trial.trial}", trial, objective.name)
            show(trial)
    study = studies.read(folder)
    _print(table.table(study, "best trials"))
    print(f"{table.summary(study)}\ntable: {folder / studies.TRIALS}")
    if not study.ranked():
        raise SettingsError("no trial was completed.")
    print(f"the best, trained and saved: seqlab tune --best {shlex.quote(str(folder))}")
    return 0


def _options(flags: Study) -> Any:
    from seqlab.tuning.search import COMPILED, PROGRAM, Options

    if not flags.compiled:
        return Options(flags.jobs, flags.executions, flags.timeout, PROGRAM)
    from seqlab.tuning.compiled import alike

    found = Options(flags.jobs, flags.executions, flags.timeout, COMPILED, resident=True)
    return found if flags.population is None else replace(found, population=flags.population, alike=alike)


def _work(oracle: Any, space: Any, folder: Path, objective: Any, flags: Study, address: tuple[str, int]) -> int:
    """Runs trials of a chief until it has no more."""
    from seqlab.tuning import table
    from seqlab.tuning.distributed import check_search, check_space, client, held
    from seqlab.tuning.folder import claim
    from seqlab.tuning.search import Search

    worker = flags.worker or ""
    remote = client(oracle, folder, address, worker)
    check_space(remote, space)
    check_search(remote, oracle.description)
    claim(folder, remote.identity)
    names = held(remote, worker)
    for trial in Search(remote, space, folder, objective, _options(flags), worker, names).run():
        print(table.line(trial), flush=True)
    return 0


def _train_best(flags: Best) -> int:
    from seqlab.cli.train import TRAINERS
    from seqlab.tuning.folder import best_job
    from seqlab.tuning.kinds import settings_from
    from seqlab.tuning.table import line

    trial, job = best_job(flags.best)
    print(line(trial))
    settings, place = settings_from({**job.settings, "seed": job.seeds[0]}), flags.run or flags.best / "best"
    begun = (place / "settings.json").is_file()
    return TRAINERS[type(settings)](settings, ["--resume" if begun else "--run", str(place)], "best", None)


def _print(found: Any) -> None:
    from rich.console import Console

    Console().print(found)
