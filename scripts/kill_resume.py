"""Kills a small training with SIGKILL at random moments, resumes it, and compares it with an unbroken run.

    python scripts/kill_resume.py --trials 20        # KERAS_BACKEND chooses the backend

Every second trial kills during a save, as soon as one of its temporary files is seen. A run may be killed twice. One
line for each trial; the exit status is 1 if any history or score differs from the unbroken run's.
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
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
RECIPE = """
from seqlab.settings import DataSettings, EncoderSettings, Settings, TrainingSettings, WordSettings


def settings():
    return Settings(
        data=DataSettings(train={train!r}, dev={dev!r}, columns={{"word": 0, "pos": 1, "chunk": 2, "ner": 3}}),
        task="chunk",
        words=WordSettings(dim=8, dropout=0.1),
        encoder=EncoderSettings(units=8, layers=1, dropout=0.3),
        training=TrainingSettings(epochs={epochs}, batch_size=8, learning_rate=0.05, patience=4, halve_after=1),
    )
"""
TIMEOUT = 600


class Outcome(NamedTuple):
    """Where the kills fell, how far the result is from the unbroken run's, and what is wrong, if anything."""

    kills: list[str]
    difference: float
    trouble: str


def prepare(work: Path, epochs: int, sentences: int) -> Path:
    """Writes the recipe and its data, sentences of one length from the embedded corpus; returns the recipe."""
    for name, count in (("train", sentences), ("dev", 5)):
        blocks = (ROOT / "data" / "sample" / f"{name}.conll").read_text(encoding="utf-8").split("\n\n")
        chosen = [block.strip() for block in blocks if len(block.strip().splitlines()) == 10][:count]
        (work / f"{name}.conll").write_text("\n\n".join(chosen) + "\n", encoding="utf-8")
    recipe = work / "killed.py"
    files = {name: str(work / f"{name}.conll") for name in ("train", "dev")}
    recipe.write_text(RECIPE.format(**files, epochs=epochs), encoding="utf-8")
    return recipe


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


def kill_in_save(number: int) -> Callable[[Path, float], bool]:
    """A moment: when the temporary file of the given number is seen."""
    seen: set[str] = set()

    def now(folder: Path, _: float) -> bool:
        if folder.is_dir():
            seen.update(name for name in os.listdir(folder) if name.startswith("."))
        return len(seen) >= number

    return now


def kill(process: subprocess.Popen[bytes], folder: Path, moment: Callable[[Path, float], bool]) -> str:
    """Waits for the moment and kills; says in which epoch and over which temporary file it fell."""
    since = time.monotonic()
    while process.poll() is None:
        if moment(folder, since):
            process.kill()
            process.wait()
            half = [name for name in os.listdir(folder) if name.startswith(".")] if folder.is_dir() else []
            kind = f", saving {half[0].split('-')[0][1:]}" if half else ""
            return f"{time.monotonic() - since:.1f} s (epoch {len(rows(folder))}{kind})"
        time.sleep(0.0005)
    return "after the end"


def rows(folder: Path) -> list[dict[str, float]]:
    """The history so far."""
    path = folder / "history.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []


def numbers(found: Any) -> list[float]:
    """All numbers of a JSON value, in order."""
    if isinstance(found, dict):
        return [number for key in sorted(found) for number in numbers(found[key])]
    if isinstance(found, list):
        return [number for item in found for number in numbers(item)]
    return [float(found)] if isinstance(found, int | float) else []


def compare(folder: Path, unbroken: Path) -> tuple[float, str]:
    """Returns the greatest difference of all figures of two runs, and a word on what cannot be compared."""
    one, other = (numbers([rows(at), json.loads((at / "scores.json").read_text("utf-8"))]) for at in (folder, unbroken))
    names, wanted = ({path.name for path in at.iterdir()} for at in (folder, unbroken))
    if names != wanted:
        return 0.0, f"files differ: {sorted(names ^ wanted)}"
    if len(one) != len(other):
        return 0.0, f"{len(rows(folder))} epochs in place of {len(rows(unbroken))}"
    return max(abs(a - b) for a, b in zip(one, other, strict=True)), ""


def trial(number: int, draw: random.Random, seconds: float, recipe: Path, work: Path) -> Outcome:
    """Kills one run once or twice, resumes it to its end and compares."""
    folder, kills = work / f"trial-{number}", []
    for _ in range(draw.choice((1, 1, 2))):
        moment = kill_in_save(draw.randint(1, 16)) if number % 2 else kill_at(draw.uniform(0, seconds))
        kills.append(kill(start(recipe, folder, work), folder, moment))
    trouble = finish(recipe, folder, work)
    difference, other = (0.0, "") if trouble else compare(folder, work / "unbroken")
    return Outcome(kills, difference, trouble or other)


def main() -> int:
    """Runs all trials; returns 1 if one of them differs."""
    parser = argparse.ArgumentParser(description="Kill and resume a small training, and compare.")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--sentences", type=int, default=24)
    parser.add_argument("--tolerance", type=float, default=1e-6)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seqlab-kill-") as name:
        work = Path(name)
        recipe = prepare(work, options.epochs, options.sentences)
        trouble, since = finish(recipe, work / "unbroken", work), time.monotonic()
        trouble = trouble or finish(recipe, work / "second", work)
        seconds = time.monotonic() - since  # of the second run: JAX has compiled by now
        if trouble:
            print(f"The unbroken run failed: {trouble}")
            return 1
        difference, trouble = compare(work / "second", work / "unbroken")
        epochs = len(rows(work / "unbroken"))
        print(f"unbroken: {epochs} epochs, {seconds:.1f} s, repeats within {difference:.1e}{trouble}", flush=True)
        draw, bad, worst = random.Random(options.seed), 0, 0.0
        for number in range(options.trials):
            outcome = trial(number, draw, seconds, recipe, work)
            wrong = bool(outcome.trouble) or outcome.difference > options.tolerance
            bad, worst = bad + wrong, max(worst, outcome.difference)
            verdict = outcome.trouble or f"difference {outcome.difference:.1e}"
            print(
                f"{'BAD' if wrong else 'ok '} trial {number}: killed at {'; '.join(outcome.kills)}: {verdict}",
                flush=True,
            )
    print(
        f"{options.trials - bad} of {options.trials} trials end as the unbroken run (greatest difference {worst:.1e})"
    )
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
