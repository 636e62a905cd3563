"""IAM-OnDB: handwriting on a whiteboard as pen strokes, with what was written."""

from __future__ import annotations

import logging
import os
import string
from pathlib import Path

import numpy as np

from seqlab.corpora.files import read_lines
from seqlab.corpora.sequences import FrameCorpus, FrameParts, FrameSequence
from seqlab.corpora.strokes import halved, read_strokes, stroke_features
from seqlab.errors import DataError

log = logging.getLogger(__name__)
CHARACTERS = (*string.ascii_lowercase, *string.ascii_uppercase, *string.digits, *" !\"#&'()*+,-./[]:;?")
"""The 81 characters of the study."""
NUMBERS = {character: number for number, character in enumerate(CHARACTERS)}
LISTS = {"train": ("trainset.txt",), "dev": ("testset_v.txt", "testset_t.txt"), "test": ("testset_f.txt",)}
"""The official lists of forms; the two validation sets are joined."""
REMOVED = frozenset({"a08-551z"})
"""A form that the study leaves out."""
STUDY = {"train": 5355, "dev": 2956, "test": 3859}
"""Lines of each part of the whole corpus."""


def iam_ondb(folder: str | os.PathLike[str], encoding: str = "utf-8") -> FrameParts:
    """Reads IAM-OnDB for the recognition of lines, as Greff et al. (2017) use it.

    The folder holds `lineStrokes/a01/a01-000/a01-000u-01.xml` (a file for each line), `ascii/a01/a01-000/a01-000u.txt`
    (a transcript for each form, its lines after `CSR:`) and the official lists of forms (`trainset.txt`,
    `testset_v.txt`, `testset_t.txt`, `testset_f.txt`), beside these or in `task1`. The form a08-551z is left out.
    Frames are those of `stroke_features`, `halved`; labels are the characters of the line. Other numbers than 5,355,
    2,956 and 3,859 lines are reported.

    Args:
        folder: The folder.
        encoding: Of the transcripts and lists.

    Raises:
        DataError: A list, form or transcript is missing, a transcript has other lines than the form has files, or a
            character that is none of the 81, or strokes cannot be read; each with file and line.
    """
    root = Path(folder)
    found: dict[str, list[FrameSequence]] = {}
    for part, lists in LISTS.items():
        forms = [form for name in lists for form in _forms(root, name, encoding) if form not in REMOVED]
        found[part] = [line for form in forms for line in _lines(root, form, encoding)]
        if not found[part]:
            raise DataError(f"{' and '.join(lists)} name no form; expected some.", os.fspath(root))
    counts = {part: len(lines) for part, lines in found.items()}
    if counts != STUDY:
        log.warning("%s holds %s lines; the study has %s.", root, counts, STUDY)
    return FrameParts(*(FrameCorpus(lines, CHARACTERS, "transcript") for lines in found.values()))


def read_transcript(path: str | os.PathLike[str], encoding: str = "utf-8") -> list[tuple[int, str]]:
    """Reads what was written on a form: the lines after `CSR:` that are not empty, each with its number in the file.

    Raises:
        DataError: The file cannot be read, has no `CSR:` or nothing after it, or a character that is none of the 81.
    """
    file = os.fspath(path)
    lines = [line.strip() for line in read_lines(path, encoding)]
    if "CSR:" not in lines:
        raise DataError("Has no line 'CSR:', after which the transcript of each line stands.", file)
    start = lines.index("CSR:") + 1
    found = [(number, line) for number, line in enumerate(lines[start:], start + 1) if line]
    if not found:
        raise DataError("Nothing stands after 'CSR:'; expected the transcript of each line.", file, start)
    for number, line in found:
        other = next((character for character in line if character not in NUMBERS), None)
        if other is not None:
            raise DataError(
                f"{other!r} in {line!r} is none of the 81 characters: letters, digits, space and "
                f"{''.join(CHARACTERS[63:])}. Correct the transcript, or take the form off its list.",
                file,
                number,
            )
    return found


def _forms(root: Path, name: str, encoding: str) -> list[str]:
    """The forms of a list, beside the data or in `task1`."""
    places = [root / name, root / "task1" / name]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise DataError(f"There is no list {name}, nor {Path('task1') / name}; expected IAM-OnDB's.", os.fspath(root))
    return [line.strip() for line in read_lines(path, encoding) if line.strip()]


def _lines(root: Path, form: str, encoding: str) -> list[FrameSequence]:
    place = Path(form[:3]) / form[:7]
    folder = root / "lineStrokes" / place
    files = sorted(folder.glob(f"{form}-[0-9]*.xml"))
    if not files:
        raise DataError(f"There is no file {form}-01.xml of the form {form}.", os.fspath(folder))
    source = root / "ascii" / place / f"{form}.txt"
    texts = read_transcript(source, encoding)
    if len(texts) != len(files):
        raise DataError(
            f"{len(texts)} lines stand after 'CSR:', but {form} has {len(files)} files in {folder}: expected as many.",
            os.fspath(source),
        )
    return [
        FrameSequence(
            halved(stroke_features(read_strokes(path))).astype(np.float32),
            np.array([NUMBERS[character] for character in text], np.int32),
            path.stem,
            os.fspath(path),
        )
        for path, (_, text) in zip(files, texts, strict=True)
    ]
