from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.mutate import mutants
from tests.structure.sources import ROOT

TINY = """
def area(a, b):
    return a * b


def shifted(a):
    return area(a, 1) + 0
"""
TESTS = """
from seqlab import tiny


def test_area():
    assert "tree" in tiny.__file__  # the copy, and neither the checkout nor an installed seqlab
    assert tiny.area(2, 3) == 6
    assert tiny.shifted(2) == 2
"""


def changes(source: str) -> list[str]:
    return [f"{found.original} -> {found.mutant}" for found in mutants("a.py", source.encode())]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a + b", ["a + b -> a - b"]),
        ("a - b", ["a - b -> a + b"]),
        ("-a", ["-a -> a"]),
        ("a * b", ["a * b -> a", "a * b -> b"]),
        ("a / b", ["a / b -> a"]),
        ("1 - a", ["1 - a -> 1 + a", "1 - a -> a"]),
        ("1.0 - a", ["1.0 - a -> 1.0 + a", "1.0 - a -> a"]),
        ("a * -b", ["a * -b -> -b", "a * -b -> a", "-b -> b"]),
        ("ops.matmul(a, b) + ops.tanh(c - d)[:, None]", 2),
        ("class A:\n  def f(self, x=-1):\n    y: int = -x\n    return lambda z: y + z", ["-x -> x", "y + z -> y - z"]),
    ],
)
def test_arithmetic_is_mutated(source, expected):
    found = changes(source)
    if isinstance(expected, int):
        assert len(found) == expected
    else:
        assert sorted(found) == sorted(expected)


@pytest.mark.parametrize(
    "source",
    [
        '"""a + b."""',
        "def f(x: int | None = 1 - 2, *, y: 'a + b' = -1) -> int | None: ...",
        "x: A | B",
        "T = A | B",
        "a[i + 1, -1:]",
        "f'{a + b}'",
        "raise ValueError('a' + f(a - b))",
        "'a' + b",
        "a + ['b']",
        "[0] * n",
        "x.shape[0] * 2 + n",
        "len(x) - 1",
        "ops.shape(x)[1] - n",
        "ops.sum(x, axis=-1)",
        "ops.reshape(x, (-1, 2 * n))",
        "ops.zeros((a + b,))",
        "range(n - 1)",
        "a @ b",
        "a // b ** c % d",
        "not a",
    ],
)
def test_what_is_no_arithmetic_of_values_is_left_alone(source):
    assert changes(source) == []


def test_arguments_of_calls_about_shapes_are_mutated_where_they_are_values():
    assert changes("ops.reshape(a + b, (-1,))") == ["a + b -> a - b"]
    assert changes("ops.sum(a + b, axis=n - 1)") == ["a + b -> a - b"]


def test_only_the_place_changes():
    source = "# häuser\nx = 'ü'; y = (a - b) * (\n    c + d  # why\n)\nz = a - b\n".encode()
    found = mutants("a.py", source)
    assert [(one.line, one.mutant) for one in found] == [
        (2, "a - b"),
        (2, "c + d"),
        (2, "a + b"),
        (3, "c - d"),
        (5, "a + b"),
    ]
    applied = [one.applied(source).decode() for one in found]
    assert applied[0] == "# häuser\nx = 'ü'; y = (a - b)\nz = a - b\n"
    assert applied[2].splitlines()[1] == "x = 'ü'; y = ((a + b)) * ("
    assert applied[3].splitlines()[2] == "    (c - d)  # why"
    for text in applied:
        compile(text, "a.py", "exec")


def test_a_mutant_keeps_its_place_in_a_product():
    (found,) = (one for one in mutants("a.py", b"x * (a + b)") if one.mutant == "a - b")
    assert found.applied(b"x * (a + b)") == b"x * ((a - b))"
    assert mutants("a.py", b"2 * -x")[0].applied(b"2 * -x") in (b"(2)", b"(-x)")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name, text in {
        "pyproject.toml": '[tool.pytest.ini_options]\naddopts = ["--import-mode=importlib"]\n',
        "seqlab/__init__.py": "",
        "seqlab/tiny.py": TINY,
        "seqlab/other.py": "",
        "tests/test_tiny.py": TESTS,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def mutate(checkout: Path, *arguments: str) -> tuple[int, list[str]]:
    command = [
        sys.executable,
        str(ROOT / "scripts" / "mutate.py"),
        *arguments,
        "--tests",
        "tests",
        "--preload",
        "pytest",
    ]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # they take longer than the tests
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=checkout, env=environment)
    assert (checkout / "seqlab" / "tiny.py").read_text(encoding="utf-8") == TINY
    return done.returncode, (done.stdout + done.stderr).splitlines()


def test_survivors_are_told_kept_and_accepted(checkout: Path) -> None:
    status, said = mutate(checkout, "seqlab/tiny.py", "--report", "report.jsonl")
    assert status == 1
    assert said[0] == "survived: seqlab/tiny.py:7: area(a, 1) + 0 -> area(a, 1) - 0"
    assert said[1].split() == ["killed", "timeout", "survived", "accepted", "error", "not", "run", "total"]
    assert said[2].split() == ["seqlab/tiny.py", "2", "0", "1", "0", "0", "0", "3"]

    rows = [json.loads(line) for line in (checkout / "report.jsonl").read_text(encoding="utf-8").splitlines()]
    assert sorted(row["outcome"] for row in rows) == ["killed", "killed", "survived"]
    entries = [rows[2] | {"reason": "0 has no sign"}, rows[0] | {"reason": "believed in vain"}]
    (checkout / "accepted.json").write_text(json.dumps(entries), encoding="utf-8")
    # All is known, so no test runs: it would fail.
    (checkout / "pyproject.toml").write_text("[", encoding="utf-8")
    status, said = mutate(checkout, "seqlab/tiny.py", "--report", "report.jsonl", "--accepted", "accepted.json")
    assert status == 0, said
    assert said[0] == "accepted, but no survivor: seqlab/tiny.py: a * b -> a"
    assert said[2].split() == ["seqlab/tiny.py", "2", "0", "0", "1", "0", "0", "3"]


def test_refuses_tests_that_fail_or_do_not_look(checkout: Path) -> None:
    status, said = mutate(checkout, "seqlab/other.py", "seqlab/tiny.py", "--limit", "1")
    assert status == 1
    assert said == ["The tests pass with seqlab/other.py broken: they do not import it."]
    (checkout / "tests" / "test_tiny.py").write_text("def test_bad():\n    assert False\n", encoding="utf-8")
    status, said = mutate(checkout, "seqlab/tiny.py")
    assert status == 1
    assert said[-1] == "The tests do not pass unmutated: killed."
