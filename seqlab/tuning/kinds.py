"""The kinds of runs that a search can train: what figure a study of one is about, and how one is trained."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqlab.errors import SettingsError
from seqlab.frame_settings import MEASURES, FrameSettings
from seqlab.multitask_settings import MultiTaskSettings
from seqlab.settings import Settings
from seqlab.settings_part import Part
from seqlab.studies import Objective

if TYPE_CHECKING:
    from seqlab.evaluation.scores import Scores


@dataclass(frozen=True)
class Trained:
    """What one training left besides its history.

    Attributes:
        test: The figure on test data, if there are any.
        weights: How many it has.
        dev: The figure on development data, where it may be that of no one epoch: tasks that share no weight each
            have the weights of their own best epoch.
    """

    test: float | None
    weights: int
    dev: float | None = None


@dataclass(frozen=True)
class Kind:
    """One kind of run.

    Attributes:
        settings: The class of its settings.
        objective: From them to the figure that the study is about, as the history names it.
        train: Trains by settings in a folder, going on with what is there; with an epoch to pause after, or none.
    """

    settings: type[Part]
    objective: Callable[[Any], Objective]
    train: Callable[[Any, Path, int | None], Trained]


def kind_of(settings: Part) -> Kind:
    """Returns the kind of run that the settings are for."""
    for kind in KINDS:
        if type(settings) is kind.settings:
            return kind
    raise SettingsError(f"{type(settings).__name__} are not settings of a run that can be searched.")


def settings_from(values: Mapping[str, Any]) -> Part:
    """Builds settings from what a file holds: kinds are told apart by their keys."""
    for kind in KINDS:
        if set(values) <= set(kind.settings.model_fields):
            return kind.settings(**values)
    raise SettingsError(f"These are settings of no run that can be searched: {', '.join(values)}.")


def _monitored(settings: Settings) -> Objective:
    monitor = settings.training.monitor
    return Objective(monitor, "min" if monitor.endswith("loss") else "max")


def _tagger(settings: Settings, folder: Path, until: int | None) -> Trained:
    from seqlab.training.run import train

    found = train(settings, folder, resume=True, verbose=2, until=until)
    return Trained(figure(found.scores.get("test"), settings.training.monitor), _size(found.tagger.trainable_weights))


def _tasks(settings: MultiTaskSettings, folder: Path, until: int | None) -> Trained:
    from seqlab.training.multitask import train

    found = train(settings, folder, resume=True, verbose=2, until=until)
    figures = {part: [scores.overall.f1 for scores in by_task.values()] for part, by_task in found.scores.items()}
    dev, test = (statistics.fmean(figures[part]) if figures.get(part) else None for part in ("dev", "test"))
    return Trained(test, _size(found.tagger.trainable_weights), dev)


def _frames(settings: FrameSettings, folder: Path, until: int | None) -> Trained:
    from seqlab.training.frames import train

    scores = train(settings, folder, resume=True, verbose=2, until=until).scores
    return Trained(scores["test"], scores["parameters"])


def figure(scores: Scores | None, monitor: str) -> float | None:
    """The monitored figure on other data; none for the loss, which is not computed there."""
    name = monitor.removeprefix("val_")
    if scores is None or name == "loss":
        return None
    return scores.accuracy if name == "accuracy" else float(getattr(scores.overall, name))


def _size(weights: Sequence[Any]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


KINDS = (
    Kind(Settings, _monitored, _tagger),
    Kind(MultiTaskSettings, lambda settings: Objective("val_f1", "max"), _tasks),
    Kind(FrameSettings, lambda settings: Objective(f"val_{MEASURES[settings.data.format]}", "min"), _frames),
)
"""All of them."""
