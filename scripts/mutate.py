"""Mutation testing by syntax tree: changes one sign or factor at a time and asks whether a test notices.

    python scripts/mutate.py seqlab/ops/crf.py --tests "tests/ops/test_crf.py" --report runs/mutants.jsonl

a + b <-> a - b; -a -> a; a * b -> a, b; 1 - a -> a; a / b -> a. Left alone: annotations, defaults, f-strings, raise,
indices, augmented assignments, arithmetic of shapes as far as it shows. Run it in the checkout; the tests run in a
copy, in forks of a process that has imported Keras (no backend starts a thread for that) and not seqlab. With --report
a broken run goes on where it was: for the same file, tests argument and backend, what was killed stays killed; what
survived is tried again once anything in tests/ has changed. --accepted names a JSON list of {"file", "original",
"mutant", "reason"}. Exit status 1: a mutant survived unaccepted or was not judged, or none could be tried.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import hashlib
import itertools
import json
import os
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

COPIED = ("seqlab", "tests", "scripts", "recipes", "data/sample")  # and pyproject.toml
PYTEST = ("-x", "-q", "--tb=no", "-p", "no:cacheprovider")
# Calls whose arguments are sizes or positions: all of them, or all but the first.
SIZES = {"arange", "eye", "len", "ones", "range", "shape", "zeros"}
SIZES_AFTER_FIRST = {"broadcast_to", "concatenate", "expand_dims", "repeat", "reshape", "split", "stack", "transpose"}
SIZE_KEYWORDS = {"axes", "axis", "dtype", "indices_or_sections", "length", "name", "newshape", "shape"}
FLIPPED: dict[type[ast.operator], ast.operator] = {ast.Add: ast.Sub(), ast.Sub: ast.Add()}
BASE = 100  # is added to pytest's exit status, so that no other failure looks like a test's
DEFAULTS = {"KERAS_BACKEND": "tensorflow", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1"}  # as conftest.py
COLUMNS = ("killed", "timeout", "survived", "accepted", "error", "not run")


class Mutant(NamedTuple):
    """One change: the bytes from start to end of the file become the mutant."""

    file: str
    line: int
    start: int
    end: int
    original: str
    mutant: str

    def applied(self, source: bytes) -> bytes:
        """The changed file; in brackets, which do no harm where the original had none."""
        return source[: self.start] + f"({self.mutant})".encode() + source[self.end :]


def mutants(file: str, source: bytes) -> list[Mutant]:
    """Lists the mutants of a file in the order of its text."""
    starts = [0, *itertools.accumulate(map(len, source.splitlines(keepends=True)))]
    found = set()
    for node in _sites(ast.parse(source)):
        for variant in _variants(node):
            start = starts[node.lineno - 1] + node.col_offset  # a syntax tree counts bytes
            end = starts[node.end_lineno - 1] + node.end_col_offset
            found.add(Mutant(file, node.lineno, start, end, ast.unparse(node), ast.unparse(variant)))
    return sorted(found)


def _sites(node: ast.AST) -> Iterator[Any]:
    if not (isinstance(node, ast.BinOp | ast.UnaryOp) and _no_value(node)):
        yield node
        for child in _children(node):
            yield from _sites(child)


def _children(node: ast.AST) -> list[ast.AST]:
    """The parts of a node in which arithmetic is a matter of values."""
    match node:
        case ast.Raise() | ast.JoinedStr():
            return []
        case ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body):
            return list(body)
        case ast.Lambda(body=inner) | ast.AnnAssign(value=inner) | ast.Subscript(value=inner):
            return [inner] if inner else []
        case ast.Call(func=func, args=args, keywords=keywords):
            name = ast.unparse(func).rpartition(".")[2]
            args = [] if name in SIZES else args[:1] if name in SIZES_AFTER_FIRST else args
            return [func, *args, *(keyword.value for keyword in keywords if keyword.arg not in SIZE_KEYWORDS)]
    return list(ast.iter_child_nodes(node))


def _no_value(node: ast.AST) -> bool:
    """Whether an operand is a string, a sequence, or a size read off a shape."""
    match node:
        case ast.BinOp(left=left, right=right):
            return _no_value(left) or _no_value(right)
        case ast.UnaryOp(operand=inner) | ast.Subscript(value=inner):
            return _no_value(inner)
        case ast.Attribute(attr=name) | ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in ("len", "shape", "ndim")
        case ast.Constant(value=value):
            return isinstance(value, str | bytes)
    return isinstance(node, ast.List | ast.Tuple | ast.ListComp | ast.JoinedStr | ast.Set)


def _variants(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield operand
        case ast.BinOp(left=left, op=op, right=right):
            if type(op) in FLIPPED:
                yield ast.BinOp(left, FLIPPED[type(op)], right)
            if isinstance(op, ast.Mult | ast.Div):
                yield left
            if isinstance(op, ast.Mult) or (isinstance(op, ast.Sub) and ast.unparse(left) in ("1", "1.0")):
                yield right


class Copy:
    """A copy of the checkout in which tests run."""

    def __init__(self, folder: Path, tests: str) -> None:
        self.tree, self.log, self.arguments = folder / "tree", folder / "log", [*PYTEST, *shlex.split(tests)]
        for name in filter(os.path.isdir, COPIED):
            shutil.copytree(name, self.tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy("pyproject.toml", self.tree)

    def run(self, file: str, content: bytes, timeout: float = 1800) -> str:
        """Runs the tests in a fork with another content of a file; returns killed, survived, timeout or error."""
        before = (self.tree / file).read_bytes()
        (self.tree / file).write_bytes(content)
        fork: Any = get_context("forkserver").Process(target=self._fork, args=(int(timeout),))
        fork.start()
        try:
            fork.join()
        finally:
            (self.tree / file).write_bytes(before)
            with contextlib.suppress(ProcessLookupError):  # what the tests have started and left
                os.killpg(fork.pid, signal.SIGKILL)
        if fork.exitcode == BASE + 2 and "during collection" in self.said():
            return "killed"  # it cannot be imported any more, which to pytest is an interrupt
        return {BASE: "survived", BASE + 1: "killed", -signal.SIGALRM: "timeout"}.get(fork.exitcode, "error")

    def _fork(self, timeout: int) -> None:
        import pytest

        os.setsid()
        signal.alarm(timeout)  # ends this process whatever it hangs in, also where its parent is gone
        os.dup2(os.dup2(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1), 2)
        if len(list(Path(f"/proc/{os.getppid()}/task").glob("*"))) > 1:
            raise RuntimeError("--preload names a module that starts threads: its process cannot be forked safely.")
        os.chdir(self.tree)
        sys.path.insert(0, str(self.tree))
        os.environ["PYTHONPATH"] = str(self.tree)  # stands before an editable install, in subprocesses too
        status = pytest.main(self.arguments)
        sys.stdout.flush()
        os._exit(BASE + status)

    def said(self) -> str:
        """The end of what the last run printed."""
        return self.log.read_text("utf-8", errors="replace")[-3000:] if self.log.is_file() else ""

    def check(self, sources: dict[str, bytes]) -> None:
        """Leaves where the tests fail unmutated, or pass with a file broken."""
        for file, source in sources.items():
            if (outcome := self.run(file, source)) != "survived":
                sys.exit(f"{self.said()}\nThe tests do not pass unmutated: {outcome}.")
            if self.run(file, source + b"\nraise ImportError\n") == "survived":
                sys.exit(f"The tests pass with {file} broken: they do not import it.")


def try_all(copies: list[Copy], options: argparse.Namespace) -> Iterator[tuple[Mutant, str]]:
    """Yields the mutants in their order, each with its outcome."""
    sources = {file: (copies[0].tree / file).read_bytes() for file in options.files}
    found = [mutant for file, source in sources.items() for mutant in mutants(file, source)]
    keys = {m: _digest(sources[m.file], repr((m, options.tests, os.environ["KERAS_BACKEND"])).encode()) for m in found}
    tests = _digest(*(path.read_bytes() for path in sorted((copies[0].tree / "tests").rglob("*.py"))))
    rows = map(json.loads, options.report.read_text("utf-8").splitlines() if options.report.exists() else [])
    known = {row["key"]: row["outcome"] for row in rows if row["tests"] == tests or row["outcome"] != "survived"}
    todo = [mutant for mutant in found if keys[mutant] not in known][: options.limit]
    since = time.monotonic()
    copies[0].check(sources if todo else {})
    timeout = 30 + 4 * (time.monotonic() - since)

    def attempt(mutant: Mutant) -> str:
        copy = copies.pop()  # there is one for each thread
        outcome = copy.run(mutant.file, mutant.applied(sources[mutant.file]), timeout)
        if outcome == "error":
            print(copy.said())
        else:
            row = mutant._asdict() | {"outcome": outcome, "key": keys[mutant], "tests": tests}
            print(json.dumps(row) + "\n", end="", file=report, flush=True)  # one write: there may be several threads
        copies.append(copy)
        return outcome

    with options.report.open("a", encoding="utf-8") as report, ThreadPoolExecutor(len(copies)) as pool:
        outcomes = pool.map(attempt, todo)
        for mutant in found:
            yield mutant, known.get(keys[mutant]) or (next(outcomes) if mutant in todo else "not run")


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def main() -> int:
    """Tries all mutants; returns the exit status."""
    parser = argparse.ArgumentParser(description="Mutation testing of signs and factors.")
    parser.add_argument("files", nargs="+", metavar="FILE", type=os.path.relpath, help="below the current folder")
    parser.add_argument("--tests", required=True, help="pytest's arguments, in one string")
    parser.add_argument("--limit", type=int, help="try so many mutants now and leave the others")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--report", type=Path, default=os.devnull, help="JSON lines, appended to and gone on from")
    parser.add_argument("--accepted", type=Path, help="JSON list of accepted survivors, each with its reason")
    parser.add_argument("--preload", default="keras pytest", help="modules to import before the forks")
    options = parser.parse_args()
    entries = json.loads(options.accepted.read_text("utf-8")) if options.accepted else []
    accepted = {(entry["file"], entry["original"], entry["mutant"]) for entry in entries if entry["reason"]}
    needless = {change for change in accepted if change[0] in options.files}
    counts: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory(prefix="seqlab-mutate-") as work:
        copies = [Copy(Path(work, str(number)), options.tests) for number in range(options.jobs)]
        # No .pyc: Python takes two mutants of one size and one second for one.
        fixed = {"TMPDIR": work, "JAX_COMPILATION_CACHE_DIR": f"{work}/jax", "PYTHONDONTWRITEBYTECODE": "1"}
        os.environ.update(DEFAULTS | os.environ | fixed)
        get_context("forkserver").set_forkserver_preload(options.preload.split())
        for mutant, outcome in try_all(copies, options):
            change = (mutant.file, mutant.original, mutant.mutant)
            outcome = "accepted" if outcome == "survived" and change in accepted else outcome
            if outcome in ("accepted", "not run"):
                needless.discard(change)
            if outcome in ("survived", "error"):
                print(f"{outcome}: {mutant.file}:{mutant.line}: {mutant.original} -> {mutant.mutant}", flush=True)
            counts[mutant.file, outcome] += 1
    for file, original, variant in sorted(needless):
        print(f"accepted, but no survivor: {file}: {original} -> {variant}")
    print(f"{'':40}", *(f"{name:>9}" for name in (*COLUMNS, "total")))
    for file in options.files:
        counts[file, "total"] = sum(counts[file, name] for name in COLUMNS)
        print(f"{file:40}", *(f"{counts[file, name]:9}" for name in (*COLUMNS, "total")))
    return int(any(outcome in ("survived", "error") for _, outcome in counts))


if __name__ == "__main__":
    sys.exit(main())
