from __future__ import annotations

import errno
import os
import stat

import pytest

from seqlab.files import fingerprint_of, model_file, replaced, replaced_folder, write_text


def test_a_folder_stands_for_its_model(tmp_path):
    assert model_file(tmp_path) == tmp_path / "model.keras"
    assert model_file(str(tmp_path / "my.keras")) == tmp_path / "my.keras"


def test_a_fingerprint_tells_contents_and_their_order(tmp_path):
    for name, text in (("a", "1"), ("b", "2"), ("c", "1")):
        (tmp_path / name).write_text(text)
    a, b, c = (tmp_path / name for name in "abc")
    assert fingerprint_of(a, b) == fingerprint_of(c, b) != fingerprint_of(b, a)
    assert len({fingerprint_of(a), fingerprint_of(a, b), fingerprint_of(a, a), fingerprint_of(b)}) == 4


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_writes_and_leaves_nothing_else(tmp_path):
    target = tmp_path / "new" / "model.keras"
    with replaced(target) as temporary:
        assert temporary.parent == target.parent
        assert temporary.suffix == ".keras"
        temporary.write_bytes(b"whole")
        assert not target.exists()
    assert target.read_bytes() == b"whole"
    assert names(target.parent) == ["model.keras"]


def test_error_leaves_the_old_file_alone(tmp_path):
    target = tmp_path / "scores.json"
    target.write_text("old", encoding="utf-8")
    with pytest.raises(KeyError), replaced(target) as temporary:
        temporary.write_text("half", encoding="utf-8")
        raise KeyError("broken off")
    assert target.read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == ["scores.json"]


def test_error_without_an_old_file_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), replaced(tmp_path / "a.txt") as temporary:
        temporary.write_text("half", encoding="utf-8")
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def full(*args, **kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_full_disk_leaves_the_old_file_alone(tmp_path, monkeypatch, call):
    target = tmp_path / "a.txt"
    target.write_text("old", encoding="utf-8")

    class Full:
        """A file whose disk is full after the first bytes."""

        def __init__(self, path):
            self.path = path

        def write(self, text):
            self.path.write_text(text[:3], encoding="utf-8")
            full()

    if call == "fsync":
        monkeypatch.setattr("os.fsync", full)
    if call == "replace":
        monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)) as caught, replaced(target) as temporary:
        if call == "write":
            Full(temporary).write("new text")
        temporary.write_text("new text", encoding="utf-8")
    assert caught.value.errno == errno.ENOSPC
    assert target.read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.skipif(
    not os.path.exists("/dev/full"), reason="no /dev/full: a system without a device that is always full"
)
def test_write_text_on_a_full_disk(tmp_path, monkeypatch):
    """A real ENOSPC, raised by the operating system when the text is flushed."""
    target = tmp_path / "a.txt"
    write_text(target, "old")
    opened = open

    def on_full_device(file, mode="r", *args, **kwargs):
        return opened("/dev/full" if "w" in mode else file, mode, *args, **kwargs)

    monkeypatch.setattr("io.open", on_full_device)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        write_text(target, "new")
    monkeypatch.undo()
    assert target.read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == ["a.txt"]


def test_write_text_keeps_lines_and_letters(tmp_path):
    text = "é\r\n🙂\n"
    write_text(tmp_path / "a.txt", text)
    assert (tmp_path / "a.txt").read_bytes() == text.encode()


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_permissions_are_those_of_a_new_file(tmp_path):
    write_text(tmp_path / "a.txt", "x")
    (tmp_path / "b.txt").write_text("x", encoding="utf-8")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a.txt", "b.txt")]
    assert modes[0] == modes[1]


def always(found):
    return True


def never(found):
    return False


def test_folder_is_written_whole(tmp_path):
    target = tmp_path / "new" / "model"
    with replaced_folder(target, never) as temporary:
        assert temporary.parent == target.parent and not target.exists()
        (temporary / "inner").mkdir()
        (temporary / "inner" / "a.txt").write_text("whole", encoding="utf-8")
    assert (target / "inner" / "a.txt").read_text(encoding="utf-8") == "whole"
    assert names(target.parent) == ["model"]


def test_folder_takes_the_place_of_one_that_may_go(tmp_path):
    for text in ("old", "new"):
        with replaced_folder(tmp_path / "model", always) as temporary:
            (temporary / text).touch()
    assert names(tmp_path) == ["model"] and names(tmp_path / "model") == ["new"]


def test_folder_behind_a_link_is_replaced_and_the_link_stays(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with replaced_folder(tmp_path / "link", never) as temporary:  # an empty folder may always go
        (temporary / "new").touch()
    assert (tmp_path / "link").is_symlink() and names(tmp_path / "real") == ["new"]


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_may_not_go_stays(tmp_path, what):
    target = tmp_path / "mine"
    if what == "folder":
        target.mkdir()
    (target / "a.txt" if what == "folder" else target).write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError, match="mine exists"), replaced_folder(target, never):
        raise AssertionError("the block must not run")
    assert (target / "a.txt" if what == "folder" else target).read_text(encoding="utf-8") == "mine"
    assert names(tmp_path) == ["mine"]


def test_what_came_in_the_meantime_stays(tmp_path):
    target = tmp_path / "model"
    with pytest.raises(FileExistsError), replaced_folder(target, never) as temporary:
        (temporary / "ours").touch()
        target.mkdir()
        (target / "theirs").touch()
    assert names(tmp_path) == ["model"] and names(target) == ["theirs"]


@pytest.mark.parametrize("call", ["block", "fsync", "rename", "second rename"])
def test_failure_keeps_the_old_folder(tmp_path, monkeypatch, call):
    target = tmp_path / "model"
    target.mkdir()
    (target / "old").touch()
    rename, done = type(target).rename, []

    def fail_at_last(path, other):
        done.append(path)
        if len(done) == 2:
            full()
        return rename(path, other)

    if call == "fsync":
        monkeypatch.setattr("os.fsync", full)
    if call == "rename":
        monkeypatch.setattr("pathlib.Path.rename", full)
    if call == "second rename":
        monkeypatch.setattr("pathlib.Path.rename", fail_at_last)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)), replaced_folder(target, always) as temporary:
        (temporary / "new").touch()
        if call == "block":
            full()
    assert names(tmp_path) == ["model"] and names(target) == ["old"]


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_permissions_are_those_of_a_new_folder(tmp_path):
    with replaced_folder(tmp_path / "a", never):
        pass
    (tmp_path / "b").mkdir()
    assert len({stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "b")}) == 1
