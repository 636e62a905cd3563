"""Everything that a training needs to go on after a kill: weights, optimiser, random states, callbacks, history."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from seqlab.errors import DataError
from seqlab.files import replaced

_META = "meta.json"


class RunState(keras.callbacks.Callback):
    """Saves the whole state of a training after every epoch, and puts it back when a run is resumed.

    One file, replaced as a whole: whenever the process dies, the state of some finished epoch is intact. Keras'
    `BackupAndRestore` saves weights alone; here patience, best value, best weights and rates of the callbacks, the
    optimiser's variables and the dropout's random states go along, so a resumed run ends as an unbroken one.

    Args:
        path: The state file, `.npz` (arrays and JSON; nothing is pickled).
        watched: Callbacks whose numbers and arrays belong to the state. This callback must stand after them.
    """

    def __init__(self, path: Path, watched: Sequence[keras.callbacks.Callback]) -> None:
        super().__init__()
        self.path = path
        self.watched = list(watched)
        self.epochs = 0
        self.stopped = False
        self.history: list[dict[str, float]] = []
        self._arrays: dict[str, np.ndarray] | None = None
        self._numbers: list[dict[str, Any]] = []

    def read(self) -> bool:
        """Reads the state file; returns whether there is one.

        Raises:
            DataError: If the file is damaged.
        """
        if not self.path.exists():
            return False
        try:
            with self.path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            meta = json.loads(bytes(arrays.pop(_META)).decode())
        except (zipfile.BadZipFile, ValueError, KeyError, EOFError, OSError) as error:
            raise DataError(
                f"the state of the run cannot be read ({error}); start the run anew.", str(self.path)
            ) from error
        self.epochs, self.stopped, self.history = meta["epochs"], meta["stopped"], meta["history"]
        self._arrays, self._numbers = arrays, meta["callbacks"]
        return True

    def restore(self, model: keras.Model) -> None:
        """Writes what `read` found into a compiled model and the watched callbacks.

        Raises:
            DataError: If the state is that of another training.
        """
        if self._arrays is None:
            return
        model.optimizer.build(model.trainable_variables)
        variables = _variables(model)
        stored = (sum(name.startswith("variable/") for name in self._arrays), len(self._numbers))
        expected = (len(variables), len(self.watched))
        if stored != expected:
            raise DataError(
                f"the state holds {stored[0]} variables and {stored[1]} callbacks; expected {expected[0]} and "
                f"{expected[1]}. It is another training's, or an older version's: start the run anew.",
                str(self.path),
            )
        for number, variable in enumerate(variables):
            variable.assign(self._arrays[f"variable/{number}"])
        for number, (callback, numbers) in enumerate(zip(self.watched, self._numbers, strict=True)):
            vars(callback).update(numbers)
            prefix = f"callback/{number}/"
            lists: dict[str, dict[int, np.ndarray]] = {}
            for name in self._arrays:
                if name.startswith(prefix):
                    attribute, position = name[len(prefix) :].rsplit("/", 1)
                    lists.setdefault(attribute, {})[int(position)] = self._arrays[name]
            for attribute, items in lists.items():
                setattr(callback, attribute, [items[position] for position in sorted(items)])

    def on_train_begin(self, logs: Any = None) -> None:
        """Puts the state back after the other callbacks have reset theirs."""
        self.restore(self.model)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Saves the state."""
        self.epochs = epoch + 1
        self.stopped = bool(self.model.stop_training)
        figures = {"learning_rate": self.model.optimizer.learning_rate, **(logs or {})}
        self.history.append({"epoch": epoch, **{name: float(value) for name, value in figures.items()}})
        self._write()

    def _write(self) -> None:
        arrays = {f"variable/{k}": np.asarray(v.value) for k, v in enumerate(_variables(self.model))}
        numbers = []
        for number, callback in enumerate(self.watched):
            plain, lists = _contents(callback)
            numbers.append(plain)
            for attribute, items in lists.items():
                arrays |= {f"callback/{number}/{attribute}/{k}": item for k, item in enumerate(items)}
        meta = {"epochs": self.epochs, "stopped": self.stopped, "history": self.history, "callbacks": numbers}
        arrays[_META] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
        with replaced(self.path) as temporary, temporary.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)


def _variables(model: keras.Model) -> list[Any]:
    # `variables` holds the random states of dropout besides the weights
    return [*model.variables, *model.optimizer.variables]


def _contents(callback: keras.callbacks.Callback) -> tuple[dict[str, Any], dict[str, list[np.ndarray]]]:
    numbers: dict[str, Any] = {}
    lists: dict[str, list[np.ndarray]] = {}
    for name, value in vars(callback).items():
        if name == "min_delta":  # Keras turns its sign when it first reads the figure, which a resumed run does again
            continue
        if value is None or isinstance(value, bool | int | float | np.number):
            numbers[name] = value.item() if isinstance(value, np.number) else value
        elif isinstance(value, list) and value and all(isinstance(item, np.ndarray) for item in value):
            lists[name] = value
    return numbers, lists
