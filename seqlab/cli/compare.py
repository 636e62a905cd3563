"""`seqlab compare`: whether two models differ on the same test sentences, or chance alone makes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from seqlab.cli.reading import ReadingFlags, opened, stored_data
from seqlab.errors import DataError, SettingsError
from seqlab.files import write_text

if TYPE_CHECKING:
    from seqlab.evaluation.sentence_counts import SentenceCounts

FIGURES = {"f1": "F1", "accuracy": "accuracy"}


@dataclass(frozen=True)
class Compare(ReadingFlags):
    """Compares two models on the same labelled sentences.

    Prints both scores with intervals, the difference (second minus first) with its interval, by bootstrap over the
    sentences, and the p-value of a paired permutation test.
    """

    models: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(help="two runs' folders or .keras files")]
    data: Annotated[Path | None, tyro.conf.arg(help="labelled file; the test file of both runs if not given")] = None
    figure: Annotated[
        Literal["f1", "accuracy"] | None,
        tyro.conf.arg(help="score: F1 of spans, or share of right tokens; f1 where tags spell spans if not given"),
    ] = None
    samples: Annotated[int, tyro.conf.arg(help="resamples of the intervals, exchanges of the test")] = 10_000
    level: Annotated[float, tyro.conf.arg(help="confidence of the intervals")] = 0.95
    seed: Annotated[int, tyro.conf.arg(help="seed of what is drawn")] = 0
    output: Annotated[Path | None, tyro.conf.arg(help="file to write the comparison to as JSON")] = None


def main(arguments: Sequence[str]) -> int:
    """Parses the arguments, scores both models and prints the table."""
    options = tyro.cli(Compare, args=list(arguments), prog="seqlab compare")
    if len(options.models) != 2:
        raise SettingsError(f"name two models to compare, received {len(options.models)}.")
    from seqlab.evaluation.comparison import compare

    models = [opened(place, options.task)[1] for place in options.models]
    if models[0].task != models[1].task:
        raise SettingsError(
            f"the models have other tasks, {models[0].task!r} and {models[1].task!r}: nothing can be compared."
        )
    task = models[0].task
    path = options.data or _common_test(options.models, task)
    figure, (one, other) = _counts(options, models, path)
    found = compare(one, other, options.samples, options.level, options.seed)
    names = (str(options.models[0]), str(options.models[1]))
    print(f"{task} on {path}, {found.sentences} sentences\n{found.table(names, FIGURES[figure])}")
    if options.output is not None:
        facts = {"task": task, "data": str(path), "figure": figure, "models": list(names)}
        drawn = {"samples": options.samples, "seed": options.seed}
        write_text(options.output, json.dumps({**facts, **drawn, **found.to_dict()}, indent=1) + "\n")
    return 0


def _common_test(places: Sequence[Path], task: str) -> Path:
    """The test file that both runs name, with the content that both were begun with."""
    tests = []
    for place in places:
        data = stored_data(place, task)
        if data is None:
            raise SettingsError(f"no common test set: {place} is not of a run's folder. Name one: --data FILE.")
        if data.test is None:
            raise SettingsError(f"no common test set: the run of {place} has none. Name one: --data FILE.")
        versions = (place if place.is_dir() else place.parent) / "versions.json"
        tests.append((data.test, json.loads(versions.read_text("utf-8"))["data"].get(data.test)))
    (first, digest), (second, other) = tests
    if digest != other:
        raise DataError(
            f"no common test set: the runs have other test data, {first} and {second}. Name one for both: --data FILE."
        )
    path = Path(first if Path(first).is_file() else second)
    if not path.is_file():
        names = first if first == second else f"{first} or {second}"
        raise DataError(
            f"no common test set: there is no file {names}, as the runs name it, seen from {Path.cwd()}. Go to the "
            "folder where they were begun, or name it: --data FILE."
        )
    with path.open("rb") as stream:
        now = hashlib.file_digest(stream, "sha256").hexdigest()
    if now != digest:
        raise DataError(f"{path} has changed since the runs were begun. To compare on it all the same: --data {path}.")
    return path


def _counts(options: Compare, models: Sequence[Any], path: Path) -> tuple[str, list[SentenceCounts]]:
    """The figure, and what each sentence adds to each model's score."""
    corpora = [_read(options, place, model, path) for place, model in zip(options.models, models, strict=True)]
    figure = options.figure or ("accuracy" if models[0].scheme is None else "f1")
    _check(figure, models, corpora, path)
    return figure, [_scored(model, corpus, figure) for model, corpus in zip(models, corpora, strict=True)]


def _read(options: Compare, place: Path, model: Any, path: Path) -> Any:
    from seqlab.training.data import read

    return model.aligned(read(path, model.task, options.settings(place, model.task)))


def _check(figure: str, models: Sequence[Any], corpora: Sequence[Any], path: Path) -> None:
    """Refuses what gives no scores that can be compared."""
    if [sentence.words for sentence in corpora[0]] != [sentence.words for sentence in corpora[1]]:
        raise DataError(
            f"{path}: the two runs read other sentences in it. Say how to read it, for instance --columns word=0 "
            f"{models[0].task}=-1."
        )
    schemes = [model.scheme for model in models]
    golds = [corpus.column(models[0].task) for corpus in corpora]
    if schemes[0] == schemes[1] and golds[0] != golds[1]:
        raise DataError(f"{path}: the two runs read other labels in it. Say in which column they are: --columns.")
    if None in schemes and schemes != [None, None]:
        raise SettingsError("the tags of one model spell spans and those of the other do not: nothing can be compared.")
    if figure == "f1" and schemes[0] is None:
        raise SettingsError("--figure f1 is for tags that spell spans; these are plain labels: say accuracy.")
    if figure == "accuracy" and schemes[0] != schemes[1]:
        raise SettingsError(
            f"--figure accuracy needs one tag scheme, the models have {schemes[0]} and {schemes[1]}: say f1."
        )


def _scored(model: Any, corpus: Any, figure: str) -> SentenceCounts:
    from seqlab.evaluation.sentence_counts import span_counts, token_counts

    gold, predicted = corpus.column(model.task), model.tags(corpus)
    return token_counts(gold, predicted) if figure == "accuracy" else span_counts(gold, predicted, model.scheme)
