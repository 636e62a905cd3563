"""From the settings of a run to the rules that its decoder keeps, and what the data have to say about them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import reduce
from operator import and_

from seqlab.corpora.breaches import breaches, listed
from seqlab.corpora.entries import read_entries
from seqlab.corpora.records import Corpus
from seqlab.corpora.satisfiable import check_satisfiable
from seqlab.errors import DataError, SettingsError
from seqlab.layers.heads.rules import Rulebook
from seqlab.models.gold import broken_in_loss
from seqlab.models.rules import rules_of
from seqlab.settings import Settings
from seqlab.tags.counting import at_least_one, at_most_one
from seqlab.tags.listed import only_listed
from seqlab.tags.rules import Pair, forbid, require, scheme_constraints

log = logging.getLogger(__name__)
START, END = "<start>", "<end>"


def rulebook(settings: Settings, labels: Sequence[str], scheme: str | None) -> Rulebook | None:
    """Makes the constraints that the settings ask for; `None` if they ask for none.

    Args:
        settings: The run's settings.
        labels: The labels that are learnt, in the order of the scores.
        scheme: Their tag scheme, `None` for plain labels.

    Raises:
        DataError: A list cannot be read; the rules contradict each other.
        SettingsError: A rule names a tag or type that there is none of, or asks for spans of plain labels.
    """
    rules = settings.rules
    counted = {"at_most_one": rules.at_most_one, "at_least_one": rules.at_least_one, "only_listed": rules.lists}
    asked = [f"rules.{name}" for name, types in counted.items() if types]
    if settings.constrained:
        asked.insert(0, "constrained")
    if asked and scheme is None:
        raise SettingsError(f"{asked[0]} is about spans, and {settings.task!r} has plain labels: leave it out.")
    found: list[Rulebook] = []
    if rules.forbid:
        found.append(forbid(labels, _pairs("forbid", rules.forbid)))
    if rules.require:
        found.append(require(labels, _pairs("require", rules.require)))
    if scheme is not None:
        if settings.constrained:
            found.append(scheme_constraints(labels, scheme))
        if rules.at_most_one:
            found.append(at_most_one(labels, scheme, *rules.at_most_one))
        if rules.at_least_one:
            found.append(at_least_one(labels, scheme, *rules.at_least_one))
        found += [only_listed(labels, scheme, kind, read_entries(path)) for kind, path in rules.lists.items()]
    return rules_of(reduce(and_, found), labels, scheme) if found else None


def examine(settings: Settings, train: Corpus, dev: Corpus | None = None, test: Corpus | None = None) -> None:
    """Holds the rules of the settings against the corpora of a run, before anything is built.

    Labels that break them are reported with file and line: decoding can never get them right. What training has not
    seen at all is left to another report.

    Raises:
        DataError: Nothing satisfies the rules in a sentence of the development or test data; or a sentence of the
            training data breaks rules that the loss keeps, and is not to be left out.
        SettingsError: See `rulebook`.
    """
    task, target = settings.task, settings.tag_scheme
    given = {"training": train, "development": dev, "test": test}
    parts = {name: corpus for name, corpus in given.items() if corpus is not None}
    if target is not None:
        parts = {name: corpus.converted(task, target) for name, corpus in parts.items()}
    labels = sorted(parts["training"].labels(task))
    rules = rulebook(settings, labels, parts["training"].schemes[task])
    if rules is None:
        return
    for name, corpus in parts.items():
        if name != "training":
            check_satisfiable(corpus, rules)
        if name == "test" or (settings.rules.in_loss and (name != "training" or settings.rules.leave_out_broken)):
            continue  # the tagger itself reports what it leaves out of the loss
        known = [sentence for sentence in corpus if not set(sentence.columns[task]) - set(labels)]
        found = list(breaches(known, task, rules))
        if found and settings.rules.in_loss:
            raise DataError(broken_in_loss(found, f"{name} data"))
        if found:
            log.warning("Decoding can never get right what breaks the rules in the %s data, %s", name, listed(found))


def _pairs(name: str, items: Sequence[str]) -> list[Pair]:
    """Reads `A B`; `<start> A` and `A <end>` are at the edges of a sentence."""
    found: list[Pair] = []
    for item in items:
        pair = item.split()
        if len(pair) != 2 or pair[0] == END or pair[1] == START or pair == [START, END]:
            raise SettingsError(
                f"rules.{name} holds pairs of tags separated by a blank, such as 'DT NN', '{START} NN' or 'NN {END}'; "
                f"received {item!r}."
            )
        found.append((None if pair[0] == START else pair[0], None if pair[1] == END else pair[1]))
    return found
