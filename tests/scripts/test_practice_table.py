from __future__ import annotations

from pathlib import Path

import practice_table
import pytest
from practice_folder import Needed, settings_of
from practice_rows import BILM, CORPORA, ENSEMBLE, FULL, GLOVE, STUDENT, flags_of, members_of
from practice_table import COLUMNS, Failed, append, folder_of, main, read, train, written

from seqlab.errors import SettingsError
from seqlab.pretrain_settings import PretrainSettings
from seqlab.settings import Settings
from seqlab.settings_part import Part
from tests import tiny


def leave_settings(folder: Path, settings: Part) -> None:
    """A run that has begun."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.json").write_text(settings.model_dump_json(), encoding="utf-8")
    (folder / "state.npz").touch()


def settings_of_row(corpus: str, row: str, seed: int, **others: object) -> Settings:
    return settings_of(CORPORA[corpus].recipe, {**flags_of(corpus, row), "seed": seed, **others})


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Commands in place of trainings, each of which leaves what a run leaves."""
    found: list[tuple[str, ...]] = []

    def leave(*arguments: str) -> None:
        found.append(arguments)
        folder = Path(arguments[-1])
        if arguments[0] == "embed":
            folder.touch()
            return
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "scores.json").write_text("{}")
        if arguments[0] == "pretrain":
            leave_settings(folder, PretrainSettings(text=arguments[1:2], units=int(arguments[3])))

    def join(members: list[Path], folder: Path) -> None:
        leave("ensemble", *map(str, members), str(folder))

    monkeypatch.setattr(practice_table, "run", leave)
    monkeypatch.setattr(practice_table, "join", join)
    monkeypatch.setattr(
        practice_table, "figures", lambda folder, setting, needed: {"dev": "90", "test": "80", "parameters": 5}
    )
    return found


def test_a_known_result_is_not_trained_again(calls: list[tuple[str, ...]], tmp_path: Path) -> None:
    results = tmp_path / "results.csv"
    for _ in range(2):
        train("pos", "+ GloVe", 1, tmp_path, results)
    assert len(calls) == 1 and [line["row"] for line in read(results)] == ["+ GloVe"]


def test_a_run_that_was_cut_off_goes_on(calls: list[tuple[str, ...]], tmp_path: Path) -> None:
    folder = train("pos", FULL, 1, tmp_path, tmp_path / "one.csv")
    leave_settings(folder, settings_of_row("pos", FULL, 1))
    train("pos", FULL, 1, tmp_path, tmp_path / "other.csv")
    assert calls[1] == ("train", "--resume", str(folder))


def test_members_are_trained_again_where_their_models_are_not(calls: list[tuple[str, ...]], tmp_path: Path) -> None:
    results = tmp_path / "results.csv"
    train("chunk", FULL, 1, tmp_path / "first machine", results)
    train("chunk", STUDENT, 1, tmp_path / "second machine", results)
    assert [call[0] for call in calls] == ["train"] * 6 + ["ensemble", "train"]
    rows = [(line["row"], line["seed"]) for line in read(results)]
    assert rows == [*((FULL, str(seed)) for seed in members_of(1)), (ENSEMBLE, "1"), (STUDENT, "1")]
    assert calls[-1][calls[-1].index("--distill.teacher") + 1] == calls[-2][-1]


def test_flags_are_those_of_the_command_line() -> None:
    assert written({"words.casing": False, "words.chars": None, "seed": 1}) == [
        *("--words.no-casing", "--words.chars", "None", "--seed", "1")
    ]


def test_a_language_model_is_trained_once_for_all_rows(
    calls: list[tuple[str, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(practice_table, "training_text", lambda recipe: [("of", Path(recipe).stem), ("a", "b")])
    for corpus in CORPORA:
        for seed in (1, 2):
            train(corpus, BILM, seed, tmp_path, tmp_path / "results.csv")
    assert (tmp_path / "bilm.txt").read_text("utf-8") == "of conll2000_chunking\na b\nof ud_pos\na b\n"
    verbs = [call[0] for call in calls]
    assert verbs == ["pretrain", "embed", "train", "train", "embed", "train", "train"]
    for corpus, call in zip(("chunk", "chunk", "pos", "pos"), (c for c in calls if c[0] == "train"), strict=True):
        assert call[call.index("--contextual.file") + 1] == str(tmp_path / f"bilm {corpus}.h5")
    assert calls[1][1:4] == (str(tmp_path / "bilm"), "--recipe", CORPORA["chunk"].recipe)
    leave_settings(tmp_path / "bilm", PretrainSettings(text=(str(tmp_path / "bilm.txt"),), units=64))
    with pytest.raises(SettingsError, match=r"bilm holds a run with other settings \(units 64, not 128\)"):
        train("pos", BILM, 1, tmp_path, tmp_path / "other.csv")


def test_what_a_row_needs_is_among_its_costs(
    calls: list[tuple[str, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(practice_table, "training_text", lambda recipe: [("a", "b")])
    found: list[Needed] = []
    monkeypatch.setattr(practice_table, "figures", lambda folder, setting, needed: found.append(needed) or {})
    members = [folder_of("pos", FULL, seed, tmp_path) for seed in members_of(1)]
    for row in (GLOVE, ENSEMBLE, STUDENT, BILM):
        train("pos", row, 1, tmp_path, tmp_path / "results.csv")
    assert found[0] == Needed() and found[-3:-1] == [Needed(runs=members)] * 2
    assert found[-1].runs == found[-1].models == [tmp_path / "bilm"] and 0 <= found[-1].seconds < 5
    (tmp_path / "bilm pos.seconds").unlink()  # of a file that came from another machine
    train("pos", BILM, 2, tmp_path, tmp_path / "results.csv")
    assert found[-1].seconds is None


def test_a_folder_of_other_settings_is_refused_and_the_other_rows_go_on(
    calls: list[tuple[str, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = "full + EMA .999"
    other = settings_of_row("pos", row, 1, **{"training.average": 0.5, "words.casing": False})
    leave_settings(folder_of("pos", row, 1, tmp_path), other)
    with pytest.raises(
        SettingsError, match=r"other settings \(words.casing False, not True; training.average 0.5, not 0.999\)\. Move"
    ):
        train("pos", row, 1, tmp_path, tmp_path / "results.csv")
    given = ["run", "--work", str(tmp_path), "--results", str(tmp_path / "results.csv"), "--corpora", "pos"]
    monkeypatch.setattr(
        "sys.argv", ["practice_table.py", *given, "--seeds", "1", "--rows", "EMA", GLOVE, "full + linear"]
    )
    leave = practice_table.run

    def failing(*arguments: str) -> None:
        if "linear" in arguments:
            raise Failed("It failed with status 1.")
        leave(*arguments)

    monkeypatch.setattr(practice_table, "run", failing)
    with pytest.raises(SystemExit, match="pos full . linear decay, seed 1; pos full . EMA .999, seed 1"):
        main()
    assert [line["row"] for line in read(tmp_path / "results.csv")] == [GLOVE]
    assert "seed 1: It failed with status 1." in (text := capsys.readouterr().out) and "other settings" in text


def test_a_member_of_other_settings_is_refused(calls: list[tuple[str, ...]], tmp_path: Path) -> None:
    """Though its figures are known, from another machine perhaps."""
    results = tmp_path / "results.csv"
    folder = train("pos", FULL, 1, tmp_path, results)
    leave_settings(folder, settings_of_row("pos", FULL, 1, **{"training.epochs": 2}))
    with pytest.raises(SettingsError, match="training.epochs 2, not 10"):
        train("pos", ENSEMBLE, 1, tmp_path, results)
    leave_settings(folder, settings_of_row("pos", FULL, 1))
    train("pos", ENSEMBLE, 1, tmp_path, results)
    assert [call[0] for call in calls] == ["train"] * 5 + ["ensemble"]


def test_a_results_file_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "old.csv"
    old.write_text("corpus,row,seed\npos,x,1\n", encoding="utf-8")
    message = "old.csv has the columns corpus, row, seed; expected corpus, row, seed, dev, .*: move it away"
    with pytest.raises(SystemExit, match=message):
        append(old, dict.fromkeys(COLUMNS, 1))
    for job in ("table", "run"):
        monkeypatch.setattr("sys.argv", ["practice_table.py", job, "--results", str(old)])
        with pytest.raises(SystemExit, match=message):
            main()
    assert read(old) == [{"corpus": "pos", "row": "x", "seed": "1"}]


def test_the_text_of_a_recipe_is_what_it_trains_on(tmp_path: Path) -> None:
    (tmp_path / "recipe.py").write_text(
        "from pathlib import Path\nfrom tests import tiny\n"
        "def settings():\n    return tiny.settings(tiny.write(Path(__file__).parent / 'data'))\n",
        encoding="utf-8",
    )
    found = practice_table.training_text(str(tmp_path / "recipe.py"))
    assert found == [sentence.words for sentence in tiny.train_part()]
