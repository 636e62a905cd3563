"""`seqlab train` for sequences of vectors: speech, pen strokes, music."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import tyro

from seqlab.cli.run_flags import NEITHER, RunFlags
from seqlab.frame_settings import FrameSettings

_FLAT = tyro.conf.arg(name="")


def train_frames(default: FrameSettings, arguments: Sequence[str], name: str, recipe: str | None = None) -> int:
    """Trains with default settings changed by flags, and prints the scores.

    Args:
        default: The recipe's settings, or those of the run that is resumed.
        arguments: Flags.
        name: Name of the run's folder where `--run` does not give one: `runs/NAME-date-time`.
        recipe: Path of the recipe, for the help text.
    """

    def parsed(
        settings: Annotated[FrameSettings, _FLAT] = default,
        flags: Annotated[RunFlags, _FLAT] = NEITHER,
    ) -> tuple[FrameSettings, RunFlags]:
        """Trains a network on sequences of vectors, as a recipe says; flags change its settings."""
        return settings, flags

    settings, flags = tyro.cli(parsed, args=list(arguments), prog=f"seqlab train {recipe or ''}".strip())

    from seqlab.training import frames
    from seqlab.training.folder import MODEL

    flags.check_settings(settings)
    folder = flags.folder(name)
    scores = frames.train(settings, folder, resume=flags.resume is not None).scores
    print()
    for part in ("dev", "test"):
        print(f"{scores['measure']} on {part}: {_shown(scores['measure'], scores[part])}")
    print(f"best epoch: {scores['best_epoch']} of {scores['epochs']}{', diverged' if scores['diverged'] else ''}")
    print(f"parameters: {scores['parameters']:,}\n\nmodel: {folder / MODEL}")
    return 0


def _shown(measure: str, value: float | None) -> str:
    if value is None:
        return "not finite"
    return f"{value:.4f}" if measure == "nll" else f"{100 * value:.2f} %"
