"""Writes a small made-up corpus in exactly the format of TIMIT: SPHERE audio, `.PHN`, `.WRD` and `.TXT` files.

    python scripts/make_synthetic_timit.py FOLDER [--speakers 6] [--sentences 4] [--seed 1]
    seqlab train recipes/timit.py --data.path FOLDER

A phone is a chord of its own in noise. TIMIT itself is licensed and cannot be shipped; this is for tests and trials.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

RATE = 16_000
PHONES = ("iy", "aa", "s", "sh", "m", "kcl", "ow", "ix")
SPEAKERS = {"dev": ("FAKS0", "MJAR0"), "test": ("FELC0", "MDAB0")}


def write(folder: Path, speakers: int = 6, sentences: int = 4, seed: int = 1) -> Path:
    """Writes the corpus: so many training speakers, two of the validation and two of the core test speakers."""
    random = np.random.default_rng(seed)
    names = [f"{'FM'[k % 2]}{chr(65 + k // 26)}{chr(65 + k % 26)}X0" for k in range(speakers)]
    places = [Path("TRAIN") / f"DR{k % 8 + 1}" / name for k, name in enumerate(names)]
    places += [Path("TEST") / "DR2" / name for part in SPEAKERS.values() for name in part]
    places.append(Path("TEST") / "DR3" / "MZZZ0")  # of the full test set, in no part
    for place in places:
        (folder / place).mkdir(parents=True, exist_ok=True)
        for name in ("SA1", *(f"{'SX' if k % 2 else 'SI'}{k + 1}" for k in range(sentences))):
            _sentence(folder / place, name, place.name.lower(), random)
    return folder


def _sentence(folder: Path, name: str, speaker: str, random: np.random.Generator) -> None:
    spoken = [PHONES[k] for k in random.integers(0, len(PHONES), 6)]
    phones = ["h#", *spoken, "h#"]
    lengths = random.integers(960, 2240, len(phones))  # 60 to 140 ms
    sound = np.concatenate([_sound(phone, length, random) for phone, length in zip(phones, lengths, strict=True)])
    ends = np.cumsum(lengths)
    samples = np.round(sound).astype("<i2")
    (folder / f"{name}.WAV").write_bytes(sphere(samples, f"{speaker}_{name.lower()}"))
    segments = list(zip([0, *ends[:-1]], ends, phones, strict=True))
    _lines(folder / f"{name}.PHN", segments)
    _lines(folder / f"{name}.WRD", [(ends[0], ends[-2], "".join(spoken))])
    _lines(folder / f"{name}.TXT", [(0, len(samples), "".join(spoken) + ".")])


def _sound(phone: str, length: int, random: np.random.Generator) -> np.ndarray:
    noise = random.normal(0, 60, length)
    if phone == "h#":
        return noise
    number = PHONES.index(phone)
    time = np.arange(length) / RATE
    pitch = 1 + 0.02 * random.normal()
    chord = np.sin(2 * np.pi * pitch * (300 + 110 * number) * time)
    chord += np.sin(2 * np.pi * pitch * (3400 - 270 * number) * time)
    return 900 * chord + noise


def sphere(samples: np.ndarray, utterance: str, **fields: str) -> bytes:
    """Samples as a NIST SPHERE file; `fields` replace or add lines of the header, as `sample_coding="-s3 pcm"`."""
    lines = {
        "database_id": "-s5 TIMIT",
        "database_version": "-s3 1.0",
        "utterance_id": f"-s{len(utterance)} {utterance}",
        "channel_count": "-i 1",
        "sample_count": f"-i {len(samples)}",
        "sample_rate": f"-i {RATE}",
        "sample_min": f"-i {samples.min()}",
        "sample_max": f"-i {samples.max()}",
        "sample_n_bytes": "-i 2",
        "sample_byte_format": "-s2 01",
        "sample_sig_bits": "-i 16",
        **fields,
    }
    header = "NIST_1A\n   1024\n" + "".join(f"{name} {value}\n" for name, value in lines.items()) + "end_head\n"
    return header.encode().ljust(1024) + samples.tobytes()


def _lines(path: Path, rows: list[tuple[int, int, str]]) -> None:
    path.write_text("".join(f"{begin} {end} {text}\n" for begin, end, text in rows), encoding="ascii")


def main() -> None:
    """Writes a corpus as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--speakers", type=int, default=6, help="training speakers, at most 250")
    parser.add_argument("--sentences", type=int, default=4, help="sentences of each, besides SA1")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    write(options.folder, options.speakers, options.sentences, options.seed)
    print(f"wrote {options.folder}")


if __name__ == "__main__":
    main()
