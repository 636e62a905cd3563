"""The README's commands name verbs, options, scripts and files that exist."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shlex
import subprocess
import sys

import pytest

from tests import tiny
from tests.structure.sources import ROOT

README = ROOT / "README.md"
OURS = ("recipes/", "scripts/", "data/sample", "seqlab/", "tests/")


def commands() -> list[str]:
    """The commands of the fenced bash blocks: continued lines joined, comments and prompts left out."""
    if not README.is_file():
        return []
    found = []
    for block in re.findall(r"^```(?:bash|sh|console)\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S):
        for line in block.replace("\\\n", " ").splitlines():
            command = line.strip().removeprefix("$ ")
            # Of a pipe or a list of commands, each part counts for itself.
            found += [part.strip() for part in re.split(r"\s(?:\||&&|;)\s", command) if part and part[0] != "#"]
    return [re.sub(r"^(\S*/)?\.venv/bin/", "", command) for command in found]


COMMANDS = commands()


@functools.cache
def help_of(*program: str) -> str:
    """What a program prints for --help."""
    done = subprocess.run(
        [sys.executable, *program, "--help"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"},
    )
    assert done.returncode == 0, f"{program} --help failed:\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def words_of(command: str) -> list[str]:
    """The words of a command, its comment, redirections and placeholders such as `...` apart."""
    return [word for word in shlex.split(command, comments=True) if word not in ("...", "<", ">")]


@pytest.mark.parametrize("command", [line for line in COMMANDS if line.startswith("seqlab ")])
def test_seqlab_verb_exists(command: str) -> None:
    program = "import sys; sys.argv[0] = 'seqlab'; from seqlab.cli.main import main; sys.exit(main())"
    verb = words_of(command)[1]
    if verb.startswith("-"):
        assert verb in help_of("-c", program)
    else:
        help_of("-c", program, verb)


@pytest.mark.parametrize("command", [line for line in COMMANDS if re.match(r"python3? ", line)])
def test_python_command_exists(command: str) -> None:
    words = words_of(command)
    if words[1] == "-m":
        assert importlib.util.find_spec(words[2]) is not None
    elif words[1] != "-c":
        assert (ROOT / words[1]).is_file(), f"no file {words[1]}"
        if words[1].startswith("scripts/"):
            text = help_of(words[1])
            unknown = [word for word in words if word.startswith("--") and word.split("=")[0] not in text]
            assert not unknown, f"options that --help does not name: {unknown}"


@pytest.mark.parametrize("command", COMMANDS)
def test_files_of_the_project_exist(command: str) -> None:
    paths = [word for word in words_of(command) if word.startswith(OURS) and "*" not in word]
    missing = [path for path in paths if not (ROOT / path.split("::")[0]).exists()]
    assert not missing


def test_python_examples_run(tmp_path, monkeypatch) -> None:
    """The README's Python, for one epoch on sentences of one length: JAX compiles for each anew."""
    import keras

    blocks = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)
    tiny.write(tmp_path / "data" / "sample")
    monkeypatch.chdir(tmp_path)
    inputs = keras.Input((None, 3))
    names = {"inputs": inputs, "features": inputs, "logits": keras.layers.Dense(9)(inputs), "mask": None}
    for block in blocks:
        if "tf.saved_model" in block and keras.backend.backend() != "tensorflow":
            continue  # another backend exports by the command, in a process of its own
        exec(block.replace("epochs=20", "epochs=1, verbose=0"), names)  # noqa: S102
    assert (tmp_path / "chunker.keras").is_file()
    assert type(names["tagger"]).__name__ == "Tagger" and names["model"].heads()
