from __future__ import annotations

from pathlib import Path

import compare_tuners
import pytest

from seqlab import studies


def study(folder: Path, tuner: str, *trials: tuple[float | None, float], direction: str = "min") -> str:
    header = studies.Study(studies.Objective("val_loss", direction), (), tuner=tuner)
    studies.write_header(folder, header)
    for number, (score, seconds) in enumerate(trials):
        status = "diverged" if score is None else "completed"
        studies.write_trial(folder, studies.Trial(str(number), status, score=score, test=score, seconds=seconds))
    return str(folder)


def test_the_best_at_equal_cost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quick = study(tmp_path / "quick", "guided", (None, 2.0), (0.5, 2.0), (0.4, 2.0), (0.3, 2.0))
    slow = study(tmp_path / "slow", "random", (0.7, 4.0), (0.2, 4.0))
    assert compare_tuners.main([quick, slow]) == 0
    first, second = capsys.readouterr().out.split("\n\n")
    found = [[cell.strip() for cell in line.split("|")[1:-1]] for line in first.splitlines()[2:]]
    table = {(row[0], row[2]): row[3:] for row in found}
    assert table[("1 trials", "guided")] == ["", ""] and table[("1 trials", "random")] == ["0.7000", "0.7000"]
    assert table[("2 trials", "guided")][0] == "0.5000" and table[("2 trials", "random")][0] == "0.2000"
    assert table[("2 s", "random")] == ["", ""]  # its first trial took four
    assert table[("4 s", "guided")][0] == "0.5000" and table[("4 s", "random")][0] == "0.7000"
    assert table[("8 s", "guided")][0] == "0.3000" and table[("8 s", "random")][0] == "0.2000"
    assert "| guided | 0.4000 |" in second and "| random | 0.4500 |" in second


def test_what_cannot_be_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = study(tmp_path / "one", "grid", (0.1, 1.0))
    other = study(tmp_path / "other", "grid", (0.1, 1.0), direction="max")
    for folders, words in (
        ([one, other], "another objective than val_loss"),
        ([one, study(tmp_path / "empty", "grid")], "no trial"),
        ([str(tmp_path / "none")], "there is no such file"),
    ):
        assert compare_tuners.main(folders) == 1
        assert words in capsys.readouterr().err
