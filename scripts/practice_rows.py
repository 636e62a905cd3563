"""The rows of `practice_table.py`: what each changes, what it is held against, its seeds, and how they are printed."""

from __future__ import annotations

import math
import statistics
from typing import Any, NamedTuple

Flags = dict[str, Any]
Runs = dict[str, list[dict[str, str]]]  # lines of the results file by row
EPOCHS = 10
COMMON: Flags = {"data.sentences": 3000, "training.schedule": "constant"}
COMMON |= {f"training.{name}": EPOCHS for name in ("epochs", "patience")}
RULE = (
    f"Every row trains all of {EPOCHS} epochs (patience {EPOCHS}: none ends earlier); its figures are those of the "
    "epoch that is best on development data."
)
COSTS_RULE = (
    "Minutes are of all that a row needs: those of an ensemble are its members', those of the student hold its "
    "teachers', and those of the own biLM hold its training and the reading of its vectors, though one biLM serves all "
    "its rows. Parameters hold all of an ensemble and of the biLM; the student's are its own. Trainable, tokens per "
    "second and epochs are of the row's own run. Minutes are empty where the seconds of an epoch are not known. "
    "Times are by the clock, so that what else the machine did shows in them, up to a factor of two so far."
)
VERDICT_RULE = (
    "Differences are of medians on test data. A row helps or hurts where the difference is more than twice its "
    "standard error, by the spread of the runs of `full`: its own, and those that are members of ensembles."
)
LEAST = 5  # runs of `full`, before their spread says anything
MEMBERS = 5
COSTS = ("parameters", "trainable", "tokens_per_second", "minutes", "epochs", "best_epoch")
APART = 100  # between the seeds of an ensemble's members; the rows' own are below


class Corpus(NamedTuple):
    """A recipe, what all of its rows change, where its figure is in `scores.json`, and rows that it alone has."""

    recipe: str
    flags: Flags
    figure: tuple[str, ...]
    only: dict[str, Flags]


SECOND: Flags = {"auxiliary.task": "pos"}
LINEAR: Flags = {"training.schedule": "linear"}
ALL: Flags = {"data.sentences": None}
DRY: Flags = {"encoder.dropout": 0}
BARE: Flags = {**DRY, "words.casing": False, "words.chars": None}
WORDS: Flags = {**BARE, "words.vectors": None, "words.dim": 50}
THREE: Flags = {"encoder.layers": 3}
RESTARTS: Flags = {"training.schedule": "restarts", "training.patience": 2, "training.restarts": EPOCHS}

BASE, GLOVE, CNN, CASING = "base: words", "+ GloVe", "+ char-CNN", "+ casing (and char-CNN)"
FULL, DEEP = "+ variational dropout .3 (full)", "full, 3 layers"
BILM = "full + own biLM of all training text"
ENSEMBLE, STUDENT = f"ensemble of {MEMBERS} of full", "full, taught by that ensemble"
BASE_ALL, BEST_ALL = "base, all data", "best, all data"

ROWS: dict[str, Flags] = {
    BASE: WORDS,
    GLOVE: BARE,
    CNN: {**BARE, "words.chars": "cnn"},
    "+ char-LSTM in its place": {**BARE, "words.chars": "lstm"},
    CASING: DRY,
    FULL: {},
    "full + recurrent dropout .2": {"encoder.recurrent-dropout": 0.2},
    "full + word dropout .05": {"words.dropout": 0.05},
    DEEP: THREE,
    "full, 3 layers, residual": {**THREE, "encoder.connection": "residual"},
    "full, 3 layers, highway": {**THREE, "encoder.connection": "highway"},
    "full, 3 layers, dense": {**THREE, "encoder.connection": "dense"},
    "full + attention, scaled": {"encoder.attention": "scaled"},
    "full + attention, multi-head": {"encoder.attention": "multi_head"},
    "full + annealing with restarts": RESTARTS,
    "full + linear decay": LINEAR,
    "full + EMA .999": {"training.average": 0.999},
    BILM: {},
}
CORPORA = {
    "chunk": Corpus(
        "recipes/conll2000_chunking.py",
        {"auxiliary.task": None},
        ("overall", "f1"),
        {
            "full + POS as second target": SECOND,
            "full + POS column": {"words.columns": "pos"},
            BASE_ALL: {**ALL, **WORDS},
            BEST_ALL: {**ALL, **LINEAR, **SECOND},
        },
    ),
    "pos": Corpus("recipes/ud_pos.py", {}, ("accuracy",), {BASE_ALL: {**ALL, **WORDS}, BEST_ALL: {**ALL, **LINEAR}}),
}
REFERENCES = {
    BASE: None,
    BASE_ALL: None,
    GLOVE: BASE,
    CNN: GLOVE,
    "+ char-LSTM in its place": GLOVE,
    CASING: CNN,
    FULL: CASING,
    BEST_ALL: BASE_ALL,
    **dict.fromkeys([row for row in ROWS if row.startswith(f"{DEEP}, ")], DEEP),
}
"""What a row is held against: `FULL`, if nothing else is said."""


def rows_of(*corpora: str) -> list[str]:
    """The rows that one of the corpora has, in the order of the table."""
    only = dict.fromkeys(row for corpus in corpora for row in CORPORA[corpus].only)
    last = [row for row in only if row in (BASE_ALL, BEST_ALL)]
    return [*ROWS, *(row for row in only if row not in last), ENSEMBLE, STUDENT, *last]


def flags_of(corpus: str, row: str) -> Flags:
    """All that a row changes of its recipe."""
    setting = CORPORA[corpus]
    return {**COMMON, **setting.flags, **{**ROWS, **setting.only}.get(row, {})}


def seeds_of(row: str) -> tuple[int, ...]:
    """The seeds by which a row is trained."""
    return (1, 2, 3) if row in (BASE_ALL, BEST_ALL) else (1, 2)


def members_of(ensemble: int) -> list[int]:
    """The seeds of the members: ensembles share none, and the first member is that of the row `full`."""
    return [ensemble + APART * member for member in range(MEMBERS)]


def table(lines: list[dict[str, str]]) -> str:
    """The table in Markdown: medians over the runs, their spread, and whether a row helps."""
    found = [RULE, COSTS_RULE, VERDICT_RULE, ""]
    for corpus in CORPORA:
        found += [
            f"| {corpus} | dev | test | min to max | against | difference | {' | '.join(COSTS).replace('_', ' ')} |",
            "|---" * (6 + len(COSTS)) + "|",
        ]
        by_row = grouped(lines, corpus)
        for row, mine in by_row.items():
            if mine:
                tests = sorted(float(line["test"]) for line in mine)
                cells = [f"{middle(mine, part):.2f}" for part in ("dev", "test")]
                cells += [f"{tests[0]:.2f} to {tests[-1]:.2f}", reference_of(row) or "", difference(by_row, row)]
                cells += [f"{middle(mine, part):,.4g}" if any(line[part] for line in mine) else "" for part in COSTS]
                found.append(f"| {row} | " + " | ".join(cells) + " |")
        found.append("")
    return "\n".join(found)


def brief(lines: list[dict[str, str]]) -> str:
    """The README's table: of each corpus the median on test data, and how much better that is than the reference's."""
    found = [f"| row | against | {' | '.join(CORPORA)} |", "|---" * (2 + len(CORPORA)) + "|"]
    by_corpus = [grouped(lines, corpus) for corpus in CORPORA]
    for row in rows_of(*CORPORA):
        cells = [reference_of(row) or ""]
        for by_row in by_corpus:
            told = difference(by_row, row)
            figure = f"{middle(by_row[row], 'test'):.2f}" if by_row.get(row) else ""
            cells.append(f"{figure} ({told})" if told else figure)
        found.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(found)


def reference_of(row: str) -> str | None:
    """What a row is held against."""
    return REFERENCES.get(row, FULL)


def grouped(lines: list[dict[str, str]], corpus: str) -> Runs:
    """The runs of each row of a corpus; the members of ensembles are runs of `FULL`."""
    own = [line for line in lines if line["corpus"] == corpus]
    return {row: [line for line in own if line["row"] == row] for row in rows_of(corpus)}


def difference(by_row: Runs, row: str) -> str:
    """How much better a row's median is than its reference's, see `VERDICT_RULE`: `+0.35, helps`."""
    mine, others = by_row.get(row, []), by_row.get(reference_of(row) or "", [])
    if not mine or not others:
        return ""
    # Of the figures as they are printed.
    value = round(float(f"{middle(mine, 'test'):.2f}") - float(f"{middle(others, 'test'):.2f}"), 2)
    spread = [float(line["test"]) for line in by_row.get(FULL, [])]
    if len(spread) < LEAST:
        return f"{value:+.2f}"
    error = statistics.stdev(spread) * math.sqrt(1 / len(mine) + 1 / len(others))
    verdict = "unclear" if abs(value) <= 2 * error else "helps" if value > 0 else "hurts"
    return f"{value:+.2f}, {verdict}"


def middle(lines: list[dict[str, str]], column: str) -> float:
    """The median of a column's cells, but for those that are empty."""
    return statistics.median(float(line[column]) for line in lines if line[column])
