"""What each of the practices brings: trains a table of taggers on CoNLL-2000 chunks and UD parts of speech.

    SEQLAB_DATA=FOLDER KERAS_BACKEND=tensorflow python scripts/practice_table.py run     # hours; stop and go on at will
    python scripts/practice_table.py table                                               # the table of what is there
    python scripts/practice_table.py brief                                               # the README's

Every row: 3,000 training sentences, drawn by a fixed seed, batches of 10, Adam with a constant rate of 3e-3, 10 epochs
and no fewer, the one with the best development figure; a row whose name says otherwise differs in that alone. `full` is
what the rows after it change. Annealing restarts from the best weights after 2 epochs without a better figure, as often
as there is time. `best` is what the recipes chose: a linear rate, and for chunks parts of speech as a second target.
The biLM reads the training text of both corpora, all of it and no label, once for all rows. Members of an ensemble are
runs of `full` by seeds of their own. On so few sentences the TensorFlow backend is done sooner than JAX, which compiles
for minutes: the results file here is its work. Each finished run is a line of that file, which is all that another
machine needs to go on; a run that is cut off goes on from its last epoch where its folder is there. A row that fails,
or whose folder is of other settings, is told of, and the others go on.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from practice_folder import ROOT, Needed, figures, refuse_other, settings_of
from practice_rows import (
    BILM,
    CORPORA,
    COSTS,
    ENSEMBLE,
    FULL,
    STUDENT,
    Flags,
    brief,
    flags_of,
    members_of,
    rows_of,
    seeds_of,
    table,
)

RESULTS = ROOT / "recipes" / "results" / "practice.csv"
UNITS = 128  # of each direction of the biLM
COLUMNS = ("corpus", "row", "seed", "dev", "test", *COSTS)


def main() -> None:
    """Trains what is missing, or prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("job", choices=("run", "table", "brief"))
    parser.add_argument("--results", type=Path, default=RESULTS, help="results file")
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "practice", help="folder of the runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="of those that a row has")
    parser.add_argument("--corpora", nargs="+", choices=tuple(CORPORA), default=list(CORPORA))
    parser.add_argument("--rows", nargs="+", default=[""], help="parts of the names of the rows to train")
    parser.add_argument("--hours", type=float, default=float("inf"), help="start no run after so many hours")
    options = parser.parse_args()
    if options.job != "run":
        print({"table": table, "brief": brief}[options.job](read(options.results, COLUMNS)))
        return
    if failed := train_all(options):
        raise SystemExit(f"Failed, for the reasons above: {'; '.join(failed)}.")


def train_all(options: argparse.Namespace) -> list[str]:
    """Trains what is missing of the rows that are asked for; returns the names of those that failed."""
    from seqlab.errors import SeqlabError

    read(options.results, COLUMNS)
    end, work = time.monotonic() + 3600 * options.hours, options.work.resolve()
    runs = [(corpus, row, seed) for seed in options.seeds for row in rows_of(*CORPORA) for corpus in options.corpora]
    failed = []
    for corpus, row, seed in runs:
        wanted = row in rows_of(corpus) and seed in seeds_of(row) and any(part in row for part in options.rows)
        if wanted and time.monotonic() < end:
            try:
                train(corpus, row, seed, work, options.results)
            except (Failed, SeqlabError) as error:  # the other rows need not wait for somebody to look at this one
                failed.append(f"{corpus} {row}, seed {seed}")
                print(f"{failed[-1]}: {error}", flush=True)
    return failed


def train(corpus: str, row: str, seed: int, work: Path, results: Path, model: bool = False) -> Path:
    """Trains one row and appends its result, unless that is known; returns the folder of its run.

    With `model` the model must be there too, which may have been trained on another machine.

    Raises:
        SettingsError: If the folder holds a run with other settings.
    """
    folder = folder_of(corpus, row, seed, work)
    finished = (folder / "scores.json").is_file()
    known = any(
        (line["corpus"], line["row"], line["seed"]) == (corpus, row, str(seed)) for line in read(results, COLUMNS)
    )
    if known and not model:
        return folder
    setting, needed, flags = CORPORA[corpus], Needed(), {**flags_of(corpus, row), "seed": seed}
    if row in (ENSEMBLE, STUDENT):
        needed = Needed(runs=[folder_of(corpus, FULL, one, work) for one in members_of(seed)])
    if row == ENSEMBLE:
        if known and finished:
            return folder
        for one in members_of(seed):
            train(corpus, FULL, one, work, results, model=True)
        join(needed.runs, folder)
    else:
        if row == STUDENT:
            flags["distill.teacher"] = train(corpus, ENSEMBLE, seed, work, results, model=True)
        if row == BILM:
            flags["contextual.file"], needed = contextual(corpus, work)
        resumed = finished or (folder / "state.npz").is_file()
        if resumed:
            refuse_other(folder, settings_of(setting.recipe, flags))
        if known and finished:
            return folder
        run("train", *(["--resume"] if resumed else [setting.recipe, *written(flags), "--run"]), str(folder))
    if not known:
        append(results, {"corpus": corpus, "row": row, "seed": seed, **figures(folder, setting, needed)})
    return folder


def folder_of(corpus: str, row: str, seed: int, work: Path) -> Path:
    """Where a run is."""
    return work / f"{corpus} {row} {seed}".translate({ord(letter): "-" for letter in " :,/"})


def contextual(corpus: str, work: Path) -> tuple[Path, Needed]:
    """The file of contextual vectors of a corpus, from a biLM that is trained on the text of all, and what it cost."""
    from seqlab.pretrain_settings import PretrainSettings

    text, model, vectors = work / "bilm.txt", work / "bilm", work / f"bilm {corpus}.h5"
    if not text.is_file():
        work.mkdir(parents=True, exist_ok=True)
        lines = [" ".join(words) for one in CORPORA.values() for words in training_text(one.recipe)]
        text.with_suffix(".part").write_text("\n".join(lines) + "\n", encoding="utf-8")
        text.with_suffix(".part").rename(text)
    finished = (model / "scores.json").is_file()
    resumed = finished or (model / "state.npz").is_file()
    if resumed:
        refuse_other(model, PretrainSettings(text=(str(text),), units=UNITS), "pretrain")
    if not finished:
        run("pretrain", *(["--resume"] if resumed else [str(text), "--units", str(UNITS), "--run"]), str(model))
    clock = vectors.with_suffix(".seconds")
    if not vectors.is_file():
        since = time.monotonic()
        run("embed", str(model), "--recipe", CORPORA[corpus].recipe, "--half", "--output", str(vectors))
        clock.write_text(f"{time.monotonic() - since:.3f}", encoding="utf-8")
    seconds = float(clock.read_text("utf-8")) if clock.is_file() else None
    return vectors, Needed(runs=[model], seconds=seconds, models=[model])


def training_text(recipe: str) -> list[tuple[str, ...]]:
    """The words of each training sentence of a recipe, without what it holds out."""
    from seqlab.cli.train import read_recipe
    from seqlab.training.data import corpora

    return [sentence.words for sentence in corpora(read_recipe(str(ROOT / recipe))).train]


def join(members: Sequence[Path], folder: Path) -> None:
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


class Failed(SystemExit):
    """A command that failed."""


def run(*arguments: str) -> None:
    """Runs the command line in a process of its own; what it says is shown where it fails."""
    start = [sys.executable, "-c", "import sys; from seqlab.cli.main import main; sys.exit(main(sys.argv[1:]))"]
    print(f"{time.strftime('%H:%M:%S')} seqlab {' '.join(arguments)}", flush=True)
    done = subprocess.run([*start, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"It failed with status {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")


def read(results: Path, columns: Sequence[str] | None = None) -> list[dict[str, str]]:
    """The lines of a results file, which has the given columns, if any are given."""
    if not results.is_file():
        return []
    with results.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        lines, found = list(reader), list(reader.fieldnames or [])
    if columns is not None and found != list(columns):
        raise SystemExit(
            f"{results} has the columns {', '.join(found) or '(none)'}; expected {', '.join(columns)}. It is another "
            "version's: move it away, or name another file (--results)."
        )
    return lines


def append(results: Path, line: dict[str, Any]) -> None:
    """Adds a line to the results file."""
    read(results, COLUMNS)
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
