from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import keras
import pytest

from seqlab.multitask_settings import MultiTaskSettings, TaskSettings
from seqlab.settings import DataSettings, RuleSettings, Settings
from seqlab.settings_part import Part
from seqlab.studies import Objective
from seqlab.tuning import description
from seqlab.tuning.description import described, told
from seqlab.tuning.kinds import KINDS

OBJECTIVE = Objective("val_f1", "max")


def written(train: Path | str, objective: Objective = OBJECTIVE, executions: int = 1, **changes: Any) -> str:
    settings = Settings(data=DataSettings(train=str(train)), **changes)
    return told(described(settings, executions, changes.pop("compiled", False)), objective)


def differences(there: str, here: str) -> list[str]:
    return description.differences(json.loads(there), json.loads(here))


def test_each_difference_is_named() -> None:
    here = written("x")
    assert differences(here, here) == []
    assert differences(here, written("y")) == ["data.train no such file: x, here no such file: y"]
    assert differences(here, written("x", seed=2)) == ["seed 1, here 2"]
    assert differences(here, written("x", executions=3)) == ["executions 1, here 3"]
    changed = json.loads(here) | {"compiled": True, "training.epochs": 3, "backend": "numpy"}
    assert differences(here, json.dumps(changed)) == [
        f"backend {keras.backend.backend()}, here numpy",
        "compiled False, here True",
        f"training.epochs {Settings(data=DataSettings(train='x')).training.epochs}, here 3",
    ]
    assert differences(here, written("x", Objective("val_loss", "min"))) == [
        "direction max, here min",
        "objective val_f1, here val_loss",
    ]
    lacking = {name: value for name, value in changed.items() if name != "head"}
    assert "head crf, here None" in differences(here, json.dumps(lacking))
    (long,) = differences(here, written("y" * 100))
    assert long == f"data.train no such file: x, here no such file: {'y' * 26}..."


def test_tasks_are_told_apart() -> None:
    def tasks(*heads: str) -> str:
        found = tuple(
            TaskSettings(name=name, data=DataSettings(train="x", columns={"word": 0, name: 1}), head=head)
            for name, head in zip("ab", heads, strict=True)
        )
        return told(described(MultiTaskSettings(tasks=found), 1, False), OBJECTIVE)

    assert differences(tasks("softmax", "softmax"), tasks("softmax", "crf")) == ["tasks.1.head softmax, here crf"]


def test_data_are_compared_and_not_where_they_are(tmp_path: Path) -> None:
    for place, text in (("one", "a"), ("other", "a"), ("third", "b")):
        (tmp_path / place).mkdir()
        (tmp_path / place / "train.conll").write_text(text, "utf-8")
        (tmp_path / place / ".hidden").write_text(place, "utf-8")
    one, other, third = (written(tmp_path / place / "train.conll") for place in ("one", "other", "third"))
    assert one == other
    (difference,) = differences(one, third)
    assert difference.startswith("data.train a file of SHA-256 ") and difference.count("SHA-256") == 2
    assert written(tmp_path / "one") == written(tmp_path / "other") == written(tmp_path / "third")
    (tmp_path / "third" / "train.conll").write_text("bb", "utf-8")
    (difference,) = differences(written(tmp_path / "one"), written(tmp_path / "third"))
    assert difference.startswith("data.train a folder of SHA-256 ")
    (tmp_path / "other" / "more.conll").write_text("", "utf-8")
    assert written(tmp_path / "one") != written(tmp_path / "other")


def test_what_is_no_file_is_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column may have the name of a folder that is there, and `.` between columns is none."""
    data = DataSettings(train="x", separator=".")
    before = told(described(Settings(data=data), 1, False), OBJECTIVE)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "label").mkdir()
    assert told(described(Settings(data=data), 1, False), OBJECTIVE) == before
    assert json.loads(before)["task"] == "label" and json.loads(before)["data.separator"] == "."


def test_lists_of_spans_are_compared_by_content(tmp_path: Path) -> None:
    def listed(name: str) -> str:
        return written("x", rules=RuleSettings(only_listed=(f"LOC={tmp_path / name}",)))

    for name, text in (("one", "Oslo"), ("other", "Oslo"), ("third", "Bergen")):
        (tmp_path / name).write_text(text, "utf-8")
    assert listed("one") == listed("other")
    (difference,) = differences(listed("one"), listed("third"))
    assert difference.startswith("rules.only_listed.0 LOC=a file of SHA-256 ")
    assert description.missing(json.loads(listed("gone"))) == ["data.train", "rules.only_listed.0"]


def leaves(part: type[Part], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The settings that may hold text, and what they are."""
    for name, field in part.model_fields.items():
        inner = [kind for kind in (field.annotation, *get_args(field.annotation)) if isinstance(kind, type)]
        parts = [kind for kind in inner if issubclass(kind, Part)]
        for kind in parts:
            yield from leaves(kind, name)
        if not parts and str in (*inner, *get_args(field.annotation)):
            yield f"{prefix}.{name}".lstrip("."), field.description or ""


def test_all_settings_that_name_files_are_known() -> None:
    found = {name for kind in KINDS for name, text in leaves(kind.settings) if re.search("file|folder|FILE", text)}
    assert found - {"words.encoding"} == set(description.FILES)


@pytest.mark.parametrize("compiled", [False, True])
def test_what_a_study_keeps(compiled: bool) -> None:
    settings = Settings(data=DataSettings(train="x"))
    found = described(settings, 2, compiled)
    wanted = {"settings": json.loads(settings.model_dump_json()), "executions": 2, "compiled": compiled}
    assert found == wanted | {"backend": keras.backend.backend()}
