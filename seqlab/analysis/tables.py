"""Plain tables of trials: a CSV file with a header, whose columns' kinds are inferred."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.errors import DataError, SettingsError, suggest
from seqlab.studies import Parameter

FEW = 5  # so many distinct numbers, or fewer, are a choice
WIDE = 10.0  # greatest over least number from which on a range may be logarithmic


@dataclass(frozen=True)
class Rows:
    """The cells of a table by column, and the line of each row."""

    file: str
    cells: dict[str, list[str]]
    lines: tuple[int, ...]

    @property
    def names(self) -> list[str]:
        """The columns."""
        return list(self.cells)

    def known(self, name: str | None, role: str) -> str | None:
        """Returns a column's name as it is; refuses one that there is not."""
        if name is not None and name not in self.cells:
            raise SettingsError(
                f"{self.file}: there is no column {name!r} for `{role}`; expected one of {', '.join(self.names)}."
                f"{suggest(name, self.names)}"
            )
        return name

    def number(self, name: str, row: int) -> float:
        """Returns the number of a cell, NaN for an empty one."""
        text = self.cells[name][row].strip()
        try:
            return float(text) if text else math.nan
        except ValueError:
            raise DataError(f"column {name!r}: {text!r} is no number.", self.file, self.lines[row]) from None

    def value(self, parameter: Parameter, row: int) -> Any:
        """Returns a hyperparameter's value in a row, `None` where the cell is empty."""
        text = self.cells[parameter.name][row].strip()
        if not text:
            return None
        if parameter.kind in ("float", "int") or (parameter.values and not isinstance(parameter.values[0], str)):
            return self.number(parameter.name, row)
        return text.lower() == "true" if parameter.kind == "boolean" else text

    def parameter(self, name: str, log: bool = False) -> Parameter:
        """Returns what hyperparameter a column holds, as its cells tell: `infer`."""
        return infer(name, [cell.strip() for cell in self.cells[name] if cell.strip()], log, self.file)


def read_rows(path: str | Path) -> Rows:
    """Reads a CSV file with a header.

    Raises:
        DataError: With file and line, for a file that is no table of at least one row.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            if not header or len(set(header)) < len(header) or "" in header:
                raise DataError(f"expected a header of distinct names, received {header}.", str(path), 1)
            rows, lines = [], []
            for row in reader:
                if len(row) not in (0, len(header)):
                    raise DataError(f"{len(row)} cells, expected {len(header)}.", str(path), reader.line_num)
                if row:
                    rows.append(row)
                    lines.append(reader.line_num)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"no table in UTF-8 ({error}).", str(path)) from None
    if not rows:
        raise DataError("the table has no row.", str(path))
    return Rows(str(path), dict(zip(header, map(list, zip(*rows, strict=True)), strict=True)), tuple(lines))


def infer(name: str, cells: Sequence[str], log: bool = False, file: str = "") -> Parameter:
    """Returns the hyperparameter that a column's cells look like.

    `true` and `false` are a boolean, words and up to five distinct numbers a choice, whole numbers an int, others a
    float, from the least to the greatest value seen. The range is logarithmic if it spans a factor of ten and its
    values lie more evenly there: their median is nearer to the middle than on the linear scale.

    Args:
        name: The column.
        cells: What stands in it.
        log: Take a range as logarithmic in any case.
        file: Named in errors.

    Raises:
        SettingsError: For a logarithmic range of numbers that are not above 0, or of no numbers.
    """
    if cells and {cell.lower() for cell in cells} <= {"true", "false"}:
        return Parameter(name, "boolean")
    try:
        numbers = np.array([float(cell) for cell in cells])
    except ValueError:
        numbers = np.array([])
    if log and not (len(numbers) and (numbers > 0).all()):
        raise SettingsError(f"{file}: column {name!r} holds no numbers above 0 alone: its range cannot be logarithmic.")
    if not np.isfinite(numbers).all():
        raise DataError(f"column {name!r} holds a number that is not finite.", file)
    whole = bool((numbers == numbers.round()).all())
    if not len(numbers):
        return Parameter(name, "choice", values=tuple(dict.fromkeys(cells)))
    if not log and len(set(numbers)) <= FEW:
        return Parameter(name, "choice", values=tuple(sorted(set(map(int if whole else float, numbers)))))
    low, high = float(numbers.min()), float(numbers.max())
    if low > 0 and high / low >= WIDE and not log:
        middle = float(np.median(numbers))
        log = abs(math.log(middle / low) / math.log(high / low) - 0.5) < abs((middle - low) / (high - low) - 0.5)
    sampling = "log" if log else "linear"
    if whole:
        return Parameter(name, "int", int(low), int(high), sampling)
    return Parameter(name, "float", low, high, sampling)
