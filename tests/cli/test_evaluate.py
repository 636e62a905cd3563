from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from seqlab.cli.main import main
from seqlab.corpora.conll import conll
from seqlab.inference.load import load
from tests import tiny

pytestmark = pytest.mark.usefixtures("eagerly")


def run_file(finished_run: Path, name: str) -> str:
    return str(finished_run.parent / "data" / name)


def test_table_and_errors(finished_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run_file(finished_run, "test.conll")
    assert main(["evaluate", str(finished_run), path, "--errors", "--examples", "2"]) == 0
    text = capsys.readouterr().out
    for wanted in (path, "precision", "overall", "token accuracy", "NP", "errors: ", "confusions", f"{path}:"):
        assert wanted in text
    assert text.count(f"  {path}:") <= 2 * 6  # two examples of each kind


def test_examples_alone_ask_for_the_errors(finished_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run_file(finished_run, "test.conll")
    texts = []
    for flags in (["--examples", "1"], ["--errors", "--examples", "1"], ["--errors"], []):
        assert main(["evaluate", str(finished_run), path, *flags]) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1] and "confusions" in texts[0]
    assert len(texts[0]) < len(texts[2]) and "confusions" not in texts[3]


def test_json_holds_the_errors_if_asked(finished_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run_file(finished_run, "test.conll")
    assert main(["evaluate", str(finished_run), path, "--json", "--errors", "--examples", "1"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    errors = json.loads(line)["errors"]
    assert errors["count"] == sum(errors["kinds"].values()) > 0
    assert errors["kinds"].keys() == errors["examples"].keys()
    assert all(len(found) == 1 and found[0]["place"].startswith(path) for found in errors["examples"].values())


def test_calibration_is_reported_if_asked(finished_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run_file(finished_run, "test.conll")
    wanted = load(finished_run / "model.keras").reliability(conll(path, tiny.COLUMNS))
    assert main(["evaluate", str(finished_run), path, "--calibration"]) == 0
    assert capsys.readouterr().out.endswith(f"\n\n{wanted}\n")
    assert main(["evaluate", str(finished_run), path, "--calibration", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["calibration"]
    assert found.keys() == wanted.to_dict().keys() and len(found["bins"]) == len(wanted.bins)
    assert found["expected_error"] == pytest.approx(wanted.expected_error)


def test_a_diagram_is_drawn_if_asked(finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    path, image = run_file(finished_run, "test.conll"), tmp_path / "some" / "diagram.png"
    assert main(["evaluate", str(finished_run), path, "--diagram", str(image)]) == 0
    assert image.read_bytes().startswith(b"\x89PNG") and "expected error" in capsys.readouterr().out
    assert main(["evaluate", str(finished_run), path, "--diagram", str(tmp_path / "diagram.odd")]) == 1
    assert "diagram.odd: Format 'odd' is not supported" in capsys.readouterr().err
    assert [item.name for item in tmp_path.iterdir()] == ["some"]


def test_a_diagram_needs_matplotlib(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    path, image = run_file(finished_run, "test.conll"), tmp_path / "diagram.png"
    assert main(["evaluate", str(finished_run), path, "--diagram", str(image)]) == 1
    assert "pip install 'seqlab[analysis]'" in capsys.readouterr().err and not image.exists()


def test_json_equals_the_runs_scores(finished_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [run_file(finished_run, name) for name in ("dev.conll", "test.conll")]
    assert main(["evaluate", str(finished_run / "model.keras"), *files, "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    stored = json.loads((finished_run / "scores.json").read_text("utf-8"))
    assert [row.pop("file") for row in rows] == files
    assert rows == [stored["dev"], stored["test"]]


def test_other_columns_and_encoding(finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "two.txt"
    path.write_bytes("B-NP Tromsø\nB-VP slept\n\n".encode("latin-1"))
    flags = ["--columns", "word=1", "chunk=0", "--encoding", "latin-1", "--json"]
    assert main(["evaluate", str(finished_run), str(path), *flags]) == 0
    assert json.loads(capsys.readouterr().out)["tokens"] == 2


def test_fields_of_conllu_and_a_separator(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [("Snow", "B-NP"), ("fell", "B-VP"), (".", "O")]
    text = "".join(f"{k}\t{word}\t_\tX\t_\t_\t0\troot\t_\tChunk={tag}\n" for k, (word, tag) in enumerate(rows, 1))
    (tmp_path / "few.conllu").write_text(text, encoding="utf-8")
    (tmp_path / "few.csv").write_text("".join(f"{word},{tag}\n" for word, tag in rows), encoding="utf-8")
    (tmp_path / "few.conll").write_text("".join(f"{word} {tag}\n" for word, tag in rows), encoding="utf-8")
    found = []
    for name, flags in (
        ("few.conllu", ["--format", "conllu", "--fields", "chunk=misc:Chunk"]),
        ("few.csv", ["--separator", ",", "--columns", "word=0", "chunk=1"]),
        ("few.conll", ["--columns", "word=0", "chunk=1"]),
    ):
        assert main(["evaluate", str(finished_run), str(tmp_path / name), "--json", *flags]) == 0
        found.append(json.loads(capsys.readouterr().out))
        assert found[-1].pop("file").endswith(name)
    assert found[0] == found[1] == found[2] and found[0]["tokens"] == 3


def test_unseen_labels_count_as_errors_and_strict_refuses_them(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new.conll"
    path.write_text("The DET B-QQ O\n", encoding="utf-8")
    assert main(["evaluate", str(finished_run), str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == 0
    assert main(["evaluate", str(finished_run), str(path), "--strict"]) == 1
    assert "new.conll:1: chunk label 'B-QQ' was not seen in training" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{run}"], "name at least one labelled file"),
        (["{run}", "nowhere.conll"], "nowhere.conll"),
        (["nowhere", "x.conll"], "nowhere: no such file; expected a .keras file"),
        (["{broken}", "x.conll"], "damaged or was cut off"),
        (["{run}", "{file}", "--columns", "word=0"], "chunk"),
        (["{run}", "x", "--format", "conllu", "--columns", "word=0"], "--columns is for files in the format conll,"),
        (["{run}", "{file}", "--fields", "chunk=xpos"], "--fields is for files in the format conllu"),
        (["{run}", "a", "b", "--diagram", "x.png"], "--diagram shows one file, received 2"),
        (["{run}", "{file}", "--examples", "-1"], "--examples takes a number of at least 0, received -1"),
    ],
)
def test_errors_are_one_line(
    arguments: list[str], words: str, finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Path(shutil.copy(finished_run / "model.keras", tmp_path / "broken.keras"))
    broken.write_bytes(broken.read_bytes()[:5000])
    places = {"run": finished_run, "broken": broken, "file": run_file(finished_run, "test.conll")}
    assert main(["evaluate", *(argument.format(**places) for argument in arguments)]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("seqlab evaluate: ") and words in captured.err
    assert captured.err.count("\n") == 1
