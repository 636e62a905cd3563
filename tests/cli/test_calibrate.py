from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from seqlab.cli.main import main
from seqlab.corpora.conll import conll
from seqlab.inference.load import load
from tests import tiny

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, to be changed."""
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


def data(finished_run: Path, name: str) -> str:
    return str(finished_run.parent / "data" / name)


def test_the_model_file_holds_the_temperature_and_tags_as_before(
    finished_run: Path, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [data(finished_run, "dev.conll"), data(finished_run, "test.conll")]
    corpus = conll(files[0], tiny.COLUMNS) + conll(files[1], tiny.COLUMNS)
    old = load(run / "model.keras")
    assert main(["calibrate", str(run), *files]) == 0
    text = capsys.readouterr().out
    new = load(run / "model.keras")
    assert new.head.temperature != 1 and new.tags(corpus) == old.tags(corpus)
    assert f"before\n{old.reliability(corpus)}\n\nafter\n{new.reliability(corpus)}\n\ntemperature " in text
    assert f"temperature {new.head.temperature:.4f}: negative log-likelihood" in text
    assert old.calibrate(corpus).value == pytest.approx(new.head.temperature, rel=1e-2)
    assert {item.name for item in run.iterdir()} == {item.name for item in finished_run.iterdir()}
    assert main(["evaluate", str(run), files[1], "--json"]) == 0  # with the optimiser and all else that was saved


def test_files_are_read_as_the_flags_say(
    finished_run: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [line.split() for line in Path(data(finished_run, "dev.conll")).read_text("utf-8").splitlines()]
    path = tmp_path / "dev.txt"
    path.write_text("".join(f"{row[2]}|{row[0]}\n" if row else "\n" for row in rows), encoding="utf-8")
    flags = ["--separator", "|", "--columns", "word=1", "chunk=0"]
    assert main(["calibrate", str(run / "model.keras"), str(path), *flags]) == 0
    first = load(run / "model.keras").head.temperature
    assert main(["calibrate", str(run), data(finished_run, "dev.conll")]) == 0
    assert load(run / "model.keras").head.temperature == pytest.approx(first, rel=1e-2)
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{run}"], "name at least one labelled file"),
        (["{run}", "nowhere.conll"], "nowhere.conll"),
        (["{run}", "{file}", "--fields", "chunk=xpos"], "--fields is for files in the format conllu"),
        (["{run}", "{unknown}"], "no labelled token"),
    ],
)
def test_errors_are_one_line_and_leave_the_model_alone(
    arguments: list[str], words: str, finished_run: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = tmp_path / "unknown.conll"
    unknown.write_text("The DET B-QQ O\n", encoding="utf-8")
    before = (run / "model.keras").read_bytes()
    places = {"run": run, "file": data(finished_run, "dev.conll"), "unknown": unknown}
    assert main(["calibrate", *(argument.format(**places) for argument in arguments)]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("seqlab calibrate: ") and words in captured.err
    assert captured.err.count("\n") == 1
    assert (run / "model.keras").read_bytes() == before
