"""Two saved models on the same sentences, by command."""

from __future__ import annotations

import functools
import hashlib
import importlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from seqlab.cli.compare import _common_test
from seqlab.cli.main import main
from seqlab.corpora.conll import conll
from seqlab.errors import DataError, SettingsError
from seqlab.evaluation.comparison import compare
from seqlab.evaluation.sentence_counts import span_counts, token_counts
from tests import tiny

pytestmark = pytest.mark.usefixtures("eagerly")

loading = importlib.import_module("seqlab.inference.load")  # its room has a function of that name
load = functools.cache(loading.load)


@pytest.fixture(autouse=True)
def loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opens each file once in this module: opening is most of what the command costs."""
    monkeypatch.setattr(loading, "load", load)


@pytest.fixture(scope="module")
def other_run(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the same settings whose model gives other tags."""
    folder = tmp_path_factory.mktemp("other") / "run"
    shutil.copytree(finished_run, folder)
    model = loading.load(folder / "model.keras")
    for weight in model.encoder.trainable_variables:
        weight.assign(weight * 0.4)
    model.save(folder / "model.keras")
    return folder


def outputs(run: Path, data: Path) -> tuple[Any, Any]:
    corpus = conll(data, tiny.COLUMNS)
    return corpus.column("chunk"), load(run / "model.keras").tags(corpus)


def test_table_and_json(finished_run: Path, other_run: Path, tmp_path: Path, capsys: Any) -> None:
    test = finished_run.parent / "data" / "test.conll"
    flags = ["--samples", "200", "--level", "0.9", "--seed", "3", "--output", str(tmp_path / "found.json")]
    assert main(["compare", str(finished_run), str(other_run), *flags]) == 0
    text = capsys.readouterr().out
    (gold, one), (_, other) = (outputs(run, test) for run in (finished_run, other_run))
    counts = [span_counts(gold, tags, "iob2") for tags in (one, other)]
    wanted = compare(*counts, samples=200, level=0.9, seed=3)
    assert wanted.test.difference
    names = (str(finished_run), str(other_run))
    assert text == f"chunk on {test}, 5 sentences\n{wanted.table(names)}\n"
    stored = json.loads((tmp_path / "found.json").read_text("utf-8"))
    assert stored.items() >= json.loads(json.dumps(wanted.to_dict())).items()
    assert (stored["task"], stored["data"], stored["figure"]) == ("chunk", str(test), "f1")
    assert (stored["models"], stored["samples"], stored["seed"]) == (list(names), 200, 3)


def test_other_data_and_figure(finished_run: Path, other_run: Path, capsys: Any) -> None:
    dev = finished_run.parent / "data" / "dev.conll"
    files = [str(run / "model.keras") for run in (finished_run, other_run)]
    assert main(["compare", *files, "--data", str(dev), "--figure", "accuracy"]) == 0
    text = capsys.readouterr().out
    (gold, one), (_, other) = (outputs(run, dev) for run in (finished_run, other_run))
    wanted = compare(*(token_counts(gold, tags) for tags in (one, other)))
    assert text == f"chunk on {dev}, 5 sentences\n{wanted.table((files[0], files[1]), 'accuracy')}\n"


def test_other_tasks_and_readings(finished_run: Path, tmp_path: Path, capsys: Any) -> None:
    test = finished_run.parent / "data" / "test.conll"
    (tmp_path / "pos").mkdir()
    tiny.tagger(task="pos", chars=None, dropout=0).save(tmp_path / "pos" / "model.keras")
    assert main(["compare", str(finished_run), str(tmp_path / "pos"), "--data", str(test)]) == 1
    assert "other tasks, 'chunk' and 'pos'" in capsys.readouterr().err
    plain = [str(tmp_path / "pos")] * 2 + ["--data", str(test), "--columns", "word=0", "pos=1"]
    assert main(["compare", *plain, "--figure", "f1"]) == 1
    assert "plain labels: say accuracy" in capsys.readouterr().err
    assert main(["compare", *plain]) == 0
    assert "accuracy  95 % interval" in capsys.readouterr().out
    shutil.copy(finished_run / "model.keras", tmp_path / "bare.keras")  # without its run: the last column
    lines = ["a DT B-NP B-NP", "b NN I-NP O"]
    (tmp_path / "odd.conll").write_text("\n".join(lines) + "\n", "utf-8")
    pair = [str(finished_run), str(tmp_path / "bare.keras"), "--data", str(tmp_path / "odd.conll")]
    assert main(["compare", *pair]) == 1
    assert "the two runs read other labels in it" in capsys.readouterr().err
    assert main(["compare", *pair, "--columns", "word=0", "chunk=2"]) == 0


@pytest.mark.parametrize("arguments", [[], ["a.keras"], ["a.keras", "b.keras", "c.keras"]])
def test_two_models(arguments: list[str], capsys: Any) -> None:
    assert main(["compare", *arguments]) == 1
    assert f"two models to compare, received {len(arguments)}" in capsys.readouterr().err


def fake_run(folder: Path, test: str | None) -> Path:
    """What a run's folder says of its data."""
    data = {"train": "train.conll", "test": test}
    folder.mkdir(parents=True)
    (folder / "settings.json").write_text(json.dumps({"data": data, "task": "label"}), "utf-8")
    digest = {} if test is None else {test: _digest(Path(test))}
    (folder / "versions.json").write_text(json.dumps({"data": digest}), "utf-8")
    return folder


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_common_test_set(tmp_path: Path) -> None:
    for name, text in (("a", "x O\n"), ("b", "x O\n"), ("c", "y O\n")):
        (tmp_path / name).write_text(text, "utf-8")
    runs = {name: fake_run(tmp_path / f"run-{name}", str(tmp_path / name)) for name in "abc"}
    assert _common_test((runs["a"], runs["a"] / "model.keras"), "label") == tmp_path / "a"
    assert _common_test((runs["a"], runs["b"]), "label") == tmp_path / "a"  # another place, the same content
    (tmp_path / "a").unlink()
    assert _common_test((runs["a"], runs["b"]), "label") == tmp_path / "b"
    with pytest.raises(DataError, match="other test data, .*a and .*c. Name one for both: --data"):
        _common_test((runs["a"], runs["c"]), "label")
    with pytest.raises(SettingsError, match="run-none has none. Name one: --data"):
        _common_test((runs["b"], fake_run(tmp_path / "run-none", None)), "label")
    with pytest.raises(SettingsError, match="model.keras is not of a run's folder"):
        _common_test((runs["b"], tmp_path / "model.keras"), "label")
    with pytest.raises(DataError, match=f"there is no file {tmp_path / 'a'}, as the runs name it.*--data FILE"):
        _common_test((runs["a"], runs["a"]), "label")
    (tmp_path / "b").write_text("z O\n", "utf-8")
    with pytest.raises(DataError, match="b has changed since"):
        _common_test((runs["b"], runs["b"]), "label")
