from __future__ import annotations

from pathlib import Path

import pytest

from seqlab.cli.main import main
from tests import tiny

COLUMNS = ["--columns", "word=0", "pos=1", "chunk=2", "ner=3"]


def test_report_of_the_embedded_corpus(capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(tiny.SAMPLE / f"{name}.conll") for name in ("train", "dev", "test")]
    assert main(["check", *files, *COLUMNS]) == 0
    text = capsys.readouterr().out
    for wanted in ("train.conll", "sentences", "tokens", "iob2", "B-NP", "PROPN", "B-LOC"):
        assert wanted in text


def test_violations_are_placed_and_set_the_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.conll"
    path.write_text("a B-NP\nb I-NP\nc B-NP\nd I-VP\n\ne B-NP\nf B-XX-YY\ng O\n\nh B-NP\ni I-PP\n", encoding="utf-8")
    assert main(["check", str(path)]) == 1
    text = capsys.readouterr().out
    assert f"{path}:4" in text or "bad.conll:4" in text


def test_conllu_by_its_ending(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "few.conllu"
    path.write_text("1\tDogs\tdog\tNOUN\tNNS\t_\t0\troot\t_\t_\n\n", encoding="utf-8")
    assert main(["check", str(path)]) == 0
    assert "NOUN" in capsys.readouterr().out
    copy = tmp_path / "few.txt"
    copy.write_bytes(path.read_bytes())
    assert main(["check", str(copy), "--format", "conllu"]) == 0


def test_fields_and_separator_are_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"a.conllu": "1\tDogs\tdog\tNOUN\tNNS\t_\t0\troot\t_\t_\n", "b.conll": "New York,B-LOC\nsnow,O\n"}
    paths = []
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        paths.append(str(tmp_path / name))
    assert main(["check", paths[0], "--fields", "tag=xpos"]) == 0
    assert "NNS" in (text := capsys.readouterr().out) and "NOUN" not in text
    assert main(["check", paths[1], "--separator", ","]) == 0
    assert "B-LOC" in capsys.readouterr().out
    # Each option concerns one of the two files.
    assert main(["check", *paths, "--fields", "pos=xpos", "--separator", ",", "--columns", "word=0", "label=1"]) == 0
    assert "NNS" in (text := capsys.readouterr().out) and "B-LOC" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.conll"], "nowhere.conll"),
        (["{ragged}"], "ragged.conll:2: "),
        (["{ragged}", "--columns", "word=0", "tag=7"], "ragged.conll: Column 'tag' is asked for at 7"),
        (["{ragged}", "--columns", "word"], "NAME=NUMBER"),
        (["{ragged}", "--fields", "pos=upos"], "--fields is for files in the format conllu"),
        (["{ragged}", "--separator", ""], "separator is empty"),
        (["{ragged}", "--top", "3"], "--top is about --vectors FILE"),
        (["{ragged}", "--rules", "nfc"], "--rules is about --vectors FILE"),
        (["{ragged}", "--vector-encoding", "latin-1"], "--vector-encoding is about --vectors FILE"),
        (["x.conllu", "--columns", "word=0"], "--columns is for files in the format conll,"),
        (["x.conllu", "--separator", ","], "--separator is for files in the format conll,"),
        (["{fine}", "--fields", "pos=upso"], "Did you mean 'upos'?"),
        (["{latin}"], "latin.conll"),
        (["{empty}"], "empty.conll"),
    ],
)
def test_errors_are_one_line(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ragged.conll").write_text("a B\nb\n", encoding="utf-8")
    (tmp_path / "latin.conll").write_bytes("Tromsø O\n".encode("latin-1"))
    (tmp_path / "empty.conll").write_bytes(b"")
    places = {name: str(tmp_path / f"{name}.conll") for name in ("ragged", "latin", "empty")}
    places["fine"] = str(tmp_path / "fine.conllu")
    (tmp_path / "fine.conllu").write_text("1\tDogs\tdog\tNOUN\tNNS\t_\t0\troot\t_\t_\n", encoding="utf-8")
    assert main(["check", *(argument.format(**places) for argument in arguments)]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("seqlab check: ")
    assert captured.err.count("\n") == 1 and words in captured.err


def test_other_encodings_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "latin.conll"
    path.write_bytes("Tromsø O\n".encode("latin-1"))
    assert main(["check", str(path), "--encoding", "latin-1"]) == 0


def test_a_file_must_be_named() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["check"])
    assert "at least one file" in str(caught.value.code)


def test_coverage_by_a_vector_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.conll").write_text("The O\ncat O\nthe O\nOslo O\nOslo O\n", encoding="utf-8")
    (tmp_path / "v.txt").write_text("the 1 2\nDog 3 4\n", encoding="utf-8")
    (tmp_path / "cut.txt").write_text("the 1 2\nDog 3", encoding="utf-8")
    file = str(tmp_path / "a.conll")
    assert main(["check", file, "--vectors", str(tmp_path / "v.txt"), "--top", "1"]) == 0
    text = capsys.readouterr().out
    assert "v.txt, 2 rows, 2 numbers each" in text
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line.endswith("%")}
    assert rows["as"][2:] == ["1", "25.00%", "1", "20.00%"] and rows["lowercase"][1:] == ["1", "25.00%", "1", "20.00%"]
    assert "most frequent words not found: Oslo (2)\n" in text
    assert main(["check", file, "--vectors", str(tmp_path / "cut.txt")]) == 1
    assert "cut.txt:2: Received 1 numbers" in capsys.readouterr().err
    assert main(["check", file, "--vectors", str(tmp_path / "v.txt"), "--top", "-1"]) == 1


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("the 1 2\nzzz 1 abc\nqqq nan 3\n", "'abc'"),
        ("the 1 2\nqqq nan 3\n", "'nan'"),
        ("the 1 2\nthe 1 1e99\n", "1e99"),
    ],
)
def test_every_row_of_a_vector_file_is_looked_at(
    content: str, fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also those of words that the files do not have."""
    (tmp_path / "a.conll").write_text("the O\n", encoding="utf-8")
    (tmp_path / "v.txt").write_text(content, encoding="utf-8")
    assert main(["check", str(tmp_path / "a.conll"), "--vectors", str(tmp_path / "v.txt")]) == 1
    assert "v.txt:2: Received" in (text := capsys.readouterr().err) and fault in text


def test_rules_and_encoding_of_a_vector_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.conll").write_text("The O\nété O\n1984 O\n", encoding="utf-8")
    (tmp_path / "v.txt").write_bytes("the 1 2\nété 3 4\n0000 5 6\nelse 7 8\n".encode("latin-1"))
    call = ["check", str(tmp_path / "a.conll"), "--vectors", str(tmp_path / "v.txt")]
    assert main(call) == 1
    assert "v.txt:2: The word" in (text := capsys.readouterr().err) and "--vector-encoding of check" in text
    assert main([*call, "--vector-encoding", "latin-1"]) == 0
    text = capsys.readouterr().out
    assert "v.txt, 4 rows, 2 numbers each" in text and "words not found" not in text
    assert main([*call, "--vector-encoding", "latin-1", "--rules", "digits", "nfc"]) == 0
    text = capsys.readouterr().out
    found = [line.split()[0] for line in text.partition("v.txt")[2].splitlines() if line.endswith("%")]
    assert found == ["as", "digits", "nfc", "not"] and "words not found: The (1)\n" in text
    assert main([*call, "--vector-encoding", "latin-1", "--rules"]) == 0  # none
    text = capsys.readouterr().out
    assert [line.split()[0] for line in text.partition("v.txt")[2].splitlines() if line.endswith("%")] == ["as", "not"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["--rules", "digit"],
            "Unknown word rule 'digit'; known: lowercase, digits, brackets, nfc, quotes. Did you mean",
        ),
        (
            ["--rules", "nfc", "digits", "nfc"],
            "--rules takes each rule once, as words.rules of a run does; received nfc",
        ),
        (["--vector-encoding", "utf-16"], "`--vector-encoding` must be a text encoding that contains ASCII"),
        (["--vectors", "none.txt"], "none.txt: There is no such file"),
    ],
)
def test_wrong_options_of_vectors_are_refused_before_the_report(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.conll").write_text("the O\n", encoding="utf-8")
    (tmp_path / "v.txt").write_text("the 1 2\n", encoding="utf-8")
    assert main(["check", str(tmp_path / "a.conll"), "--vectors", str(tmp_path / "v.txt"), *options]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and words in captured.err
