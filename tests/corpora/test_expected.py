from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from seqlab.corpora.expected import File, find

GOOD = b"a B-X\n"
CHECKED = File("Sub/One.txt", len(GOOD), hashlib.sha256(GOOD).hexdigest())


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, Path]:
    path = tmp_path / "one.txt"
    path.write_bytes(GOOD)
    return {"sub/one.txt": path, "sub/two.txt": path, "other/one.txt": path}


def test_same_bytes_are_verified_whatever_the_letter_case(paths: dict[str, Path]) -> None:
    assert find(CHECKED, paths).state == "verified"


def test_a_changed_byte_is_wrong(paths: dict[str, Path]) -> None:
    paths["sub/one.txt"].write_bytes(GOOD.replace(b"B", b"I"))
    finding = find(CHECKED, paths)
    assert finding.state == "wrong"
    assert str(finding).startswith("wrong     Sub/One.txt: sha256 ")


def test_another_size_is_wrong_and_says_both(paths: dict[str, Path]) -> None:
    paths["sub/one.txt"].write_bytes(GOOD * 2)
    assert "12 bytes, expected 6" in str(find(CHECKED, paths))


@pytest.mark.parametrize(("size", "state"), [(None, "unchecked"), (6, "unchecked"), (7, "wrong")])
def test_without_a_checksum_only_the_size_speaks(paths: dict[str, Path], size: int | None, state: str) -> None:
    assert find(File("sub/one.txt", size), paths).state == state


@pytest.mark.parametrize(("count", "state"), [(None, "unchecked"), (2, "unchecked"), (3, "wrong")])
def test_patterns_are_counted(paths: dict[str, Path], count: int | None, state: str) -> None:
    finding = find(File("sub/*.txt", count=count), paths)
    assert finding.state == state
    assert "2 files" in finding.detail


def test_what_is_not_there_is_missing(paths: dict[str, Path]) -> None:
    assert find(File("three.txt"), paths).state == "missing"
