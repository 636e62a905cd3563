"""What an analysis has found so far: the report as it grows, its notes, and its tables as rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seqlab.analysis.document import Document, write_report
from seqlab.analysis.fanova import Fanova, Importance, Share
from seqlab.analysis.plots import Cap
from seqlab.analysis.trials import Diverged, Measure, Sample, Trials
from seqlab.errors import DataError, SettingsError

HEADERS = {
    "importances": "study,of,hyperparameters,share,over_trees,over_forests",
    "marginals": "study,of,hyperparameter,value,mean,over_trees",
    "tests": "study,group,n,mean,difference,t,freedom,p,p_corrected,detectable,verdict",
}


@dataclass(frozen=True)
class Options:
    """How studies are analysed.

    Attributes:
        group: Hyperparameter whose values are compared, as `variant`.
        baseline: Value that the others are compared with; its first one if not given.
        best: Fraction of each group's trials, the best by validation score, that are tested.
        alpha: Chance of any false finding among a study's tests.
        power: Chance to find the detectable difference.
        measure: What the analysis of variance explains, `score` or `test`.
        diverged: What becomes of trials that diverged in it, `worst` or `leave_out`.
        cap: Worst value that counts in it, and that boxes and times show.
        trees: Trees of a forest.
        leaf: Least number of trials in a leaf.
        pairs: How many pairs of hyperparameters are drawn, those with the greatest interaction; `group` is in none.
        seed: Of the forests.
        jobs: Threads; all cores if not given.
    """

    group: str | None = None
    baseline: str | None = None
    best: float = 0.1
    alpha: float = 0.05
    power: float = 0.8
    measure: Measure = "score"
    diverged: Diverged = "worst"
    cap: float | None = None
    trees: int = 100
    leaf: int = 3
    pairs: int = 6
    seed: int = 1
    jobs: int | None = None

    def check(self) -> None:
        """Refuses what contradicts itself."""
        if self.baseline is not None and self.group is None:
            raise SettingsError(f"a baseline ({self.baseline!r}) is one of a group's values: name the group too.")
        if self.pairs < 0:
            raise SettingsError(f"`pairs` must be at least 0. Received: {self.pairs}.")

    def label(self, objective: str) -> str:
        """What the measure is called in figures."""
        return objective if self.measure == "score" else on_test(objective)

    def drawn(self, sign: int) -> Cap | None:
        """The worst value that figures show, the sign being that of the trials; `None` for any."""
        return None if self.cap is None else Cap(self.cap, sign)


@dataclass
class Findings:
    """The report as it grows.

    Attributes:
        options: How studies are analysed.
        document: The report.
        notes: What could not be done, and why.
        rows: Of `importances`, `marginals` and `tests`.
    """

    options: Options
    document: Document
    notes: list[str] = field(default_factory=list)
    rows: dict[str, list[list[Any]]] = field(default_factory=lambda: {name: [] for name in HEADERS})

    @property
    def capped(self) -> str:
        """What a caption says of the cap."""
        return "" if self.options.cap is None else f" What is worse than {self.options.cap:g} is drawn as it."

    def note(self, text: str) -> None:
        """Adds what could not be done."""
        self.notes.append(text)
        self.document.text(f"Note: {text}")

    def fanova(self, sample: Sample, trials: Trials) -> Fanova:
        """Grows the forest of a sample of trials, which errors name."""
        options = self.options
        try:
            return Fanova(
                sample.axes, sample.places, sample.targets, options.trees, options.leaf, options.seed, options.jobs
            )
        except DataError as error:
            raise DataError(f"{trials.name}: {error}", trials.file) from None

    def importance(self, found: Importance, name: str, measure: str) -> None:
        """Adds the table of shares: singles, then pairs, each from the greatest to the least."""
        self.document.table(
            ["", "share", "over trees", "over forests"],
            [
                [label, f"{share.mean:.1%}", *(f"± {spread:.2%}" for spread in share[1:])]
                for label, share in self.shares(found, name, measure)
            ],
        )

    def shares(self, found: Importance, name: str, measure: str) -> list[tuple[str, Share]]:
        """Keeps all shares for the CSV table, and returns them in the order of `importance`."""
        singles = [(single, found.single(single)) for single in found.names]
        pairs = [(f"{one} x {other}", found.pair(one, other)) for one, other in found.pairs]
        order = [*sorted(singles, key=_falling), *sorted(pairs, key=_falling), ("higher order", found.higher())]
        self.rows["importances"] += [[name, measure, label, *share] for label, share in order]
        return order

    def write(self, folder: str | Path) -> None:
        """Writes the report, its figures, and its tables as CSV, but for those without a row.

        A folder that holds such a report is replaced.

        Raises:
            FileExistsError: If something else stands there.
        """
        tables = {name: [HEADERS[name].split(","), *rows] for name, rows in self.rows.items()}
        write_report(self.document, tables, folder)


def on_test(objective: str) -> str:
    """What the figure of an objective is called on test data.

    >>> on_test("val_loss")
    'test loss'
    """
    return f"test {objective.removeprefix('val_').removeprefix('valid_').removeprefix('dev_')}"


def _falling(row: tuple[str, Share]) -> float:
    return -row[1].mean
