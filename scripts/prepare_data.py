"""Verifies a downloaded data set against the catalogue and arranges its files as the recipes expect them.

    python scripts/prepare_data.py conll2000 ~/downloads/conll2000

Nothing is downloaded: data/README.md says where each data set comes from and under what terms.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from seqlab.corpora.catalogue import CATALOGUE, entry, verify
from seqlab.corpora.expected import Entry
from seqlab.errors import SeqlabError
from seqlab.files import replaced

DATA = Path(__file__).resolve().parents[1] / "data"
# CoNLL-2000 has no development set: this many training sentences are drawn by this seed, as in its recipe.
DEV_SENTENCES, DEV_SEED = 1000, 1


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns 1 where a file is missing or wrong."""
    options = parse(arguments)
    try:
        return prepare(entry(options.name), options.folder, options.out or DATA / options.name)
    except SeqlabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="Verify and arrange a downloaded data set; never downloads.")
    parser.add_argument("name", metavar="NAME", help=f"one of: {', '.join(CATALOGUE)}")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="where the downloaded files are")
    parser.add_argument("--out", type=Path, help="where to put the arranged files (default: data/NAME)")
    return parser.parse_args(arguments)


def prepare(row: Entry, folder: Path, out: Path) -> int:
    """Verifies one data set, then writes its arranged files; nothing is written where a file is bad."""
    findings = verify(row.name, folder)
    print(f"{row.title}\n  source:  {row.source}\n  licence: {row.licence}\n  note:    {row.note}")
    for finding in findings:
        print(f"  {finding}")
    if any(finding.bad for finding in findings):
        print(f"error: {folder} does not hold the expected files; see data/README.md.", file=sys.stderr)
        return 1
    if not row.arrange:
        print(f"Nothing to arrange: use the files where they are, in {folder}.")
        return 0
    if out.resolve() == folder.resolve():
        print(f"error: --out is FOLDER itself ({folder}); name another one.", file=sys.stderr)
        return 1
    out.mkdir(parents=True, exist_ok=True)
    for source, target in row.arrange.items():
        if not (folder / source).exists():
            continue  # a file of another variant: verify() has found one variant complete
        with replaced(out / target) as temporary:
            shutil.copyfile(folder / source, temporary)
        print(f"wrote {out / target}")
    if row.name == "conll2000":
        split_conll2000(folder / "train.txt", out)
    return 0


def split_conll2000(train: Path, out: Path) -> None:
    """Draws the development set of CoNLL-2000 from its training sentences."""
    from seqlab.corpora.conll import conll, write_conll

    columns = {"word": 0, "pos": 1, "chunk": 2}
    dev, rest = conll(train, columns=columns).sample(DEV_SENTENCES, seed=DEV_SEED)
    (out / "split").mkdir(exist_ok=True)
    for corpus, name in ((rest, "train.txt"), (dev, "dev.txt")):
        path = out / "split" / name
        write_conll(corpus, path, columns=columns)
        print(f"wrote {path}: {len(corpus):,} sentences")


if __name__ == "__main__":
    sys.exit(main())
