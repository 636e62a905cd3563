"""Speed of recurrent layers: seqlab's fused ones (each variant) against Keras' and torch's, in one table.

    python scripts/bench_recurrent.py                      # all shapes, both backends, torch where it is installed
    python scripts/bench_recurrent.py --shapes 10,25,600,300 --layers V CIFG keras

A shape is batch, time, inputs, units; layers are bidirectional. A training step is a loss and its gradients of all
weights and of the inputs, compiled. Each backend lives in a process of its own, which keeps freed memory as the verbs
of `seqlab` do on JAX; they take turns, and the table gives medians. `to V` is the time by that of the vanilla LSTM on
the same system (of layers under XLA, by `V jit`); below the table stands SC-LSTM's by that of an LSTM of its size, NP.
`peak` is the share of the machine's rate of matrix products, that of the system that multiplies fastest, `MB` the
growth of resident memory over a training step. `ragged` has lengths spread evenly from 5 to the full time (tokens are
real ones; below the table its time beside that of the whole batch), `jit` is XLA, for Keras' layer too. On a GPU
machine: `--systems jax torch`.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from recurrent_peers import product_step, scan_step, torch_step  # beside this file
from workers import ask, growth, serve, start  # beside this file

from seqlab.memory import keep_memory

SHAPES = ("1,61,88,100", "10,25,600,300", "32,25,600,300", "32,32,128,200", "32,60,300,300")
VARIANTS = ("V", "NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "NP", "FGR")
OURS = (*VARIANTS, "V ragged", "V jit", "GRU", "SC-LSTM 1 of 3", "RNN(cell)")
PEERS = {"tensorflow": ("V ragged jit", "keras", "keras jit"), "jax": ("keras", "scan"), "torch": ("torch",)}
SHORTEST = 5
TURN = 0.1  # seconds of steps at the least, each time that it is a layer's turn
BLOCKS = {"NIG": 3, "NFG": 3, "NOG": 3, "CIFG": 3, "GRU": 3, "SC-LSTM": 5}  # that meet inputs and y(t-1); 4 for others


def main() -> None:
    """Runs the benchmark, or one of its workers."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), help="batch,time,inputs,units")
    parser.add_argument("--layers", nargs="+", default=[*OURS, "V ragged jit", "keras", "keras jit", "scan", "torch"])
    parser.add_argument("--systems", nargs="+", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--rounds", type=int, default=9, help="timed rounds")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        keep_memory()
        serve(Worker(options.worker).answer)
        return
    for shape in options.shapes:
        table([int(size) for size in shape.split(",")], options.systems, options.layers, options.rounds)


def table(shape: list[int], systems: list[str], layers: list[str], rounds: int) -> None:
    """Prints the table of one shape."""
    workers = {system: start(__file__, system) for system in systems}
    jobs = [
        (s, layer) for s in systems for layer in layers if layer in (("torch",) if s == "torch" else (*OURS, *PEERS[s]))
    ]
    times: dict[tuple[str, str, str], list[float]] = {}
    for number in range(rounds + 1):
        for system, layer in jobs:
            for kind in ("forward", "train"):
                seconds = ask(workers[system], [layer, kind, shape])
                if number and seconds:
                    times.setdefault((system, layer, kind), []).append(seconds)
    megabytes = {job: ask(workers[job[0]], [job[1], "memory", shape]) for job in jobs}
    rate = max(ask(worker, ["", "products", shape]) or 0 for worker in workers.values())
    for worker in workers.values():
        worker.kill()
    print(
        f"\nbatch {shape[0]}, time {shape[1]}, inputs {shape[2]}, units {shape[3]}; products: {rate / 1e9:.0f} GFLOP/s"
    )
    print(
        f"{'system':11} {'layer':15} "
        + " ".join(f"{title:>9}" for title in ("forward", "train", "to V", "of keras", "of scan", "of torch"))
        + f" {'peak':>5} {'MB':>6}"
    )
    middle = {key: statistics.median(found) for key, found in times.items()}
    for system, layer in jobs:
        if (system, layer, "train") not in middle:
            continue
        count = tokens(layer, shape)
        train = count / middle[system, layer, "train"]
        compiled = layer.endswith("jit") and (system, "keras jit", "train") in middle
        peers = (system, "keras jit" if compiled else "keras"), (system, "scan"), ("torch", "torch")
        ratios = [train * middle.get((*peer, "train"), float("nan")) / (shape[0] * shape[1]) for peer in peers]
        vanilla = middle.get((system, "V jit" if layer.endswith("jit") else "V", "train"), float("nan"))
        ratios.insert(0, middle[system, layer, "train"] / vanilla)
        share = 3 * train * operations(layer, shape) / rate
        print(
            f"{system:11} {layer:15} {count / middle[system, layer, 'forward']:9.0f} {train:9.0f} "
            + " ".join(f"{ratio:9.2f}" for ratio in ratios)
            + f" {share:5.0%} {megabytes[system, layer]:6.1f}",
            flush=True,
        )
    for system in systems:
        own = {layer: seconds for (of, layer, kind), seconds in middle.items() if (of, kind) == (system, "train")}
        comparisons(system, own, shape)


def comparisons(system: str, times: dict[str, float], shape: list[int]) -> None:
    """Prints what stands below the table, of the layers that were measured."""
    share = tokens("ragged", shape) / (shape[0] * shape[1])
    for one, other in (("V ragged", "V"), ("V ragged jit", "V jit"), ("SC-LSTM 1 of 3", "NP")):
        if one in times and other in times:
            ratio = times[one] / times[other]
            tail = f", {share:.2f} of its tokens: {ratio / share:.2f} of the tokens' share" if "ragged" in one else ""
            print(f"{system}, {one}: {ratio:.2f} of the time of {other}{tail}", flush=True)


def lengths(shape: list[int]) -> np.ndarray:
    """Lengths of a ragged batch."""
    return np.linspace(shape[1], min(SHORTEST, shape[1]), shape[0]).round().astype("int32")


def tokens(layer: str, shape: list[int]) -> int:
    """Real tokens of a batch."""
    return int(lengths(shape).sum()) if "ragged" in layer else shape[0] * shape[1]


def operations(layer: str, shape: list[int]) -> int:
    """Floating-point operations of the matrix products for one token, forward and in both directions."""
    *_, inputs, units = shape
    count = BLOCKS.get(layer.split()[0], 4) * units * (inputs + units) + (9 * units**2 if layer == "FGR" else 0)
    return 2 * 2 * count


class Worker:
    """One backend: builds steps when they are asked for, and times them."""

    def __init__(self, system: str) -> None:
        self.system = system
        self.steps: dict[str, Callable[[], Any]] = {}

    def answer(self, job: list[Any]) -> Any:
        """Seconds of one step; megabytes; products a second; `None` where the system lacks the layer."""
        layer, kind, shape = job
        if kind == "products":
            return self.products(shape)
        name = "train" if kind == "memory" else kind
        try:
            if f"{layer} {name}" not in self.steps:
                self.steps[f"{layer} {name}"] = self.build(layer, name, shape)
                self.steps[f"{layer} {name}"]()
        except ImportError:
            return None
        step = self.steps[f"{layer} {name}"]
        if kind == "memory":
            return growth(step)
        step()
        began, steps = time.perf_counter(), 0
        while steps < 3 or time.perf_counter() - began < TURN:
            step()
            steps += 1
        return (time.perf_counter() - began) / steps

    def build(self, name: str, kind: str, shape: list[int]) -> Callable[[], Any]:
        """Builds the step of a layer."""
        batch, time_, inputs, units = shape
        x = np.random.default_rng(0).normal(size=(batch, time_, inputs)).astype("float32")
        if name == "torch":
            return torch_step(x, units, kind)
        if name == "scan":
            return scan_step(x, units, kind)
        layer, options = keras_layer(name, units)
        layer.build(x.shape)
        if "ragged" in name:
            options["mask"] = np.arange(time_) < lengths(shape)[:, None]
        maker = {"tensorflow": tensorflow_step, "jax": jax_step}[self.system]
        return maker(layer, x, options, kind, name.endswith("jit"))

    def products(self, shape: list[int]) -> float:
        """Floating-point operations a second of a matrix product of this shape's size."""
        batch, time_, inputs, units = shape
        sizes = (batch * time_, inputs), (inputs, 4 * units)
        try:
            step = product_step(self.system, *sizes)
        except ImportError:
            return 0.0
        found = []
        for _ in range(50):
            began = time.perf_counter()
            step()
            found.append(time.perf_counter() - began)
        return 2 * batch * time_ * inputs * 4 * units / statistics.median(found)


def keras_layer(name: str, units: int) -> tuple[Any, dict[str, Any]]:
    """The layer of that name, and what it is called with."""
    import keras

    from seqlab import layers

    if name in ("keras", "keras jit"):
        return keras.layers.Bidirectional(keras.layers.LSTM(units, return_sequences=True)), {}
    if name == "RNN(cell)":
        return keras.layers.Bidirectional(keras.layers.RNN(layers.LSTMCell(units), return_sequences=True)), {}
    code = name.split()[0]
    cells = {"GRU": lambda: layers.GRUCell(units), "SC-LSTM": lambda: layers.SCLSTMCell(units, tasks=3)}
    cell = cells.get(code, lambda: layers.LSTMCell(units, code))()
    return layers.Bidirectional(layers.Recurrent(cell, return_sequences=True)), {"task": 0} if "SC" in code else {}


def tensorflow_step(layer: Any, x: np.ndarray, options: dict[str, Any], kind: str, jit: bool) -> Callable[[], Any]:
    """A step that `tf.function` compiles."""
    import tensorflow as tf

    weights = [variable.value for variable in layer.trainable_variables]

    @tf.function(jit_compile=jit or None)
    def run(x: Any) -> Any:
        if kind == "forward":
            return layer(x, **options)
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_mean(tf.square(layer(x, **options)))
        return tape.gradient(loss, [x, *weights])

    fixed = tf.constant(x)
    return lambda: [part.numpy() for part in tf.nest.flatten(run(fixed))[:1]]


def jax_step(layer: Any, x: np.ndarray, options: dict[str, Any], kind: str, jit: bool) -> Callable[[], Any]:
    """A step that `jax.jit` compiles."""
    import jax

    others = [variable.value for variable in layer.non_trainable_variables]

    def forward(weights: Any, x: Any) -> Any:
        return layer.stateless_call(weights, others, x, **options)[0]

    def loss(weights: Any, x: Any) -> Any:
        return (forward(weights, x) ** 2).mean()

    run = jax.jit(forward if kind == "forward" else jax.grad(loss, (0, 1)))
    weights, fixed = [variable.value for variable in layer.trainable_variables], jax.numpy.asarray(x)
    return lambda: jax.block_until_ready(run(weights, fixed))


if __name__ == "__main__":
    main()
