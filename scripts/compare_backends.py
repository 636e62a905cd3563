"""Compares two JUnit reports of the same tests, one for each backend; fails if one backend ran fewer tests.

Used by scripts/check.sh: python scripts/compare_backends.py TENSORFLOW.xml JAX.xml
"""

from __future__ import annotations

import argparse
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def read(path: Path) -> dict[str, bool]:
    """Returns test name -> whether it was skipped, from a JUnit report."""
    cases = ElementTree.parse(path).getroot().iter("testcase")
    return {f"{case.get('classname')}::{case.get('name')}": case.find("skipped") is not None for case in cases}


def main() -> int:
    """Prints the differences and returns 1 if a test was collected by one backend only."""
    parser = argparse.ArgumentParser(description="Compare the JUnit reports of two backends.")
    parser.add_argument("reports", type=Path, nargs=2)
    first, second = parser.parse_args().reports
    for path in (first, second):
        if not path.is_file():
            print(f"{path.stem}: no report was written, so its tests did not run to the end.")
            return 1
    one, other = read(first), read(second)
    alone = [(first.stem, name) for name in sorted(one.keys() - other.keys())]
    alone += [(second.stem, name) for name in sorted(other.keys() - one.keys())]
    for backend, name in alone:
        print(f"collected on {backend} only: {name}")
    for name in sorted(one.keys() & other.keys()):
        if one[name] != other[name]:
            print(f"skipped on {first.stem if one[name] else second.stem} only: {name}")
    print(f"{first.stem}: {len(one)} tests, {second.stem}: {len(other)} tests")
    return 1 if alone or not one else 0


if __name__ == "__main__":
    sys.exit(main())
