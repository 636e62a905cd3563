"""The rows of `practice_table.py`: what each changes, what it is held against, its seeds, and how they are printed."""

from __future__ import annotations

import statistics
from typing import Any, NamedTuple

Flags = dict[str, Any]
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
    """The table in Markdown: medians over the seeds, their spread, and whether a row helps."""
    found = [RULE, COSTS_RULE, "Differences are of medians on test data; +, - and = are each seed's.", ""]
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
                cells.append(f"{tests[0]:.2f} to {tests[-1]:.2f}")
                reference = REFERENCES.get(row, FULL)
                step = difference(mine, by_row.get(reference or "", []))
                cells += [reference or "", f"{step.value} ({step.signs}) {step.verdict}" if step else ""]
                cells += [f"{middle(mine, part):,.4g}" if any(line[part] for line in mine) else "" for part in COSTS]
                found.append(f"| {row} | " + " | ".join(cells) + " |")
        found.append("")
    return "\n".join(found)


def brief(lines: list[dict[str, str]]) -> str:
    """The README's table: of each corpus the median on test data, and how much better that is than the reference's."""
    found = [f"| row | against | {' | '.join(CORPORA)} |", "|---" * (2 + len(CORPORA)) + "|"]
    by_corpus = {corpus: grouped(lines, corpus) for corpus in CORPORA}
    for row in rows_of(*CORPORA):
        reference = REFERENCES.get(row, FULL)
        cells = [reference or ""]
        for by_row in by_corpus.values():
            mine = by_row.get(row)
            step = difference(mine, by_row.get(reference or "", [])) if mine else None
            told = f" ({step.value}, {step.verdict})" if step else ""
            cells.append(f"{middle(mine, 'test'):.2f}{told}" if mine else "")
        found.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(found)


def grouped(lines: list[dict[str, str]], corpus: str) -> dict[str, list[dict[str, str]]]:
    """The lines of each row of a corpus, without the runs that are but members of ensembles."""
    own = [line for line in lines if line["corpus"] == corpus and int(line["seed"]) < APART]
    return {row: [line for line in own if line["row"] == row] for row in rows_of(corpus)}


class Difference(NamedTuple):
    """How much better a row is than its reference, the sign of that for each seed, and what follows."""

    value: str
    signs: str
    verdict: str


def difference(mine: list[dict[str, str]], others: list[dict[str, str]]) -> Difference | None:
    """How much better the figures of some seeds are than those of a reference, of the seeds that both have."""
    figures_of = [{line["seed"]: float(line["test"]) for line in part} for part in (mine, others)]
    seeds = sorted(figures_of[0].keys() & figures_of[1].keys())
    if not seeds:
        return None
    first, second = (statistics.median(part[seed] for seed in seeds) for part in figures_of)
    steps = [round(figures_of[0][seed] - figures_of[1][seed], 2) for seed in seeds]
    verdict = "helps" if min(steps) > 0 else "hurts" if max(steps) < 0 else "unclear"
    signs = " ".join("+" if step > 0 else "-" if step < 0 else "=" for step in steps)
    return Difference(f"{first - second:+.2f}", signs, verdict if len(seeds) > 1 else "one seed")


def middle(lines: list[dict[str, str]], column: str) -> float:
    """The median of a column's cells, but for those that are empty."""
    return statistics.median(float(line[column]) for line in lines if line[column])
