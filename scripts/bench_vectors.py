"""Reading word vectors, in seconds, and what a training step costs with more of them.

    python scripts/bench_vectors.py --gensim PYTHON

Makes files of random numbers in a temporary folder (text and word2vec's binary format) and reads each several times,
the readers in turn, each reading in a process of its own: seqlab without its cache, seqlab from its cache, a plain
reader of split() and NumPy, and gensim where `--gensim` names a Python that has it (`pip install gensim`). Medians and
ratios to seqlab's reading without cache. The second table has the time of a training step of a tagger whose vector file
has 20,000 and more rows, on the backend that KERAS_BACKEND names.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

OURS = "from seqlab.text.vectors import read_vectors"
READERS = {  # what is imported, and what is timed
    "seqlab": (OURS, "read_vectors({path!r}, cache=False)"),
    "seqlab, cached": (OURS, "read_vectors({path!r}, cache={cache!r})"),
    "plain NumPy": ("from bench_vectors import plain", "plain({path!r})"),
    "gensim": ("from gensim.models import KeyedVectors as K", "K.load_word2vec_format({path!r}, binary={binary})"),
}


def main() -> int:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=400_000, help="words in the files")
    parser.add_argument("--width", type=int, default=50, help="numbers of a vector")
    parser.add_argument("--rounds", type=int, default=3, help="timed rounds")
    parser.add_argument("--gensim", default="", help="a Python that has gensim")
    parser.add_argument(
        "--steps", type=int, nargs="*", default=[20_000, 100_000, 400_000], help="rows of the step table"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = write(Path(folder), options.rows, options.width)
        print(
            f"{options.rows:,} words of {options.width} numbers\n{'format':8} {'reader':15} {'seconds':>8} {'ratio':>6}"
        )
        for form, path in files.items():
            for line in table(form, reading(form, path, options.rounds, options.gensim)):
                print(line, flush=True)
    if options.steps:
        print(f"\n{'rows':>8} {'ms a step':>9} {'ratio':>6}")
        times = {rows: step_time(rows, options.width) for rows in options.steps}
        for rows, seconds in times.items():
            print(f"{rows:8,} {1000 * seconds:9.2f} {seconds / times[options.steps[0]]:6.2f}")
    return 0


def write(folder: Path, rows: int, width: int) -> dict[str, Path]:
    """Writes the same random vectors in both formats."""
    random = np.random.default_rng(0)
    files = {"text": folder / "vectors.txt", "binary": folder / "vectors.bin"}
    with files["text"].open("wb") as text, files["binary"].open("wb") as binary:
        for stream in (text, binary):
            stream.write(b"%d %d\n" % (rows, width))
        for row in range(rows):
            numbers = random.normal(size=width).round(5)
            text.write(b"word%d %s\n" % (row, b" ".join(b"%.5f" % number for number in numbers)))
            binary.write(b"word%d %s\n" % (row, numbers.astype("<f4").tobytes()))
    return files


def plain(path: str) -> np.ndarray:
    """The reader that everybody writes."""
    words, vectors = [], []
    with open(path, encoding="utf-8") as stream:
        next(stream)
        for line in stream:
            word, *numbers = line.rstrip().split(" ")
            words.append(word)
            vectors.append(np.asarray(numbers, "float32"))
    return np.stack(vectors)


def reading(form: str, path: Path, rounds: int, gensim: str) -> dict[str, float]:
    """Median seconds of each reader that there is for the format."""
    names = [name for name in READERS if (name != "gensim" or gensim) and (name != "plain NumPy" or form == "text")]
    times: dict[str, list[float]] = {name: [] for name in names}
    values = {"path": str(path), "cache": str(path.parent / "cache"), "binary": form == "binary"}
    timed(sys.executable, "seqlab, cached", values)  # writes the cache
    for _ in range(rounds):
        for name in names:
            times[name].append(timed(gensim if name == "gensim" else sys.executable, name, values))
    return {name: statistics.median(found) for name, found in times.items()}


def timed(python: str, name: str, values: dict[str, Any]) -> float:
    """Seconds of one reading in a process of its own, its imports left out."""
    imports, read = READERS[name]
    clock = "time.perf_counter()"
    program = f"import time\n{imports}\nt = {clock}\n{read.format(**values)}\nprint({clock} - t)"
    done = subprocess.run(
        [python, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parent
    )
    return float(done.stdout)


def table(form: str, times: dict[str, float]) -> list[str]:
    """Lines of the first table."""
    return [f"{form:8} {name:15} {value:8.2f} {value / times['seqlab']:6.2f}" for name, value in times.items()]


def step_time(rows: int, width: int, steps: int = 30) -> float:
    """Median seconds of a training step of a tagger with so many vectors, most of words outside training."""
    import keras

    from seqlab.corpora.records import Corpus, Sentence
    from seqlab.layers.stack import RecurrentStack
    from seqlab.models.tagger import Tagger
    from seqlab.text.vectors import WordVectors

    random = np.random.default_rng(0)
    vectors = WordVectors([f"word{row}" for row in range(rows)], random.normal(size=(rows, width)).astype("float32"))
    drawn = random.integers(0, 15_000, (500, 20))  # the same corpus whatever the file
    corpus = Corpus([Sentence(tuple(f"word{k}" for k in line), {"tag": ("A", "B") * 10}) for line in drawn])
    encoder = RecurrentStack(50, name="encoder")
    tagger = Tagger.from_corpus(corpus, "tag", vectors, chars=None, head="softmax", encoder=encoder)
    tagger.compile(keras.optimizers.Adam())
    inputs, labels = tagger.batches(corpus, batch_size=16)[0]
    found = []
    for _ in range(steps + 5):
        began = time.perf_counter()
        float(tagger.train_on_batch(inputs, labels))
        found.append(time.perf_counter() - began)
    return statistics.median(found[5:])  # the first compile


if __name__ == "__main__":
    sys.exit(main())
