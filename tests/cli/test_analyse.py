"""`seqlab analyse` on a study and on a table."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from seqlab.cli.main import main
from seqlab.studies import write_header, write_trials
from tests.analysis.common import study

pytest.importorskip("matplotlib")
FAST = ["--trees", "2", "--pairs", "1"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = study()
    write_header(tmp_path / "small", made)
    write_trials(tmp_path / "small", made.space, made.trials)
    return tmp_path / "small"


def test_a_study(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "report"
    assert main(["analyse", str(folder), "--output", str(out), "--group", "variant", *FAST]) == 0
    text = capsys.readouterr().out
    assert f"report: {out / 'report.md'}" in text and "NFG" in text and "rate" in text
    assert {"report.md", "report.html", "boxes.png", "tests.csv"} <= {path.name for path in out.iterdir()}
    assert all(path.read_bytes()[1:4] == b"PNG" for path in out.glob("*.png"))
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda self, path, **options: path.touch())
    assert main(["analyse", str(folder), "--output", str(out), *FAST]) == 0  # replaced
    assert not (out / "boxes.png").exists()


def test_a_table_by_its_columns(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda self, path, **options: path.touch())
    table = folder / "trials.csv"
    flags = ["--score", "test", "--seconds", "seconds", "--parameters", "hp.rate", "hp.layers", "--log", "hp.rate"]
    assert main(["analyse", str(table), "--output", str(tmp_path / "o"), "--direction", "max", *flags, *FAST]) == 0
    text = capsys.readouterr().out
    assert "Score: test, the maximum is best" in text and "rate x layers" in text and "residual" not in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name at least one study"),
        (["nowhere"], "nowhere: expected the folder of a study"),
        (["{table}", "--score", "scores"], "there is no column 'scores' for `score`"),
        (["{folder}", "--score", "score"], "is a study, which knows its columns"),
        (["{folder}", "--group", "rat"], "Did you mean 'rate'?"),
        (["{folder}", "--group", "variant", "--baseline", "W"], "there is no group 'W'"),
        (["{folder}", "--pairs", "-1"], "`pairs` must be at least 0"),
        (["{folder}", "--trees", "0"], "`trees` must be a whole number"),
        (["{short}", "--score", "y"], "at least 10 trials with a value, received 3"),
    ],
)
def test_errors_are_one_line(
    arguments: list[str], words: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "short.csv").write_text("x,y\n1,1\n2,2\n3,4\n", encoding="utf-8")
    places = {"folder": folder, "table": folder / "trials.csv", "short": tmp_path / "short.csv"}
    filled = [argument.format(**places) for argument in arguments]
    assert main(["analyse", *filled, "--output", str(tmp_path / "out")]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("seqlab analyse: ")
    assert captured.err.count("\n") == 1 and words in captured.err
    assert not (tmp_path / "out").exists()


def test_without_the_extra_the_error_names_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["analyse", str(folder), "--output", str(tmp_path / "out"), *FAST]) == 1
    assert "pip install 'seqlab[analysis]'" in capsys.readouterr().err
