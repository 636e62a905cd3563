"""The rows of the table, and how it is printed."""

from __future__ import annotations

from typing import Any

import pytest
from practice_rows import (
    BASE_ALL,
    BEST_ALL,
    BILM,
    CORPORA,
    COSTS,
    ENSEMBLE,
    EPOCHS,
    FULL,
    REFERENCES,
    ROWS,
    STUDENT,
    brief,
    difference,
    flags_of,
    members_of,
    rows_of,
    seeds_of,
    table,
)
from practice_table import ROOT, read

from seqlab.cli.train import read_recipe
from seqlab.settings import Settings


@pytest.mark.parametrize("corpus", CORPORA)
def test_every_row_is_a_setting_of_the_recipe(corpus: str) -> None:
    setting = CORPORA[corpus]
    recipe = read_recipe(str(ROOT / setting.recipe))
    seen = set()
    for row in rows_of(corpus):
        values = recipe.model_dump()
        for name, value in flags_of(corpus, row).items():
            part, _, option = name.replace("-", "_").partition(".")
            assert option in values[part], name
            values[part][option] = (value,) if name == "words.columns" else value
        seen.add(Settings(**values).model_dump_json())
        assert Settings(**values) != recipe or row == BEST_ALL
    assert len(seen) == len(rows_of(corpus)) - len({ENSEMBLE, STUDENT, BILM})  # which are as FULL here


@pytest.mark.parametrize("corpus", CORPORA)
def test_every_row_trains_as_many_epochs(corpus: str) -> None:
    """Nothing ends earlier: neither patience nor the last of the restarts, which come after 2 epochs at the soonest."""
    for row in rows_of(corpus):
        flags = flags_of(corpus, row)
        patience = flags["training.patience"] * (flags.get("training.restarts", 0) + 1)
        assert flags["training.epochs"] == EPOCHS <= patience
        assert flags["data.sentences"] == (None if row in (BASE_ALL, BEST_ALL) else 3000)


def test_every_row_has_a_reference_and_seeds() -> None:
    for corpus in CORPORA:
        rows = rows_of(corpus)
        assert rows[-4:] == [ENSEMBLE, STUDENT, BASE_ALL, BEST_ALL]
        for row in rows:
            reference = REFERENCES.get(row, FULL)
            assert reference is None or (reference in rows and reference != row)
    assert set(REFERENCES) <= {*ROWS, BASE_ALL, BEST_ALL}
    assert seeds_of(BEST_ALL) == (1, 2, 3) and seeds_of(FULL) == (1, 2)
    members = [seed for one in seeds_of(ENSEMBLE) for seed in members_of(one)]
    assert len(set(members)) == 10 and {1, 2} < set(members)


def line(seed: int, test: str, row: str = FULL, **cells: str) -> dict[str, str]:
    return {
        **dict.fromkeys(COSTS, ""), "corpus": "pos", "row": row, "seed": str(seed), "dev": "90", "test": test, **cells
    }  # fmt: skip


def test_the_table_has_medians_spread_and_costs() -> None:
    costs: dict[str, Any] = {"parameters": "1200", "epochs": "10"}
    lines = [line(1, "80.00", **costs), line(2, "81.00", **costs), line(101, "83.00", **costs)]  # a member's counts too
    assert (
        f"| {FULL} | 90.00 | 81.00 | 80.00 to 83.00 | + casing (and char-CNN) |  | 1,200 |  |  |  | 10 |  |"
        in table(lines)
    )
    lines[0]["minutes"] = "2.5"  # of the one seed whose run was not resumed within its only epoch
    assert "| 1,200 |  |  | 2.5 | 10 |  |" in table(lines) and "| 1,200 |  |  | 2.5 | 10 |  |" in table(lines[::-1])
    text = table([*lines, line(1, "81.30", BILM), line(2, "82.50", BILM)])
    assert f"| {BILM} | 90.00 | 81.90 | 81.30 to 82.50 | {FULL} | +0.90 |" in text
    assert text.startswith(f"Every row trains all of {EPOCHS} epochs (patience {EPOCHS}: none ends earlier)")
    assert "Minutes are of all that a row needs: those of an ensemble are its members'" in text


# Of 79 to 81 the standard deviation is 1, so that of a difference between 2 runs and these 5 is 0.837.
SPREAD = ("79", "79", "80", "81", "81")


@pytest.mark.parametrize(
    ("mine", "full", "found"),
    [
        (("81", "82.3"), SPREAD, "+1.65, unclear"),
        (("81", "82.4"), SPREAD, "+1.70, helps"),
        (("79", "77.7"), SPREAD, "-1.65, unclear"),
        (("79", "77.6"), SPREAD, "-1.70, hurts"),
        (("82.1",), SPREAD, "+2.10, unclear"),
        (("82.2",), SPREAD, "+2.20, helps"),  # of 1 run and 5 it is 1.095
        (("88.836",), ("87.054",), "+1.79"),  # as the medians are printed, 88.84 and 87.05; no spread is known
        ((), SPREAD, ""),
        (("80",), (), ""),
    ],
)
def test_whether_a_row_helps(mine: tuple[str, ...], full: tuple[str, ...], found: str) -> None:
    runs = {row: [line(n, test) for n, test in enumerate(tests)] for row, tests in ((BILM, mine), (FULL, full))}
    assert difference(runs, BILM) == found


def test_the_brief_table_has_all_corpora_side_by_side() -> None:
    chunks = [{**line(1, "90.00", BASE_ALL), "corpus": "chunk"}, {**line(1, "95.50", BEST_ALL), "corpus": "chunk"}]
    lines = [line(seed, test, row) for row, tests in {BASE_ALL: (80, 82), BEST_ALL: (85, 86)}.items()
             for seed, test in enumerate(map(str, tests), 1)]  # fmt: skip
    text = brief([*chunks, *lines])
    assert f"| {BASE_ALL} |  | 90.00 | 81.00 |" in text and f"| {FULL} | + casing (and char-CNN) |  |  |" in text
    assert text.endswith(f"| {BEST_ALL} | {BASE_ALL} | 95.50 (+5.50) | 85.50 (+4.50) |")


def test_the_readme_has_the_table_of_the_results() -> None:
    assert brief(read(ROOT / "recipes" / "results" / "practice.csv")) in (ROOT / "README.md").read_text("utf-8")
