"""Writes a small made-up corpus in exactly the format of IAM-OnDB: strokes in XML, transcripts, lists of forms.

    python scripts/make_synthetic_iam.py FOLDER [--forms 12] [--lines 5] [--letters 5] [--seed 1]
    seqlab train recipes/iam_ondb.py --data.path FOLDER

A letter is a figure of its own, drawn with a trembling hand. IAM-OnDB itself needs a registration and cannot be
shipped; this is for tests and trials.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

GLYPHS = {
    "o": [[(0, 0), (-30, 30), (0, 60), (30, 30), (5, 0), (0, 5)]],
    "l": [[(0, -60), (0, -20), (0, 20), (0, 60), (10, 64), (20, 60)]],
    "t": [[(10, -40), (10, 0), (10, 40), (20, 60)], [(-20, -10), (10, -10), (40, -10), (50, -10)]],
    "v": [[(-20, 0), (-10, 30), (0, 60), (10, 30), (20, 0), (24, 0)]],
    "z": [[(-20, 0), (20, 0), (0, 30), (-20, 60), (20, 60), (26, 60)]],
}
"""Letter to its strokes, x and y of each point; y grows downwards, as on the whiteboard."""
LISTS = ("trainset.txt", "testset_v.txt", "testset_t.txt", "testset_f.txt")


def write(folder: Path, forms: int = 12, lines: int = 5, seed: int = 1, letters: int = 5) -> Path:
    """Writes the corpus: so many training forms, and a form for each of the other three lists, of so many lines.

    A line has at least three letters, and at most so many.
    """
    random = np.random.default_rng(seed)
    names = [f"a{k // 10 + 1:02d}-{k % 10:03d}{'uwxz'[k % 4]}" for k in range(forms + len(LISTS) - 1)]
    parts = [names[:forms], *([name] for name in names[forms:])]
    for name in names:
        _form(folder, name, lines, letters, random)
    for number, (part, listed) in enumerate(zip(LISTS, parts, strict=True)):
        listed = (
            [*listed, "a08-551z"] if number == 0 else listed
        )  # the form that the study leaves out has no files here
        (folder / part).write_text("".join(f" {name}\n" for name in listed), encoding="ascii")
    return folder


def _form(folder: Path, name: str, lines: int, most: int, random: np.random.Generator) -> None:
    place = Path(name[:3]) / name[:7]
    strokes, texts = folder / "lineStrokes" / place, folder / "ascii" / place
    for one in (strokes, texts):
        one.mkdir(parents=True, exist_ok=True)
    written = [_text(most, random) for _ in range(lines)]
    for number, text in enumerate(written, 1):
        (strokes / f"{name}-{number:02d}.xml").write_text(_xml(text, random), encoding="latin-1")
    content = "\n".join(["OCR:", "", *written, "", "CSR:", "", *written, ""])
    (texts / f"{name}.txt").write_text(content, encoding="utf-8")


def _text(most: int, random: np.random.Generator) -> str:
    letters = [random.choice(list(GLYPHS)) for _ in range(random.integers(3, most + 1))]
    if len(letters) > 3:
        letters.insert(2, " ")
    return "".join(letters)


def _xml(text: str, random: np.random.Generator) -> str:
    rows, left, time = [], 1000, 769.05
    for character in text:
        for stroke in GLYPHS.get(character, []):
            times = time + 0.02 * np.arange(len(stroke))
            rows.append(f'    <Stroke colour="black" start_time="{times[0]:.2f}" end_time="{times[-1]:.2f}">')
            for (x, y), moment in zip(stroke, times, strict=True):
                x, y = np.rint([left + x, 1100 + y] + random.normal(0, 2, 2)).astype(int)
                rows.append(f'      <Point x="{x}" y="{y}" time="{moment:.2f}"/>')
            rows.append("    </Stroke>")
            time = times[-1] + 0.11
        left += 90
    head = [
        '<?xml version="1.0" encoding="ISO-8859-1"?>',
        "<WhiteboardCaptureSession>",
        "  <WhiteboardDescription>",
        '    <SensorLocation corner="top_left"/>',
        '    <DiagonallyOppositeCoords x="6512" y="1376"/>',
        "  </WhiteboardDescription>",
        "  <StrokeSet>",
    ]
    return "\n".join([*head, *rows, "  </StrokeSet>", "</WhiteboardCaptureSession>", ""])


def main() -> None:
    """Writes a corpus as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--forms", type=int, default=12, help="training forms, at most 900")
    parser.add_argument("--lines", type=int, default=5, help="lines of each")
    parser.add_argument("--letters", type=int, default=5, help="most letters of a line, at least 3")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    write(options.folder, options.forms, options.lines, options.seed, options.letters)
    print(f"wrote {options.folder}")


if __name__ == "__main__":
    main()
