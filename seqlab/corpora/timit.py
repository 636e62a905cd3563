"""TIMIT: read speech with the phone that is spoken at each moment."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np

from seqlab.constants import IGNORE
from seqlab.corpora.files import read_lines
from seqlab.corpora.mfcc import RATE, centres, mfcc
from seqlab.corpora.sequences import FrameCorpus, FrameParts, FrameSequence
from seqlab.corpora.sphere import Audio, read_sphere
from seqlab.corpora.timit_lists import CORE_TEST, PHONES, STUDY, VALIDATION
from seqlab.errors import DataError, suggest

log = logging.getLogger(__name__)
NUMBERS = {phone: number for number, phone in enumerate(PHONES)}


def timit(folder: str | os.PathLike[str], strict: bool = True) -> FrameParts:
    """Reads TIMIT for the classification of frames into 61 phones, with the split of Greff et al. (2017).

    The folder holds `TRAIN/DRn/SPEAKER/SENTENCE.WAV` and `.PHN`, and `TEST` likewise, in capitals or small letters. The
    two sentences that all speakers read (SA) are left out. Training is all of TRAIN (3,696 sentences), the test set
    that of the 24 core speakers (192), and 50 other speakers of TEST are the validation set (400); other numbers are
    reported. Features are those of `mfcc`; a frame's label is the phone at its middle, `IGNORE` where there is none.

    Args:
        folder: The folder, or one that holds it as `TIMIT` or `timit`.
        strict: Refuse a phone that ends beyond the audio. Otherwise it is cut off there, with a warning.

    Raises:
        DataError: A folder or file is missing, audio is compressed or cut, a `.PHN` file has a line that is none,
            an unknown phone, phones out of order or beyond the audio; each with file and line.
    """
    root = _below(Path(folder), "timit", required=False)
    found: dict[str, list[FrameSequence]] = {"train": [], "dev": [], "test": []}
    for half in ("train", "test"):
        for path in _recordings(_below(root, half)):
            speaker = path.parent.name.lower()
            part = "train" if half == "train" else _part(speaker)
            if part is not None:
                found[part].append(_sequence(path, f"{speaker}_{path.stem.lower()}", strict))
    for part, sequences in found.items():
        if not sequences:
            raise DataError(f"No sentence of the {part} set, of {STUDY[part]} in the whole corpus.", os.fspath(root))
    counts = {part: len(sequences) for part, sequences in found.items()}
    if counts != STUDY:
        log.warning("%s holds %s sentences; the whole TIMIT has %s.", root, counts, STUDY)
    return FrameParts(*(FrameCorpus(sequences, PHONES, "frames") for sequences in found.values()))


def read_phones(path: str | os.PathLike[str], samples: int, strict: bool = True) -> list[tuple[int, int, str]]:
    """Reads a `.PHN` file: lines `begin end phone` in samples, the end exclusive, in order.

    Args:
        path: The file.
        samples: Samples of the audio.
        strict: As in `timit`.

    Returns:
        Begin, end and phone of each.

    Raises:
        DataError: See `timit`.
    """
    file, segments, last = os.fspath(path), [], 0
    for number, line in enumerate(read_lines(path), 1):
        parts = line.split()
        if not parts:
            continue
        if len(parts) != 3 or not parts[0].isdigit() or not parts[1].isdigit():
            raise DataError(f"{line!r}: expected 'begin end phone', with begin and end in samples.", file, number)
        begin, end, phone = int(parts[0]), int(parts[1]), parts[2]
        if phone not in NUMBERS:
            raise DataError(f"{phone!r} is none of TIMIT's 61 phones.{suggest(phone, PHONES)}", file, number)
        if begin < last or end <= begin:
            raise DataError(f"{begin} to {end} after {last}: expected phones in order, none empty.", file, number)
        if end > samples:
            if strict:
                raise DataError(
                    f"{phone!r} ends at sample {end}, the audio at {samples}: is it the .PHN file of another "
                    "recording? With strict=False (data.lenient) it is cut off there.",
                    file,
                    number,
                )
            log.warning("%s:%d: %r ends at sample %d, the audio at %d.", file, number, phone, end, samples)
        last = end
        segments.append((begin, min(end, samples), phone))
    return segments


def label_frames(segments: list[tuple[int, int, str]], frames: int) -> np.ndarray:
    """The number of the phone at the middle of each frame, `IGNORE` where there is none.

    >>> label_frames([(0, 250, "h#"), (250, 500, "aa")], 3).tolist() == [PHONES.index("h#"), PHONES.index("aa"), -1]
    True
    """
    middles = centres(frames)
    labels = np.full(frames, IGNORE, np.int32)
    for begin, end, phone in segments:
        labels[(middles >= begin) & (middles < end)] = NUMBERS[phone]
    return labels


def _sequence(path: Path, name: str, strict: bool) -> FrameSequence:
    audio = _speech(path)
    phones = next((other for other in path.parent.iterdir() if _is(other, path.stem, ".phn")), None)
    if phones is None:
        raise DataError(f"There is no {path.stem}.PHN beside it.", os.fspath(path))
    segments = read_phones(phones, len(audio.samples), strict)
    try:
        frames = mfcc(audio.samples)
    except DataError as error:
        raise DataError(str(error), os.fspath(path)) from None
    labels = label_frames(segments, len(frames))
    if (labels == IGNORE).all():
        raise DataError("No frame has a phone: expected one at the middle of some.", os.fspath(phones))
    return FrameSequence(frames, labels, name, os.fspath(path))


def _speech(path: Path) -> Audio:
    audio = read_sphere(path)
    if audio.rate != RATE:
        raise DataError(f"sample_rate is {audio.rate}; TIMIT's is {RATE}.", os.fspath(path))
    return audio


def _recordings(half: Path) -> list[Path]:
    """All sentences but SA, in the order of their paths; X.WAV.wav, a copy in another format, gives way to X.WAV."""
    found = [path for path in half.rglob("*") if path.suffix.lower() == ".wav"]
    every = set(found)
    found = [path for path in found if path.with_suffix("") not in every]
    if not found:
        raise DataError("Holds no .WAV file; expected DRn/SPEAKER/SENTENCE.WAV.", os.fspath(half))
    return sorted(path for path in found if not path.stem.lower().startswith("sa"))


def _part(speaker: str) -> str | None:
    return "test" if speaker in CORE_TEST else "dev" if speaker in VALIDATION else None


def _below(folder: Path, name: str, required: bool = True) -> Path:
    """The folder of that name in a folder, in any case."""
    if not folder.is_dir():
        raise DataError("There is no such folder.", os.fspath(folder))
    found = next((one for one in sorted(folder.iterdir()) if one.is_dir() and one.name.lower() == name), None)
    if found is None and required:
        raise DataError(f"Has no folder {name.upper()}; expected TIMIT's TRAIN and TEST.", os.fspath(folder))
    return found or folder


def _is(path: Path, stem: str, ending: str) -> bool:
    return path.stem == stem and path.suffix.lower() == ending
