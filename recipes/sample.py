"""The main job on the embedded corpus: chunking, parts of speech and named entities from 600 sentences, from scratch.

    python recipes/sample.py                      # all three tasks, then tags a sentence
    seqlab train recipes/sample.py --task chunk   # one of them
    seqlab tune recipes/sample.py --tuner bayesian --trials 30 --jobs 2   # searches what `search_space` declares

Time: about 2 minutes on 2 cores, TensorFlow backend. Score on the test part, seed 1: chunk F1 84.0, part-of-speech
accuracy 91.2, entity F1 63.5 (95 entities to find, 496 to learn from: too few for more).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from seqlab.cli.main import main
from seqlab.settings import DataSettings, EncoderSettings, Settings, TrainingSettings, WordSettings

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
SENTENCE = "Clara Jensen flew from Oslo to Japan in May, but the Norwegian press did not notice."


def settings() -> Settings:
    return Settings(
        data=DataSettings(
            train=str(SAMPLE / "train.conll"),
            dev=str(SAMPLE / "dev.conll"),
            test=str(SAMPLE / "test.conll"),
            columns={"word": 0, "pos": 1, "chunk": 2, "ner": 3},
        ),
        task="chunk",
        words=WordSettings(dim=64),
        encoder=EncoderSettings(units=64, layers=1, dropout=0.4),
        training=TrainingSettings(batch_size=8, epochs=20, learning_rate=3e-3, patience=6),
    )


def search_space(hp: Any) -> dict[str, Any]:
    chars = hp.Choice("words.chars", ["cnn", "lstm"])
    with hp.conditional_scope("words.chars", ["lstm"]):
        units = hp.Int("chars.units", 15, 50, step=5)
    with hp.conditional_scope("words.chars", ["cnn"]):
        filters = hp.Int("chars.filters", 20, 80, step=10)
    return {
        "words.chars": chars,
        "chars.units": units,
        "chars.filters": filters,
        "training.learning_rate": hp.Float("training.learning_rate", 3e-4, 3e-2, sampling="log", default=3e-3),
        "encoder.units": hp.Int("encoder.units", 32, 160, step=32),
        "encoder.dropout": hp.Float("encoder.dropout", 0.0, 0.6, default=0.4),
    }


def run(flags: list[str]) -> int:
    folder = Path("runs") / f"sample-{time.strftime('%Y%m%d-%H%M%S')}"
    for task in ("chunk", "pos", "ner"):
        print(f"\n=== {task} ===")
        status = main(["train", __file__, "--task", task, "--run", str(folder / task), *flags])
        if status:
            return status
    print(f"\n{SENTENCE}")
    return main(["tag", str(folder / "chunk"), SENTENCE])


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
