"""TIMIT: which sentences stand in which part, the phone of each frame, and each fault with its place."""

from __future__ import annotations

import logging
import shutil

import numpy as np
import pytest
from make_synthetic_timit import SPEAKERS, write
from numpy.testing import assert_array_equal

from seqlab.corpora.mfcc import mfcc
from seqlab.corpora.sphere import read_sphere
from seqlab.corpora.timit import label_frames, read_phones, timit
from seqlab.corpora.timit_lists import CORE_TEST, PHONES, STUDY, VALIDATION
from seqlab.errors import DataError


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write(tmp_path_factory.mktemp("timit"), speakers=3, sentences=2)


@pytest.fixture
def copy(written, tmp_path):
    return shutil.copytree(written, tmp_path / "timit")


def one_file(folder, ending):
    return sorted((folder / "TRAIN").rglob(f"S[IX]*.{ending}"))[0]


def test_the_lists_are_those_of_the_study():
    assert (len(PHONES), len(set(PHONES)), len(CORE_TEST), len(VALIDATION)) == (61, 61, 24, 50)
    assert not CORE_TEST & VALIDATION
    assert STUDY == {"train": 462 * 8, "dev": len(VALIDATION) * 8, "test": len(CORE_TEST) * 8}
    assert sum(name[0] == "f" for name in CORE_TEST) == 8, "a woman of each of the eight regions"


def test_parts(written, caplog):
    parts = timit(written)
    assert [len(part) for part in (parts.train, parts.dev, parts.test)] == [6, 4, 4]
    assert "holds {'train': 6, 'dev': 4, 'test': 4} sentences; the whole TIMIT has" in caplog.text
    assert {one.name.split("_")[0].upper() for one in parts.dev} == set(SPEAKERS["dev"])
    assert {one.name.split("_")[0].upper() for one in parts.test} == set(SPEAKERS["test"])
    assert not any("_sa" in one.name for part in (parts.train, parts.dev, parts.test) for one in part)
    assert parts.train.labels == PHONES and parts.train.width == 39 and parts.train.target == "frames"


def test_small_letters_and_a_folder_above(copy):
    expected = [one.name for one in timit(copy).train]
    for path in sorted(copy.rglob("*"), reverse=True):
        path.rename(path.with_name(path.name.lower()))
    assert [one.name for one in timit(copy.parent).train] == expected


def test_frames_have_the_phone_at_their_middle(written):
    path = one_file(written, "WAV")
    sequence = next(one for one in timit(written).train if one.file == str(path))
    samples = read_sphere(path).samples
    assert_array_equal(sequence.frames, mfcc(samples))
    spoken = np.empty(len(samples), object)
    for line in path.with_suffix(".PHN").read_text().splitlines():
        begin, end, phone = line.split()
        spoken[int(begin) : int(end)] = phone
    expected = [spoken[160 * t + 200] for t in range(len(sequence))]
    assert [PHONES[label] for label in sequence.labels] == expected and len(set(expected)) > 3


def test_the_end_of_a_phone_is_exclusive_and_gaps_have_no_label():
    labels = label_frames([(0, 200, "aa"), (200, 360, "b"), (361, 500, "d")], 3)
    assert labels.tolist() == [PHONES.index("b"), -1, -1]


def test_phones_of_a_public_excerpt(real_data):
    phones = read_phones(real_data / "formats" / "timit_excerpt.PHN", 46_797)
    assert phones[0] == (0, 3050, "h#") and phones[-1] == (16_334, 18_088, "s") and len(phones) == 14


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("0 300 h#\n300 5000000 aa\n", 2, "'aa' ends at sample 5000000, the audio at"),
        ("0 300 h#\n300 400 axx\n", 2, "'axx' is none of TIMIT's 61 phones. Did you mean 'ax'"),
        ("0 300\n", 1, "expected 'begin end phone'"),
        ("0 x h#\n", 1, "with begin and end in samples"),
        ("0 300 h#\n\n200 400 aa\n", 3, "200 to 400 after 300: expected phones in order"),
        ("300 300 aa\n", 1, "none empty"),
    ],
)
def test_faults_of_phones(copy, text, line, message):
    path = one_file(copy, "PHN")
    path.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        timit(copy)
    assert (caught.value.file, caught.value.line) == (str(path), line)


def test_phones_beyond_the_audio_are_cut_off_on_request(copy, caplog):
    path = one_file(copy, "PHN")
    path.write_text("0 300 h#\n300 5000000 aa\n")
    with caplog.at_level(logging.WARNING):
        parts = timit(copy, strict=False)
    assert f"{path}:2: 'aa' ends at sample 5000000" in caplog.text
    found = next(one for one in parts.train if one.file == str(path.with_suffix(".WAV")))
    assert set(found.labels.tolist()) == {PHONES.index("h#"), PHONES.index("aa")}


def test_faults_of_files(copy):
    audio = one_file(copy, "WAV")
    whole = audio.read_bytes()
    audio.write_bytes(whole[:-10])
    with pytest.raises(DataError, match=rf"{audio.name}: Ends after"):
        timit(copy)
    audio.write_bytes(whole.replace(b"sample_rate -i 16000", b"sample_rate -i 8000 "))
    with pytest.raises(DataError, match="sample_rate is 8000; TIMIT's is 16000"):
        timit(copy)
    audio.write_bytes(whole)
    phones = audio.with_suffix(".PHN")
    content = phones.read_text()
    phones.write_text("0 10 h#\n")
    with pytest.raises(DataError, match=rf"{phones.name}: No frame has a phone"):
        timit(copy)
    phones.unlink()
    with pytest.raises(DataError, match=rf"{audio.name}: There is no {audio.stem}\.PHN"):
        timit(copy)
    phones.write_text(content)
    assert len(timit(copy).train) == 6


def test_faults_of_folders(copy):
    with pytest.raises(DataError, match="There is no such folder"):
        timit(copy / "none")
    shutil.rmtree(copy / "TEST" / "DR2")
    with pytest.raises(DataError, match="No sentence of the dev set, of 400"):
        timit(copy)
    shutil.rmtree(copy / "TEST" / "DR3")
    with pytest.raises(DataError, match=r"Holds no \.WAV file"):
        timit(copy)
    shutil.rmtree(copy / "TEST")
    with pytest.raises(DataError, match="Has no folder TEST"):
        timit(copy)


def test_a_copy_in_another_format_gives_way_to_the_original(copy):
    expected = [one.name for one in timit(copy).train]
    for path in list(copy.rglob("*.WAV")):
        path.with_name(path.name + ".wav").write_bytes(b"RIFF....WAVE")
    assert [one.name for one in timit(copy).train] == expected
