"""What may stand at each token of a sentence, as a further input of the decoding graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from seqlab.batches.loader import Batch, Batches
from seqlab.corpora.satisfiable import check_satisfiable
from seqlab.errors import SettingsError
from seqlab.layers.heads.base import Head
from seqlab.layers.heads.chain import ChainHead
from seqlab.tags.constraints import Constraints, Table
from seqlab.tags.expansion import Expansion
from seqlab.tags.rules import forced_tags, free

Forced = Mapping[int, str | Iterable[str]]
"""For some tokens of a sentence, from 0, the tag or the tags that are allowed there."""


class LimitedBatches(keras.utils.PyDataset):
    """Batches with one input more: `allowed`, Boolean (batch, time, states), all true at padding.

    Args:
        batches: The batches.
        rules: What allows states by the words and the forced tags of a sentence.
        sets: For some sentences, by number, the tags that tokens are limited to.
    """

    def __init__(self, batches: Batches, rules: Constraints | Expansion, sets: Mapping[int, Table]) -> None:
        super().__init__()
        self.batches = batches
        self.rules = rules
        self.sets = sets
        self.encoded = batches.encoded
        self.shape = batches.shape
        self.fields = (*batches.fields, "allowed")

    @property
    def plan(self) -> list[Batch]:
        """As that of the batches, which may be drawn anew."""
        return self.batches.plan

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        inputs, *labels = self.batches[index]
        return ({**inputs, "allowed": self.allowed(index)}, *labels)

    def allowed(self, index: int) -> Table:
        """What may stand at each token of one batch, (batch, time, states)."""
        found = np.ones((*self.shape(index), self.rules.states), bool)
        for row, number in enumerate(self.plan[index].sentences):
            words = self.encoded.sentences[number].words
            found[row, : len(words)] = self.rules.allowed(words, self.sets.get(int(number)))
        return found


AnyBatches = Batches | LimitedBatches


def limited(batches: Any, head: Head, labels: Sequence[str], forced: Mapping[int, Forced] | None = None) -> Any:
    """Adds what words and forced tags decide to batches; they stay as they are where neither decides anything.

    Args:
        batches: Batches without shuffling; what is none is returned as it is, if no tags are forced.
        head: The head that will decode them.
        labels: Its labels.
        forced: For some sentences, by number, the tags of some tokens.

    Raises:
        DataError: Nothing satisfies the head's constraints and the forced tags in some sentence, which is named.
        SettingsError: A sentence, token or tag that does not exist, or a head that gives a token no single tag.
    """
    if not isinstance(batches, Batches):
        if forced:
            raise SettingsError(f"Tags are forced in sentences; received {type(batches).__name__} in their place.")
        return batches
    sets = _sets(batches.encoded.sentences, labels, forced)
    rules = getattr(head, "constraints", None)
    if sets and not isinstance(head, ChainHead):
        raise SettingsError(f"Tags can be forced where a head gives each token one; {type(head).__name__} does not.")
    if rules is None and not sets:
        return batches
    rules = free(labels) if rules is None else rules
    check_satisfiable(batches.encoded.sentences, rules, sets)
    return LimitedBatches(batches, rules, sets) if sets or rules.gates else batches


def _sets(sentences: Sequence[Any], labels: Sequence[str], forced: Mapping[int, Forced] | None) -> dict[int, Table]:
    check_forced(forced or {})
    found = {}
    for number, tags in (forced or {}).items():
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or not 0 <= number < len(sentences):
            raise SettingsError(f"Tags are forced in sentence {number!r}; there are {len(sentences)}, counted from 0.")
        if tags:
            found[int(number)] = forced_tags(labels, len(sentences[number]), tags)
    return found


def check_forced(forced: Any) -> None:
    """Refuses what says not which tags tokens of a sentence or text are limited to."""
    if not isinstance(forced, Mapping):
        raise SettingsError(
            f"forced is a {type(forced).__name__}; expected a dict from a sentence's number to the tags of its tokens, "
            "as in {0: {2: 'B-PER'}}."
        )
    for tags in forced.values():
        if not isinstance(tags, Mapping):
            raise SettingsError(f"forced holds {tags!r}; expected a dict from a token to its tags: {{2: 'B-PER'}}.")
