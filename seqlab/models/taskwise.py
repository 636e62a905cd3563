"""An optimiser whose steps reach the weights of some tasks alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import keras

from seqlab.errors import SettingsError

Tensor = Any
CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")
REFUSED = ("gradient_accumulation_steps", "loss_scale_factor")


class _Parts:
    """Holds the optimisers of the groups where Keras does not look for things to save: their owner saves them."""

    def __init__(self, given: keras.optimizers.Optimizer, config: dict[str, Any]) -> None:
        self.given = given
        self.kind = type(given)
        self.config = config
        self.groups: list[frozenset[int]] = []
        self.variables: list[list[Any]] = []
        self.optimizers: list[keras.optimizers.Optimizer] = []


@keras.saving.register_keras_serializable(package="seqlab")
class TaskwiseOptimizer(keras.optimizers.Optimizer):
    """Has another optimiser update the weights that a batch's tasks read, and nothing else.

    Weights that the same tasks read are a group, with moments, averages and a count of steps of its own: Adam's bias
    correction, the averages of weights (EMA) and how often these replace the weights count the steps of that group
    alone, as if its tasks' batches were all there are. A group that every task reads counts every step. What a step
    does not reach keeps weights, moments, averages and counts to the bit. Clipping comes before: the global norm is
    that of the gradients of all weights of this step. Schedules of the learning rate count all steps, `iterations`.
    Weights that `exclude_from_weight_decay` of either optimiser names do not decay; as in Keras, no file keeps this.

    `MultiTaskTagger.compile` puts it around the optimiser that it is given.

    Args:
        optimizer: The optimiser; groups get copies of it.

    Raises:
        SettingsError: For an optimiser that gathers gradients over batches, or scales losses by a number of its own.
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer, name: str = "taskwise", **kwargs: Any) -> None:
        config = optimizer.get_config()
        for option in REFUSED:
            if config.get(option) is not None:
                raise SettingsError(
                    f"{option} is not for batches of which each trains other weights: leave it out of the optimiser."
                )
        rate = config["learning_rate"]
        rate = keras.optimizers.schedules.deserialize(rate) if isinstance(rate, dict) else rate
        super().__init__(rate, name=name, **{option: config.get(option) for option in CLIPPING}, **kwargs)
        self._parts = _Parts(optimizer, config)

    def group(self, tasks: Sequence[Sequence[Any]]) -> None:
        """Says which variables each task reads; `build` wants it to be known."""
        readers: dict[int, set[int]] = {}
        of: dict[int, Any] = {}
        for number, variables in enumerate(tasks):
            for variable in variables:
                readers.setdefault(id(variable), set()).add(number)
                of[id(variable)] = variable
        groups: dict[frozenset[int], list[Any]] = {}
        for key, numbers in readers.items():
            groups.setdefault(frozenset(numbers), []).append(of[key])
        self._parts.groups = sorted(groups, key=sorted)
        self._parts.variables = [groups[group] for group in self._parts.groups]

    def build(self, variables: Sequence[Any]) -> None:
        """Builds the optimisers of the groups."""
        if self.built:
            return
        if not self._parts.groups:
            raise SettingsError("Which task reads which weights is not known: compile a MultiTaskTagger with this.")
        changed = dict.fromkeys(CLIPPING) | {"learning_rate": 1.0}
        for number, own in enumerate(self._parts.variables):
            part = self._parts.kind.from_config({**self._parts.config, **changed, "name": f"{self.name}_{number}"})
            # Not among an optimiser's config: copies would let weights decay that it was told to spare.
            if spared := [variable for variable in own if not self._decays(variable)]:
                part.exclude_from_weight_decay(var_list=spared)
            part.build(own)
            self._parts.optimizers.append(part)
        super().build(list(variables))

    def _decays(self, variable: Any) -> bool:
        return all(one._use_weight_decay(variable) for one in (self._parts.given, self))

    @property
    def variables(self) -> list[Any]:
        """Those of its own and those of all groups."""
        return [*super().variables, *(variable for part in self._parts.optimizers for variable in part.variables)]

    def variables_of(self, tasks: Iterable[int]) -> list[Any]:
        """The weights that any of some tasks reads, in the order in which `update` takes their gradients."""
        wanted = set(tasks)
        pairs = zip(self._parts.groups, self._parts.variables, strict=True)
        return [variable for group, own in pairs if group & wanted for variable in own]

    def state_of(self, tasks: Iterable[int]) -> list[Any]:
        """The moments, averages and counts of the groups that any of some tasks reads."""
        wanted = set(tasks)
        pairs = zip(self._parts.groups, self._parts.optimizers, strict=True)
        return [variable for group, part in pairs if group & wanted for variable in part.variables]

    def update(self, tasks: Iterable[int], gradients: Sequence[Tensor]) -> None:
        """Takes a step on the weights of some tasks.

        Args:
            tasks: Their positions.
            gradients: One for each of `variables_of(tasks)`.
        """
        wanted = set(tasks)
        left = iter(self._clip_gradients(list(gradients)))
        rate = self.learning_rate
        parts = zip(self._parts.groups, self._parts.variables, self._parts.optimizers, strict=True)
        for group, own, part in parts:
            if group & wanted:
                part.learning_rate.assign(rate)
                part.apply([next(left) for _ in own], own)
        self.iterations.assign_add(1)

    def given(self) -> keras.optimizers.Optimizer:
        """Returns the optimiser that was given, whose settings those of all groups are.

        No property: Keras would save it.
        """
        return self._parts.given

    def averages(self) -> list[tuple[Any, Any]]:
        """Weights with their averages, of the groups that have taken a step: before the first one these are zeros."""
        return [
            pair
            for own, part in self._stepped()
            for pair in zip(own, part._model_variables_moving_average, strict=True)
        ]

    def finalize_variable_values(self, var_list: Sequence[Any]) -> None:
        """Puts the averages of weights in their place, where the optimiser averages them and has taken a step."""
        for own, part in self._stepped():
            part.finalize_variable_values(own)

    def _stepped(self) -> list[tuple[list[Any], keras.optimizers.Optimizer]]:
        parts = zip(self._parts.variables, self._parts.optimizers, strict=True)
        return [(own, part) for own, part in parts if int(keras.ops.convert_to_numpy(part.iterations))]

    def get_config(self) -> dict[str, Any]:
        """Returns the optimiser, at its current learning rate."""
        rate = self._learning_rate
        known = keras.optimizers.schedules.LearningRateSchedule
        shown = keras.optimizers.schedules.serialize(rate) if isinstance(rate, known) else float(rate)
        inner = self._parts.kind.from_config({**self._parts.config, "learning_rate": shown})
        return {"optimizer": keras.optimizers.serialize(inner), "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> TaskwiseOptimizer:
        """Rebuilds it from `get_config()`."""
        return cls(**{**config, "optimizer": keras.optimizers.deserialize(config["optimizer"], custom_objects)})
