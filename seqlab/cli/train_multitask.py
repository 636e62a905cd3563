"""`seqlab train` for several tasks at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import tyro

from seqlab.cli.reading import cut_out
from seqlab.cli.run_flags import NEITHER, RunFlags
from seqlab.errors import SettingsError, suggest
from seqlab.multitask_settings import MultiTaskSettings, TaskScheduleSettings

_FLAT = tyro.conf.arg(name="")


def train_multitask(default: MultiTaskSettings, arguments: Sequence[str], name: str, recipe: str | None = None) -> int:
    """Trains with default settings changed by flags, and prints the scores.

    Args:
        default: The recipe's settings, or those of the run that is resumed.
        arguments: Flags.
        name: Name of the run's folder where `--run` does not give one: `runs/NAME-date-time`.
        recipe: Path of the recipe, for the help text.
    """
    only, arguments = cut_out("--only", arguments)
    if only is not None:
        default = _chosen(default, only)

    def parsed(
        settings: Annotated[MultiTaskSettings, _FLAT] = default,
        flags: Annotated[RunFlags, _FLAT] = NEITHER,
        strict: Annotated[bool, tyro.conf.arg(help="refuse labels that training has not seen")] = False,
        only: Annotated[
            list[str], tyro.conf.arg(help="names of the tasks to train, in place of all; flags count these alone")
        ] = [],  # noqa: B006  (taken out by cut_out: here for the help text)
    ) -> tuple[MultiTaskSettings, RunFlags, bool]:
        """Trains a tagger of several tasks, as a recipe says; flags change its settings."""
        return settings, flags, strict

    program = f"seqlab train {recipe or ''}".strip()
    settings, flags, strict = tyro.cli(parsed, args=list(arguments), prog=program)

    from seqlab.training import multitask
    from seqlab.training.folder import MODEL

    flags.check(alone=only is None)
    flags.check_settings(settings)
    folder = flags.folder(name)
    result = multitask.train(settings, folder, resume=flags.resume is not None, strict=strict)
    for part, scores in result.scores.items():
        for task, found in scores.items():
            print(f"\n{task} on {part}\n{found.table()}")
    print(f"\nmodel: {folder / MODEL}")
    return 0


def _chosen(settings: MultiTaskSettings, names: Sequence[str]) -> MultiTaskSettings:
    """The settings of some of the tasks, in the recipe's order, with what the schedule says of each."""
    if not names:
        raise SettingsError(f"--only takes names of tasks, some of {', '.join(settings.names)}; received none.")
    for name in names:
        if name not in settings.names:
            known = ", ".join(settings.names)
            raise SettingsError(
                f"--only {name}: no such task; expected some of {known}.{suggest(name, settings.names)}"
            )
    chosen = [number for number, task in enumerate(settings.tasks) if task.name in names]
    schedule = dict(settings.schedule)
    if settings.schedule.turns is not None:
        schedule["turns"] = tuple(settings.schedule.turns[number] for number in chosen)
    tasks = tuple(settings.tasks[number] for number in chosen)
    return MultiTaskSettings(**{**dict(settings), "tasks": tasks, "schedule": TaskScheduleSettings(**schedule)})
