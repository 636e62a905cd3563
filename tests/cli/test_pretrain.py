from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seqlab.cli import pretrain as verb
from seqlab.cli.main import main
from seqlab.evaluation.perplexity import Perplexity
from seqlab.pretrain_settings import PretrainSettings
from seqlab.training import pretraining
from seqlab.training.pretraining import Pretrained
from tests import tiny


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[PretrainSettings, Path, bool]]:
    """What the verb would train: training itself is tested in tests/training/test_pretraining.py."""
    seen: list[tuple[PretrainSettings, Path, bool]] = []

    def pretrain(settings: PretrainSettings, folder: Path, resume: bool = False) -> Pretrained:
        seen.append((settings, folder, resume))
        score = Perplexity(20.0, 22.0, 10, 1)
        return Pretrained(tiny.language_model(), {"train": score, "dev": score}, 99.5, folder)

    monkeypatch.setattr(pretraining, "pretrain", pretrain)
    return seen


def test_flags_reach_the_run_and_figures_the_screen(runs: Any, tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "run"
    flags = ["--dev", "c.txt", "--run", str(folder), "--units", "7", "--samples", "None", "--char-widths", "2", "3"]
    assert main(["pretrain", "a.txt", "b.conllu", *flags, "--tokenize"]) == 0
    expected = PretrainSettings(
        text=("a.txt", "b.conllu"), dev="c.txt", units=7, samples=None, char_widths=(2, 3), tokenize=True
    )
    assert runs == [(expected, folder, False)]
    text = capsys.readouterr().out
    assert "perplexity on dev: 8.17 (10 predictions, 10.0 % unknown)" in text
    assert f"of a unigram model on dev: 99.50\n\nmodel: {folder / 'model.keras'}" in text


def test_a_run_has_a_folder_of_its_own_where_none_is_named(runs: Any) -> None:
    assert verb.main(["a.txt"]) == 0
    assert runs[0][1].parts[0] == "runs" and runs[0][1].name.startswith("pretrain-")


def test_resuming_takes_the_settings_of_the_run(runs: Any, tmp_path: Path, capsys: Any) -> None:
    stored = PretrainSettings(text=("a.txt",), units=9)
    (tmp_path / "settings.json").write_text(stored.model_dump_json())
    assert main(["pretrain", "--resume", str(tmp_path)]) == 0
    assert runs == [(stored, tmp_path, True)]
    for more in (["--units", "3"], ["--run", "other"]):
        assert main(["pretrain", "--resume", str(tmp_path), *more]) == 1
        assert "leave texts and other flags out" in capsys.readouterr().err
    assert main(["pretrain", "--resume", str(tmp_path / "none")]) == 1
    assert "expected a folder that seqlab pretrain wrote" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name a text"),
        (["nowhere.txt", "--run", "{folder}"], "nowhere.txt: There is no such file"),
        (["a.txt", "--tied"], "tied needs reads words"),
    ],
)
def test_bad_arguments(arguments: list[str], message: str, tmp_path: Path, capsys: Any) -> None:
    assert main(["pretrain", *(item.format(folder=tmp_path / "run") for item in arguments)]) == 1
    assert message in capsys.readouterr().err
