"""Word-vector files in both formats, written by hand."""

from __future__ import annotations

import struct


def binary(rows: dict[str | bytes, list[float]] | list[tuple[str | bytes, list[float]]], end: bytes = b"\n") -> bytes:
    """word2vec's binary format: a header, then each word, a blank and its numbers."""
    pairs = list(rows.items()) if isinstance(rows, dict) else rows
    parts = [f"{len(pairs)} {len(pairs[0][1])}\n".encode()]
    for word, numbers in pairs:
        parts.append((word if isinstance(word, bytes) else word.encode()) + b" ")
        parts.append(struct.pack(f"<{len(numbers)}f", *numbers) + end)
    return b"".join(parts)
