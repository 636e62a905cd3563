"""Pen strokes in the XML of IAM-OnDB, and the features of Greff et al. (2017)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np

from seqlab.errors import DataError

COORDINATES = ("x", "y", "time")


def read_strokes(path: str | os.PathLike[str]) -> list[np.ndarray]:
    """Reads the strokes of one line of handwriting.

    `StrokeSet` holds `Stroke` elements, these `Point x= y= time=` elements; everything else is passed over. A document
    type with entities is refused: a small file could otherwise stand for gigabytes.

    Args:
        path: The file.

    Returns:
        For each stroke its points, (points, 3): x, y, time in seconds.

    Raises:
        DataError: The file is missing, is no XML, declares entities, has no strokes, or a stroke without points, or a
            point without its numbers; with the line.
    """
    file = os.fspath(path)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"Cannot be read ({error.strerror}); expected the XML of a line of strokes.", file) from None
    reader = _Reader(file)
    try:
        reader.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise DataError(f"Not well-formed XML ({expat.ErrorString(error.code)}).", file, error.lineno) from None
    if not reader.strokes:
        raise DataError("Holds no strokes; expected Stroke elements with Point elements in a StrokeSet.", file)
    return [np.array(points, np.float64) for points in reader.strokes]


class _Reader:
    """Collects the points as the parser comes by them."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.strokes: list[list[list[float]]] = []
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.EntityDeclHandler = self._entity

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "Stroke":
            self.strokes.append([])
        elif name == "Point":
            if not self.strokes:
                raise self._error("A Point stands outside of any Stroke.")
            try:
                point = [float(attributes[key]) for key in COORDINATES]
            except (KeyError, ValueError):
                raise self._error(f"A Point has {attributes}; expected numbers for x, y and time.") from None
            if not np.isfinite(point).all():
                raise self._error(f"A Point has {attributes}; expected finite numbers.")
            self.strokes[-1].append(point)

    def _end(self, name: str) -> None:
        if name == "Stroke" and not self.strokes[-1]:
            raise self._error("A Stroke has no points.")

    def _entity(self, name: str, *rest: Any) -> None:
        raise self._error(f"Declares the entity {name!r}; files of strokes have none, and it is not read.")

    def _error(self, message: str) -> DataError:
        return DataError(message, self.file, self.parser.CurrentLineNumber)


def stroke_features(strokes: list[np.ndarray]) -> np.ndarray:
    """Computes the four features of each point: change in x, change in y, time since its stroke began, pen up.

    The first point has no change. Pen up is 1 at the last point of each stroke, else 0.

    Args:
        strokes: What `read_strokes` returns.

    Returns:
        (points, 4) float64.

    >>> stroke_features([np.array([[0.0, 0.0, 5.0], [1.0, 2.0, 5.5]]), np.array([[4.0, 2.0, 9.0]])]).tolist()
    [[0.0, 0.0, 0.0, 0.0], [1.0, 2.0, 0.5, 1.0], [3.0, 0.0, 0.0, 1.0]]
    """
    points = np.concatenate(strokes)
    changes = np.diff(points[:, :2], axis=0, prepend=points[:1, :2])
    times = np.concatenate([stroke[:, 2] - stroke[0, 2] for stroke in strokes])
    up = np.concatenate([np.arange(len(stroke)) == len(stroke) - 1 for stroke in strokes])
    return np.column_stack([changes, times, up])


def halved(features: np.ndarray) -> np.ndarray:
    """Makes one step of two: the second one's position and time, with the pen up if it was at either (OR).

    Changes are those between the positions that are kept. An odd last step stands alone.

    >>> halved(np.array([[1.0, 0.0, 0.1, 1.0], [2.0, 1.0, 0.0, 0.0], [5.0, 5.0, 0.3, 0.0]])).tolist()
    [[3.0, 1.0, 0.0, 1.0], [5.0, 5.0, 0.3, 0.0]]
    """
    pairs = np.arange(0, len(features), 2)
    changes = np.add.reduceat(features[:, :2], pairs, axis=0)
    times = features[np.minimum(pairs + 1, len(features) - 1), 2]
    up = np.maximum.reduceat(features[:, 3], pairs)
    return np.column_stack([changes, times, up])
