"""Beginning a study in a folder, going on with one, and taking its best trial out of it."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

from seqlab import studies
from seqlab.errors import DataError, SettingsError
from seqlab.files import write_text
from seqlab.tuning.description import differences, flags
from seqlab.tuning.job import JOB, Job, read_job
from seqlab.tuning.kinds import settings_from
from seqlab.tuning.oracles import ORACLE, Durable, need

SEARCH = "search.json"  # what else a resumed search must have in common with that which began
STUDY_ID = "study"  # in it: a name at random, by which a chief knows its workers' reports


def open_study(
    folder: Path, study: studies.Study, search: dict[str, Any], oracle: Durable, resume: bool, parquet: bool
) -> None:
    """Begins a study in a folder, or loads the oracle with the one that is there.

    Args:
        folder: The folder.
        study: What is searched.
        search: What else the trials have in common, see `seqlab.tuning.description.described`.
        oracle: A fresh oracle.
        resume: Whether to go on with what is there.
        parquet: Whether the table is also written as Parquet.

    Raises:
        SettingsError: If the folder holds a study and is not to be resumed, or holds another study; or if pyarrow is
            missing for Parquet.
        DataError: If a file in it is missing or damaged.
    """
    if parquet:
        need("pyarrow", "parquet", "--parquet")
    oracle.attach(folder, study, parquet)
    begun = (folder / studies.STUDY).exists()
    if begun and not resume:
        raise SettingsError(f"{folder} already holds a study: go on with it (--resume) or name another folder.")
    if not begun:
        if resume:
            raise SettingsError(f"{folder} holds no study ({studies.STUDY} is missing): leave --resume out.")
        oracle.identity = secrets.token_hex(8)
        write_text(folder / SEARCH, json.dumps({**search, STUDY_ID: oracle.identity}, indent=1) + "\n")
        studies.write_header(folder, study)
        return
    oracle.identity = _compare(folder, study, search)
    if (folder / ORACLE).exists():  # else the kill came before the first trial
        oracle.reload()


def _compare(folder: Path, study: studies.Study, search: dict[str, Any]) -> str:
    """Holds a study against the one in the folder; returns its name."""
    there, before = studies.read_header(folder), _begun(folder / SEARCH, search["backend"])
    identity = before.pop(STUDY_ID, "")
    old, new = ({item.name: item for item in found.space} for found in (there, study))
    if there.space != study.space:
        names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        raise SettingsError(
            f"{folder} holds a study of another search space ({', '.join(names) or 'another order'}): a resumed study "
            "keeps its space. Name another folder, or take the change back."
        )
    stored, given = (
        {**flags(described), "objective": found.objective.name, "direction": found.objective.direction}
        | {"tuner": found.tuner, "seed": found.seed}
        for described, found in ((before, there), (search, study))
    )
    different = differences(stored, given, "now")
    if different:
        raise SettingsError(
            f"{folder} holds another study ({'; '.join(different)}): a resumed study keeps all of these."
        )
    return str(identity)


def _begun(path: Path, backend: str) -> dict[str, Any]:
    """What a study was begun with; settings that did not exist then have their defaults, and the backend is this."""
    try:
        found = {"compiled": False, "backend": backend, **json.loads(path.read_text("utf-8"))}
        settings = settings_from(found["settings"])
        return {**found, "settings": settings.model_dump(mode="json"), "executions": found["executions"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"cannot be read ({error!r}); the study cannot be resumed.", str(path)) from error


def claim(folder: Path, identity: str) -> None:
    """Notes whose trials a worker's folder holds, so that results of another study are not taken for this one's.

    Raises:
        SettingsError: If they are another study's.
        DataError: If the note is damaged.
    """
    path = folder / SEARCH
    if not path.exists():
        write_text(path, json.dumps({STUDY_ID: identity}) + "\n")
        return
    try:
        found = json.loads(path.read_text("utf-8")).get(STUDY_ID, "")
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(f"cannot be read ({error!r}): name another folder (--study).", str(path)) from error
    if found != identity:
        raise SettingsError(f"{folder} holds trials of another study: name another folder for this one (--study).")


def best_job(folder: Path) -> tuple[studies.Trial, Job]:
    """Returns the best trial of a study and what its process had to do.

    Raises:
        DataError: If there is none, or it ran on another machine.
    """
    ranked = studies.read(folder).ranked()
    if not ranked:
        raise DataError("no trial is completed.", str(folder / studies.TRIALS))
    place = folder / f"trial_{ranked[0].trial}"
    if not (place / JOB).is_file():
        raise DataError(
            f"{JOB} is missing. The trial ran on another machine: copy {place.name} from its study's folder.",
            str(place),
        )
    return ranked[0], read_job(place)
