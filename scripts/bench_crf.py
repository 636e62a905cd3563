"""Speed of the CRF: seqlab's against TensorFlow Addons', pytorch-crf's and torch-struct's, in one table.

    SEQLAB_ORACLE_PYTHON=.venv-oracle/bin/python python scripts/bench_crf.py

A shape is batch, time, tags; lengths lie evenly between half and all of time. `train` is the loss and its gradients of
scores, transitions, start and end; `viterbi` the best paths; `marginals` the probabilities of all tags; `MB` the growth
of resident memory over `train`. Each system lives in a process of its own; they take turns, and the table gives medians
in milliseconds, and how many times longer than the first system the best of each peer takes. Addons is asked of
SEQLAB_ORACLE_PYTHON (tests/data/README.md says how to make it), torch-struct of SEQLAB_STRUCT_PYTHON, both of this
interpreter where that is not set; what is not installed is left out and named. All systems must find the same loss.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from typing import Any

import numpy as np
from workers import ask, growth, serve, start  # beside this file

SHAPES = ("10,25,9", "32,40,45", "64,120,23", "10,500,9", "10,5000,9")
OURS = ("tensorflow", "tensorflow xla", "jax")
PEERS = ("addons", "addons xla", "pytorch-crf", "pytorch-crf single", "torch-struct", "torch-struct single")
PYTHONS = {"addons": "SEQLAB_ORACLE_PYTHON", "torch-struct": "SEQLAB_STRUCT_PYTHON"}
KINDS = ("train", "viterbi", "marginals")
SECONDS = 0.1  # that a system steps before it is the next one's turn, at least one step


def main() -> int:
    """Runs the benchmark, or one of its workers."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), help="batch,time,tags")
    parser.add_argument("--systems", nargs="+", default=[*OURS, *PEERS], choices=[*OURS, *PEERS])
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--rounds", type=int, default=9, help="timed rounds")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        serve(Worker(options.worker).answer)
        return 0
    shapes = [[int(size) for size in shape.split(",")] for shape in options.shapes]
    systems = options.systems
    for shape in shapes:
        workers = {system: worker_of(system) for system in systems}
        losses = {system: ask(worker, ["loss", shape]) for system, worker in workers.items()}
        if shape is shapes[0]:
            systems = [system for system in systems if losses[system] is not None]
            print(f"left out, for they do not run here: {', '.join(set(workers) - set(systems)) or 'none'}")
            print(header(systems), flush=True)
        found = [losses[system] for system in systems]
        if not np.allclose(found, found[0], rtol=1e-4):
            print(f"The systems do not compute the same loss: {losses}")
            return 1
        for row in rows({system: workers[system] for system in systems}, shape, options.kinds, options.rounds):
            print(row, flush=True)
        for worker in workers.values():
            worker.kill()
    return 0


def worker_of(system: str) -> Any:
    """Starts the process of a system."""
    variable = PYTHONS.get(system.split()[0], "")
    backend = "jax" if system == "jax" else "tensorflow"
    return start(__file__, system, backend=backend, python=os.environ.get(variable) or sys.executable)


def peers(systems: list[str]) -> list[str]:
    """The peers among the systems, each once, whatever its settings."""
    return list(dict.fromkeys(system.split()[0] for system in systems if system not in OURS))


def header(systems: list[str]) -> str:
    """The line above the table."""
    titles = [*(f"{system:>18}" for system in systems), *(f"{'of ' + peer:>15}" for peer in peers(systems))]
    return f"{'shape':11} {'':9} " + " ".join(titles)


def rows(workers: dict[str, Any], shape: list[int], kinds: list[str], rounds: int) -> list[str]:
    """The lines of one shape: times, then memory."""
    times: dict[tuple[str, str], list[float]] = {}
    for number in range(rounds + 1):
        for kind in kinds:
            for system, worker in workers.items():
                seconds = ask(worker, [kind, shape])
                if number and seconds:  # the first round compiles
                    times.setdefault((system, kind), []).append(1000 * seconds)
    found = {kind: {s: statistics.median(times.get((s, kind), [np.nan])) for s in workers} for kind in kinds}
    found["MB"] = {system: ask(worker, ["MB", shape]) for system, worker in workers.items()}
    return [line(",".join(map(str, shape)), kind, values) for kind, values in found.items()]


def line(shape: str, kind: str, values: dict[str, float]) -> str:
    """One line of the table: what each system takes, and ratios to the first one."""
    mine = next(iter(values.values()))
    best = [np.fmin.reduce([v for s, v in values.items() if s.split()[0] == peer]) for peer in peers(list(values))]
    cells = [*(f"{value:18.2f}" for value in values.values()), *(f"{value / mine:15.2f}" for value in best)]
    return f"{shape:11} {kind:9} " + " ".join(cells)


def arrays(shape: list[int]) -> dict[str, np.ndarray]:
    """Scores, labels and weights of a shape."""
    batch, steps, tags = shape
    random = np.random.default_rng(0)
    lengths = np.linspace(steps, max(steps // 2, 1), batch).round().astype("int32")
    weights = {name: 0.1 * random.normal(size=size) for name, size in [("start", tags), ("end", tags)]}
    return {name: value.astype("float32") for name, value in weights.items()} | {
        "scores": random.normal(size=(batch, steps, tags)).astype("float32"),
        "transitions": 0.1 * random.normal(size=(tags, tags)).astype("float32"),
        "labels": random.integers(0, tags, (batch, steps), dtype="int32"),
        "lengths": lengths,
        "mask": np.arange(steps) < lengths[:, None],
    }


class Worker:
    """One system: builds the steps of a shape when they are asked for, and times them."""

    def __init__(self, system: str) -> None:
        self.system = system
        self.steps: dict[str, Any] = {}

    def answer(self, job: list[Any]) -> float | None:
        """The loss; megabytes; seconds of one step; `None` where the system lacks it."""
        kind, shape = job
        if str(shape) not in self.steps:
            self.steps[str(shape)] = self.build(arrays(shape))
        step = self.steps[str(shape)].get("train" if kind in ("loss", "MB") else kind)
        if kind == "loss":
            return float(step())
        if kind == "MB":
            return growth(step)
        if step is None:
            return None
        began = time.perf_counter()
        step()
        repeats = max(1, int(SECONDS / (time.perf_counter() - began)))
        began = time.perf_counter()
        for _ in range(repeats):
            step()
        return (time.perf_counter() - began) / repeats

    def build(self, given: dict[str, np.ndarray]) -> Any:
        """The system's steps by name."""
        name, *setting = self.system.split()
        if name in ("tensorflow", "jax"):
            return {"tensorflow": tensorflow_steps, "jax": jax_steps}[name](given, bool(setting))
        import crf_peers  # beside this file

        return getattr(crf_peers, name.replace("-", "_"))(given, bool(setting))


def tensorflow_steps(given: dict[str, np.ndarray], jit: bool) -> Any:
    """Steps that `tf.function` compiles."""
    import tensorflow as tf

    from seqlab.ops import crf

    inputs = [tf.constant(given[name]) for name in ("scores", "mask", "transitions", "start", "end")]
    labels = tf.constant(given["labels"])

    @tf.function(jit_compile=jit or None)
    def train(scores: Any, mask: Any, transitions: Any, start: Any, end: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([scores, transitions, start, end])
            loss = -tf.reduce_mean(crf.log_likelihood(scores, labels, mask, transitions, start, end))
        return loss, tape.gradient(loss, [scores, transitions, start, end])

    viterbi = tf.function(crf.viterbi, jit_compile=jit or None)
    marginals = tf.function(crf.marginals, jit_compile=jit or None)
    return {
        "train": lambda: float(train(*inputs, labels)[0]),
        "viterbi": lambda: viterbi(*inputs)[0].numpy(),
        "marginals": lambda: marginals(*inputs).numpy(),
    }


def jax_steps(given: dict[str, np.ndarray], _: bool) -> Any:
    """Steps that `jax.jit` compiles."""
    import jax

    from seqlab.ops import crf

    inputs = [jax.numpy.asarray(given[name]) for name in ("scores", "mask", "transitions", "start", "end")]
    labels = jax.numpy.asarray(given["labels"])

    def loss(scores: Any, transitions: Any, start: Any, end: Any, mask: Any, labels: Any) -> Any:
        return -crf.log_likelihood(scores, labels, mask, transitions, start, end).mean()

    gradient = jax.jit(jax.value_and_grad(loss, (0, 1, 2, 3)))
    viterbi, marginals = jax.jit(crf.viterbi), jax.jit(crf.marginals)
    scores, mask, *weights = inputs
    return {
        "train": lambda: float(jax.block_until_ready(gradient(scores, *weights, mask, labels))[0]),
        "viterbi": lambda: jax.block_until_ready(viterbi(*inputs)),
        "marginals": lambda: jax.block_until_ready(marginals(*inputs)),
    }


if __name__ == "__main__":
    sys.exit(main())
