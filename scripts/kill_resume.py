"""Kills small trainings with SIGKILL at random moments, resumes them, and compares them with unbroken runs.

    python scripts/kill_resume.py --trials 20        # KERAS_BACKEND chooses the backend

The trials take turns with the option sets in `KINDS`, on sentences of several lengths. Every second one kills during a
save, as soon as a temporary file is seen. The exit status is 1 if a history or score differs from the unbroken run's.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
RECIPE = """
from seqlab.settings import Settings


def settings():
    return Settings(**{values!r})
"""
LENGTHS = (6, 10, 14)
WIDTH = 8
# Name -> what it sets in `data` and in `training`.
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "halve": ({}, {"schedule": "halve", "halve_after": 1}),
    "average": ({}, {"schedule": "linear", "average": 0.9, "optimizer": "nadam", "learning_rate": 0.02}),
    "restarts": ({}, {"schedule": "restarts", "patience": 1}),
    "cycles": ({}, {"schedule": "cosine", "cycle": 2, "swa_from": 2, "snapshots": True}),
    "folds": ({"folds": 2, "dev": None}, {"schedule": "halve", "halve_after": 1}),
}
TIMEOUT = 600


class Outcome(NamedTuple):
    """Where the kills fell, how far the result is from the unbroken run's, and what is wrong, if anything."""

    kills: list[str]
    difference: float
    trouble: str


def prepare(work: Path, epochs: int, sentences: int) -> dict[str, Path]:
    """Writes data from the embedded corpus, word vectors, and a recipe for each kind; returns the recipes."""
    train = chosen("train", sentences)
    dev = chosen("dev", 6)
    for name, blocks in (("train", train), ("dev", dev)):
        (work / f"{name}.conll").write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    write_vectors(work / "vectors.txt", train + dev)
    recipes = {}
    for kind, (data, training) in KINDS.items():
        files = {name: str(work / f"{name}.conll") for name in ("train", "dev")}
        values = {
            "data": {**files, "columns": {"word": 0, "pos": 1, "chunk": 2, "ner": 3}, **data},
            "task": "chunk",
            "words": {"vectors": str(work / "vectors.txt"), "dropout": 0.1},
            "encoder": {"units": 8, "layers": 1, "dropout": 0.3},
            "training": {"epochs": epochs, "batch_size": 8, "learning_rate": 0.05, "patience": 4, **training},
        }
        recipes[kind] = work / f"{kind}.py"
        recipes[kind].write_text(RECIPE.format(values=values), encoding="utf-8")
    return recipes


def chosen(name: str, count: int) -> list[str]:
    """The first sentences of the embedded corpus that have one of the lengths, about as many of each."""
    blocks = (ROOT / "data" / "sample" / f"{name}.conll").read_text(encoding="utf-8").split("\n\n")
    of_length = [[b.strip() for b in blocks if len(b.strip().splitlines()) == length] for length in LENGTHS]
    share = -(-count // len(LENGTHS))
    return [block for found in of_length for block in found[:share]][:count]


def write_vectors(path: Path, blocks: Iterable[str]) -> None:
    """Writes vectors for every second word: some of training, which learns them, and some that only others hold."""
    words = sorted({line.split()[0].lower() for block in blocks for line in block.splitlines()})[::2]
    draw = random.Random(0)
    lines = [" ".join([word, *(f"{draw.uniform(-1, 1):.4f}" for _ in range(WIDTH))]) for word in words]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def start(recipe: Path, folder: Path, work: Path) -> subprocess.Popen[bytes]:
    """Starts the run, or resumes it where it has got as far as a folder with settings."""
    begun = (folder / "settings.json").is_file()
    arguments = ["--resume", str(folder)] if begun else [str(recipe), "--run", str(folder)]
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "JAX_COMPILATION_CACHE_DIR": str(work / "jax"),  # compiled once for all trials
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
    }
    with (work / f"{folder.name}.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "seqlab.cli.main", "train", *arguments], stdout=log, stderr=log, env=environment
        )


def finish(recipe: Path, folder: Path, work: Path) -> str:
    """Runs to the end; returns the log's last line if that fails."""
    status = start(recipe, folder, work).wait(TIMEOUT)
    if status == 0:
        return ""
    lines = (work / f"{folder.name}.log").read_text(encoding="utf-8", errors="replace").splitlines()
    return f"exit status {status}: {lines[-1] if lines else ''}"


def kill_at(seconds: float) -> Callable[[Path, float], bool]:
    """A moment: so many seconds after the start."""
    return lambda folder, since: time.monotonic() - since >= seconds


def half_written(folder: Path) -> list[str]:
    """Names of the temporary files of saves that go on in a run's folder or in its folds'."""
    names = [name for name in os.listdir(folder) if name.startswith((".", "fold-"))] if folder.is_dir() else []
    return [other for name in names for other in ([name] if name[0] == "." else half_written(folder / name))]


def kill_in_save(number: int) -> Callable[[Path, float], bool]:
    """A moment: when the temporary file of the given number is seen."""
    seen: set[str] = set()

    def now(folder: Path, _: float) -> bool:
        seen.update(half_written(folder))
        return len(seen) >= number

    return now


def kill(process: subprocess.Popen[bytes], folder: Path, moment: Callable[[Path, float], bool]) -> str:
    """Waits for the moment and kills; says in which epoch and over which temporary file it fell."""
    since = time.monotonic()
    while process.poll() is None:
        if moment(folder, since):
            process.kill()
            process.wait()
            half = half_written(folder)
            kind = f", saving {half[0].split('-')[0][1:]}" if half else ""
            return f"{time.monotonic() - since:.1f} s (epoch {len(rows(folder))}{kind})"
        time.sleep(0.0005)
    return "after the end"


def rows(folder: Path) -> list[dict[str, float]]:
    """The history so far, of all folds one after the other."""
    paths = sorted(folder.rglob("history.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines()]


def numbers(found: Any) -> list[float]:
    """All numbers of a JSON value, in order."""
    if isinstance(found, dict):
        return [number for key in sorted(found) for number in numbers(found[key])]
    if isinstance(found, list):
        return [number for item in found for number in numbers(item)]
    return [float(found)] if isinstance(found, int | float) else []


def names(folder: Path) -> set[str]:
    """The files of a run, but for TensorBoard's, whose names hold the time."""
    paths = (path.relative_to(folder) for path in folder.rglob("*"))
    return {path.as_posix() for path in paths if "tensorboard" not in path.parent.parts}


def compare(folder: Path, unbroken: Path) -> tuple[float, str]:
    """Returns the greatest difference of all figures of two runs, and a word on what cannot be compared."""
    if names(folder) != names(unbroken):
        return 0.0, f"files differ: {sorted(names(folder) ^ names(unbroken))}"
    scores = (
        [json.loads(path.read_text("utf-8")) for path in sorted(at.rglob("scores.json"))] for at in (folder, unbroken)
    )
    one, other = (numbers([rows(at), found]) for at, found in zip((folder, unbroken), scores, strict=True))
    if len(one) != len(other):
        return 0.0, f"{len(rows(folder))} epochs in place of {len(rows(unbroken))}"
    return max(abs(a - b) for a, b in zip(one, other, strict=True)), ""


class Unbroken(NamedTuple):
    """A run that nothing disturbed: its kind, recipe, folder, and the seconds it takes."""

    kind: str
    recipe: Path
    folder: Path
    seconds: float


def undisturbed(kind: str, recipe: Path, work: Path) -> Unbroken:
    """Runs twice without a kill; raises SystemExit if that fails or the two differ in kind."""
    one, two = work / f"unbroken-{kind}", work / f"second-{kind}"
    trouble, since = finish(recipe, one, work), time.monotonic()
    trouble = trouble or finish(recipe, two, work)
    seconds = time.monotonic() - since  # of the second run: JAX has compiled by now
    if trouble:
        raise SystemExit(f"The unbroken run {kind} failed: {trouble}")
    difference, trouble = compare(two, one)
    print(f"{kind}: {len(rows(one))} epochs, {seconds:.1f} s, repeats within {difference:.1e} {trouble}", flush=True)
    return Unbroken(kind, recipe, one, seconds)


def trial(number: int, draw: random.Random, unbroken: Unbroken, work: Path) -> Outcome:
    """Kills one run once or twice, resumes it to its end and compares."""
    folder, kills = work / f"trial-{number}", []
    for _ in range(draw.choice((1, 1, 2))):
        moment = kill_in_save(draw.randint(1, 16)) if number % 2 else kill_at(draw.uniform(0, unbroken.seconds))
        kills.append(kill(start(unbroken.recipe, folder, work), folder, moment))
    trouble = finish(unbroken.recipe, folder, work)
    difference, other = (0.0, "") if trouble else compare(folder, unbroken.folder)
    return Outcome(kills, difference, trouble or other)


def main() -> int:
    """Runs all trials; returns 1 if one of them differs."""
    parser = argparse.ArgumentParser(description="Kill and resume small trainings, and compare.")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--sentences", type=int, default=26)
    parser.add_argument("--tolerance", type=float, default=1e-6)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seqlab-kill-") as name:
        work = Path(name)
        recipes = prepare(work, options.epochs, options.sentences)
        kinds = [undisturbed(kind, recipe, work) for kind, recipe in list(recipes.items())[: options.trials]]
        draw, bad, worst = random.Random(options.seed), 0, 0.0
        for number in range(options.trials):
            unbroken = kinds[number % len(kinds)]
            outcome = trial(number, draw, unbroken, work)
            wrong = bool(outcome.trouble) or outcome.difference > options.tolerance
            bad, worst = bad + wrong, max(worst, outcome.difference)
            verdict = outcome.trouble or f"difference {outcome.difference:.1e}"
            where = "; ".join(outcome.kills)
            print(
                f"{'BAD' if wrong else 'ok '} trial {number} ({unbroken.kind}): killed at {where}: {verdict}",
                flush=True,
            )
    print(
        f"{options.trials - bad} of {options.trials} trials end as the unbroken run (greatest difference {worst:.1e})"
    )
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
