"""Sees to it that labels are there, and that a loss which keeps rules meets none that break them."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from seqlab.batches.loader import Batches
from seqlab.constants import IGNORE
from seqlab.corpora.breaches import Breach, breaches, listed
from seqlab.errors import DataError

log = logging.getLogger(__name__)
_EXAMINED: WeakKeyDictionary[Batches, list[Any]] = WeakKeyDictionary()  # with the heads, so that it is done once


def labelled(batches: Any, *tasks: str) -> Any:
    """Refuses a corpus without sentences, or without a task's column."""
    if not isinstance(batches, Batches):
        return batches
    if not len(batches):
        raise DataError("Expected sentences, received none.")
    for task in tasks:
        if task not in batches.tasks:
            raise DataError(f"The sentences have no column {task!r}, which this tagger learns; read them with it.")
    return batches


def without_broken(tagger: Any, data: Any, what: str, leave_out: bool = True, labels: Any = None) -> Any:
    """Leaves sentences whose labels break the rules of a loss out of that loss, or refuses them.

    Args:
        tagger: The tagger. Where none of its heads has a `constrained_loss`, nothing is examined.
        data: Batches of the tagger, or what else `fit` takes.
        what: What to call the data.
        leave_out: Whether such sentences lose their labels of that column, with a warning; arrays are refused.
        labels: The labels of arrays.

    Returns:
        The data, or other batches of which some sentences have no labels; the sentences themselves keep theirs.

    Raises:
        DataError: For labels that break the rules, with file and line of the first ten.
    """
    heads = _keeping(tagger)
    if not heads:
        return data
    if not isinstance(data, Batches):
        _check_arrays(tagger, data[1] if isinstance(data, tuple) else labels, what)
        return data
    if _EXAMINED.get(data) == heads:
        return data
    encoded = data.encoded
    rows = dict(encoded.labels)
    for task, head in heads:
        found = list(breaches(encoded.sentences, task, head.constraints)) if task in data.tasks else []
        if found and not leave_out:
            raise DataError(broken_in_loss(found, what))
        if found:
            log.warning("Left out of the loss of %r: what breaks its rules in the %s, %s", task, what, listed(found))
            rows[task] = rows[task].copy()
        for number in {breach.sentence for breach in found}:
            rows[task][encoded.offsets[number] : encoded.offsets[number + 1]] = IGNORE
    kept = copy.copy(data)
    kept.encoded = replace(encoded, labels=rows)
    _EXAMINED[kept] = heads
    return kept


def _check_arrays(tagger: Any, labels: Any, what: str) -> None:
    """Refuses arrays of labels that break the rules of a loss; labels of -1 count as if their tokens were not there."""
    if labels is None:
        log.warning("Rules of the loss cannot be held against the %s, which is neither sentences nor arrays.", what)
        return
    for task, head in _keeping(tagger):
        part = tagger._entry(labels, tagger.tasks.index(task))
        names = tagger.vectorizer.labels[task].items
        found = [
            Breach("", None, f"row {number}, label {t} of {task!r}: {problem}", number)
            for number, row in enumerate([] if part is None else np.asarray(part))
            for t, problem in head.constraints.violations([names[label] for label in row if label != IGNORE])
        ]
        if found:
            raise DataError(broken_in_loss(found, what))


def broken_in_loss(found: Iterable[Breach], what: str) -> str:
    """Says that labels break the rules of a loss, and what to do."""
    return (
        f"The loss keeps rules that the {what} breaks, at {listed(list(found))}\nCorrect these labels or loosen the "
        "rules; or keep them out of the loss (constrained_loss, rules.in_loss), as decoding keeps them all the same; "
        "or leave these sentences out of the loss (leave_out_broken=True, --rules.leave-out-broken)."
    )


def _keeping(tagger: Any) -> list[tuple[str, Any]]:
    """The heads whose loss keeps rules, with their columns."""
    owners = zip(tagger.tasks, (tagger.head, *(part.head for part in tagger.auxiliary)), strict=True)
    return [(task, head) for task, head in owners if getattr(head, "constrained_loss", False)]
