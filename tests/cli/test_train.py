from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from seqlab.cli.main import main
from seqlab.cli.train import read_recipe
from seqlab.settings import Settings
from tests import tiny

pytestmark = pytest.mark.usefixtures("eagerly")

RECIPE = """
from seqlab.settings import Settings


def settings():
    return Settings.model_validate_json({text!r})
"""


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    text = tiny.settings(tiny.write(tmp_path / "data")).model_dump_json()
    (tmp_path / "chunks.py").write_text(RECIPE.format(text=text), encoding="utf-8")
    return str(tmp_path / "chunks.py")


def test_recipe_and_flags(recipe: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    flags = ["--training.epochs", "1", "--encoder.units", "4", "--words.chars", "None", "--seed", "7"]
    assert main(["train", recipe, "--run", str(folder), *flags]) == 0
    text = capsys.readouterr().out
    assert "chunk on dev" in text and "chunk on test" in text and f"model: {folder / 'model.keras'}" in text
    stored = Settings.model_validate_json((folder / "settings.json").read_text("utf-8"))
    assert (stored.training.epochs, stored.encoder.units, stored.words.chars, stored.seed) == (1, 4, None, 7)
    base = read_recipe(recipe)
    assert (stored.data, stored.task, stored.training.batch_size) == (base.data, base.task, 8)

    assert main(["train", recipe, "--run", str(folder)]) == 1
    assert "already holds a run: resume it" in capsys.readouterr().err


def test_resuming_a_finished_run(finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shutil.copytree(finished_run, tmp_path / "run")
    (folder / "scores.json").unlink()
    assert main(["train", "--resume", str(folder)]) == 0
    assert "chunk on dev" in capsys.readouterr().out
    assert (folder / "scores.json").read_bytes() == (finished_run / "scores.json").read_bytes()


@pytest.mark.parametrize("flags", [["--training.epochs", "99"], ["--run", "other"], ["--seed", "5"]])
def test_a_resumed_run_takes_no_other_settings(
    flags: list[str], finished_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--resume", str(finished_run), *flags]) == 1
    assert "leave the recipe and other flags out" in capsys.readouterr().err


def test_folds_print_mean_and_spread(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def folds(settings: Settings, folder: Path, resume: bool, strict: bool) -> dict[str, object]:
        assert settings.data.folds == 3 and not resume and not strict
        return {"folds": [0.5, 0.6, 0.7], "mean": 0.6, "stdev": 0.1}

    monkeypatch.setattr("seqlab.training.run.train_folds", folds)
    assert (
        main(
            [
                "train",
                recipe,
                "--data.folds",
                "3",
                "--data.dev",
                "None",
                "--data.test",
                "None",
                "--run",
                str(tmp_path / "run"),
            ]
        )
        == 0
    )
    assert "50.00, 60.00, 70.00\nmean 60.00, spread 10.00" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--training.epoch", "3"], "--training.epochs"),
        (["--epoch", "3"], "--training.epochs"),
        (["--encoder.unit", "3"], "--encoder.units"),
        (["--training.epochs", "many"], "--training.epochs"),
        (["--training.epochs", "0"], "greater than 0"),
        (["--head", "crff"], "crf"),
    ],
)
def test_wrong_flags_are_refused_with_a_suggestion(
    flags: list[str], words: str, recipe: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["train", recipe, *flags])
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == "" and words in captured.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("settings = 3", "not callable"),
        ("def setings(): pass", "settings"),
        ("def settings(): return 3", "must return Settings or .*, returned int"),
        ("def settings(: pass", "invalid syntax"),
        ("import no_such_module", "No module named 'no_such_module'"),
        (
            "from seqlab.settings import *\ndef settings(): return Settings(data=DataSettings(train='x'), sede=1)",
            "unknown key 'sede'.*Did you mean 'seed'",
        ),
        (
            "from seqlab.settings import *\ndef settings(): return Settings(data=DataSettings(trian='x'))",
            "unknown key 'trian'.*Did you mean 'train'",
        ),
        (
            "from seqlab.settings import *\ndef settings(): return Settings(data={'trian': 'x'})",
            "unknown key 'trian'.*Did you mean 'train'",
        ),
        (
            "from seqlab.settings import *\n"
            "def settings():\n"
            "    return Settings(data=DataSettings(train='x', columns={'word': 0, 'chunk': 1}), task='chnk')",
            "'chnk' is not among .*Did you mean 'chunk'",
        ),
    ],
)
def test_a_wrong_recipe_is_one_line(text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wrong.py").write_text(text + "\n", encoding="utf-8")
    assert main(["train", str(tmp_path / "wrong.py")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("seqlab train: ") and error.count("\n") == 1
    assert re.search(words, error), error


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name a recipe"),
        (["{tmp}/chunk.py"], "Did you mean 'chunks.py'?"),
        (["--resume", "{tmp}/nothing"], "holds no run"),
        (["{tmp}/chunks.py", "--data.train", "{tmp}/none.conll"], "none.conll"),
        (["{tmp}/chunks.py", "--words.vectors", "{tmp}/narrow.txt"], "narrow.txt:2: "),
        (["{tmp}/chunks.py", "--data.dev", "{tmp}/ragged.conll"], "ragged.conll:2: "),
        (["{tmp}/chunks.py", "--strict"], "labels that training has not seen"),
    ],
)
def test_errors_are_one_line(
    arguments: list[str], words: str, recipe: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "narrow.txt").write_text("a 1 2 3\nb 1 2\n", encoding="utf-8")
    (tmp_path / "ragged.conll").write_text("a X B-NP O\nb X\n", encoding="utf-8")
    run = ["--run", str(tmp_path / "run")] if arguments and "--resume" not in arguments else []
    assert main(["train", *(argument.format(tmp=tmp_path) for argument in arguments), *run]) == 1
    error = capsys.readouterr().err
    assert error.startswith("seqlab train: ") and words in error and error.count("\n") == 1


def test_a_run_without_a_recipe(tmp_path: Path) -> None:
    data = tiny.write(tmp_path / "data")
    flags = ["--data.train", str(data / "train.conll"), "--data.columns.label", "2"]
    flags += ["--training.epochs", "1", "--encoder.units", "4", "--encoder.layers", "1", "--data.held-out", "8"]
    flags += ["--head", "softmax", "--words.chars", "None"]
    assert main(["train", *flags, "--run", str(tmp_path / "run")]) == 0
    assert json.loads((tmp_path / "run" / "scores.json").read_text("utf-8"))["dev"]["tokens"] == 80


def test_columns_are_named_by_flag(tmp_path: Path) -> None:
    data, folder = tiny.write(tmp_path / "data"), tmp_path / "run"
    flags = ["--columns", "word=0", "ner=3", "--data.train", str(data / "train.conll"), "--data.held-out", "4"]
    flags += ["--training.epochs", "1", "--encoder.units", "4", "--words.chars", "None", "--run", str(folder)]
    assert main(["train", *flags]) == 0
    stored = Settings.model_validate_json((folder / "settings.json").read_text("utf-8"))
    assert stored.task == "ner" and stored.data.columns == {"word": 0, "ner": 3}


def test_columns_are_refused_where_files_are_conllu(capsys: pytest.CaptureFixture[str]) -> None:
    columns = ["--columns", "word=0", "pos=1"]
    for start in (
        [str(tiny.SAMPLE.parents[1] / "recipes" / "ud_pos.py")],
        ["--data.train", "x.conllu", "--data.format", "conllu"],
    ):
        assert main(["train", *start, *columns]) == 1
        error = capsys.readouterr().err
        assert "--columns is for files in the format conll;" in error and error.count("\n") == 1


def test_the_recipe_stands_before_the_flags(recipe: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--seed", "2", recipe]) == 1
    assert "the recipe stands before the flags" in capsys.readouterr().err


def test_rules_by_flag(recipe: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, places = tmp_path / "run", tmp_path / "adverbs.txt"
    places.write_text("also\nmore recently\n", encoding="utf-8")
    flags = ["--training.epochs", "1", "--words.chars", "None", "--constrained", "--rules.at-most-one", "VP", "PP"]
    flags += ["--rules.forbid", "O O", "<start> B-VP", "--rules.require", "B-SBAR B-NP", "--rules.at-least-one", "NP"]
    flags += ["--rules.only-listed", f"ADVP={places}"]
    assert main(["train", recipe, "--run", str(folder), *flags]) == 0
    stored = Settings.model_validate_json((folder / "settings.json").read_text("utf-8")).rules
    assert stored.at_most_one == ("VP", "PP") and stored.forbid == ("O O", "<start> B-VP") and not stored.in_loss
    capsys.readouterr()
    assert main(["tag", str(folder), "--tokens", "Snow also fell in Oslo more recently ."]) == 0
    tags = [line.split("\t")[1] for line in capsys.readouterr().out.splitlines() if line]
    assert tags.count("B-VP") <= 1 and "B-NP" in tags and tags[0] != "B-VP"
    assert main(["train", "--resume", str(folder)]) == 0
    places.write_text("also\n", encoding="utf-8")
    assert main(["train", "--resume", str(folder)]) == 1
    assert f"was trained on other data: {places}" in capsys.readouterr().err


def test_rules_that_the_training_data_break_are_listed(
    recipe: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--run", str(tmp_path / "run"), "--rules.at-most-one", "NP", "--rules.in-loss"]
    assert main(["train", recipe, *flags]) == 1
    error = capsys.readouterr().err
    assert error.startswith("seqlab train: The loss keeps rules that the training data breaks, at ")
    assert re.search(r"\n\S+train\.conll:\d+: column 'chunk': 'B-NP' breaks this: at most one span of 'NP'", error)
    assert "--rules.leave-out-broken" in error
    assert main(["train", recipe, "--run", str(tmp_path / "run"), "--rules.at-most-one", "NPP"]) == 1
    assert "No tag has the type 'NPP'; " in capsys.readouterr().err
