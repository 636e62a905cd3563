from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from seqlab import studies
from seqlab.tuning import table
from tests.tuning.common import OBJECTIVE

SPACE = (studies.Parameter("rate", "float", 0, 1), studies.Parameter("head", "fixed", values=("crf",)))
TRIALS = (
    studies.Trial("0", "completed", {"rate": 0.123456, "head": "crf"}, 0.5, 0.4, 3, 1.25, 100),
    studies.Trial("1", "timed_out", {"rate": 0.1, "head": "crf"}, error="over the limit"),
    studies.Trial("2", "completed", {"rate": 0.3, "head": "crf"}, 0.75),
)
STUDY = studies.Study(OBJECTIVE, SPACE, trials=TRIALS)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_best_come_first() -> None:
    stream = io.StringIO()
    Console(file=stream, width=100).print(table.table(STUDY, "so far"))
    text = stream.getvalue()
    assert text.index("0.75") < text.index("0.1235") and "so far" in text and "val_f1" in text and "crf" not in text
    assert len(table.table(STUDY, best=1).rows) == 1


def test_summary_names_what_went_wrong() -> None:
    assert table.summary(STUDY) == ("3 trials: 2 completed, 1 timed out\n  trial 1, timed out: over the limit")


def test_lines_and_table(tmp_path: Path) -> None:
    studies.write_header(tmp_path, STUDY)
    lines, terminal = io.StringIO(), Terminal()
    for stream in (lines, terminal):
        with table.live(tmp_path, lambda: 2, stream) as show:
            for trial in TRIALS:
                studies.write_trial(tmp_path, trial)
                show(trial)
    assert lines.getvalue().splitlines() == [
        "trial 0: score 0.5, 1.2 s (rate 0.1235, head crf)",
        "trial 1: timed out (rate 0.1, head crf): over the limit",
        "trial 2: score 0.75 (rate 0.3, head crf)",
    ]
    assert "3 trials finished, 2 under way" in terminal.getvalue()
