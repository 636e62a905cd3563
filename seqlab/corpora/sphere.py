"""NIST SPHERE audio files, uncompressed, as TIMIT has them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seqlab.errors import DataError

MAGIC = b"NIST_1A\n"
ORDERS = {"01": "<i2", "10": ">i2"}


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """What a file holds.

    Attributes:
        samples: (samples,) 16-bit integers of the one channel.
        rate: Samples a second.
    """

    samples: np.ndarray
    rate: int


def read_sphere(path: str | os.PathLike[str]) -> Audio:
    """Reads a NIST SPHERE file of one channel of uncompressed 16-bit samples.

    The header is text: `NIST_1A`, its own size in bytes, then lines `name -type value` up to `end_head`.

    Args:
        path: The file.

    Raises:
        DataError: The file is missing, is no SPHERE file, is compressed (shorten), holds several channels or another
            kind of samples, or ends before its last sample.
    """
    file = os.fspath(path)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"Cannot be read ({error.strerror}); expected a NIST SPHERE file.", file) from None
    fields, start = _header(data, file)
    coding = fields.get("sample_coding", "pcm")
    if coding != "pcm":
        raise DataError(
            f"sample_coding is {coding!r}; expected uncompressed pcm. Unpack the file first, with w_decode of NIST's "
            "SPHERE tools or sph2pipe.",
            file,
        )
    count, rate = _number(fields, "sample_count", file), _number(fields, "sample_rate", file)
    for name, wanted in (("channel_count", 1), ("sample_n_bytes", 2)):
        if _number(fields, name, file) != wanted:
            raise DataError(f"{name} is {fields[name]}; expected {wanted}: one channel of 16-bit samples.", file)
    order = fields.get("sample_byte_format", "")
    if order not in ORDERS:
        raise DataError(f"sample_byte_format is {order!r}; expected 01 (little-endian) or 10 (big-endian).", file)
    there = (len(data) - start) // 2
    if there < count:
        raise DataError(f"Ends after {there} of {count} samples: the file was cut off. Copy it again.", file)
    samples = np.frombuffer(data, ORDERS[order], count, start)
    return Audio(samples.astype(np.int16), rate)


def _header(data: bytes, file: str) -> tuple[dict[str, str], int]:
    """The fields, and where the samples begin."""
    if not data.startswith(MAGIC):
        kind, advice = f"one that begins with {data[:7]!r}", ""
        if data.startswith(b"RIFF"):
            kind = "a RIFF (WAV) file"
            advice = " Put the original of the corpus in its place, or convert it (sox IN.wav OUT.sph)."
        raise DataError(f"Expected a NIST SPHERE file, which begins with NIST_1A; found {kind}.{advice}", file, 1)
    size = data[len(MAGIC) :].split(b"\n", 1)[0].strip()
    if not size.isdigit() or len(data) < int(size):
        raise DataError(f"The size of the header is {size!r}, the file has {len(data)} bytes: it was cut off.", file, 2)
    lines = data[: int(size)].decode("latin-1").split("\n")
    fields: dict[str, str] = {}
    for number, line in enumerate(lines[2:], 3):
        if line.strip() == "end_head":
            return fields, int(size)
        name, _, rest = line.partition(" ")
        kind, _, value = rest.partition(" ")
        if line.strip() and not line.startswith(";"):  # a comment
            if not kind.startswith("-") or not value:
                raise DataError(f"{line!r} is no line of a SPHERE header; expected 'name -type value'.", file, number)
            fields[name] = value.strip()
    raise DataError("The header has no end_head: the file is damaged.", file, len(lines))


def _number(fields: dict[str, str], name: str, file: str) -> int:
    value = fields.get(name, "")
    if not value.isdigit():
        raise DataError(f"{name} is {value!r} in the header; expected a whole number.", file)
    return int(value)
