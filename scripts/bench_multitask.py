"""Training speed of SC-LSTM: tokens a second against our plain LSTM, and against a Python loop and nn.LSTM in torch.

    python scripts/bench_multitask.py                       # the paper's size: 3 layers of 300, batch 10, 3 tasks
    python scripts/bench_multitask.py --systems jax torch

A step is forward, backward, clipping and Adam, over words and casing, with a softmax for each task; tasks take turns.
Each system lives in a process of its own; they take turns, and the table gives medians. "one task" is `MultiTaskTagger`
with a single task: what the switch and the further tasks cost. "loop" is what the authors' code does, written from the
paper's equations.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from workers import ask, serve, start  # beside this file

JOBS = {
    "tensorflow": ("SC-LSTM", "SC-LSTM, one task", "LSTM (Tagger)"),
    "jax": ("SC-LSTM", "SC-LSTM, one task", "LSTM (Tagger)"),
    "torch": ("SC-LSTM, loop", "nn.LSTM"),
}
LABELS = (45, 23, 9)
WORDS = 8000
WIDTH = 100


def main() -> None:
    """Runs the benchmark, or one of its workers."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--systems", nargs="+", default=["tensorflow", "torch"], choices=list(JOBS))
    parser.add_argument("--units", type=int, default=300)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--time", type=int, default=25, help="tokens of a sentence")
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        serve(Worker(options.worker).answer)
        return
    shape = [options.batch, options.time, options.layers, options.units]
    workers = {system: start(__file__, system) for system in options.systems}
    times: dict[tuple[str, str], list[float]] = {}
    for number in range(options.rounds + 1):
        for system in options.systems:
            for job in JOBS[system]:
                seconds = ask(workers[system], [job, shape])
                if number and seconds:
                    times.setdefault((system, job), []).append(seconds)
    for worker in workers.values():
        worker.kill()
    print(table(times, options.batch * options.time))


def table(times: dict[tuple[str, str], list[float]], tokens: int) -> str:
    """The table: tokens a second, and how many times those of the others they are."""
    middle = {key: tokens / statistics.median(found) for key, found in times.items()}
    peers = [key for key in middle if key[1] != "SC-LSTM"]
    heads = [f"of {system} {job}" for system, job in peers]
    lines = [f"{'system':11} {'model':18} {'tokens/s':>9}  " + "  ".join(heads)]
    for (system, job), speed in middle.items():
        ratios = (f"{speed / middle[peer]:>{len(head)}.2f}" for peer, head in zip(peers, heads, strict=True))
        lines.append(f"{system:11} {job:18} {speed:9.0f}  " + "  ".join(ratios))
    return "\n".join(lines)


class Worker:
    """One system: builds steps when they are asked for, and times them."""

    def __init__(self, system: str) -> None:
        self.system = system
        self.steps: dict[str, Callable[[int], Any]] = {}

    def answer(self, job: list[Any]) -> float | None:
        """Seconds of one step, the mean over the tasks in turn; `None` where torch is not installed."""
        name, shape = job
        tasks = 1 if "one task" in name or "LSTM (" in name else len(LABELS)
        try:
            if name not in self.steps:
                self.steps[name] = self.build(name, shape, tasks)
                for task in range(tasks):
                    self.steps[name](task)
        except ImportError:
            return None
        step = self.steps[name]
        turns = [number % tasks for number in range(6)]
        began = time.perf_counter()
        for task in turns:
            step(task)
        return (time.perf_counter() - began) / len(turns)

    def build(self, name: str, shape: list[int], tasks: int) -> Callable[[int], Any]:
        """Builds the step of a model."""
        batch, time_, layers, units = shape
        random = np.random.default_rng(0)
        inputs = {
            "words": random.integers(2, WORDS, (batch, time_)).astype("int32"),
            "casing": random.integers(0, 8, (batch, time_)).astype("int32"),
            "mask": np.ones((batch, time_), bool),
        }
        labels = [random.integers(0, count, (batch, time_)).astype("int32") for count in LABELS]
        if self.system == "torch":
            from torch_sc_lstm import Network, torch_step  # beside this file

            return torch_step(inputs, labels, Network((WORDS, WIDTH), units, layers, LABELS, name == "nn.LSTM"))
        model = keras_model(tasks, layers, units, plain="(" in name)

        def step(task: int) -> float:
            several = {} if "(" in name else {"task": np.full(batch, task, "int32")}
            return float(np.ravel(model.train_on_batch({**inputs, **several}, labels[task]))[0])

        return step


def keras_model(tasks: int, layers: int, units: int, plain: bool) -> Any:
    """Our model: a `Tagger` where it is plain, else a `MultiTaskTagger`; compiled."""
    import keras

    from seqlab.layers.features.casing import CasingEmbedding
    from seqlab.layers.features.words import WordEmbedding
    from seqlab.layers.heads.softmax import SoftmaxHead
    from seqlab.layers.stack import RecurrentStack
    from seqlab.layers.tasks.sc_stack import SCLSTMStack
    from seqlab.models.multitask import MultiTaskTagger
    from seqlab.models.tagger import Tagger
    from seqlab.text.vectorizer import Vectorizer
    from seqlab.text.vocabulary import Labels, Vocabulary

    names = [f"task_{k}" for k in range(tasks)]
    labels = {name: Labels([str(n) for n in range(count)]) for name, count in zip(names, LABELS, strict=False)}
    vectorizer = Vectorizer(Vocabulary([str(n) for n in range(WORDS - 2)]), Vocabulary(["a"]), labels)
    features = [WordEmbedding(WORDS, WIDTH), CasingEmbedding(8, 8)]
    heads = [SoftmaxHead(len(labels[name]), name=f"head_{name}") for name in names]
    model: Any
    if plain:
        model = Tagger(vectorizer, names[0], features, RecurrentStack(units, layers, 0.5), heads[0])
    else:
        encoder = SCLSTMStack(units, tasks, layers, 0.5)
        model = MultiTaskTagger(vectorizer, names, features, encoder, heads)
    model.compile(keras.optimizers.Adam(global_clipnorm=5.0))
    return model


if __name__ == "__main__":
    main()
