"""Entry point of the `seqlab` command."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Sequence

from seqlab.cache import keep_programs
from seqlab.errors import SeqlabError, suggest
from seqlab.memory import keep_memory

VERBS = {
    "train": "train a tagger as a recipe says, or go on with a run that was cut off",
    "pretrain": "train a language model on raw text, for the contextual vectors of taggers",
    "tune": "search a recipe's hyperparameters, and train the best",
    "evaluate": "score a model on labelled files, with an error report if asked",
    "compare": "say whether two models differ by more than chance",
    "calibrate": "make a model's probabilities honest",
    "tag": "tag text, files or standard input",
    "embed": "write the contextual vectors of a corpus to a file",
    "ensemble": "average several models into one file",
    "export": "write a model as a TensorFlow SavedModel that needs no seqlab",
    "analyse": "tell which hyperparameters of a search matter, and whether variants differ",
    "report": "write the tables and figures of many runs of several tasks",
    "check": "look for trouble in labelled files",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one verb; returns the exit status: 0 done, 1 trouble with data, model or settings, 2 unknown flags."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    logging.getLogger("seqlab").setLevel(logging.INFO)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_usage())
        return 0 if arguments else 2
    if arguments[0] == "--version":
        from seqlab import __version__

        print(f"seqlab {__version__}")
        return 0
    verb, rest = arguments[0], arguments[1:]
    if verb not in VERBS:
        print(
            f"seqlab: unknown verb {verb!r}; expected one of {', '.join(VERBS)}.{suggest(verb, VERBS)}",
            file=sys.stderr,
        )
        return 2
    keep_programs()
    if os.environ.get("KERAS_BACKEND") == "jax":
        keep_memory()
    try:
        status = int(importlib.import_module(f"seqlab.cli.{verb}").main(rest))
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # The reader has gone, as `head` does. Without this, Python complains when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (SeqlabError, OSError) as error:
        print(f"seqlab {verb}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nseqlab {verb}: interrupted", file=sys.stderr)
        return 130


def _usage() -> str:
    width = max(map(len, VERBS))
    lines = ["usage: seqlab VERB ...", "", "Sequence labelling with Keras 3.", ""]
    lines += [f"  {verb:<{width}}  {purpose}" for verb, purpose in VERBS.items()]
    return "\n".join([*lines, "", "seqlab VERB --help tells more of each."])


if __name__ == "__main__":
    sys.exit(main())
