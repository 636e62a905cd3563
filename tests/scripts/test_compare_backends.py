from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.structure.sources import ROOT

RAN, SKIPPED = (
    '<testcase classname="a" name="{}"/>',
    '<testcase classname="a" name="{}"><skipped/></testcase>',
)


def compare(folder: Path, first: list[str], second: list[str]) -> tuple[int, str]:
    paths = [folder / "tensorflow", folder / "jax"]
    for path, cases in zip(paths, (first, second), strict=True):
        path.mkdir(exist_ok=True)
        for number, part in enumerate((cases[:1], cases[1:])):  # a report for each part of the tests
            text = f"<testsuites><testsuite>{''.join(part)}</testsuite></testsuites>"
            (path / f"{number}.xml").write_text(text, encoding="utf-8")
    return run(*paths)


def run(*paths: Path) -> tuple[int, str]:
    command = [sys.executable, str(ROOT / "scripts" / "compare_backends.py"), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout


def test_the_same_tests_pass(tmp_path: Path) -> None:
    cases = [RAN.format("one"), RAN.format("two")]
    assert compare(tmp_path, cases, cases[::-1]) == (0, "tensorflow: 2 tests, jax: 2 tests\n")


def test_a_test_of_one_backend_only_fails_and_is_named(tmp_path: Path) -> None:
    status, text = compare(tmp_path, [RAN.format("one"), RAN.format("two")], [RAN.format("one")])
    assert status == 1
    assert "collected on tensorflow only: a::two" in text
    assert compare(tmp_path, [RAN.format("one")], [RAN.format("one"), RAN.format("two")])[0] == 1


def test_a_skip_on_one_backend_is_told(tmp_path: Path) -> None:
    status, text = compare(tmp_path, [RAN.format("one")], [SKIPPED.format("one")])
    assert status == 0
    assert "skipped on jax only: a::one" in text


def test_no_report_or_no_tests_fail(tmp_path: Path) -> None:
    assert compare(tmp_path, [], [])[0] == 1
    status, text = run(tmp_path / "tensorflow", tmp_path / "absent")
    assert status == 1
    assert "absent: no report was written" in text
