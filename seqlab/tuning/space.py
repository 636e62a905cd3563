"""What a recipe's `search_space(hp)` declares, checked against the recipe's settings before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras_tuner

from seqlab import studies
from seqlab.errors import SettingsError, suggest
from seqlab.settings_part import Part

Declare = Callable[[keras_tuner.HyperParameters], Mapping[str, Any]]
REFUSED = {
    "seed": "is the study's own; use --executions for several seeds.",
    "training.monitor": "is the study's objective, which all trials share; set it in the recipe.",
    "data.folds": "is for seqlab train; use --executions for several trainings of each trial.",
    "data.join_dev": "would have trials learn what they are compared by; train the chosen settings with it.",
}
ALMOST_ONE = 1 - 1e-9  # the highest value; 1 itself is outside of the range in Keras Tuner


class SearchSpace:
    """All hyperparameters of a recipe, whatever the conditions, and the settings that their values make.

    The function is called once for each end and each choice of every hyperparameter, so that conditional ones are all
    found and a name or a value that the settings refuse is an error before the search, not in its middle.

    Args:
        settings: The recipe's settings.
        declare: The recipe's `search_space`: takes a `keras_tuner.HyperParameters`, returns a dictionary from flags of
            the settings, as `encoder.units`, to values. A value of `None` leaves the recipe's own.
        check: Raises `SettingsError` for settings that cannot be searched, whatever else is right about them.

    Raises:
        SettingsError: For a flag that the settings have not, a value that they refuse, a name that is declared twice,
            an empty space, or anything that goes wrong in `search_space` itself.
    """

    def __init__(self, settings: Part, declare: Declare, check: Callable[[Any], Any] | None = None) -> None:
        self.base = settings
        self.declare = declare
        self.check = check
        self.hyperparameters = keras_tuner.HyperParameters()
        self.flags = frozenset(_flags(type(settings)))
        self.changed: set[str] = set()  # flags that the space sets
        seen: dict[str, list[Any]] = {}
        pending: list[dict[str, Any]] = [{}]
        while pending:
            values = pending.pop(0)
            for item in self._declared(values)[0].space:
                conditions = [condition.get_config() for condition in item.conditions]
                if item.name not in seen:
                    seen[item.name] = conditions
                    self.hyperparameters.merge([item])
                    active = {other["name"]: other["values"][0] for other in conditions}
                    pending += [{**values, **active, item.name: value} for value in _probes(item)]
                elif seen[item.name] != conditions:
                    raise SettingsError(
                        f"search_space: {item.name!r} is declared twice, with other conditions; declare it once "
                        "(hp.conditional_scope takes several values), or give the second one a name of its own."
                    )
        if not seen:
            raise SettingsError("search_space declares nothing; expected calls such as hp.Int(name, low, high).")

    @property
    def parameters(self) -> tuple[studies.Parameter, ...]:
        """The hyperparameters as a study's folder describes them."""
        return parameters_of(self.hyperparameters)

    def settings(self, values: Mapping[str, Any]) -> Any:
        """Returns the recipe's settings with the values of hyperparameters in place.

        Raises:
            SettingsError: If the settings refuse them.
        """
        return self._declared(dict(values))[1]

    def _declared(self, values: dict[str, Any]) -> tuple[keras_tuner.HyperParameters, Any]:
        """Calls `search_space` with some values given, all others at their defaults; returns the settings, too."""
        hp = keras_tuner.HyperParameters()
        hp.values = dict(values)
        try:
            changes = self.declare(hp)
        except Exception as error:  # whatever a recipe does wrong, the function's name belongs to the message
            raise SettingsError(f"search_space: {type(error).__name__}: {error}") from error
        if not isinstance(changes, Mapping):
            raise SettingsError(
                f"search_space must return a dictionary from flags to values, returned {type(changes).__name__}."
            )
        return hp, self._applied(changes, hp.values)

    def _applied(self, changes: Mapping[str, Any], values: dict[str, Any]) -> Any:
        found = self.base.model_dump()
        for flag, value in changes.items():
            if flag not in self.flags:
                raise SettingsError(
                    f"search_space: there is no setting {flag!r}.{suggest(str(flag), self.flags)} Expected names as in "
                    "the flags of seqlab train, without the dashes."
                )
            if flag in REFUSED:
                raise SettingsError(f"search_space: {flag!r} {REFUSED[flag]}")
            if value is None:
                continue
            self.changed.add(flag)
            *parts, name = flag.split(".")
            place = found
            for part in parts:
                place = place[part]
            place[name] = value
        try:
            settings = type(self.base)(**found)
            if self.check is not None:
                self.check(settings)
            return settings
        except SettingsError as error:
            raise SettingsError(f"search_space: with {values}: {error}") from None


def parameters_of(hyperparameters: keras_tuner.HyperParameters) -> tuple[studies.Parameter, ...]:
    """Describes Keras Tuner's hyperparameters as a study's folder does."""
    found = []
    for item in hyperparameters.space:
        config, kind = item.get_config(), type(item).__name__.lower()
        values = {"choice": config.get("values"), "fixed": [config.get("value")]}.get(kind) or ()
        found.append(
            studies.Parameter(
                name=item.name,
                kind=kind,
                low=config.get("min_value"),
                high=config.get("max_value"),
                sampling=config.get("sampling"),
                step=config.get("step"),
                values=tuple(values),
                conditions=tuple(studies.Condition(other.name, tuple(other.values)) for other in item.conditions),
            )
        )
    return tuple(found)


def _flags(kind: type[Part], prefix: str = "") -> Iterator[str]:
    for name, field in kind.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Part):
            yield from _flags(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name


def _probes(item: Any) -> list[Any]:
    """The values of a hyperparameter that are tried before the search: all of a choice, the ends of a range."""
    if type(item).__name__ in ("Int", "Float"):
        return [item.prob_to_value(0.0), item.prob_to_value(ALMOST_ONE)]
    return list(item.values)
