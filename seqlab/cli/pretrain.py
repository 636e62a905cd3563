"""`seqlab pretrain`: from raw text to a language model, which gives taggers their contextual vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import tyro

from seqlab.cli.run_flags import NEITHER, RunFlags
from seqlab.errors import SettingsError
from seqlab.pretrain_settings import PretrainSettings

_FLAT = tyro.conf.arg(name="")


def main(arguments: Sequence[str]) -> int:
    """Parses the arguments and trains. The texts, if there are any, are the first arguments; the flags follow."""
    count = next((k for k, item in enumerate(arguments) if item.startswith("-")), len(arguments))
    default = PretrainSettings(text=tuple(arguments[:count]))

    def parsed(
        settings: Annotated[PretrainSettings, _FLAT] = default,
        flags: Annotated[RunFlags, _FLAT] = NEITHER,
    ) -> tuple[PretrainSettings, RunFlags]:
        """Trains a language model in both directions on raw text: a sentence a line, or the words of a corpus.

        It reports perplexities, and gives contextual vectors to taggers.
        """
        return settings, flags

    settings, flags = tyro.cli(parsed, args=list(arguments[count:]), prog="seqlab pretrain TEXT...")
    if flags.resume is None and not settings.text:
        raise SettingsError("name a text (seqlab pretrain TEXT --dev TEXT --run RUN), or a run (--resume RUN).")

    from seqlab.training.folder import stored_settings
    from seqlab.training.pretraining import VERB, pretrain

    if flags.resume is not None:
        flags.check(settings == PretrainSettings(), "texts and other flags")
        settings = stored_settings(flags.resume, PretrainSettings, VERB)
    folder = flags.folder(VERB)
    found = pretrain(settings, folder, resume=flags.resume is not None)
    print(f"\n{found.model.classes - 3:,} words, {found.model.count_params():,} parameters")
    for part, score in found.scores.items():
        share = 100 * score.unknown / score.predictions
        print(
            f"perplexity on {part}: {score.perplexity:.2f} ({score.predictions:,} predictions, {share:.1f} % unknown)"
        )
    print(f"of a unigram model on dev: {found.unigram:.2f}\n\nmodel: {folder / 'model.keras'}")
    return 0
