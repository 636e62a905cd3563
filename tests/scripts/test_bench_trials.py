from __future__ import annotations

from pathlib import Path

import pytest

from scripts.bench_trials import MEAN, mean_epochs, table, trial
from seqlab import studies
from seqlab.studies import Objective, Study, Trial


def test_a_trial_is_its_frame_its_first_epoch_and_the_median_of_the_others() -> None:
    assert trial([1.0, 5.0, 2.0, 3.0, 9.0], epochs=11) == 1 + 5 + 10 * 3


def test_table_compares_with_the_first_system() -> None:
    head, peer, ours, last = table({"keras": [[1.0, 9.0, 4.0], [1.0, 9.0, 6.0]], "seqlab": [[2.0, 1.0, 1.0]] * 2}, 11)
    assert head.split()[:2] == ["system", "s/epoch"]
    assert peer.split() == ["keras", "5.000", "1.0", "60.0", "120", "1.0"]
    assert ours.split() == ["seqlab", "1.000", "5.0", "13.0", "554", "4.6"]
    assert last == "2 trials of 11 epochs, of which 2 were run"


def test_mean_epochs_are_those_of_the_study(tmp_path: Path) -> None:
    assert mean_epochs(tmp_path) == MEAN
    studies.write_header(tmp_path, Study(Objective("valid_nll", "min"), ()))
    assert mean_epochs(tmp_path) == MEAN
    for number, epochs in enumerate((20, 40)):
        studies.write_trial(tmp_path, Trial(str(number), "completed", score=8.0, epochs=epochs))
    studies.write_trial(tmp_path, Trial("2", "diverged", score=8.0, epochs=3))
    assert mean_epochs(tmp_path) == pytest.approx(30)
