"""The flags that say which folder a run has, for all verbs that train."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from seqlab.errors import SettingsError
from seqlab.settings_part import Part


@dataclass(frozen=True)
class RunFlags:
    """A run's folder, or that of a run to go on with."""

    run: Annotated[Path | None, tyro.conf.arg(help="folder of the run")] = None
    resume: Annotated[Path | None, tyro.conf.arg(help="folder of a run to go on with; it keeps its settings")] = None

    def check(self, alone: bool, beside: str = "the recipe and other flags") -> None:
        """Refuses `--resume` beside `--run`, or where it does not stand `alone`."""
        if self.resume is not None and (self.run is not None or not alone):
            raise SettingsError(
                f"--resume {self.resume} goes on with that run's folder and settings; leave {beside} out."
            )

    def check_settings(self, settings: Part) -> None:
        """Refuses `--resume` beside `--run`, or with other settings than those of the run."""
        from seqlab.training.folder import stored_settings

        self.check(self.resume is None or settings == stored_settings(self.resume, type(settings)))

    def folder(self, name: str) -> Path:
        """The run's folder: what is named, or `runs/NAME-date-time`."""
        return self.resume or self.run or Path("runs") / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"


NEITHER = RunFlags()
"""The default of all verbs."""
