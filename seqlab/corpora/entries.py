"""Lists of names, such as gazetteers, from text files."""

from __future__ import annotations

import os

from seqlab.corpora.files import read_lines


def read_entries(path: str | os.PathLike[str], encoding: str = "utf-8") -> list[list[str]]:
    """Reads a list for `seqlab.tags.only_listed`: an entry a line, its words separated by blanks.

    Args:
        path: The file, plain or gzipped; blank lines are passed over.
        encoding: Its encoding.

    Raises:
        DataError: The file is missing, unreadable, empty or not in this encoding.
    """
    return [line.split() for line in read_lines(path, encoding) if line.strip()]
