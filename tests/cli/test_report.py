"""`seqlab report` on tables of results."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from seqlab.cli.main import main
from tests.evaluation.common_runs import write

pytest.importorskip("matplotlib")


@pytest.fixture(autouse=True)
def empty_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda self, path, **options: path.touch())


def test_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results, curves = write(tmp_path)
    out = tmp_path / "out"
    assert main(["report", str(results), "--curves", str(curves), "--output", str(out)]) == 0
    text = capsys.readouterr().out
    assert f"report: {out / 'report.md'}" in text and "minus stl" in text
    assert {"1-curves.png", "curves.csv"} <= {path.name for path in out.iterdir()}
    flags = ["--model", "stl", "--alone", "sc_lstm", "--level", "0.5"]
    assert main(["report", str(results), "--output", str(out), *flags]) == 0  # replaced
    text = capsys.readouterr().out
    assert "minus sc_lstm" in text and "An interval (50%)" in text and not (out / "curves.csv").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--model", "scl"], "there is no model 'scl' for --model"),
        (["--curves", "{results}"], "results.csv:1: there is no column epoch"),
        (["--curves", "nowhere.csv"], "nowhere.csv"),
        (["--level", "2"], "level lies between 0 and 1"),
        (["--output", "{folder}"], "exists: choose another name"),
    ],
)
def test_errors(flags: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results, _ = write(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "other.txt").touch()
    flags = [flag.format(results=results, folder=tmp_path / "full") for flag in flags]
    output = [] if "--output" in flags else ["--output", str(tmp_path / "out")]
    assert main(["report", str(results), *output, *flags]) == 1
    assert message in capsys.readouterr().err


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    results, curves = write(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["report", str(results), "--curves", str(curves), "--output", str(tmp_path / "out")]) == 1
    assert "pip install 'seqlab[analysis]'" in capsys.readouterr().err


def test_what_is_read_is_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["report", str(write(tmp_path)[0]), "--output", str(out)]) == 0
    results, _ = write(out)  # beside the report
    assert main(["report", str(results), "--output", str(out)]) == 1
    assert "lies in" in capsys.readouterr().err and results.is_file()
