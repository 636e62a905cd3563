"""What to know of a corpus before training on it: counts, schemes, violations, labels, lengths, overlap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from seqlab.corpora.records import Corpus
from seqlab.errors import DataError
from seqlab.tags.schemes import SCHEMES, violations
from seqlab.tags.spans import spans

SHOWN = 20  # violations of a column that the text lists
LABELS = 60  # rows of a table in the text
EDGES = (1, 5, 10, 20, 30, 40, 60, 100)


@dataclass(frozen=True, slots=True)
class Violation:
    """A tag that breaks its column's scheme: the column, where it stands and what is wrong."""

    task: str
    place: str
    problem: str


@dataclass(frozen=True, slots=True)
class FileReport:
    """What one corpus holds.

    Attributes:
        name: The corpus' name.
        sentences: Number of sentences.
        tokens: Number of tokens.
        documents: Number of documents.
        schemes: The scheme of each column; None for plain labels.
        violations: Tags that break their scheme, in the order of the file.
        labels: For each column how often each label occurs.
        types: For each column of span tags how many spans of each type there are, as conlleval counts them.
        lengths: The sentences' lengths in order of size.
        duplicates: Sentences whose words repeat an earlier sentence of the same corpus.
    """

    name: str
    sentences: int
    tokens: int
    documents: int
    schemes: dict[str, str | None]
    violations: tuple[Violation, ...]
    labels: dict[str, Counter[str]]
    types: dict[str, Counter[str]]
    lengths: tuple[int, ...]
    duplicates: int


@dataclass(frozen=True, slots=True)
class Overlap:
    """What a corpus shares with the training corpus, and what it has that training lacks.

    Attributes:
        name: The corpus' name.
        seen_sentences: Its sentences whose words occur as a sentence in training.
        unseen_tokens: Its tokens whose word does not occur in training.
        unseen_words: The different words among them.
        unseen_labels: For each column the labels that training lacks, counted.
        foreign_schemes: Columns whose scheme differs from training's: its scheme here.
    """

    name: str
    seen_sentences: int
    unseen_tokens: int
    unseen_words: int
    unseen_labels: dict[str, Counter[str]]
    foreign_schemes: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Report:
    """The result of `check`: a report for each corpus, and what each but the first shares with the first."""

    files: tuple[FileReport, ...]
    overlaps: tuple[Overlap, ...]

    @property
    def bad(self) -> bool:
        """Whether a tag breaks its scheme, or a column's scheme differs between the corpora."""
        return any(f.violations for f in self.files) or any(o.foreign_schemes for o in self.overlaps)

    def text(self) -> str:
        """Writes the report as plain text, with tables aligned."""
        sections = [_file_lines(file) for file in self.files]
        sections += [
            _overlap_lines(overlap, self.files[0], self.files[i]) for i, overlap in enumerate(self.overlaps, 1)
        ]
        return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def check(train: Corpus, *others: Corpus) -> Report:
    """Examines corpora; read them with `strict=False`, so that ill-formed tags get here.

    Args:
        train: The training corpus.
        *others: Development, test and further corpora, compared with `train`.

    Raises:
        DataError: A corpus has no sentences.

    >>> from seqlab.corpora.records import Sentence
    >>> train = Corpus([Sentence(("Hi", "Bob"), {"ner": ("O", "I-PER")})], {"ner": "iob2"}, "train")
    >>> check(train).files[0].violations[0].problem
    "'I-PER' (after 'O', last): iob2 writes 'B-PER' there"
    """
    for corpus in (train, *others):
        if not corpus:
            raise DataError(f"Corpus {corpus.name!r} has no sentences to check.")
    files = tuple(_examine(corpus) for corpus in (train, *others))
    return Report(files, tuple(_compare(train, other) for other in others))


def _examine(corpus: Corpus) -> FileReport:
    found = [
        Violation(task, sentence.place(i), problem)
        for sentence in corpus
        for task, row in corpus.schemes.items()
        if row is not None
        for i, problem in violations(sentence.columns[task], row)
    ]
    return FileReport(
        name=corpus.name,
        sentences=len(corpus),
        tokens=corpus.tokens,
        documents=len({(sentence.file, sentence.document) for sentence in corpus}),
        schemes=dict(corpus.schemes),
        violations=tuple(found),
        labels={task: corpus.labels(task) for task in corpus.tasks},
        types={task: _types(corpus.column(task), row) for task, row in corpus.schemes.items() if row is not None},
        lengths=tuple(sorted(map(len, corpus))),
        duplicates=len(corpus) - len({sentence.words for sentence in corpus}),
    )


def _types(column: Iterable[Sequence[str]], row: str) -> Counter[str]:
    # A tag that the scheme does not know is among the violations already; here it counts as outside.
    knows = SCHEMES[row].knows
    known = ([tag if knows(tag) else "O" for tag in tags] for tags in column)
    return Counter(span.type for tags in known for span in spans(tags, row))


def _compare(train: Corpus, other: Corpus) -> Overlap:
    sentences = {sentence.words for sentence in train}
    known = train.words()
    unseen = {word: n for word, n in other.words().items() if word not in known}
    shared = [task for task in other.tasks if task in train.tasks]
    labels = {task: other.labels(task) for task in shared}
    lacking = {task: Counter({k: n for k, n in labels[task].items() if k not in train.labels(task)}) for task in shared}
    return Overlap(
        name=other.name,
        seen_sentences=sum(sentence.words in sentences for sentence in other),
        unseen_tokens=sum(unseen.values()),
        unseen_words=len(unseen),
        unseen_labels=lacking,
        foreign_schemes={task: other.schemes[task] for task in shared if other.schemes[task] != train.schemes[task]},
    )


def _file_lines(file: FileReport) -> Iterator[str]:
    yield f"{file.name or 'corpus'}"
    yield f"  {file.sentences:,} sentences, {file.tokens:,} tokens, {file.documents:,} document(s)"
    n = file.lengths
    middle, most = n[len(n) // 2], n[-(-len(n) * 9 // 10) - 1]
    yield f"  sentence length: min {n[0]}, median {middle}, 90 % up to {most}, max {n[-1]} tokens"
    yield from _histogram(n)
    yield f"  sentences that repeat an earlier one: {_share(file.duplicates, file.sentences)}"
    for task, row in file.schemes.items():
        broken = [violation for violation in file.violations if violation.task == task]
        state = f"scheme {row}, {len(broken):,} violation(s)" if row else "plain labels"
        yield f"  column {task}: {state}, {len(file.labels[task]):,} labels"
        yield from (f"    {violation.place}: {violation.problem}" for violation in broken[:SHOWN])
        if len(broken) > SHOWN:
            yield f"    ... and {len(broken) - SHOWN:,} more"
        if row:
            yield f"    {file.types[task].total():,} spans of {len(file.types[task])} type(s)"
            yield from _table(file.types[task], file.types[task].total())
        yield "    labels"
        yield from _table(file.labels[task], file.tokens)


def _overlap_lines(overlap: Overlap, train: FileReport, file: FileReport) -> Iterator[str]:
    yield f"{overlap.name or 'corpus'} compared with {train.name or 'the first corpus'}"
    yield f"  sentences that occur there too: {_share(overlap.seen_sentences, file.sentences)}"
    words = f"{_share(overlap.unseen_tokens, file.tokens)}, {overlap.unseen_words:,} different"
    yield f"  tokens whose word does not occur there: {words}"
    for task, row in overlap.foreign_schemes.items():
        here, there = row or "plain labels", train.schemes[task] or "plain labels"
        yield f"  column {task}: {here} here, but {there} there"
    for task, unseen in overlap.unseen_labels.items():
        tokens = f", on {_share(unseen.total(), file.tokens)} tokens" if unseen else ""
        yield f"  column {task}: {len(unseen):,} label(s) that do not occur there{tokens}"
        yield from _table(unseen, file.tokens)


def _histogram(lengths: Sequence[int]) -> Iterator[str]:
    upper = (*EDGES, max(lengths))
    for low, high in zip((0, *EDGES), upper, strict=True):
        count = sum(low < length <= high for length in lengths)
        if count:
            bar = "#" * max(1, round(40 * count / len(lengths)))
            yield f"    {low + 1:>5} to {high:<5} {count:>8,}  {bar}"


def _table(counts: Counter[str], total: int) -> Iterator[str]:
    width = max((len(label) for label in counts), default=0)
    for label, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:LABELS]:
        yield f"      {label:<{width}} {n:>9,} {n / total:>7.2%}"
    if len(counts) > LABELS:
        yield f"      ... and {len(counts) - LABELS:,} more"


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} ({part / whole:.1%})"
