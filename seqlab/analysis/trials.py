"""The trials of a study as arrays, and what becomes of those that diverged, failed or ran out of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from seqlab.analysis.space import Axis, axis
from seqlab.errors import DataError, SettingsError, suggest
from seqlab.studies import Parameter, Study

Measure = Literal["score", "test", "seconds"]
Diverged = Literal["worst", "leave_out"]


class Sample(NamedTuple):
    """What an analysis of variance is made of, and what was done to the trials for it, in words."""

    axes: tuple[Axis, ...]
    places: np.ndarray
    targets: np.ndarray
    note: str


@dataclass(frozen=True, eq=False)
class Trials:
    """The trials of one study, or of one group of it.

    Trials that failed or ran out of time count nowhere. A trial without a finite score has diverged; one whose status
    is `diverged` but that has a finite score, its best before it diverged, counts with that score. How long it took
    says nothing, for it stopped early.

    Args:
        name: What to call them.
        file: Where they come from.
        objective: Name of the score, and `min` or `max`.
        parameters: The hyperparameters.
        values: Of each hyperparameter the value in each trial, `None` where it is not active.
        numbers: `score`, `test`, `seconds` and `weights` of each trial, NaN where there is none, and whether it
            `diverged`, 1 or 0. (trials,) each
        dropped: How many trials were left out for good, by status.
    """

    name: str
    file: str
    objective: tuple[str, str]
    parameters: tuple[Parameter, ...]
    values: dict[str, tuple[Any, ...]]
    numbers: dict[str, np.ndarray]
    dropped: dict[str, int]

    @classmethod
    def of(cls, study: Study, name: str, file: str) -> Trials:
        """Returns the trials of a study.

        Raises:
            DataError: If none of its trials counts.
        """
        kept = [trial for trial in study.trials if trial.status in ("completed", "diverged")]
        dropped = {
            status: count
            for status in ("failed", "timed_out")
            if (count := sum(trial.status == status for trial in study.trials))
        }
        if not kept:
            raise DataError(f"no finished trial among {len(study.trials)}: there is nothing to analyse.", file)
        rows = [_active(trial.values, study.space) for trial in kept]
        values = {item.name: tuple(row.get(item.name) for row in rows) for item in study.space}
        numbers = {
            column: np.array([_finite(getattr(trial, column)) for trial in kept])
            for column in ("score", "test", "seconds", "weights")
        }
        diverged = np.isnan(numbers["score"]) | [trial.status == "diverged" for trial in kept]
        numbers["seconds"][diverged] = np.nan
        numbers["diverged"] = diverged.astype(float)
        objective = (study.objective.name, study.objective.direction)
        return cls(name, file, objective, study.space, values, numbers, dropped)

    def __len__(self) -> int:
        return len(self.numbers["score"])

    @property
    def diverged(self) -> int:
        """How many diverged, with a score before or without."""
        return int(self.numbers["diverged"].sum())

    @property
    def without_score(self) -> int:
        """How many have no finite score."""
        return int(np.isnan(self.numbers["score"]).sum())

    @property
    def sign(self) -> int:
        """1 if the least score is the best, else -1."""
        return 1 if self.objective[1] == "min" else -1

    def where(self, chosen: np.ndarray, name: str | None = None) -> Trials:
        """Returns those of a boolean mask."""
        values = {
            key: tuple(v for v, one in zip(found, chosen, strict=True) if one) for key, found in self.values.items()
        }
        numbers = {key: found[chosen] for key, found in self.numbers.items()}
        return replace(self, name=self.name if name is None else name, values=values, numbers=numbers)

    def groups(self, name: str) -> dict[str, Trials]:
        """Returns the trials of each value of a hyperparameter, in the order of its values, without that one.

        Raises:
            SettingsError: For a hyperparameter that there is not, or that is a number of a range.
        """
        known = {item.name: item for item in self.parameters}
        if name not in known:
            found = f"{self.file}: there is no hyperparameter {name!r} to group by; expected one of {', '.join(known)}."
            raise SettingsError(found + suggest(name, known))
        if known[name].kind in ("float", "int"):
            raise SettingsError(f"{self.file}: {name!r} is a {known[name].kind}; expected a choice to group by.")
        levels = (False, True) if known[name].kind == "boolean" else known[name].values
        rest = replace(self, parameters=tuple(item for item in self.parameters if item.name != name), dropped={})
        found_groups = {}
        for level in levels:
            chosen = np.array([value is not None and str(value) == str(level) for value in self.values[name]])
            if chosen.any():
                found_groups[str(level)] = rest.where(chosen, str(level))
        return found_groups

    def sample(self, measure: Measure = "score", diverged: Diverged = "worst", cap: float | None = None) -> Sample:
        """Returns what an analysis of variance of a column needs.

        Of scores and test values, those of trials that diverged are the worst finite one there is (or are left out);
        with a `cap`, which is best the level of chance, they and all that is worse than it are the cap. A score from
        before a trial diverged counts as it is. Of times, those of all trials that diverged are left out.

        Args:
            measure: The column.
            diverged: What becomes of trials that diverged.
            cap: Worst value that counts.

        Raises:
            DataError: Without any such value.
            SettingsError: If none is better than the cap.
        """
        targets, lost = self.numbers[measure].copy(), np.isnan(self.numbers["score"])
        if measure == "seconds":
            lost = self.numbers["diverged"] > 0
        parts = [f"{len(self)} trials"]
        missing = np.isnan(targets) & ~lost
        keep = ~missing
        if not np.isfinite(targets[~lost]).any():
            raise DataError(f"{self.name}: no trial has a finite value of {measure!r}.", self.file)
        if missing.any():
            parts.append(f"{missing.sum()} without {measure} left out")
        if measure == "seconds" or diverged == "leave_out":
            keep &= ~lost
            fate = "left out"
        else:
            targets[lost] = np.nan
            worst = float(np.nanmax(targets * self.sign) * self.sign) if cap is None else cap
            targets[lost] = worst
            fate = f"counted as {'the worst value, ' if cap is None else ''}{worst:.5g}"
        if lost.any():
            parts.append(f"{lost.sum()} diverged {fate}")
        if cap is not None and measure != "seconds":
            beyond = keep & ~lost & (targets * self.sign > cap * self.sign)
            targets[beyond] = cap
            if (keep & ~lost).any() and (targets[keep] == cap).all():
                raise SettingsError(
                    f"{self.file}: {self.name}: all {keep.sum()} values of {measure!r} are {cap:g} or worse, which is "
                    "the cap: take one that some are better than (--cap), or none."
                )
            if beyond.any():
                parts.append(f"{beyond.sum()} worse than {cap:g} counted as it")
        axes, places = self._places(keep)
        return Sample(axes, places, targets[keep], ", ".join(parts))

    def _places(self, keep: np.ndarray) -> tuple[tuple[Axis, ...], np.ndarray]:
        """The axes along which trials differ, and where they lie. A parameter that never varies has none."""
        axes, found = [], []
        for item in self.parameters:
            values = [value for value, one in zip(self.values[item.name], keep, strict=True) if one]
            if item.kind == "fixed" or len({value for value in values if value is not None}) < 2:
                continue
            along = axis(item.name, item.kind, item.low, item.high, item.sampling or "linear", item.step, item.values)
            axes.append(along)
            found.append(along.place(values, self.file))
        return tuple(axes), np.array(found).T.reshape(int(keep.sum()), len(axes))

    def __str__(self) -> str:
        scored = len(self) - self.without_score
        score = f"{len(self)} trials count, {scored} of them with a score, {self.diverged} diverged"
        left = [f"{count} {status.replace('_', ' ')}" for status, count in self.dropped.items()]
        return score + (f"; left out: {', '.join(left)}" if left else "")


def _active(values: dict[str, Any], space: Sequence[Parameter]) -> dict[str, Any]:
    """The values of the hyperparameters whose conditions hold; a parent that is not active holds nothing."""
    found = dict(values)
    for _ in space:  # conditions of conditions, in whatever order the space has them
        for item in space:
            if any(found.get(one.name) not in one.values for one in item.conditions):
                found.pop(item.name, None)
    return found


def _finite(value: float | None) -> float:
    return float(value) if value is not None and np.isfinite(value) else float("nan")
