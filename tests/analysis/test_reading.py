"""Studies, Keras Tuner's folders and plain tables, read into the same trials."""

from __future__ import annotations

import json
import math
import warnings

import numpy as np
import pytest

from seqlab.analysis.reading import Columns, read_trials
from seqlab.errors import DataError, SettingsError
from seqlab.studies import write_header, write_trials
from tests.analysis.common import study, trials


@pytest.fixture
def folder(tmp_path):
    made = study()
    write_header(tmp_path / "small", made)
    write_trials(tmp_path / "small", made.space, made.trials)
    return tmp_path / "small"


def same(one, other):
    assert one.values == other.values and one.objective == other.objective and one.dropped == other.dropped
    for name, numbers in one.numbers.items():
        np.testing.assert_allclose(numbers, other.numbers[name])


def test_a_study(folder):
    found = read_trials(folder)
    same(found, trials())
    assert found.name == "small" and found.file == str(folder) and found.parameters == study().space
    with pytest.raises(SettingsError, match="is a study, which knows its columns"):
        read_trials(folder, Columns(score="score"))


def test_the_table_of_a_study_alone_is_read_as_a_table(folder):
    table = (folder / "trials.csv").rename(folder.parent / "alone.csv")
    found = read_trials(table, Columns(test="test", seconds="seconds", weights="weights"))
    wanted = trials()
    assert found.objective == ("score", "min") and found.dropped == {"failed": 1} and found.name == "alone"
    for name in ("variant", "rate", "layers"):  # a table knows no conditions
        assert found.values[name] == wanted.values[name]
    for name, numbers in found.numbers.items():
        np.testing.assert_allclose(numbers, wanted.numbers[name])
    kinds = {item.name: (item.kind, item.sampling) for item in found.parameters}
    assert kinds["rate"] == ("float", "log") and kinds["residual"] == ("boolean", None)


def test_a_plain_table(tmp_path):
    path = tmp_path / "table.csv"
    rows = [f"{k},{k * k},{'lstm' if k % 2 else 'gru'},{k / 10 if k != 3 else 'nan'},{k}" for k in range(1, 13)]
    path.write_text("width,units,cell,accuracy,note\n" + "\n".join(rows) + "\n", encoding="utf-8")
    columns = Columns("accuracy", "max", parameters=("width", "cell"), log=("width",))
    found = read_trials(path, columns)
    assert found.objective == ("accuracy", "max") and found.diverged == 1 and len(found) == 12
    assert [(item.name, item.sampling) for item in found.parameters] == [("width", "log"), ("cell", None)]
    every = read_trials(path, Columns("accuracy", test="note"))
    assert [item.name for item in every.parameters] == ["width", "units", "cell"]
    assert every.numbers["test"].tolist() == list(range(1, 13)) and every.objective[1] == "min"
    with pytest.raises(SettingsError, match=r"no column 'score' for `score`; expected one of width, units"):
        read_trials(path)
    for bad in (Columns("acuracy"), Columns("accuracy", test="x"), Columns("accuracy", parameters=("x",))):
        with pytest.raises(SettingsError, match="table.csv: there is no column"):
            read_trials(path, bad)
    with pytest.raises(DataError, match="table.csv:2: column 'cell': 'lstm' is no number"):
        read_trials(path, Columns("cell", parameters=("width",)))


@pytest.fixture
def project(tmp_path):
    """A search that Keras Tuner's own oracle has written: 14 trials, one failed, one whose loss was no number."""
    kt = pytest.importorskip("keras_tuner")
    hp = kt.HyperParameters()
    hp.Float("rate", 1e-4, 1e-1, sampling="log")
    hp.Choice("cell", ["lstm", "gru"])
    with hp.conditional_scope("cell", ["gru"]):
        hp.Int("layers", 1, 3)
    hp.Fixed("epochs", 5)
    oracle = kt.oracles.RandomSearchOracle(
        kt.Objective("val_acc", "max"), 14, hyperparameters=hp, seed=1, max_retries_per_trial=0
    )
    oracle._set_project_dir(str(tmp_path), "search")
    with warnings.catch_warnings(action="ignore"):  # threading.currentThread, and NaN
        for number in range(14):
            trial = oracle.create_trial("tuner0")
            for step, part in enumerate((0.5, 1.0, 0.75)):
                value = math.nan if number == 3 else part * number
                oracle.update_trial(
                    trial.trial_id, {"val_acc": value, "test_acc": 100.0 + number + step, "cost": 3.0 + step}, step=step
                )
            trial.status = "FAILED" if number == 5 else "COMPLETED"
            oracle.end_trial(trial)
        oracle.create_trial("tuner0")
        oracle.save()
    return tmp_path / "search"


def test_a_keras_tuner_project(project, capsys):
    capsys.readouterr()
    found = read_trials(project, Columns(test="test_acc", seconds="cost"))
    assert found.objective == ("val_acc", "max") and found.name == "search"
    scores = found.numbers["score"]
    assert sorted(scores[np.isfinite(scores)]) == [k for k in range(14) if k not in (3, 5)]
    assert found.diverged == 1 and found.dropped == {"failed": 1}
    # The best score is that of step 1, but for trial 0, whose scores are all 0; times are those of the last step.
    scored = np.isfinite(scores) & (scores > 0)
    np.testing.assert_allclose(found.numbers["test"][scored], 101 + scores[scored])
    times = found.numbers["seconds"]
    assert set(times[np.isfinite(scores)]) == {5.0} and np.isnan(times[np.isnan(scores)]).all()
    assert np.isnan(found.numbers["weights"]).all()
    assert [(item.name, item.kind, item.sampling) for item in found.parameters] == [
        ("rate", "float", "log"),
        ("cell", "choice", None),
        ("layers", "int", "linear"),
        ("epochs", "fixed", None),
    ]
    unset = [value is None for value in found.values["layers"]]
    assert unset == [cell == "lstm" for cell in found.values["cell"]]
    assert [axis.name for axis in found.sample().axes] == ["rate", "cell", "layers"]
    # A trial that failed has no score, whatever it had reported before.
    assert read_trials(project, Columns(score="cost")).dropped == {"failed": 1 + found.diverged}
    # Of a metric that it does not know Keras Tuner takes the least to be the best.
    least = read_trials(project, Columns(score="test_acc"))
    assert least.objective == ("test_acc", "min") and least.diverged == 0
    most = read_trials(project, Columns(score="test_acc", direction="max"))
    np.testing.assert_allclose(most.numbers["score"], least.numbers["score"] + 2)


def test_errors_of_a_keras_tuner_project(project, tmp_path):
    with pytest.raises(SettingsError, match=r"no trial has a metric 'val_ac'; .* Did you mean 'val_acc'"):
        read_trials(project, Columns(score="val_ac"))
    with pytest.raises(SettingsError, match="knows its parameters"):
        read_trials(project, Columns(log=("rate",)))
    file = sorted(project.glob("trial_*/trial.json"))[0]
    whole = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({**whole, "score": 0.123}), encoding="utf-8")  # as an objective that is no metric
    with pytest.raises(DataError, match="which of its metrics .* is the objective cannot be told"):
        read_trials(project)
    assert read_trials(project, Columns(direction="max")).objective == ("score", "max")
    for broken in (json.dumps(whole)[:40], "{}", '{"hyperparameters": {"values": null}}'):
        file.write_text(broken, encoding="utf-8")
        with pytest.raises(DataError, match=r"trial.json: not as Keras Tuner writes it .* Was it cut off"):
            read_trials(project)
    (project / "oracle.json").write_text("[]", encoding="utf-8")
    with pytest.raises(DataError, match="oracle.json: not as Keras Tuner writes it"):
        read_trials(project)


def test_what_is_none_of_them(tmp_path):
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DataError, match=r"expected the folder of a study \(with study.json\)"):
            read_trials(place)


def test_a_tables_own_word_that_a_trial_diverged_holds(tmp_path):
    rows = "".join(f"{k},{'diverged' if k == 2 else 'completed'},{k}.0,{k}\n" for k in range(1, 5))
    (tmp_path / "table.csv").write_text("hp.width,status,score,took\n" + rows, encoding="utf-8")
    found = read_trials(tmp_path / "table.csv", Columns(seconds="took"))
    assert found.diverged == 1 and found.without_score == 0
    assert found.numbers["score"].tolist() == [1, 2, 3, 4] and np.isnan(found.numbers["seconds"]).tolist()[1]
