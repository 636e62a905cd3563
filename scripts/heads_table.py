"""What the output layer does to a tagger: F1, invalid spans and calibration of softmax, constrained softmax and CRF.

    for seed in 1 2 3; do
        seqlab train recipes/conll2000_chunking.py --seed $seed --head softmax --run runs/softmax$seed
        seqlab train recipes/conll2000_chunking.py --seed $seed --run runs/crf$seed
    done
    python scripts/heads_table.py runs/softmax? runs/crf?

Reads finished runs, groups them by their head, and prints medians over the seeds, on the runs' test data. Each row is
the same weights: `+ rules` decodes by the tag scheme, `+ temperature` divides scores by what development data asks for.
`invalid` is the share of predicted spans with a tag that the scheme would not write there.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COLUMNS = ("F1", "strict F1", "invalid", "ECE", "ECE + temperature", "temperature")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", nargs="+", type=Path, help="folders of finished runs")
    found: dict[str, list[dict[str, float]]] = {}
    for folder in parser.parse_args().runs:
        for name, row in rows(folder):
            found.setdefault(name, []).append(row)
    print(f"{'head':20} {'runs':>4} " + " ".join(f"{title:>17}" for title in COLUMNS))
    for name, several in found.items():
        figures = [statistics.median(row[column] for row in several) for column in COLUMNS]
        print(f"{name:20} {len(several):4} " + " ".join(f"{figure:17.3f}" for figure in figures))
        for column in ("F1", "ECE"):
            print(f"{'':20} {column}: " + ", ".join(f"{row[column]:.3f}" for row in several))


def rows(folder: Path) -> Iterator[tuple[str, dict[str, float]]]:
    """The rows of one run: its head as it was trained, and under the rules of the scheme."""
    import seqlab
    from seqlab.tags import scheme_constraints
    from seqlab.training.data import corpora
    from seqlab.training.run import MODEL, stored_settings

    settings = stored_settings(folder)
    data = corpora(settings)
    if data.test is None:
        raise SystemExit(f"{folder} names no test data.")
    tagger = seqlab.load(folder / MODEL)
    yield settings.head, figures(tagger, data)
    tagger = with_rules(seqlab.load(folder / MODEL), scheme_constraints(tagger.labels, tagger.scheme))
    yield f"{settings.head} + rules", figures(tagger, data)


def with_rules(tagger: Any, rules: Any) -> Any:
    """The same tagger, whose decoder keeps the rules."""
    config = tagger.get_config()
    config["head"]["config"]["constraints"] = rules.get_config()
    other = type(tagger).from_config(config)
    other.set_weights(tagger.get_weights())
    return other


def figures(tagger: Any, data: Any) -> dict[str, float]:
    """What one row shows, in per cent but for the temperature."""
    scores = tagger.score(data.test)
    before = tagger.reliability(data.test).expected_error
    temperature = tagger.calibrate(data.dev).value
    shares = {
        "F1": scores.overall.f1,
        "strict F1": scores.strict.f1,
        "invalid": invalid(tagger.tags(data.test), tagger.scheme),
        "ECE": before,
        "ECE + temperature": tagger.reliability(data.test).expected_error,
    }
    return {name: 100 * share for name, share in shares.items()} | {"temperature": temperature}


def invalid(sentences: list[list[str]], scheme: str) -> float:
    """The share of spans, as conlleval reads them, in which a tag breaks the scheme."""
    from seqlab.tags import spans, violations

    count = bad = 0
    for tags in sentences:
        broken = {place for place, _ in violations(tags, scheme)}
        for span in spans(tags, scheme):
            count += 1
            bad += any(place in broken for place in range(span.start, span.end))
    return bad / max(count, 1)


if __name__ == "__main__":
    main()
