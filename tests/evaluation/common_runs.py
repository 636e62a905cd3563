"""A table of results and their curves, as `scripts/sc_lstm_tables.py` writes them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

HEADER = ("experiment", "model", "tasks", "task", "seed", "dev", "test", "minutes")
CURVE_HEADER = ("experiment", "model", "tasks", "task", "seed", "epoch", "dev", "loss")
TRIPLE = "pos chunk ner"
# test scores of the table: model, task, then seeds 1 to 3
TABLE = {
    ("stl", "pos"): (93.1, 93.4, 93.2),
    ("stl", "chunk"): (92.0, 92.3, 92.9),
    ("sc_lstm", "pos"): (93.9, 93.8, 94.1),
    ("sc_lstm", "chunk"): (92.6, 92.4, 93.6),
    ("lstm_s", "pos"): (93.0,),
}
# test scores of the combinations, seeds 1 and 2: model, tasks, task
SETS = {
    ("stl", TRIPLE, "pos"): (90.0, 90.4),
    ("stl", TRIPLE, "chunk"): (88.0, 88.2),
    ("stl", TRIPLE, "ner"): (30.0, 31.0),
    ("sc_lstm", "pos chunk", "pos"): (90.5, 90.7),
    ("sc_lstm", "pos chunk", "chunk"): (89.0, 89.4),
    ("sc_lstm", TRIPLE, "pos"): (90.6, 90.2),
    ("sc_lstm", TRIPLE, "chunk"): (89.5, 89.3),
    ("sc_lstm", TRIPLE, "ner"): (33.0, 31.5),
}


def lines() -> list[tuple[Any, ...]]:
    """All results; development scores are a point above those on test data."""
    found: list[tuple[Any, ...]] = []
    for (model, task), scores in TABLE.items():
        found += [("table", model, "pos chunk", task, k, s + 1, s, 2.5) for k, s in enumerate(scores, 1)]
    for (model, tasks, task), scores in SETS.items():
        found += [("sets", model, tasks, task, k, s + 1, s, "") for k, s in enumerate(scores, 1)]
    return found


def curve_lines() -> list[tuple[Any, ...]]:
    """The course of each result, towards its development score; seed 2 stops after two epochs."""
    return [
        (*line[:5], epoch, line[5] - 8 / epoch, 0.5) for line in lines() for epoch in range(1, 3 if line[4] == 2 else 4)
    ]


def write(folder: Path) -> tuple[Path, Path]:
    """Writes both tables into a folder."""
    places = folder / "results.csv", folder / "curves.csv"
    for place, header, rows in zip(places, (HEADER, CURVE_HEADER), (lines(), curve_lines()), strict=True):
        put(place, header, rows)
    return places


def put(place: Path, header: Any, rows: Any) -> Path:
    """Writes one table."""
    with place.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return place
