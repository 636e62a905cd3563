"""Rules from settings: the constraints they make, and what the data have to say about them."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from seqlab.corpora.records import Corpus
from seqlab.errors import DataError, SettingsError
from seqlab.settings import RuleSettings, Settings
from seqlab.tags.constraints import Constraints
from seqlab.tags.expansion import Expansion
from seqlab.training import data as data_room
from seqlab.training import run as runs
from seqlab.training.rules import examine, rulebook
from tests import tiny
from tests.models import toy
from tests.oracles import constraints as oracle

pytestmark = pytest.mark.usefixtures("eagerly")

WORDS = ("a", "b", "a", "b")


def settings(folder: Path, constrained: bool = False, **rules: object) -> Settings:
    base = tiny.settings(folder)
    return Settings(**{**dict(base), "constrained": constrained, "rules": RuleSettings(**rules)})


@pytest.fixture
def places(tmp_path: Path) -> str:
    (tmp_path / "places.txt").write_text("a\nb a\n", encoding="utf-8")
    return str(tmp_path / "places.txt")


CASES = {
    "forbid": (
        {"forbid": ["O O", "<start> B-Y", "B-X <end>"]},
        oracle.never({("O", "O"), (None, "B-Y"), ("B-X", None)}),
    ),
    "require": ({"require": ["O B-X", "O <end>"]}, oracle.followed({("O", "B-X"), ("O", None)})),
    "first": ({"require": ["<start> O"]}, oracle.followed({(None, "O")})),
    "most": ({"at_most_one": ["X", "Y"]}, oracle.at_most_one("X", "Y")),
    "least": ({"at_least_one": ["X"]}, oracle.at_least_one("X")),
    "listed": ({"only_listed": ["X={places}"]}, oracle.listed("X", [["a"], ["b", "a"]])),
    "scheme": ({"constrained": True}, toy.WELL_FORMED),
    "all": (
        {"constrained": True, "at_most_one": ["Y"], "forbid": ["B-Y O"], "only_listed": ["X={places}"]},
        oracle.both(
            toy.WELL_FORMED,
            oracle.at_most_one("Y"),
            oracle.never({("B-Y", "O")}),
            oracle.listed("X", [["a"], ["b", "a"]]),
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_setting_allows_what_its_predicate_allows(name: str, places: str, tmp_path: Path) -> None:
    given, allows = CASES[name]
    values = {key: [item.format(places=places) for item in value] if isinstance(value, list) else value
              for key, value in given.items()}  # fmt: skip
    rules = rulebook(settings(tmp_path, **values), toy.TAGS, "iob2")
    for path in oracle.all_paths(toy.TAGS, 4):
        found = rules.violations(path, WORDS) if isinstance(rules, Expansion) else rules.violations(path)
        assert (not found) == allows(path, WORDS), path


def test_no_rules_make_no_constraints_and_pairs_no_expansion(tmp_path: Path) -> None:
    assert rulebook(settings(tmp_path), toy.TAGS, "iob2") is None
    assert isinstance(rulebook(settings(tmp_path, True, forbid=["O O"]), toy.TAGS, "iob2"), Constraints)
    assert isinstance(rulebook(settings(tmp_path, forbid=["N V"]), ["N", "V"], None), Constraints)


@pytest.mark.parametrize(
    ("rules", "error", "message"),
    [
        ({"forbid": ["B-X I-Y"]}, SettingsError, "Unknown tag 'I-Y' in the pair .* Did you mean 'I-X'"),
        ({"forbid": ["B-X"]}, SettingsError, "rules.forbid holds pairs of tags separated by a blank.* received 'B-X'"),
        ({"require": ["<end> O"]}, SettingsError, "rules.require holds .* received '<end> O'"),
        ({"require": ["<start> <end>"]}, SettingsError, "rules.require holds"),
        ({"at_most_one": ["x"]}, SettingsError, "No tag has the type 'x'; the types are 'X', 'Y'"),
        ({"at_least_one": ["Z"]}, SettingsError, "No tag has the type 'Z'"),
        ({"only_listed": ["Z={places}"]}, SettingsError, "No tag has the type 'Z'"),
        ({"only_listed": ["X={places}s"]}, DataError, "places.txts: There is no such file.*Did you mean 'places.txt'"),
        ({"require": ["<start> O"], "forbid": ["<start> O"]}, DataError, "contradict each other: drop one"),
        ({"at_least_one": ["X"], "forbid": ["B-X O", "B-X B-X", "B-X B-Y", "B-X I-X", "B-X <end>"],
          "constrained": True}, DataError, "No path of any length"),
    ],
)  # fmt: skip
def test_rules_that_cannot_be(rules: dict, error: type, message: str, places: str, tmp_path: Path) -> None:
    values = {**rules, "only_listed": [item.format(places=places) for item in rules.get("only_listed", [])]}
    with pytest.raises(error, match=message):
        rulebook(settings(tmp_path, **values), toy.TAGS, "iob2")


def test_plain_labels_have_no_spans(tmp_path: Path) -> None:
    for rules, name in (({"at_most_one": ["X"]}, "rules.at_most_one"), ({"only_listed": ["X=a"]}, "rules.only_listed")):
        with pytest.raises(SettingsError, match=f"{name} is about spans, and 'chunk' has plain labels"):
            rulebook(settings(tmp_path, **rules), ["N", "V"], None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.write(tmp_path)


def test_gold_that_breaks_rules_is_reported_with_file_and_line(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    given = settings(folder, True, at_most_one=["NP"])
    corpora = data_room.corpora(given)
    first = next(s for s in corpora.train if s.columns["chunk"].count("B-NP") > 1)
    second = [i for i, tag in enumerate(first.columns["chunk"]) if tag == "B-NP"][1]
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        examine(given, *corpora)
    texts = [record.getMessage() for record in caplog.records]
    assert [text.split(",")[0][-30:] for text in texts] == [
        "the rules in the training data", " rules in the development data"
    ]  # fmt: skip
    assert f"train.conll:{first.lines[second]}: column 'chunk': 'B-NP' breaks this: " in texts[0]
    assert texts[0].count("\n") == 11 and texts[0].splitlines()[-1].startswith("... and ")
    caplog.clear()
    examine(settings(folder, True), *corpora)
    examine(settings(folder), *corpora)
    assert not caplog.records


def test_in_the_loss_it_is_refused_before_a_run_begins(folder: Path, tmp_path: Path) -> None:
    given = settings(folder, True, at_most_one=["NP"], in_loss=True)
    with pytest.raises(
        DataError, match=r"(?s)rules that the training data breaks, at .*train.conll:\d+: column 'chunk'"
    ):
        runs.train(given, tmp_path / "run", verbose=0)
    assert not list((tmp_path / "run").glob("*.json"))
    folds = Settings(
        **{**given.model_dump(), "data": {**given.data.model_dump(), "dev": None, "test": None, "folds": 2}}
    )
    with pytest.raises(DataError, match=r"training data breaks"):
        runs.train_folds(folds, tmp_path / "folds", verbose=0)


def test_it_may_be_left_out_of_the_loss(folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    given = settings(folder, True, at_most_one=["VP"], in_loss=True, leave_out_broken=True)
    given = Settings(**{**given.model_dump(), "words": {"chars": None}})
    with caplog.at_level(logging.WARNING):
        result = runs.train(given, tmp_path / "run", verbose=0)
    for name in ("training", "validation"):
        assert caplog.text.count(f"what breaks its rules in the {name} data") == 1
    lines = (tmp_path / "run" / "history.jsonl").read_text("utf-8").splitlines()
    assert max(json.loads(line)[name] for line in lines for name in ("loss", "val_loss")) < 100
    assert result.tagger.head.constrained_loss
    assert all(tags.count("B-VP") <= 1 for tags in result.tagger.tags(tiny.sample("test")))


def test_sentences_that_nothing_satisfies_are_refused(folder: Path) -> None:
    given = settings(folder, at_least_one=["SBAR"], forbid=["<start> O"])
    train, dev, _ = data_room.corpora(given)
    labels = sorted(train.labels("chunk"))
    rules = {"at_least_one": ["NP"], "forbid": [f"{tag} <end>" for tag in labels if tag.endswith("NP")]}
    lone = Corpus([replace(dev[0], words=("a",), columns={"chunk": ("O",)}, lines=(3,))], {"chunk": "iob2"})
    examine(settings(folder, **rules), train, dev)
    with pytest.raises(DataError, match=r"dev.conll:3: No tags fit the sentence 'a'"):
        examine(settings(folder, **rules), train, dev, lone)


def test_rules_speak_of_the_scheme_that_is_learnt(folder: Path) -> None:
    given = settings(folder, True, forbid=["S-NP S-NP"])
    corpora = data_room.corpora(given)
    with pytest.raises(SettingsError, match="Unknown tag 'S-NP'"):
        examine(given, *corpora)
    examine(Settings(**{**given.model_dump(), "tag_scheme": "iobes"}), *corpora)


def test_a_list_that_has_changed_is_no_list_to_resume_with(folder: Path) -> None:
    (folder / "np.txt").write_text("a\n", encoding="utf-8")
    given = settings(folder, only_listed=[f"NP={folder / 'np.txt'}"])
    before = data_room.digest(given)
    (folder / "np.txt").write_text("b\n", encoding="utf-8")
    after = data_room.digest(given)
    assert {name for name in before if before[name] != after[name]} == {str(folder / "np.txt")}
