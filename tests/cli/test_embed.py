from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from seqlab.cli.main import main
from seqlab.text.contextual_store import ContextualStore
from tests import tiny
from tests.structure.sources import ROOT
from tests.text.producers import Toy, store_of


@pytest.fixture
def source(tmp_path: Path) -> str:
    """A file of vectors that knows all sentences of the tests."""
    words = [sentence.words for name in ("train", "dev", "test") for sentence in tiny.sample(name)]
    return store_of(tmp_path / "all.h5", [*words, ["Snow", "fell"]]).path


def test_corpora_of_several_files_once_each(source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tiny.write(tmp_path / "data")
    files = [str(folder / name) for name in ("train.conll", "dev.conll", "dev.conll")]
    assert main(["embed", source, *files, "--output", str(tmp_path / "v.h5")]) == 0
    assert "v.h5: 29 different sentences of 34, 2 layers of width 3" in capsys.readouterr().out
    sentence = tiny.dev_part()[0].words
    with ContextualStore(tmp_path / "v.h5") as store:
        np.testing.assert_array_equal(store.vectors([sentence])[0], Toy().vectors([sentence])[0])


RECIPE = """
from pathlib import Path
from tests import tiny

def settings():
    return tiny.{settings}(Path({folder!r}))
"""


@pytest.mark.parametrize("settings", ["settings", "task_settings"])
def test_all_files_of_a_recipe(source: str, tmp_path: Path, settings: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tiny.write(tmp_path / "data")
    (tmp_path / "own.py").write_text(RECIPE.format(settings=settings, folder=str(folder)), "utf-8")
    output = tmp_path / "v.h5"
    assert main(["embed", source, "--recipe", str(tmp_path / "own.py"), "--output", str(output)]) == 0
    parts = (tiny.train_part(), tiny.dev_part(), tiny.part("test", 5))
    words = [sentence.words for part in parts for sentence in part]
    twice = len(parts[0]) + len(parts[1]) if settings == "task_settings" else 0  # one task has no test file
    assert f"v.h5: {len(set(words))} different sentences of {len(words) + twice}, " in capsys.readouterr().out
    with ContextualStore(output) as store:
        assert not store.missing(words)


def test_formats(source: str, tmp_path: Path) -> None:
    (tmp_path / "raw.txt").write_text("Snow fell\n\nSnow  fell\n")
    (tmp_path / "a.conllu").write_text("1\tSnow\t_\tNOUN\t_\t_\t0\troot\t_\t_\n2\tfell\t_\tVERB\t_\t_\t1\tx\t_\t_\n\n")
    (tmp_path / "own.conll").write_text("N;Snow\nV;fell\n")
    for arguments in (
        ["raw.txt", "--format", "text"],
        ["a.conllu"],
        ["own.conll", "--columns", "word=1", "--separator", ";", "--half"],
    ):
        output = tmp_path / "v.h5"
        assert main(["embed", source, str(tmp_path / arguments[0]), "--output", str(output), *arguments[1:]]) == 0
        with ContextualStore(output) as store:
            assert len(store) == 1 and ["Snow", "fell"] in store
            assert store._file["vectors"].dtype == ("float16" if "--half" in arguments else "float32")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere", "raw.txt", "--output", "v.h5", "--format", "text"], "There is no producer"),
        (["all.h5", "--output", "v.h5"], "at least one file"),
        (["all.h5", "raw.txt", "--recipe", "frames.py", "--output", "v.h5"], "leave files, --columns,"),
        (["all.h5", "--recipe", "frames.py", "--encoding", "latin-1", "--output", "v.h5"], "--encoding out."),
        (["all.h5", "--recipe", "frames.py", "--output", "v.h5"], "frames.py: expected a recipe of a tagger; its"),
        (["all.h5", "--recipe", "frame.py", "--output", "v.h5"], "frame.py: no such recipe"),
        (["all.h5", "raw.txt", "--output", "v.npz"], "--output is a file that ends in .h5"),
        (["all.h5", "raw.txt", "--output", "v.h5", "--format", "text"], "has no vectors of the sentence 'It thawed'"),
        (["all.h5", "raw.txt", "--output", "v.h5", "--format", "text", "--columns", "word=0"], "--columns is for"),
        (["all.h5", "raw.txt", "--output", "v.h5"], "has no vectors of the sentence 'It thawed'"),
        (["all.h5", "columns.txt", "--output", "v.h5"], "It looks like columns"),
        (["all.h5", "prose.txt", "--output", "v.h5", "--format", "conll"], "a sentence a line, pass --format text."),
    ],
)
def test_trouble(
    source: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("raw.txt").write_text("Snow fell\nIt thawed\n")
    Path("prose.txt").write_text("Snow fell\nIt thawed again\n")
    Path("columns.txt").write_text("Snow NN\nfell VBD\n\nNo UH\n")
    shutil.copyfile(ROOT / "recipes" / "jsb.py", "frames.py")
    assert main(["embed", *arguments]) == 1
    assert words in capsys.readouterr().err
    assert not Path("v.h5").exists()
