"""Train and tag throughput of the CoNLL-2000 chunker, in tokens/s, against the same network in torch with pytorch-crf.

    SEQLAB_DATA=FOLDER python scripts/bench_tagger.py

Each system lives in a process of its own and they take turns, one pass each, so that all see the same machine; the
table gives medians and the ratio to the peer. Words (GloVe 50d), casing, char-CNN, two bidirectional LSTM layers of
100, CRF; Adam with clipping; the same batches for all. The peer needs `pip install torch pytorch-crf`; without them it
is left out. All keep freed memory (`seqlab.memory`), torch too, as the verbs of `seqlab` do on JAX, but for `--systems
"jax freeing"` and the like. With `--parts` a second table adds the parts one after the other, to say where the time of
a step goes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workers import ask, serve, start  # beside this file

DATA = Path(os.environ.get("SEQLAB_DATA", "data"))
SYSTEMS = ("tensorflow", "jax", "torch")
FREEING = tuple(f"{system} freeing" for system in SYSTEMS)
PARTS = ("words", "+ casing", "+ characters", "+ encoder", "+ crf")


def main() -> int:
    """Runs the benchmark, or one of its workers."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--batch", type=int, nargs="+", default=[10, 32], help="batch sizes")
    parser.add_argument("--passes", type=int, default=6, help="timed passes of each system")
    parser.add_argument("--sentences", type=int, default=2000, help="training sentences in a pass")
    parser.add_argument("--systems", nargs="+", default=list(SYSTEMS), choices=[*SYSTEMS, *FREEING])
    parser.add_argument("--parts", action="store_true", help="also say where the time of a training step goes")
    parser.add_argument("--worker", nargs=3, metavar=("SYSTEM", "BATCH", "SENTENCES"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return work(options.worker[0], int(options.worker[1]), int(options.worker[2]))
    for batch in options.batch:
        print(f"\nbatch {batch}: medians of {options.passes} passes, tokens/s")
        throughput(options.systems, batch, options.sentences, options.passes, options.parts)
    return 0


def throughput(systems: list[str], batch: int, sentences: int, passes: int, parts: bool) -> None:
    """Prints the tables of one batch size."""
    workers = {system: start(__file__, system, str(batch), str(sentences)) for system in systems}
    workers = {system: worker for system, worker in workers.items() if ask(worker, "ready") is not None}
    rates: dict[tuple[str, str], list[float]] = {}
    for number in range(passes + 1):
        for system, worker in list(workers.items())[:: -1 if number % 2 else 1]:  # who comes first may be slower
            for job in ("train", "tag"):
                rate = ask(worker, job)
                if number and rate:  # the first pass compiles
                    rates.setdefault((system, job), []).append(rate)
    print(f"{'system':18} {'train':>8} {'ratio':>6} {'tag':>8} {'ratio':>6}")
    for system in workers:
        row = f"{system:18}"
        for job in ("train", "tag"):
            rate, peer = (statistics.median(rates.get((name, job), [0.0])) for name in (system, "torch"))
            row += f" {rate:8.0f} {rate / peer if peer else float('nan'):6.2f}"
        print(row)
    if parts:
        print_parts({name: worker for name, worker in workers.items() if not name.startswith("torch")})
    for worker in workers.values():
        worker.kill()


def print_parts(workers: dict[str, subprocess.Popen[str]]) -> None:
    """Prints what each part adds to a training step."""
    print("\nwhere the time of a training step goes, ms")
    print(f"{'part':14} " + " ".join(f"{system:>12}" for system in workers))
    steps = [ask(worker, "parts") for worker in workers.values()]
    for k, part in enumerate(PARTS):
        shares = [times[k] - (times[k - 1] if k else 0) for times in steps]
        print(f"{part:14} " + " ".join(f"{share:12.1f}" for share in shares))


def work(system: str, batch: int, sentences: int) -> int:
    """Builds a system and does what standard input asks for."""
    from seqlab.corpora.conll import conll
    from seqlab.memory import keep_memory

    if system not in FREEING:
        keep_memory()
    corpus = conll(DATA / "conll2000" / "train.txt", {"word": 0, "pos": 1, "chunk": 2})
    vectors = next((DATA / "glove").glob("glove.6B.50d*.txt"))
    tagger = build(corpus, vectors, PARTS[-1])
    train = tagger.batches(corpus[:sentences], batch_size=batch, shuffle=True, seed=1)
    tag = tagger.batches(corpus[-sentences:], batch_size=batch)
    if system.startswith("torch"):
        from torch_peer import Peer  # beside this file

        peer = Peer(tagger)
        jobs: dict[str, Callable[[], Any]] = {"train": lambda: peer.train(train), "tag": lambda: peer.tag(tag)}
    else:
        jobs = {
            "train": lambda: tagger.fit(train, verbose=0, restore_best=None),
            "tag": lambda: tagger.decoder.labels(tag),
        }
    sizes = {"train": int(train.encoded.offsets[-1]), "tag": int(tag.encoded.offsets[-1])}

    def answer(job: str) -> Any:
        if job in jobs:
            began = time.perf_counter()
            jobs[job]()
            return sizes[job] / (time.perf_counter() - began)
        if job == "parts":
            return [step_time(build(corpus, vectors, part), corpus[:sentences], batch) for part in PARTS]
        return "ready"

    serve(answer)
    return 0


def build(corpus: Any, vectors: Path, last: str) -> Any:
    """Builds a tagger with the parts up to one of `PARTS`; the parts after it are left out."""
    import keras

    from seqlab.layers.stack import RecurrentStack
    from seqlab.models import builders
    from seqlab.models.tagger import Tagger

    class Through(keras.layers.Layer):
        """Stands where the encoder is left out."""

        def __init__(self) -> None:
            super().__init__()
            self.supports_masking = True

        def call(self, inputs: Any, mask: Any = None) -> Any:
            return inputs

    known = PARTS[: PARTS.index(last) + 1]
    words = builders.words_of(corpus, vectors, unseen_vectors=0)
    vectorizer = builders.vectorizer_of(corpus, "chunk", words)
    chars = "cnn" if "+ characters" in known else None
    features = builders.features_of(vectorizer, words, chars=chars, casing="+ casing" in known)
    encoder = RecurrentStack(100, layers=2, dropout=0.5) if "+ encoder" in known else Through()
    head = builders.head_of("crf" if "+ crf" in known else "softmax", vectorizer.labels["chunk"])
    tagger = Tagger(vectorizer, "chunk", features, encoder, head)
    tagger.compile(keras.optimizers.Adam(1e-3, global_clipnorm=5.0))
    return tagger


def step_time(tagger: Any, corpus: Any, batch: int) -> float:
    """Returns the milliseconds of a training step: median of three passes after one that compiles."""
    batches = tagger.batches(corpus, batch_size=batch, shuffle=True, seed=1)
    times = []
    for _ in range(4):
        began = time.perf_counter()
        tagger.fit(batches, verbose=0, restore_best=None)
        times.append(1000 * (time.perf_counter() - began) / len(batches))
    return statistics.median(times[1:])


if __name__ == "__main__":
    sys.exit(main())
