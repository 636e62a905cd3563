"""What each of the practices brings: trains a table of taggers on CoNLL-2000 chunks and UD parts of speech.

    SEQLAB_DATA=FOLDER KERAS_BACKEND=jax python scripts/practice_table.py run      # hours; stop and go on at will
    python scripts/practice_table.py table                                         # the table of what is there

Every row: 3,000 training sentences, drawn by a fixed seed, batches of 10, Adam with a constant rate of 3e-3, 10 epochs,
the one with the best development figure; a row whose name says otherwise differs in that alone. `full` is what the rows
after it change. Each finished run is a line of the results file, which is all that another machine needs to go on; a
run that is cut off goes on from its last epoch where its folder is there. Members of an ensemble are runs of `full`.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "recipes" / "results" / "practice.csv"
TIMES = ("seconds_per_epoch", "best_epoch")
COLUMNS = ("corpus", "row", "seed", "dev", "test", "parameters", "epochs", *TIMES)
MEMBERS = 5
Flags = dict[str, Any]
COMMON: Flags = {"data.sentences": 3000, "training.schedule": "constant"}
COMMON |= {f"training.{name}": 10 for name in ("epochs", "patience")}


class Corpus(NamedTuple):
    """A recipe, what all of its rows change, where its figure is in `scores.json`, and rows that it alone has."""

    recipe: str
    flags: Flags
    figure: tuple[str, ...]
    only: dict[str, Flags]


SECOND: Flags = {"auxiliary.task": "pos"}
CORPORA = {
    "chunk": Corpus(
        "recipes/conll2000_chunking.py",
        {"auxiliary.task": None},
        ("overall", "f1"),
        {"full + POS as second target": SECOND, "full + POS column": {"words.columns": "pos"}},
    ),
    "pos": Corpus("recipes/ud_pos.py", {}, ("accuracy",), {}),
}
DRY: Flags = {"encoder.dropout": 0}
BARE: Flags = {**DRY, "words.casing": False, "words.chars": None}
THREE: Flags = {"encoder.layers": 3}
FULL = "+ variational dropout .3 (full)"
ROWS: dict[str, Flags] = {
    "base: words": {**BARE, "words.vectors": None, "words.dim": 50},
    "+ GloVe": BARE,
    "+ char-CNN": {**BARE, "words.chars": "cnn"},
    "+ char-LSTM in its place": {**BARE, "words.chars": "lstm"},
    "+ casing (and char-CNN)": DRY,
    FULL: {},
    "full + recurrent dropout .2": {"encoder.recurrent-dropout": 0.2},
    "full + word dropout .05": {"words.dropout": 0.05},
    "full, 3 layers": THREE,
    "full, 3 layers, residual": {**THREE, "encoder.connection": "residual"},
    "full, 3 layers, highway": {**THREE, "encoder.connection": "highway"},
    "full, 3 layers, dense": {**THREE, "encoder.connection": "dense"},
    "full + attention, scaled": {"encoder.attention": "scaled"},
    "full + attention, multi-head": {"encoder.attention": "multi_head"},
    "full + annealing with restarts": {"training.schedule": "restarts", "training.patience": 2},
    "full + linear decay": {"training.schedule": "linear"},
    "full + EMA .999": {"training.average": 0.999},
}
ENSEMBLE, STUDENT = f"ensemble of {MEMBERS} of full", "full, taught by that ensemble"


def main() -> None:
    """Trains what is missing, or prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("job", choices=("run", "table"))
    parser.add_argument("--results", type=Path, default=RESULTS, help="results file")
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "practice", help="folder of the runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--corpora", nargs="+", choices=tuple(CORPORA), default=list(CORPORA))
    parser.add_argument("--rows", nargs="+", default=[""], help="parts of the names of the rows to train")
    parser.add_argument("--hours", type=float, default=float("inf"), help="start no run after so many hours")
    options = parser.parse_args()
    if options.job == "table":
        print(table(read(options.results)))
        return
    end = time.monotonic() + 3600 * options.hours
    for seed in options.seeds:
        for row in rows_of(*CORPORA):
            for corpus in options.corpora:
                wanted = row in rows_of(corpus) and any(part in row for part in options.rows)
                if wanted and time.monotonic() < end:
                    train(corpus, row, seed, options.work, options.results)


def rows_of(*corpora: str) -> list[str]:
    """The rows that one of the corpora has, in the order of the table."""
    return [*ROWS, *(row for corpus in corpora for row in CORPORA[corpus].only), ENSEMBLE, STUDENT]


def train(corpus: str, row: str, seed: int, work: Path, results: Path, model: bool = False) -> Path:
    """Trains one row and appends its result, unless that is known; returns the folder of its run.

    With `model` the model must be there too, which may have been trained on another machine.
    """
    folder = work / f"{corpus} {row} {seed}".translate({ord(letter): "-" for letter in " :,/"})
    known = any((line["corpus"], line["row"], line["seed"]) == (corpus, row, str(seed)) for line in read(results))
    if known and not (model and not (folder / "scores.json").is_file()):
        return folder
    setting = CORPORA[corpus]
    flags = {**COMMON, **setting.flags, **{**ROWS, **setting.only}.get(row, {}), "seed": seed}
    if row == ENSEMBLE:
        members = [train(corpus, FULL, one, work, results, model=True) for one in seeds_of(seed)]
        join(members, folder)
    else:
        if row == STUDENT:
            flags["distill.teacher"] = train(corpus, ENSEMBLE, seed, work, results, model=True)
        resumed = (folder / "state.npz").is_file()
        run("train", *(["--resume"] if resumed else [setting.recipe, *written(flags), "--run"]), str(folder))
    if not known:
        append(results, {"corpus": corpus, "row": row, "seed": seed, **figures(folder, setting)})
    return folder


def seeds_of(ensemble: int) -> list[int]:
    """The seeds of the members: ensembles share none, and the first member is that of the row `full`."""
    return [ensemble + 100 * member for member in range(MEMBERS)]


def join(members: list[Path], folder: Path) -> None:
    """Writes an ensemble and its scores as a run would."""
    import seqlab
    from seqlab.training.data import corpora
    from seqlab.training.run import stored_settings

    folder.mkdir(parents=True, exist_ok=True)
    run("ensemble", *map(str, members), "--out", str(folder / "model.keras"), "--overwrite")
    data = corpora(stored_settings(members[0]))
    tagger = seqlab.load(folder / "model.keras")
    scores = {name: tagger.score(part).to_dict() for name, part in (("dev", data.dev), ("test", data.test))}
    (folder / "scores.json").write_text(json.dumps(scores), encoding="utf-8")


def written(flags: Flags) -> list[str]:
    """Flags as the command line takes them.

    >>> written({"words.casing": False, "words.chars": None, "seed": 1})
    ['--words.no-casing', '--words.chars', 'None', '--seed', '1']
    """
    found: list[str] = []
    for name, value in flags.items():
        part, _, option = name.rpartition(".")
        found += [f"--{part}.no-{option}"] if value is False else [f"--{name}", str(value)]
    return found


def run(*arguments: str) -> None:
    """Runs the command line in a process of its own; what it says is shown where it fails."""
    start = [sys.executable, "-c", "import sys; from seqlab.cli.main import main; sys.exit(main(sys.argv[1:]))"]
    print(f"{time.strftime('%H:%M:%S')} seqlab {' '.join(arguments)}", flush=True)
    done = subprocess.run([*start, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"It failed with status {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")


def figures(folder: Path, setting: Corpus) -> dict[str, Any]:
    """What a finished run's folder says, with the columns of the results file."""
    import seqlab
    from seqlab.training.report import epoch_seconds

    found: dict[str, Any] = {"parameters": seqlab.load(folder / "model.keras").count_params()}
    for part, scores in json.loads((folder / "scores.json").read_text("utf-8")).items():
        for key in setting.figure:
            scores = scores[key]
        found[part] = f"{100 * scores:.2f}"
    history = folder / "history.jsonl"
    if history.is_file():
        monitored = "val_" + setting.figure[-1]
        lines = [json.loads(line)[monitored] for line in history.read_text("utf-8").splitlines()]
        seconds = [second for part in epoch_seconds(folder) for second in part[1:]]  # the first one compiles
        found["best_epoch"] = 1 + lines.index(max(lines))
        found["seconds_per_epoch"] = f"{statistics.median(seconds):.1f}" if seconds else ""
        found["epochs"] = len(lines)
    return found


def read(results: Path) -> list[dict[str, str]]:
    """The lines of the results file."""
    if not results.is_file():
        return []
    with results.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def append(results: Path, line: dict[str, Any]) -> None:
    """Adds a line to the results file."""
    results.parent.mkdir(parents=True, exist_ok=True)
    new = not results.is_file()
    with results.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(line)
    print(line, flush=True)


def table(lines: list[dict[str, str]]) -> str:
    """The table in Markdown: medians over the seeds, and all figures on test data."""
    found = []
    for corpus in CORPORA:
        found += [
            f"| {corpus} | dev | test | each seed on test | parameters | s / epoch | best epoch |",
            "|---|---|---|---|---|---|---|",
        ]
        for row in rows_of(corpus):
            mine = [line for line in lines if (line["corpus"], line["row"]) == (corpus, row)]
            if mine:
                cells = [f"{middle(mine, part):.2f}" for part in ("dev", "test")]
                cells += [", ".join(line["test"] for line in mine), f"{int(middle(mine, 'parameters')):,}"]
                cells += [f"{middle(mine, part):.1f}" if any(line[part] for line in mine) else "" for part in TIMES]
                found.append(f"| {row} | " + " | ".join(cells) + " |")
        found.append("")
    return "\n".join(found)


def middle(lines: list[dict[str, str]], column: str) -> float:
    """The median of a column's cells, but for those that are empty."""
    return statistics.median(float(line[column]) for line in lines if line[column])


if __name__ == "__main__":
    main()
