"""Trials an hour of the search on JSB Chorales: compiled epochs against plain Keras Tuner with `keras.layers.LSTM`.

    SEQLAB_DATA=../shared/data python scripts/bench_trials.py

The peer is Keras Tuner's random search over the paper's space: a model of GaussianNoise, LSTM and Dense, Nesterov SGD,
`fit` with an update after each piece and early stopping, on TensorFlow and on JAX. Each trial that its tuner draws is
then run by seqlab, as V (vanilla, with the peepholes that Keras' layer lacks) and as NP (without, as Keras'). Systems
take turns, each in a process of its own on one core: two cores run two such processes, so the last column is twice the
rate of one. "x4" is four trials side by side as one program, each counted as a quarter.

A trial is measured over a few epochs and extrapolated: its first epoch and what surrounds it (building, compiling,
saving) as they were, every further epoch at the median of those measured. `--mean` is the number of epochs of a trial,
by default the mean of the study in `recipes/studies/jsb`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from jsb_study import CACHE, DATA, FOLDER  # beside this file
from workers import ask, serve, start  # beside this file

from seqlab import studies
from seqlab.corpora.catalogue import locate
from seqlab.corpora.piano_roll import PianoRolls, next_steps, piano_rolls
from seqlab.errors import DataError

SYSTEMS = {
    "keras tensorflow": "tensorflow",
    "keras jax": "jax",
    "seqlab V": "jax",
    "seqlab NP": "jax",
    "seqlab V x4": "jax",
}
MEAN = 90.0  # epochs of a trial where there is no study
TIMES: list[float] = []  # when each epoch of the peer's trial ended


def main() -> None:
    """Runs the benchmark, or one of its workers."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=7, help="trials drawn")
    parser.add_argument("--epochs", type=int, default=3, help="epochs measured of each trial, at least 2")
    parser.add_argument("--mean", type=float, help="epochs of a whole trial")
    parser.add_argument("--systems", nargs="+", default=list(SYSTEMS), choices=list(SYSTEMS))
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the corpora")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        rolls = piano_rolls(locate("jsb", "quarter", options.data))
        peer = options.worker.startswith("keras")
        serve(Peer(rolls, options.epochs) if peer else Ours(rolls, options.epochs, *options.worker.split()[1:]))
        return
    arguments = [f"--data={options.data}", f"--epochs={options.epochs}"]
    workers = {name: start(__file__, name, *arguments, backend=SYSTEMS[name]) for name in options.systems}
    measured: dict[str, list[list[float]]] = {name: [] for name in options.systems}
    drawn: dict[str, Any] | None = None
    for number in range(options.trials):
        for name, worker in workers.items():
            found = ask(worker, drawn if name.startswith("seqlab") else number)
            if found is None:
                raise SystemExit(f"error: the worker of {name} ended: its message stands above")
            drawn = found["values"]
            measured[name].append(found["seconds"])
        print(number, drawn, {name: [round(x, 2) for x in rows[-1]] for name, rows in measured.items()}, flush=True)
    for text in table(measured, options.mean or mean_epochs(FOLDER)):
        print(text)


def table(measured: dict[str, list[list[float]]], epochs: float) -> list[str]:
    """The table; a row of `measured` holds what a trial's frame took, then each epoch."""
    first = next(iter(measured))
    lines = [f"{'system':18} {'s/epoch':>8} {'ratio':>6} {'s/trial':>8} {'trials/hour, 2 cores':>21} {'ratio':>6}"]
    whole = {name: [trial(row, epochs) for row in rows] for name, rows in measured.items()}
    later = {name: statistics.mean(statistics.median(row[2:]) for row in rows) for name, rows in measured.items()}
    for name in measured:
        seconds = statistics.mean(whole[name])
        lines.append(
            f"{name:18} {later[name]:8.3f} {later[first] / later[name]:6.1f} {seconds:8.1f} {2 * 3600 / seconds:21.0f} "
            f"{statistics.mean(whole[first]) / seconds:6.1f}"
        )
    return [
        *lines,
        f"{len(whole[first])} trials of {epochs:.0f} epochs, of which {len(measured[first][0]) - 1} were run",
    ]


def trial(row: list[float], epochs: float) -> float:
    """Seconds of a whole trial: frame, first epoch, and all others at the median of those that were run."""
    frame, first, *others = row
    return frame + first + (epochs - 1) * statistics.median(others)


def mean_epochs(folder: Path) -> float:
    """Mean epochs of the completed trials of a study; 90 where there is none."""
    try:
        counts = [one.epochs for one in studies.read(folder).trials if one.status == "completed" and one.epochs]
    except DataError:
        counts = []
    return statistics.mean(counts) if counts else MEAN


class Peer:
    """Keras Tuner's random search, one trial at a time."""

    def __init__(self, rolls: PianoRolls, epochs: int) -> None:
        import keras
        import keras_tuner

        class Pieces(keras.utils.PyDataset):
            def __init__(self, pieces: tuple[np.ndarray, ...]) -> None:
                super().__init__()
                self.pairs = [[x[None].astype("float32") for x in next_steps(piece)] for piece in pieces]

            def __len__(self) -> int:
                return len(self.pairs)

            def __getitem__(self, index: int) -> Any:
                return tuple(self.pairs[index])

            def on_epoch_end(self) -> None:
                np.random.shuffle(self.pairs)

        class Clock(keras.callbacks.Callback):
            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                TIMES.append(time.perf_counter())

        def loss(y: Any, scores: Any) -> Any:
            return keras.ops.sum(keras.ops.binary_crossentropy(y, scores, from_logits=True), axis=(1, 2))

        def build(hp: Any) -> Any:
            units = hp.Int("units", 20, 200, sampling="log")
            rate = hp.Float("learning_rate", 1e-6, 1e-2, sampling="log")
            gap = hp.Float("one_minus_momentum", 0.01, 1.0, sampling="log")
            steps = keras.Input((None, 88))
            noisy = keras.layers.GaussianNoise(hp.Float("noise", 0.0, 1.0))(steps)
            model = keras.Model(steps, keras.layers.Dense(88)(keras.layers.LSTM(units, return_sequences=True)(noisy)))
            model.compile(keras.optimizers.SGD(rate * gap, momentum=1 - gap, nesterov=True), loss=loss)
            return model

        self.tuner = keras_tuner.RandomSearch(
            build, objective="val_loss", max_trials=1, seed=1, directory=tempfile.mkdtemp(), project_name="jsb"
        )
        stop = keras.callbacks.EarlyStopping("val_loss", patience=15)
        self.given = {"epochs": epochs, "verbose": 0, "callbacks": [stop, Clock()]}
        self.train, self.valid = Pieces(rolls.train), Pieces(rolls.valid)

    def __call__(self, number: int) -> dict[str, Any]:
        """Runs the next trial."""
        self.tuner.oracle.max_trials = number + 1
        TIMES.clear()
        started = time.perf_counter()
        self.tuner.search(self.train, validation_data=self.valid, **self.given)
        ended = time.perf_counter()
        epochs = np.diff([started, *TIMES]).tolist()
        values = list(self.tuner.oracle.trials.values())[-1].hyperparameters.values
        return {"values": values, "seconds": [ended - TIMES[-1], *epochs]}


class Ours:
    """seqlab's trials; the first epoch holds building and, where the program is not kept, compiling."""

    def __init__(self, rolls: PianoRolls, epochs: int, variant: str, side: str = "") -> None:
        from seqlab.training.compiled import keep_programs_in
        from seqlab.training.trials import Pieces

        CACHE.mkdir(parents=True, exist_ok=True)
        keep_programs_in(CACHE)
        self.pieces, self.epochs, self.variant = Pieces.of(rolls), epochs, variant
        self.side = int(side.removeprefix("x") or 0)

    def __call__(self, values: dict[str, Any]) -> dict[str, Any]:
        """Runs a trial with the peer's values."""
        from seqlab.training.trials import Trial, run_population, run_trial

        given = {name: values[name] for name in ("units", "learning_rate", "noise")}
        trial = Trial(self.variant, momentum=1 - values["one_minus_momentum"], seed=1, **given)
        started = time.perf_counter()
        if self.side:
            found = run_population([trial] * self.side, self.pieces, self.epochs)[0]
        else:
            found = run_trial(trial, self.pieces, self.epochs)
        took = (time.perf_counter() - started) / (self.side or 1)
        each = found.seconds / found.epochs
        return {"values": values, "seconds": [took - found.seconds, *[each] * self.epochs]}


if __name__ == "__main__":
    main()
