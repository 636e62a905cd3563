"""The tag scheme of each column that a reader has read: asked for, or detected; checked either way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from seqlab.corpora.records import Sentence
from seqlab.errors import DataError, SettingsError, suggest
from seqlab.tags.schemes import detect, looks_like_spans, nearest, violations
from seqlab.tags.schemes import scheme as find_scheme

SchemeChoice = str | Mapping[str, str | None] | None
"""One name for all columns of span tags, a name (or None for plain labels) by column, or None to detect."""


def settle_schemes(
    sentences: Sequence[Sentence], tasks: Sequence[str], choice: SchemeChoice, strict: bool
) -> dict[str, str | None]:
    """Finds the scheme of each column.

    Args:
        sentences: All sentences of a file, at least one.
        tasks: The columns.
        choice: What the caller asked for. With one name, columns of plain labels stay plain.
        strict: Whether ill-formed tags are an error; else a column gets the scheme that fits best.

    Raises:
        DataError: With `strict`, the first tag that breaks its scheme.
        SettingsError: `choice` names an unknown scheme or column.
    """
    if isinstance(choice, Mapping):
        for task in choice:
            if task not in tasks:
                raise SettingsError(f"scheme names an unknown column {task!r}.{suggest(task, tasks)}")
    settled: dict[str, str | None] = {}
    for task in tasks:
        tags = [sentence.columns[task] for sentence in sentences]
        if isinstance(choice, Mapping) and task in choice:
            name = choice[task]
            found = None if name is None else find_scheme(name).name
        else:
            found = detect(tags) or _ill_formed(tags)
            if isinstance(choice, str):
                asked = find_scheme(choice).name
                found = found and asked
        if found and strict:
            _refuse_violations(sentences, task, found)
        settled[task] = found
    return settled


def _ill_formed(tags: Sequence[Sequence[str]]) -> str | None:
    """The nearest scheme of a column that is meant as spans; None for plain labels."""
    counts = Counter(tag for column in tags for tag in column)
    return nearest(tags)[0] if looks_like_spans(counts) else None


def _refuse_violations(sentences: Sequence[Sentence], task: str, scheme: str) -> None:
    obeyed = detect(s.columns[task] for s in sentences)
    if obeyed == scheme:
        return  # the quick way for a whole corpus; ties and ill-formed tags take the slow one
    found = [(s, i, text) for s in sentences for i, text in violations(s.columns[task], scheme)]
    if found:
        sentence, i, text = found[0]
        more = f" {len(found)} tags in the file break the scheme." if len(found) > 1 else ""
        advice = (
            "Correct the file, or keep such tags and read them as conlleval does: strict=False "
            "(--lenient on the command line)."
        )
        if obeyed:
            advice = f"The file is in {obeyed}: pass scheme={obeyed!r}, and use converted() for another."
        raise DataError(
            f"Column {task!r}: {text}.{more} {advice}",
            sentence.file,
            sentence.lines[i],
        )
