"""Compares the JUnit reports of the same tests, one or more for each backend; fails if one backend ran fewer tests.

Used by scripts/check.sh: python scripts/compare_backends.py TENSORFLOW JAX, two folders of reports
"""

from __future__ import annotations

import argparse
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def read(path: Path) -> dict[str, bool]:
    """Returns test name -> whether it was skipped, from the JUnit reports in a folder."""
    cases = [case for report in path.glob("*.xml") for case in ElementTree.parse(report).getroot().iter("testcase")]
    return {f"{case.get('classname')}::{case.get('name')}": case.find("skipped") is not None for case in cases}


def main() -> int:
    """Prints the differences and returns 1 if a test was collected by one backend only."""
    parser = argparse.ArgumentParser(description="Compare the JUnit reports of two backends.")
    parser.add_argument("reports", type=Path, nargs=2)
    first, second = parser.parse_args().reports
    for path in (first, second):
        if not any(path.glob("*.xml")):
            print(f"{path.name}: no report was written, so its tests did not run to the end.")
            return 1
    one, other = read(first), read(second)
    alone = [(first.name, name) for name in sorted(one.keys() - other.keys())]
    alone += [(second.name, name) for name in sorted(other.keys() - one.keys())]
    for backend, name in alone:
        print(f"collected on {backend} only: {name}")
    for name in sorted(one.keys() & other.keys()):
        if one[name] != other[name]:
            print(f"skipped on {first.name if one[name] else second.name} only: {name}")
    print(f"{first.name}: {len(one)} tests, {second.name}: {len(other)} tests")
    return 1 if alone or not one else 0


if __name__ == "__main__":
    sys.exit(main())
