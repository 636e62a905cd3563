from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from seqlab.cli.main import main
from seqlab.corpora.conll import conll
from tests import tiny

pytestmark = pytest.mark.usefixtures("eagerly")

TEXTS = ["The council in Oslo rejected it. Snow fell.", "", "Café 👩‍🚀  closed."]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tag") / "model.keras"
    tiny.trained().save(path)
    return str(path)


def json_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def check(rows: list[dict[str, Any]], texts: list[str]) -> None:
    assert [row["text"] for row in rows] == texts
    for row, text in zip(rows, texts, strict=True):
        for item in [*row["tokens"], *row["spans"]]:
            assert text[item["start"] : item["end"]] == item["text"]
        assert len(row["tags"]) == len(row["tokens"])
        assert row["tags"] == list(tiny.trained().tag(text).tags)


def test_text_in_json_keeps_the_original(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tag", model, *TEXTS, "--format", "json"]) == 0
    check(json_lines(capsys), TEXTS)


def test_files_in_json_keep_every_line(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [*TEXTS, "  ", "a\rb", "carriage return\r", "last line without an end"]
    (tmp_path / "a.txt").write_bytes("\n".join(lines).encode())
    (tmp_path / "b.txt").write_bytes("Tromsø\n".encode("latin-1"))
    assert main(["tag", model, "--files", str(tmp_path / "a.txt"), "--format", "json"]) == 0
    check(json_lines(capsys), lines)
    files = ["--files", str(tmp_path / "b.txt"), "--encoding", "latin-1"]
    assert main(["tag", model, *files, "--format", "json"]) == 0
    check(json_lines(capsys), ["Tromsø"])


def test_standard_input_in_columns(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(text + "\n" for text in TEXTS)))
    assert main(["tag", model]) == 0
    sentences = capsys.readouterr().out.split("\n\n")
    rows = [[line.split("\t") for line in sentence.splitlines()] for sentence in sentences if sentence]
    tagging = tiny.trained().tag_all(TEXTS)
    assert [row[0] for sentence in rows for row in sentence] == [t.text for made in tagging for t in made.tokens]
    assert [row[1] for sentence in rows for row in sentence] == [tag for made in tagging for tag in made.tags]
    assert len(rows) == 3


def test_lines_cut_into_words(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tag", model, "--tokens", "do n't stop.  now"]) == 0
    assert [line.split("\t")[0] for line in capsys.readouterr().out.split("\n") if line] == [
        "do",
        "n't",
        "stop.",
        "now",
    ]


def test_more_lines_than_are_tagged_at_once(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("seqlab.cli.tag.LINES_AT_ONCE", 2)
    assert main(["tag", model, *TEXTS, "--format", "json"]) == 0
    check(json_lines(capsys), TEXTS)


def test_columns_with_probabilities_and_the_n_best_are_read_back(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ["# = 1", "Snow fell. The council met."]  # a sentence may begin with the sign of comments
    flags = ["--probabilities", "--nbest", "3"]
    assert main(["tag", model, *texts, *flags]) == 0
    path = tmp_path / "tagged.conll"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    corpus = conll(path, {"word": 0, "chunk": 1, "probability": 2}, separator="\t", strict=False)
    taggings = tiny.trained().tag_all(texts, probabilities=True, n_best=3)
    assert [word for sentence in corpus for word in sentence.words] == [
        t.text for made in taggings for t in made.tokens
    ]
    assert [tag for tags in corpus.column("chunk") for tag in tags] == [tag for made in taggings for tag in made.tags]
    found = [float(p) for column in corpus.column("probability") for p in column]
    assert found == pytest.approx([p for made in taggings for p in made.probabilities], rel=1e-5)
    ways = [way for made in taggings for sentence in made.n_best for way in sentence]
    lines = [line.split() for line in path.read_text("utf-8").splitlines() if line.startswith("# best = ")]
    assert [tuple(line[4:]) for line in lines] == [way.tags for way in ways] and len(ways) == 9
    assert [float(line[3]) for line in lines] == pytest.approx([way.probability for way in ways], rel=1e-5)


def test_json_with_probabilities_and_the_n_best(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tag", model, *TEXTS, "--format", "json", "--probabilities", "--nbest", "2"]) == 0
    rows = json_lines(capsys)
    check(rows, TEXTS)
    assert [len(row["probabilities"]) for row in rows] == [len(row["tokens"]) for row in rows]
    assert [len(ways) for row in rows for ways in row["n_best"]] == [2, 2, 2]
    assert all(0 < span["probability"] <= 1 for row in rows for span in row["spans"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.keras", "text"], "nowhere.keras: no such file"),
        (["{model}", "--files", "nowhere.txt"], "nowhere.txt: no such file; expected a text file"),
        (["{model}", "--files", "{latin}"], "latin.txt: expected utf-8 text"),
        (["{model}", "text", "--encoding", "utf-9"], "unknown encoding 'utf-9'"),
        (["{model}", "text", "--nbest", "0"], "--nbest takes a number of at least 1, received 0"),
    ],
)
def test_errors_are_one_line(
    arguments: list[str], words: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    latin = tmp_path / "latin.txt"
    latin.write_bytes("Tromsø\n".encode("latin-1"))
    assert main(["tag", *(argument.format(model=model, latin=latin) for argument in arguments)]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("seqlab tag: ") and words in captured.err
    assert captured.err.count("\n") == 1
