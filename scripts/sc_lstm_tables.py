"""Runs for Table 3 and Figures 3 and 4 of the SC-LSTM paper, with the corpora of `recipes/sc_lstm_table3.py`.

    export SEQLAB_DATA=FOLDER KERAS_BACKEND=jax
    python scripts/sc_lstm_tables.py table3 --seeds 1 2                  # hours; stop and go on at will
    python scripts/sc_lstm_tables.py table3 --units 300 --layers 3 --models stl lstm_s sc_lstm
    python scripts/sc_lstm_tables.py combinations                        # pairs and triple, 3,000 sentences a task
    python scripts/sc_lstm_tables.py table3 --models sc_lstm --set training.learning_rate=0.003 encoder.dropout=0.3
    seqlab report recipes/results.csv --curves recipes/results/curves.csv --output report

Every run is a `seqlab train` in a process of its own. A finished one is a line for each task in the results file, which
is all that another machine needs to go on; one that is cut off goes on from its last epoch where its folder is there.
`stl` shares nothing between tasks: one run of it stands for every combination. Scores are in per cent; times are by the
clock and hold the scoring of development data, which under `--set data.join_dev=true`, of every task, was learnt too.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

from practice_table import ROOT, read, run

RECIPE = ROOT / "recipes" / "sc_lstm_table3.py"
RESULTS = ROOT / "recipes" / "results.csv"
CURVES = ROOT / "recipes" / "results" / "curves.csv"
KEY = ("experiment", "model", "tasks", "seed")
COSTS = ("epochs", "minutes", "parameters", "tokens_per_second", "backend")
COLUMNS = ("experiment", "model", "tasks", "task", "seed", "dev", "test", *COSTS)
CURVE_COLUMNS = ("experiment", "model", "tasks", "task", "seed", "epoch", "dev", "loss", "dev_loss")
TASKS = ("pos", "chunk", "ner")
MODELS = ("stl", "lstm_s", "lstm_d", "sc_lstm")
SEPARATE = "stl"
OWN = ("seed", "encoder.kind", "encoder.units", "encoder.layers", "training.epochs", "training.patience")
NAMES = "wnut17"
EPOCHS, PATIENCE = 12, 3
TURN = 60.0  # seconds to wait for another process that writes
LOW = "pos"  # what lstm_d reads from the first layer; the others read the last
Line = dict[str, Any]


class Run(NamedTuple):
    """One training: a model, the tasks that it learns, and a seed."""

    model: str
    tasks: tuple[str, ...]
    seed: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("job", choices=("table3", "combinations"))
    parser.add_argument("--models", nargs="+", choices=MODELS, help="all for table3, stl and sc_lstm for combinations")
    parser.add_argument("--units", type=int, default=100)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="most epochs")
    parser.add_argument("--patience", type=int, default=PATIENCE)
    parser.add_argument("--sentences", type=int, help="of each task; all for table3, 3000 for combinations")
    parser.add_argument("--set", type=change, nargs="+", action="extend", default=[], help="NAME=VALUE of the recipe")
    parser.add_argument("--recipe", type=Path, default=RECIPE)
    parser.add_argument("--results", type=Path, default=RESULTS, help="results file")
    parser.add_argument("--curves", type=Path, default=CURVES, help="file of the scores after each epoch")
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "sc_lstm", help="folder of the runs")
    parser.add_argument("--hours", type=float, default=float("inf"), help="start no run after so many hours")
    options = parser.parse_args(arguments)
    options.work, options.recipe = options.work.resolve(), options.recipe.resolve()  # runs start in the repository
    if options.job == "combinations":
        options.sentences = options.sentences or 3000
    end = time.monotonic() + 3600 * options.hours
    for one in runs_of(options.job, options.models, options.seeds):
        if time.monotonic() < end:
            train(one, options)


def change(text: str) -> str:
    """Returns NAME=VALUE, `_` for `-` in the name, if it is that and nothing that the tables have options for."""
    name, found, value = text.partition("=")
    name = name.replace("-", "_")
    if not name or not found:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, received {text!r}")
    if name in OWN or name.startswith(("tasks", "data.sentences")):
        raise argparse.ArgumentTypeError(f"{name} is set by the table itself, see --help; received {text!r}")
    return f"{name}={value}"


def runs_of(job: str, models: Sequence[str] | None, seeds: Sequence[int]) -> list[Run]:
    """The runs of a table, all models of a seed before the next seed."""
    sets = [TASKS] if job == "table3" else [*combinations(TASKS, 2), TASKS]
    models = models or (MODELS if job == "table3" else (SEPARATE, "sc_lstm"))
    return [
        Run(model, tasks, seed)
        for seed in seeds
        for model in models
        for tasks in sets
        if model != SEPARATE or tasks == TASKS
    ]


def experiment(options: argparse.Namespace) -> str:
    """What runs of one table have in common, in words; what is as usual goes without saying."""
    found = f"{options.job} {options.units} x {options.layers}"
    if options.sentences:
        found += f" on {options.sentences} sentences a task"
    for name, value, usual in (
        ("recipe", options.recipe.stem, RECIPE.stem),
        ("names", os.environ.get("SEQLAB_NER", NAMES), NAMES),
        ("epochs", options.epochs, EPOCHS),
        ("patience", options.patience, PATIENCE),
    ):
        if value != usual:
            found += f" {name} {value}"
    return found + "".join(f" {one}" for one in sorted(options.set))


def flags(one: Run, options: argparse.Namespace) -> list[str]:
    """What the recipe is changed by: `data.NAME` for every task; tasks count from 0 among those that are trained."""
    found = ["--only", *one.tasks, "--encoder.kind", one.model, "--seed", str(one.seed)]
    for part, names in (("encoder", ("units", "layers")), ("training", ("epochs", "patience"))):
        for name in names:
            found += [f"--{part}.{name}", str(getattr(options, name))]
    for name, _, value in (text.partition("=") for text in options.set):
        part, dot, own = name.rpartition(".")
        switch = {"true": own, "false": f"no-{own}"}.get(value.lower())
        given = [own, *value.split()] if switch is None else [switch]
        for place in [f"tasks.{number}." for number in range(len(one.tasks))] if part == "data" else [""]:
            found += [f"--{place}{part}{dot}{given[0]}", *given[1:]]
    for number, task in enumerate(one.tasks):
        if options.sentences:
            found += [f"--tasks.{number}.data.sentences", str(options.sentences)]
        if one.model == "lstm_d":
            found += [f"--tasks.{number}.depth", "1" if task == LOW else str(options.layers)]
    return found


def train(one: Run, options: argparse.Namespace) -> None:
    """Trains one run, or goes on with it, and writes its results and curves, unless they are known."""
    common = {
        "experiment": experiment(options),
        "model": one.model,
        "tasks": " ".join(one.tasks),
        "seed": str(one.seed),
    }
    known = {line["task"] for line in read(options.results) if _key(line) == _key(common)}
    if known == set(one.tasks):
        return
    folder = options.work / "-".join(common.values()).replace(" ", "-").replace("/", "_")
    begun = (folder / "state.npz").is_file()
    run("train", *(["--resume"] if begun else [str(options.recipe), *flags(one, options), "--run"]), str(folder))
    course, found = curves(folder, one.tasks), figures(folder, one.tasks)  # before either file has lines of this run
    put(options.curves, CURVE_COLUMNS, [{**common, **line} for line in course])
    put(options.results, COLUMNS, [{**common, **line} for line in found])


def figures(folder: Path, tasks: Sequence[str]) -> list[Line]:
    """What a finished run's folder says of each task."""
    import seqlab
    from seqlab.multitask_settings import MultiTaskSettings
    from seqlab.training import multitask
    from seqlab.training.folder import stored_settings
    from seqlab.training.report import epoch_seconds, run_seconds

    data = multitask.read(stored_settings(folder, MultiTaskSettings))
    tokens = sum(corpus.tokens for corpus in data.train.values())
    parts, seconds = epoch_seconds(folder), run_seconds(folder)  # of epochs that an older version trained there is none
    usual = [second for part in parts for second in part[1:]] or [part[0] for part in parts]  # the first one compiles
    costs = {
        "epochs": len(_history(folder)),
        "minutes": "" if seconds is None else f"{seconds / 60:.2f}",
        "parameters": seqlab.load(folder / "model.keras").count_params(),
        "tokens_per_second": round(tokens / statistics.median(usual)) if usual else "",
        "backend": json.loads((folder / "versions.json").read_text("utf-8"))["backend"],
    }
    scores = json.loads((folder / "scores.json").read_text("utf-8"))
    found = []
    for task in tasks:
        by_part = {
            part: scores[part]["tasks"][task]["overall"]["f1"] for part in scores if task in scores[part]["tasks"]
        }
        found.append({"task": task, **{part: f"{100 * score:.2f}" for part, score in by_part.items()}, **costs})
    return found


def curves(folder: Path, tasks: Sequence[str]) -> list[Line]:
    """Score and loss of each task after each epoch; the loss is that of the task, without its weight."""
    return [
        {
            "task": task,
            "epoch": 1 + int(line["epoch"]),
            "dev": f"{100 * line[f'val_{task}_f1']:.2f}",
            "loss": f"{line[f'{task}_loss']:.5f}",
            "dev_loss": f"{line[f'val_{task}_loss']:.5f}",
        }
        for task in tasks
        for line in _history(folder)
    ]


def _history(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "history.jsonl").read_text("utf-8").splitlines()]


def put(file: Path, columns: Sequence[str], lines: Sequence[Line]) -> None:
    """Writes the lines of one run at the end of a file, in place of what a cut may have left of them.

    Runs of other processes may end at the same time: each waits for its turn, so that no line is lost.
    """
    from seqlab.files import write_text

    with _turn(file.parent):
        kept = [line for line in read(file) if _key(line) != _key(lines[0])]
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*kept, *lines])
        write_text(file, text.getvalue())


def _turn(folder: Path) -> ExitStack:
    """Locks a folder; waits while another process holds it, but not for ever."""
    from seqlab.errors import SettingsError
    from seqlab.training.lock import locked

    stack, end = ExitStack(), time.monotonic() + TURN
    while True:
        try:
            stack.enter_context(locked(folder))
            return stack
        except SettingsError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def _key(line: Line) -> tuple[str, ...]:
    return tuple(str(line[name]) for name in KEY)


if __name__ == "__main__":
    main()
