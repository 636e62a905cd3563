"""Official ELMo files (bilm-tf, AllenNLP): options in JSON, weights in HDF5, each held against the other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.errors import ModelFileError, SettingsError, suggest

Shape = tuple[int, ...]
NUMBERS = (261, 262)  # bilm-tf writes the first when it trains and wants the second afterwards; the table is the same
TABLE = 261
GROUPS = ("CNN", "RNN_", "char_embed")
_CELL = "RNN_{direction}/RNN/MultiRNNCell/Cell{layer}/LSTMCell"


@dataclass(frozen=True)
class ElmoOptions:
    """What an options file says.

    Attributes:
        units: Units of each LSTM cell.
        layers: Recurrent layers.
        projection: Width of a token's vector and of the cells' outputs.
        cell_clip: Limit of the cells' memory, or `None`.
        projection_clip: Limit of the cells' projected outputs, or `None`.
        skip_connections: Whether layers above the first add what they read.
        dim: Width of a character's vector.
        filters: Pairs of a width and the number of filters of that width.
        activation: Of the filters, "relu" or "tanh".
        highway: Number of highway layers.
        length: Numbers of each word.
    """

    units: int
    layers: int
    projection: int
    cell_clip: float | None
    projection_clip: float | None
    skip_connections: bool
    dim: int
    filters: tuple[tuple[int, int], ...]
    activation: str
    highway: int
    length: int

    @property
    def projected(self) -> bool:
        """Whether the cells' outputs are projected; those as wide as the cells are not."""
        return self.projection < self.units

    @property
    def channels(self) -> int:
        """All filters."""
        return sum(count for _, count in self.filters)

    def shapes(self) -> dict[str, tuple[Shape, str]]:
        """Returns the shape of each tensor that the weights must hold, and the options that it follows from."""
        found: dict[str, tuple[Shape, str]] = {"char_embed": ((TABLE, self.dim), "char_cnn.embedding.dim")}
        for number, (width, count) in enumerate(self.filters):
            found[f"CNN/W_cnn_{number}"] = ((1, width, self.dim, count), "char_cnn.filters, char_cnn.embedding.dim")
            found[f"CNN/b_cnn_{number}"] = ((count,), "char_cnn.filters")
        for number in range(self.highway):
            for part in ("carry", "transform"):
                what = "char_cnn.filters, char_cnn.n_highway"
                found[f"CNN_high_{number}/W_{part}"] = ((self.channels, self.channels), what)
                found[f"CNN_high_{number}/b_{part}"] = ((self.channels,), what)
        if self.channels != self.projection:
            what = "char_cnn.filters, lstm.projection_dim"
            found["CNN_proj/W_proj"] = ((self.channels, self.projection), what)
            found["CNN_proj/b_proj"] = ((self.projection,), what)
        for direction in (0, 1):
            for layer in range(self.layers):
                cell = _CELL.format(direction=direction, layer=layer)
                what = "lstm.dim, lstm.projection_dim, lstm.n_layers"
                found[f"{cell}/W_0"] = ((2 * self.projection, 4 * self.units), what)
                found[f"{cell}/B"] = ((4 * self.units,), what)
                if self.projected:
                    found[f"{cell}/W_P_0"] = ((self.units, self.projection), what)
        return found


def cell_name(direction: int, layer: int) -> str:
    """Returns where the weights of a cell stand; direction 0 is forward."""
    return _CELL.format(direction=direction, layer=layer)


def read_elmo_options(path: str | PathLike[str]) -> ElmoOptions:
    """Reads an options file.

    Args:
        path: The JSON file.

    Raises:
        ModelFileError: If there is no such file, it is no JSON, or an option is missing, of the wrong kind, or not one
            that a model of characters can have.
    """
    place = fspath(path)
    try:
        found = json.loads(Path(path).read_text("utf-8"))
    except FileNotFoundError:
        raise ModelFileError(f"{place}: no such file; expected the options of an ELMo model (JSON).") from None
    except ValueError as error:
        raise ModelFileError(f"{place}: expected the options of an ELMo model in JSON: {error}.") from error
    if not isinstance(found, dict) or "char_cnn" not in found:
        raise ModelFileError(
            f"{place}: it has no 'char_cnn', which describes how characters are read; models that read whole words "
            "only, and files of other kinds, are not ELMo's."
        )
    options = ElmoOptions(
        units=_number(found, place, "lstm", "dim"),
        layers=_number(found, place, "lstm", "n_layers"),
        projection=_number(found, place, "lstm", "projection_dim"),
        cell_clip=_clip(found, place, "cell_clip"),
        projection_clip=_clip(found, place, "proj_clip"),
        skip_connections=bool(found["lstm"].get("use_skip_connections", False)),
        dim=_number(found, place, "char_cnn", "embedding", "dim"),
        filters=_filters(found, place),
        activation=found["char_cnn"].get("activation", "relu"),
        highway=_number(found, place, "char_cnn", "n_highway", default=0),
        length=_number(found, place, "char_cnn", "max_characters_per_token", default=50),
    )
    numbers = _number(found, place, "char_cnn", "n_characters", default=NUMBERS[-1])
    if numbers not in NUMBERS:
        raise ModelFileError(f"{place}: char_cnn.n_characters is {numbers}; expected 261 or 262, as of UTF-8's bytes.")
    if options.activation not in ("relu", "tanh"):
        raise ModelFileError(f"{place}: char_cnn.activation is {options.activation!r}; expected 'relu' or 'tanh'.")
    if options.projection > options.units:
        raise ModelFileError(
            f"{place}: lstm.projection_dim is {options.projection}; expected at most lstm.dim, {options.units}."
        )
    return options


def read_elmo_weights(path: str | PathLike[str], options: ElmoOptions) -> dict[str, np.ndarray]:
    """Reads a weights file and holds it against the options.

    Args:
        path: The HDF5 file.
        options: What `read_elmo_options` returned.

    Returns:
        float32 arrays by their names in the file.

    Raises:
        ModelFileError: If there is no such file, or it is no HDF5 file or was cut off; for each tensor that the options
            ask for and the file lacks or has in another shape, and each that they do not ask for: its name, the shape
            received and the one expected, and the options that say so.
    """
    import h5py

    place = fspath(path)
    if not Path(path).is_file():
        raise ModelFileError(f"{place}: no such file; expected the weights of an ELMo model (HDF5).")
    arrays: dict[str, np.ndarray] = {}

    def visit(name: str, entry: Any) -> None:
        if isinstance(entry, h5py.Dataset) and name.startswith(GROUPS):
            arrays[name] = np.asarray(entry, "float32")

    try:
        with h5py.File(path, "r") as file:
            file.visititems(visit)
    except OSError as error:
        raise ModelFileError(f"{place}: no HDF5 file, or one that was cut off ({error}): copy it again.") from error
    wanted = options.shapes()
    problems = []
    for name, (shape, what) in wanted.items():
        if name not in arrays:
            problems.append(f"{name} is missing, expected the shape {shape} by {what}{suggest(name, arrays)}")
        elif arrays[name].shape != shape:
            problems.append(f"{name} has the shape {arrays[name].shape}, expected {shape} by {what}")
    problems += [
        f"{name} of the shape {arrays[name].shape} is none that the options ask for"
        for name in arrays
        if name not in wanted
    ]
    if problems:
        more = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise ModelFileError(f"{place} does not fit its options: {'; '.join(problems[:5])}{more}.")
    return arrays


def find_elmo(folder: str | PathLike[str]) -> tuple[Path, Path]:
    """Returns the options and the weights in a folder: one .json and one .hdf5 (or .h5) whose names say so.

    Raises:
        SettingsError: If there is not one of each.
    """
    place = Path(folder)
    found = []
    for what, ends in (("options", (".json",)), ("weights", (".hdf5", ".h5"))):
        files = [one for one in sorted(place.glob(f"*{what}*")) if one.suffix in ends]
        if len(files) != 1:
            names = ", ".join(one.name for one in files) or "none"
            raise SettingsError(f"{place}: expected one file *{what}*{ends[0]} of an ELMo model, found {names}.")
        found.append(files[0])
    return found[0], found[1]


def _number(options: dict[str, Any], place: str, *keys: str, default: int | None = None) -> int:
    value: Any = options
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    value = default if value is None else value
    if isinstance(value, bool) or not isinstance(value, int) or value < (0 if default == 0 else 1):
        raise ModelFileError(f"{place}: {'.'.join(keys)} is {value!r}; expected a whole number above 0.")
    return value


def _clip(options: dict[str, Any], place: str, key: str) -> float | None:
    value = options["lstm"].get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value <= 0):
        raise ModelFileError(f"{place}: lstm.{key} is {value!r}; expected a number above 0, or null.")
    return float(value) if value else None


def _filters(options: dict[str, Any], place: str) -> tuple[tuple[int, int], ...]:
    value = options["char_cnn"].get("filters")
    try:
        pairs = tuple((int(width), int(count)) for width, count in value)
    except (TypeError, ValueError):
        pairs = ()
    if not pairs or min(min(pair) for pair in pairs) < 1:
        raise ModelFileError(f"{place}: char_cnn.filters is {value!r}; expected pairs of a width and a number above 0.")
    return pairs
