from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seqlab.corpora.catalogue import CATALOGUE, entry, locate, verify
from seqlab.corpora.expected import Entry, File
from seqlab.errors import DataError, SettingsError

ROOT = Path(__file__).resolve().parents[2]
WANTED = {"conll2003", "conll2000", "ud_en_1.3", "wnut17", "glove", "elmo", "timit", "iam_ondb", "jsb"}
GOOD = b"a B-X\n"
# The scripts are run from the checkout, installed or not.
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A catalogue of one row with two variants, and a folder in which the first is complete."""
    checked = File("one.txt", len(GOOD), hashlib.sha256(GOOD).hexdigest())
    variants = {"full": (checked, File("many/*.wav", count=2)), "small": (File("small.txt"),)}
    monkeypatch.setitem(CATALOGUE, "tiny", Entry("tiny", "Tiny", "nobody", "none", variants))
    (tmp_path / "many").mkdir()
    (tmp_path / "one.txt").write_bytes(GOOD)
    (tmp_path / "many" / "a.wav").touch()
    (tmp_path / "many" / "B.WAV").touch()
    return tmp_path


def states(folder: Path) -> dict[str, str]:
    return {finding.file.name: finding.state for finding in verify("tiny", folder)}


def test_rows_are_complete() -> None:
    assert set(CATALOGUE) == WANTED
    for name, row in CATALOGUE.items():
        assert row.name == name
        assert row.title and row.source and row.licence and row.note and row.files
        assert row.prepare == f"python scripts/prepare_data.py {name} FOLDER"
        assert row.arrange.keys() <= {file.name for file in row.files}
        for file in row.files:
            assert file.sha256 is None or (len(file.sha256) == 64 and file.size)


@pytest.mark.parametrize("row", CATALOGUE.values(), ids=CATALOGUE.keys())
def test_readme_of_data_has_every_row(row: Entry) -> None:
    text = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert row.title in text
    assert row.prepare in text
    for file in row.files:
        assert file.name in text
        assert file.size is None or f"{file.size:,}" in text
        assert file.sha256 is None or file.sha256 in text


def test_good_files_are_verified_and_counted(tiny: Path) -> None:
    assert states(tiny) == {"one.txt": "verified", "many/*.wav": "unchecked"}


def test_every_complete_variant_is_reported(tiny: Path) -> None:
    (tiny / "small.txt").touch()
    assert states(tiny) == {"one.txt": "verified", "many/*.wav": "unchecked", "small.txt": "unchecked"}


def test_an_incomplete_folder_reports_the_nearest_variant(tiny: Path) -> None:
    (tiny / "one.txt").unlink()
    assert states(tiny) == {"one.txt": "missing", "many/*.wav": "unchecked"}


def test_locate_prefers_the_whole_file_and_takes_its_cut(tmp_path: Path) -> None:
    whole, cut = (tmp_path / "glove" / f"glove.6B.50d{middle}.txt" for middle in ("", ".trimmed"))
    assert locate("glove", "50d", tmp_path) == whole  # which its reader then misses
    whole.parent.mkdir()
    cut.touch()
    assert locate("glove", "50d", tmp_path) == cut
    assert locate("glove", "100d", tmp_path) == tmp_path / "glove" / "glove.6B.100d.txt"
    whole.touch()
    assert locate("glove", "50d", str(tmp_path)) == whole
    with pytest.raises(SettingsError, match="GloVe 6B word vectors has no variant '50'; .*Did you mean '50d'?"):
        locate("glove", "50", tmp_path)


def test_splits_are_the_files_that_are_there(tmp_path: Path) -> None:
    folder = tmp_path / "wnut17"
    folder.mkdir()
    (folder / "emerging.dev.conll").write_text("")
    names = {
        "train": "train.conll",
        "dev": "emerging.dev.conll",
        "test": "test.conll",
    }  # else as prepare_data.py names it
    assert entry("wnut17").splits(tmp_path) == {part: str(folder / name) for part, name in names.items()}
    assert list(entry("ud_en_1.3").splits(tmp_path)) == ["train", "dev", "test"]
    assert list(entry("conll2000").splits(tmp_path)) == ["train", "test"]
    for name in ("timit", "glove"):
        with pytest.raises(SettingsError, match=f"{name} has no training and test files.*such as conll2000"):
            entry(name).splits(tmp_path)


def test_unknown_name_suggests() -> None:
    with pytest.raises(SettingsError, match="Did you mean 'conll2000'"):
        entry("conll_2000")


def test_missing_folder_says_what_belongs_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="CoNLL-2000 chunking"):
        verify("conll2000", tmp_path / "absent")


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("conll2000", "conll2000"),
        ("ud_en_1.3", "ud_en_1.3"),
        ("wnut17", "wnut17"),
        ("glove", "glove"),
        ("elmo", "elmo_fixtures"),
        ("jsb", "jsb"),
    ],
)
def test_real_files_are_verified(real_data: Path, name: str, folder: str) -> None:
    assert {finding.state for finding in verify(name, real_data / folder)} == {"verified"}


def prepare(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "prepare_data.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=ENVIRONMENT)


def test_prepare_arranges_verified_files(real_data: Path, tmp_path: Path) -> None:
    done = prepare("wnut17", real_data / "wnut17", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dev.conll", "test.conll", "train.conll"]
    assert (tmp_path / "dev.conll").read_bytes() == (real_data / "wnut17" / "emerging.dev.conll").read_bytes()


def test_prepare_splits_conll2000_without_losing_a_sentence(real_data: Path, tmp_path: Path) -> None:
    done = prepare("conll2000", real_data / "conll2000", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    blocks = {
        name: sorted((tmp_path / "split" / name).read_text(encoding="utf-8").strip().split("\n\n"))
        for name in ("train.txt", "dev.txt")
    }
    assert len(blocks["dev.txt"]) == 1000
    assert (tmp_path / "train.txt").read_bytes() == (real_data / "conll2000" / "train.txt").read_bytes()
    whole = (real_data / "conll2000" / "train.txt").read_text(encoding="utf-8")
    rows = [[line.split() for line in block.splitlines()] for block in whole.strip().split("\n\n")]
    parts = [[line.split() for line in block.splitlines()] for part in blocks.values() for block in part]
    assert sorted(parts) == sorted(rows)


def test_prepare_refuses_wrong_files_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("train.txt", "test.txt"):
        (tmp_path / "in" / name).write_bytes(GOOD)
    done = prepare("conll2000", tmp_path / "in", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "6 bytes, expected 2,842,164" in done.stdout
    assert not (tmp_path / "out").exists()


def test_a_copy_that_fails_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scripts.prepare_data import prepare as run

    files = (File("a.txt"),)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_bytes(GOOD)
    row = Entry("tiny", "Tiny", "nobody", "none", {"all": files}, arrange={"a.txt": "b.txt"})
    monkeypatch.setitem(CATALOGUE, "tiny", row)
    assert run(row, tmp_path / "in", tmp_path / "out") == 0
    assert [path.read_bytes() for path in (tmp_path / "out").iterdir()] == [GOOD]

    def full(source: Path, target: Path) -> None:
        Path(target).write_bytes(b"ha")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(OSError, match="No space left"):
        run(row, tmp_path / "in", tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == {"b.txt": GOOD}


def test_prepare_names_the_near_miss(tmp_path: Path) -> None:
    done = prepare("wnut71", tmp_path)
    assert done.returncode == 1
    assert "Did you mean 'wnut17'" in done.stderr
