"""`seqlab pretrain`: from raw text to a language model, which gives taggers their contextual vectors."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from seqlab.errors import SettingsError
from seqlab.pretrain_settings import PretrainSettings

_FLAT = tyro.conf.arg(name="")


def main(arguments: Sequence[str]) -> int:
    """Parses the arguments and trains. The texts, if there are any, are the first arguments; the flags follow."""
    count = next((k for k, item in enumerate(arguments) if item.startswith("-")), len(arguments))
    default = PretrainSettings(text=tuple(arguments[:count]))

    def parsed(
        settings: Annotated[PretrainSettings, _FLAT] = default,
        run: Annotated[Path | None, tyro.conf.arg(help="folder of the run")] = None,
        resume: Annotated[
            Path | None, tyro.conf.arg(help="folder of a run to go on with; it keeps its settings")
        ] = None,
    ) -> tuple[PretrainSettings, Path | None, Path | None]:
        """Trains a language model in both directions on raw text: a sentence a line, or the words of a corpus.

        It reports perplexities, and gives contextual vectors to taggers.
        """
        return settings, run, resume

    settings, folder, resume = tyro.cli(parsed, args=list(arguments[count:]), prog="seqlab pretrain TEXT...")
    if resume is None and not settings.text:
        raise SettingsError("name a text (seqlab pretrain TEXT --dev TEXT --run RUN), or a run (--resume RUN).")

    from seqlab.training.folder import stored_settings
    from seqlab.training.pretraining import VERB, pretrain

    if resume is not None:
        if folder is not None or settings != PretrainSettings():
            raise SettingsError(
                f"--resume {resume} goes on with that run's folder and settings; leave texts and other flags out."
            )
        settings, folder = stored_settings(resume, PretrainSettings, VERB), resume
    folder = folder or Path("runs") / f"pretrain-{time.strftime('%Y%m%d-%H%M%S')}"
    found = pretrain(settings, folder, resume=resume is not None)
    print(f"\n{found.model.classes - 3:,} words, {found.model.count_params():,} parameters")
    for part, score in found.scores.items():
        share = 100 * score.unknown / score.predictions
        print(
            f"perplexity on {part}: {score.perplexity:.2f} ({score.predictions:,} predictions, {share:.1f} % unknown)"
        )
    print(f"of a unigram model on dev: {found.unigram:.2f}\n\nmodel: {folder / 'model.keras'}")
    return 0
