"""The search that the LSTM Odyssey ends with: the learning rate on a small network, then its size, then the rest."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from seqlab.errors import SettingsError
from seqlab.tuning.oracles import Durable

RATE, SIZE = "learning_rate", "units"  # last part of the names
RATIO, GROWTH = 10.0, 2.0
ENDED = (TrialStatus.COMPLETED, TrialStatus.FAILED)


class GuidedOracle(Durable):
    """Chooses values one after another, as the paper advises, since they hardly interact.

    1. The learning rate (a hyperparameter whose name ends with `learning_rate`): from its highest value downwards by
       tens, until the score gets worse. All sizes are at their least, everything else is at its default.
    2. Each size (names that end with `units`): doubled with that rate, until the score does not get better.
    3. Everything else at random, with the rate and the sizes found.

    A trial that fails or diverges counts as worse than any other. The first two steps wait for each trial's score, so
    several jobs help in the third alone.

    Args:
        **options: As `keras_tuner.Oracle`; `hyperparameters` is needed.

    Raises:
        SettingsError: If the space has no learning rate.

    Reference: Greff et al., LSTM: A search space odyssey, 2017, section VI.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        space = self.hyperparameters.space
        rates = [item for item in space if _is(item, RATE) and not isinstance(item, _Fixed)]
        if not rates:
            raise SettingsError(
                f"the tuner guided needs a hyperparameter whose name ends with {RATE}; the space has "
                f"{', '.join(item.name for item in space)}."
            )
        self.rate = rates[0]
        self.sizes = [item for item in space if _is(item, SIZE) and type(item).__name__ in ("Int", "Choice")]

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Returns the next values; see `keras_tuner.Oracle`."""
        tried = (self.trials[name] for name in self.start_order)
        past = list(
            itertools.takewhile(lambda trial: trial.status in (TrialStatus.COMPLETED, TrialStatus.FAILED), tried)
        )
        found: dict[str, Any] = {item.name: ladder(item)[0] for item in self.sizes}
        wanted = self._climb(past, self.rate.name, ladder(self.rate)[::-1], found)
        if wanted is None and self.rate.name not in found:
            return {"status": TrialStatus.STOPPED, "values": None}  # no rate at all trains this network
        for item in self.sizes:
            if wanted is None and self.hyperparameters.is_active(item):
                wanted = self._climb(past, item.name, ladder(item), found, first_known=True)
        if wanted is not None:
            if self.ongoing_trials:
                return {"status": TrialStatus.IDLE, "values": None}
            return {"status": TrialStatus.RUNNING, "values": self._values(lambda item: wanted.get(item.name))}
        return self._rest(found)

    def _climb(
        self, past: list[Trial], name: str, steps: list[Any], found: dict[str, Any], first_known: bool = False
    ) -> dict[str, Any] | None:
        """Goes up one ladder as far as the trials in `past` tell, and takes them off.

        Returns:
            The values to try next; `None` if the ladder is done, and its best value is in `found`.
        """
        best = found.pop("", None) if first_known else None
        for step in steps[1:] if first_known else steps:
            if not past:
                return {**found, name: step}
            score = self._score(past.pop(0))
            if score is not None and (best is None or score > best):
                best, found[name] = score, step
            elif best is not None:
                break
        found[""] = best  # what the next ladder starts from
        return None

    def _score(self, trial: Trial) -> float | None:
        if trial.status != TrialStatus.COMPLETED:
            return None
        return float(trial.score) if self.objective.direction == "max" else -float(trial.score)

    def _rest(self, found: dict[str, Any]) -> dict[str, Any]:
        def drawn(item: Any) -> Any:
            self._seed_state += 1
            return found.get(item.name, item.random_sample(self._seed_state))

        for _ in range(self._max_collisions):
            values = self._values(drawn)
            if not self._duplicate(values):
                return {"status": TrialStatus.RUNNING, "values": values}
        return {"status": TrialStatus.IDLE if self.ongoing_trials else TrialStatus.STOPPED, "values": None}

    def _values(self, choose: Callable[[Any], Any]) -> dict[str, Any]:
        """Values of all active hyperparameters; the default where `choose` gives none."""
        chosen = keras_tuner.HyperParameters()
        for item in self.hyperparameters.space:
            chosen.merge([item])
            if chosen.is_active(item):
                value = choose(item)
                chosen.values[item.name] = item.default if value is None else value
        return dict(chosen.values)


def ladder(item: Any) -> list[Any]:
    """The values of a hyperparameter that are tried in turn, from the least to the greatest.

    A rate's stand at tenths of its highest value, a size's at doubles of its least; a choice has its own. Values of a
    hyperparameter with steps are moved to the nearest step below.

    >>> ladder(keras_tuner.engine.hyperparameters.Int("units", 10, 100))
    [10, 20, 40, 80, 100]
    """
    if type(item).__name__ == "Choice":
        return sorted(item.values)
    low, high = item.min_value, item.max_value
    if type(item).__name__ == "Int":
        values: Iterable[Any] = [*_geometric(low, high, GROWTH), high]
    else:
        values = [high * RATIO**-power for power in range(1 + math.floor(math.log10(high / low) + 1e-9))]
    if item.step is not None:
        steps = sorted(item.values)
        values = [max((step for step in steps if step <= value * (1 + 1e-9)), default=steps[0]) for value in values]
    return sorted(set(values))


def _geometric(low: int, high: int, ratio: float) -> list[int]:
    found = [low]
    while found[-1] * ratio < high:
        found.append(max(int(found[-1] * ratio), found[-1] + 1))
    return found


_Fixed = keras_tuner.engine.hyperparameters.Fixed


def _is(item: Any, ending: str) -> bool:
    return str(item.name).rsplit(".", 1)[-1].endswith(ending)
