"""What each of the practices brings: trains a table of taggers on CoNLL-2000 chunks and UD parts of speech.

    SEQLAB_DATA=FOLDER KERAS_BACKEND=jax python scripts/practice_table.py run      # hours; stop and go on at will
    python scripts/practice_table.py table                                         # the table of what is there

Every row: 3,000 training sentences, drawn by a fixed seed, batches of 10, Adam with a constant rate of 3e-3, 10 epochs
and no fewer, the one with the best development figure; a row whose name says otherwise differs in that alone. `full` is
what the rows after it change. Annealing restarts from the best weights after 2 epochs without a better figure, as often
as there is time. `best` is what the recipes chose: a linear rate, and for chunks parts of speech as a second target.
The biLM reads the training text of both corpora, all of it and no label, once for all rows. Members of an ensemble are
runs of `full` by seeds of their own. Each finished run is a line of the results file, which is all that another machine
needs to go on; a run that is cut off goes on from its last epoch where its folder is there.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from practice_rows import (
    BILM,
    CORPORA,
    COSTS,
    ENSEMBLE,
    FULL,
    STUDENT,
    Corpus,
    Flags,
    flags_of,
    members_of,
    rows_of,
    seeds_of,
    table,
)

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "recipes" / "results" / "practice.csv"
COLUMNS = ("corpus", "row", "seed", "dev", "test", *COSTS)


def main() -> None:
    """Trains what is missing, or prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("job", choices=("run", "table"))
    parser.add_argument("--results", type=Path, default=RESULTS, help="results file")
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "practice", help="folder of the runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="of those that a row has")
    parser.add_argument("--corpora", nargs="+", choices=tuple(CORPORA), default=list(CORPORA))
    parser.add_argument("--rows", nargs="+", default=[""], help="parts of the names of the rows to train")
    parser.add_argument("--hours", type=float, default=float("inf"), help="start no run after so many hours")
    options = parser.parse_args()
    if options.job == "table":
        print(table(read(options.results)))
        return
    end, work = time.monotonic() + 3600 * options.hours, options.work.resolve()
    for seed in options.seeds:
        for row in rows_of(*CORPORA):
            for corpus in options.corpora:
                wanted = row in rows_of(corpus) and seed in seeds_of(row) and any(part in row for part in options.rows)
                if wanted and time.monotonic() < end:
                    train(corpus, row, seed, work, options.results)


def train(corpus: str, row: str, seed: int, work: Path, results: Path, model: bool = False) -> Path:
    """Trains one row and appends its result, unless that is known; returns the folder of its run.

    With `model` the model must be there too, which may have been trained on another machine.
    """
    folder = work / f"{corpus} {row} {seed}".translate({ord(letter): "-" for letter in " :,/"})
    known = any((line["corpus"], line["row"], line["seed"]) == (corpus, row, str(seed)) for line in read(results))
    if known and not (model and not (folder / "scores.json").is_file()):
        return folder
    setting, members = CORPORA[corpus], []
    flags = {**flags_of(corpus, row), "seed": seed}
    if row == ENSEMBLE:
        members = [train(corpus, FULL, one, work, results, model=True) for one in members_of(seed)]
        join(members, folder)
    else:
        if row == STUDENT:
            flags["distill.teacher"] = train(corpus, ENSEMBLE, seed, work, results, model=True)
        if row == BILM:
            flags["contextual.file"] = contextual(corpus, work)
        resumed = (folder / "state.npz").is_file()
        run("train", *(["--resume"] if resumed else [setting.recipe, *written(flags), "--run"]), str(folder))
    if not known:
        append(results, {"corpus": corpus, "row": row, "seed": seed, **figures(folder, setting, members)})
    return folder


def contextual(corpus: str, work: Path) -> Path:
    """The file of contextual vectors of a corpus, from a biLM that is trained on the text of all of them."""
    text, model, vectors = work / "bilm.txt", work / "bilm", work / f"bilm {corpus}.h5"
    if not text.is_file():
        work.mkdir(parents=True, exist_ok=True)
        lines = [" ".join(words) for one in CORPORA.values() for words in training_text(one.recipe)]
        text.with_suffix(".part").write_text("\n".join(lines) + "\n", encoding="utf-8")
        text.with_suffix(".part").rename(text)
    if not (model / "scores.json").is_file():
        resumed = (model / "state.npz").is_file()
        run("pretrain", *(["--resume"] if resumed else [str(text), "--units", "128", "--run"]), str(model))
    if not vectors.is_file():
        run("embed", str(model), "--recipe", CORPORA[corpus].recipe, "--half", "--output", str(vectors))
    return vectors


def training_text(recipe: str) -> list[tuple[str, ...]]:
    """The words of each training sentence of a recipe, without what it holds out."""
    from seqlab.cli.train import read_recipe
    from seqlab.training.data import corpora

    return [sentence.words for sentence in corpora(read_recipe(str(ROOT / recipe))).train]


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


def figures(folder: Path, setting: Corpus, members: list[Path]) -> dict[str, Any]:
    """What a finished run's folder says, with the columns of the results file; of an ensemble its members' minutes."""
    import seqlab
    from seqlab.training.data import corpora
    from seqlab.training.report import epoch_times, run_seconds
    from seqlab.training.run import stored_settings

    model = seqlab.load(folder / "model.keras")
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    found: dict[str, Any] = {"parameters": model.count_params(), "trainable": trainable}
    for part, scores in json.loads((folder / "scores.json").read_text("utf-8")).items():
        for key in setting.figure:
            scores = scores[key]
        found[part] = f"{100 * scores:.2f}"
    seconds = [run_seconds(one) for one in members or [folder]]
    if None not in seconds:
        found["minutes"] = f"{sum(filter(None, seconds)) / 60:.1f}"
    if not members:
        lines = [json.loads(line) for line in (folder / "history.jsonl").read_text("utf-8").splitlines()]
        course = [line["val_" + setting.figure[-1]] for line in lines]
        found |= {"epochs": len(course), "best_epoch": 1 + course.index(max(course))}
        times = epoch_times(folder)
        # The first epoch of each part of a run compiles.
        usual = [line.training for before, line in zip(times, times[1:], strict=False) if before.part == line.part]
        if usual:
            tokens = corpora(stored_settings(folder)).train.tokens
            found["tokens_per_second"] = round(tokens / statistics.median(usual))
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


if __name__ == "__main__":
    main()
