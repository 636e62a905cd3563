"""Several tasks: a corpus for each, joined where they hold the same sentences."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import DataError, SettingsError, suggest

Part = tuple[str, Corpus] | tuple[str, Corpus, str]
"""Name of a task, its corpus, and the column that holds its labels where that has another name."""


def task_corpora(parts: Iterable[Part]) -> dict[str, Corpus]:
    """Returns the corpus of each task, with the task's labels in the column of its name.

    Args:
        parts: Name, corpus and column of each task, in the order of the tasks.

    Raises:
        SettingsError: If two tasks have one name, or none is given.
        DataError: If a task has no sentences, or its corpus no such column.

    >>> words = ("Bob", "sang")
    >>> corpora = task_corpora([
    ...     ("pos", Corpus([Sentence(words, {"upos": ("PROPN", "VERB")})]), "upos"),
    ...     ("ner", Corpus([Sentence(words, {"ner": ("B-PER", "O")})], {"ner": "iob2"})),
    ... ])
    >>> corpora["pos"].tasks, corpora["ner"].schemes
    (('pos',), {'ner': 'iob2'})
    """
    found: dict[str, Corpus] = {}
    for name, corpus, *column in parts:
        if name in found:
            raise SettingsError(f"Two tasks have the name {name!r}; give each a name of its own.")
        found[name] = _renamed(name, corpus, column[0] if column else name)
    if not found:
        raise SettingsError("Expected at least one task, received none.")
    return found


def _renamed(name: str, corpus: Corpus, column: str) -> Corpus:
    if not len(corpus):
        raise DataError(f"The task {name!r} has no sentences: name a file that holds some, or leave the task out.")
    if column not in corpus.tasks:
        raise DataError(
            f"The corpus of the task {name!r} has no column {column!r}; it has: {', '.join(corpus.tasks) or 'none'}."
            f"{suggest(column, corpus.tasks)}"
        )
    if column == name:
        return corpus
    schemes = {other: row for other, row in corpus.schemes.items() if other not in (name, column)}
    sentences = (
        replace(s, columns={**{other: s.columns[other] for other in schemes}, name: s.columns[column]}) for s in corpus
    )
    return Corpus(sentences, {**schemes, name: corpus.schemes[column]}, corpus.name)


def all_sentences(corpora: Mapping[str, Corpus]) -> Corpus:
    """Returns the words of all tasks, without columns; a sentence that several of them hold is there once.

    More exactly: as often as in the one that holds it most often.
    """
    most: Counter[tuple[str, ...]] = Counter()
    for corpus in corpora.values():
        most |= Counter(sentence.words for sentence in corpus)
    return Corpus((Sentence(words) for words in most.elements()), name="+".join(corpora))


def joined_sentences(corpora: Mapping[str, Corpus]) -> list[Sentence]:
    """Returns the sentences of all tasks, each with the labels of every task that has it.

    Sentences are the same where their words are; of several with the same words the first goes with the first.

    Args:
        corpora: The corpus of each task, labels in the column of its name, as `task_corpora` returns them.

    Returns:
        Sentences whose columns differ: `encode_joint` of `seqlab.batches.multitask` reads them.
    """
    found: list[Sentence] = []
    places: dict[tuple[tuple[str, ...], int], int] = {}
    for task, corpus in corpora.items():
        seen: defaultdict[tuple[str, ...], int] = defaultdict(int)
        for sentence in corpus:
            key = (sentence.words, seen[sentence.words])
            seen[sentence.words] += 1
            own = {task: sentence.columns[task]}
            if key in places:
                before = found[places[key]]
                found[places[key]] = replace(before, columns={**before.columns, **own})
            else:
                places[key] = len(found)
                found.append(replace(sentence, columns=own))
    return found


def check_labels_of(task: str, corpus: Sequence[Sentence], known: Mapping[str, Iterable[str]]) -> None:
    """Refuses a corpus whose labels are those of another task.

    Args:
        task: The task that the corpus is for.
        corpus: Sentences with a column of its name.
        known: The labels of each task.

    Raises:
        DataError: If the task knows less than half of the labelled tokens, and another one more than half.

    >>> labels = {"pos": ["NOUN", "VERB"], "chunk": ["B-NP", "B-VP"]}
    >>> check_labels_of("chunk", [Sentence(("a", "b"), {"chunk": ("NOUN", "VERB")})], labels)
    Traceback (most recent call last):
    seqlab.errors.DataError: The labels given for the task 'chunk' are those of 'pos' (NOUN, VERB); expected some of ...
    """
    counts: Counter[str] = Counter()
    for sentence in corpus:
        counts.update(sentence.columns.get(task, ()))
    shares = {
        name: sum(counts[label] for label in set(labels)) / max(counts.total(), 1) for name, labels in known.items()
    }
    other = max(shares, key=lambda name: shares[name])
    if shares[task] < 0.5 < shares[other]:
        first = next(iter(corpus))
        raise DataError(
            f"The labels given for the task {task!r} are those of {other!r} "
            f"({', '.join(label for label, _ in counts.most_common(3))}); expected some of "
            f"{', '.join(sorted(known[task])[:5])}. Name the right file or column.",
            first.file,
        )
