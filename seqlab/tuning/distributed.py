"""A search across machines, by Keras Tuner's own chief, which has the oracle, and workers, which run the trials."""

from __future__ import annotations

import functools
import json
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import keras_tuner

from seqlab import studies
from seqlab.errors import SeqlabError, SettingsError
from seqlab.tuning.description import differences, missing
from seqlab.tuning.messages import DESCRIPTION, HELD, IDENTITY, Refused, named
from seqlab.tuning.oracles import Durable
from seqlab.tuning.space import SearchSpace, parameters_of

log = logging.getLogger(__name__)
CHIEF = "chief"  # Keras Tuner takes every name with this in it for the chief's
SILENCE = 600.0  # seconds without a finished trial after which the log says who is waited for
PATIENCE = 60.0  # seconds after which a call of a chief that does not answer is made again, and told of
WAITING = (
    "No answer from the chief at %s for %.0f min: waiting for it. If it does not come back under this address, or its "
    "search is over, stop this worker; started again under its name, it goes on with its trials."
)
AGAIN = 1.0  # seconds before a call of a chief that was lost is made again
CALLING = "UNKNOWN: Exception calling application: "  # before the words of an error of the chief's
LAST_ANSWER = 1.0  # seconds for the last worker's answer to leave


def parse_address(text: str) -> tuple[str, int]:
    """Splits `HOST:PORT`.

    >>> parse_address("127.0.0.1:8000")
    ('127.0.0.1', 8000)

    Raises:
        SettingsError: For anything else.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 2**16:
        raise SettingsError(f"--chief takes HOST:PORT, as 10.0.0.1:8000; received {text!r}.")
    return host, int(port)


def serve(oracle: Durable, folder: Path, address: tuple[str, int]) -> Generator[studies.Trial, None, None]:
    """Gives out trials to workers until the search is over and every worker has been told so; yields what is finished.

    A worker that is lost is waited for: it may come back under its name. The log says which trials are under way when
    none has been finished for long. Who stops the chief and resumes the search has such trials given out again.

    Args:
        oracle: The oracle, attached to its folder.
        folder: Folder of the study.
        address: Where workers find it.

    Raises:
        SeqlabError: If the oracle, or the server, fails; Keras Tuner would leave workers waiting without a word.
    """
    failures: list[BaseException] = []
    for name in ("create_trial", "update_trial", "end_trial"):
        setattr(oracle, name, _watched(getattr(oracle, name), failures))
    tuner = _tuner(oracle, folder, address, CHIEF)
    logging.getLogger("grpc._server").addFilter(_unexpected)

    def search() -> None:
        try:
            tuner.search()
        except BaseException as error:  # the other thread raises it
            failures.append(error)

    threading.Thread(target=search, daemon=True, name="chief").start()
    watch = _Watch()
    while not (oracle.over and not oracle.ongoing_trials and not oracle.tuner_ids):
        watch.look({worker: trial.trial_id for worker, trial in list(oracle.ongoing_trials.items())})
        yield from _taken(oracle.finished)
        if failures:
            raise SeqlabError(f"the chief failed: {type(failures[0]).__name__}: {failures[0]}") from failures[0]
        time.sleep(0.1)
    yield from _taken(oracle.finished)
    time.sleep(LAST_ANSWER)


def client(oracle: Durable, folder: Path, address: tuple[str, int], worker: str) -> Any:
    """Returns the stand-in of a chief's oracle on a worker's machine.

    It waits for a chief that is not there (yet) for as long as it takes, and says so.

    Raises:
        SettingsError: For a name that Keras Tuner would take for the chief's.
    """
    if CHIEF in worker or not worker:
        raise SettingsError(f"--worker is a name of its own without {CHIEF!r} in it, received {worker!r}.")
    found = _tuner(oracle, folder, address, worker).oracle
    found.stub, found.identity = _Patient(found.stub, address), ""
    create = found.create_trial
    found.create_trial = lambda name: create(named(name, found.identity))
    return found


def check_space(remote: Any, space: SearchSpace) -> None:
    """Compares a worker's search space with the chief's.

    Raises:
        SettingsError: If they differ: the worker has another recipe.
    """
    there, here = ({item.name: _rounded(item) for item in found} for found in (_chiefs(remote), space.parameters))
    if there != here:
        different = sorted(name for name in there.keys() | here.keys() if there.get(name) != here.get(name))
        raise SettingsError(f"the chief has another search space; {', '.join(different)} differ: use the same recipe.")


def check_search(remote: Any, description: str) -> None:
    """Compares what a worker would do with what the chief's search is about, but for the space.

    From then on the stand-in names the chief's study with each call, and another one refuses it.

    Args:
        remote: The stand-in of the chief's oracle.
        description: The worker's, see `seqlab.tuning.description.told`.

    Raises:
        SettingsError: If they differ, with the names of what does.
    """
    found = remote.get_trial(DESCRIPTION).hyperparameters.values
    there, here = json.loads(found[DESCRIPTION]), json.loads(description)
    different = differences(there, here)
    if different:
        lacking = [
            f" The file of {name} is missing on {machine}."
            for machine, one in (("the chief's machine", there), ("this machine", here))
            for name in missing(one)
        ]
        raise SettingsError(
            f"the chief has another search ({'; '.join(different)}): start the worker with the chief's recipe and "
            f"flags, on the same backend (KERAS_BACKEND) and with the same data.{''.join(lacking)}"
        )
    remote.identity = found.get(IDENTITY, "")


def held(remote: Any, worker: str) -> list[str]:
    """Returns the names under which a chief knows a worker from before, with trials or to be told of the end."""
    return list(json.loads(remote.get_trial(f"{HELD}{worker}").hyperparameters.values[f"{HELD}{worker}"]))


def _taken(rows: list[studies.Trial]) -> Iterator[studies.Trial]:
    while rows:
        yield rows.pop(0)


def _chiefs(remote: Any) -> tuple[studies.Parameter, ...]:
    return parameters_of(remote.get_space())


def _rounded(item: studies.Parameter) -> tuple[Any, ...]:
    # Bounds travel with fewer digits, and no step as 0.
    numbers = (float(f"{value:.5g}") if value else 0.0 for value in (item.low, item.high, item.step))
    values = tuple(str(value) for value in item.values) if item.kind == "choice" else ()
    return (item.kind, *numbers, values, tuple(condition.name for condition in item.conditions))


def _tuner(oracle: Durable, folder: Path, address: tuple[str, int], name: str) -> Any:
    host, port = address
    os.environ.update({"KERASTUNER_ORACLE_IP": host, "KERASTUNER_ORACLE_PORT": str(port), "KERASTUNER_TUNER_ID": name})
    (folder / f"{name}.json").unlink(missing_ok=True)  # Keras Tuner's, from which it would load the oracle again
    return keras_tuner.engine.base_tuner.BaseTuner(oracle, directory=str(folder.parent), project_name=folder.name)


def _unexpected(record: logging.LogRecord) -> bool:
    """Keeps what a chief refuses, which it logs by itself, from being logged with a traceback as well."""
    return not (record.exc_info and isinstance(record.exc_info[1], Refused))


class _Patient:
    """Calls of a chief, made again for as long as it is not there: each gives the same when it comes twice."""

    def __init__(self, stub: Any, address: tuple[str, int]) -> None:
        self.stub, self.address = stub, f"{address[0]}:{address[1]}"

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return functools.partial(self._call, getattr(self.stub, name))

    def _call(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        import grpc

        began, told = time.monotonic(), -math.inf
        while True:
            try:
                return function(*arguments, **{**options, "timeout": PATIENCE})
            except grpc.RpcError as error:
                if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                    now = time.monotonic()
                    if now - told >= PATIENCE:
                        log.warning(WAITING, self.address, (now - began) / 60)
                        told = now
                    time.sleep(AGAIN)
                    continue
                words = f"{error.code().name}: {error.details()}".removeprefix(CALLING)
                raise SeqlabError(
                    f"the chief at {self.address}: {words} Trials under way are stopped; a worker that starts "
                    "again under its name goes on with those of its study."
                ) from error


class _Watch:
    """Tells who holds which trial when nothing has changed for long."""

    def __init__(self) -> None:
        self.since: dict[tuple[str, str], float] = {}
        self.told = time.monotonic()

    def look(self, ongoing: dict[str, str]) -> None:
        """Notes the trials under way, by the names of their workers."""
        now, held = time.monotonic(), ongoing.items()
        if held != self.since.keys():
            self.told = now
        self.since = {pair: self.since.get(pair, now) for pair in held}
        if self.since and now - self.told >= SILENCE:
            self.told = now
            listed = [
                f"{one} has trial {trial} for {(now - at) / 60:.0f} min" for (one, trial), at in self.since.items()
            ]
            log.warning(
                "No trial begun or finished for long: %s. A worker that was lost may start again under its name; else "
                "stop the chief and start it with --resume, and its trial is given to another.",
                "; ".join(listed),
            )


def _watched(function: Callable[..., Any], failures: list[BaseException]) -> Callable[..., Any]:
    def called(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except Refused as error:  # the worker fails with it
            log.warning("%s", error)
            raise
        except BaseException as error:
            failures.append(error)
            raise

    return called
