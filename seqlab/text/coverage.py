"""Which words of a corpus a vector file knows, and by which look-up rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seqlab.corpora.records import Corpus
from seqlab.text.rules import stages

EXACT, MISSING = "as written", "not found"


@dataclass(frozen=True)
class Coverage:
    """What was looked up and how it was found.

    Attributes:
        types: "as written", the names of rules, and "not found", each with the number of different words that were
            found so. Under a rule stands what this rule found and those before it did not.
        tokens: The same of all words of the text.
        missing: The words that were not found, with their counts.
    """

    types: dict[str, int]
    tokens: dict[str, int]
    missing: Counter[str]

    @property
    def share(self) -> float:
        """Share of the text's words that were found, 0 for a text without any."""
        total = sum(self.tokens.values())
        return 1 - self.tokens[MISSING] / total if total else 0.0

    def to_dict(self, top: int = 50) -> dict[str, Any]:
        """Returns everything as JSON-safe values, the most frequent missing words in order."""
        return {"types": self.types, "tokens": self.tokens, "missing": dict(self.missing.most_common(top))}

    def text(self, top: int = 20) -> str:
        """Returns a table, and the most frequent missing words."""
        lines = [f"{'found':12} {'types':>9} {'':>7} {'tokens':>10} {'':>7}"]
        for how in self.types:
            cells = []
            for counts, width in ((self.types, 9), (self.tokens, 10)):
                share = counts[how] / max(sum(counts.values()), 1)
                cells.append(f"{counts[how]:{width},} {100 * share:6.2f}%")
            lines.append(f"{how:12} {' '.join(cells)}")
        if self.missing and top:
            shown = ", ".join(f"{word} ({count})" for word, count in self.missing.most_common(top))
            lines.append(f"most frequent words not found: {shown}")
        return "\n".join(lines)


def candidates(corpora: Iterable[Corpus], rules: Sequence[str]) -> set[str]:
    """Returns every spelling under which a word of some corpora is looked up.

    Args:
        corpora: The corpora.
        rules: Names of normalisation rules, see `seqlab.text.rules.RULES`.

    Raises:
        SettingsError: If there is no rule of a name.
    """
    return {spelling for corpus in corpora for word in corpus.words() for spelling in stages(word, rules)}


def coverage(words: Mapping[str, int], known: Container[str], rules: Sequence[str]) -> Coverage:
    """Looks the words of a corpus up as a tagger does: as written, then after each rule.

    Args:
        words: Words with their counts, such as `corpus.words()`.
        known: The words of a vector file, such as `WordVectors.rows`.
        rules: Names of normalisation rules, see `seqlab.text.rules.RULES`.

    Returns:
        How many types and tokens were found by which rule, and what was not found.

    Raises:
        SettingsError: If there is no rule of a name.

    >>> found = coverage({"The": 2, "cat": 1, "1984": 1, "Xyz": 3}, {"the", "cat", "0000"}, ["lowercase", "digits"])
    >>> found.types
    {'as written': 1, 'lowercase': 1, 'digits': 1, 'not found': 1}
    >>> found.tokens["lowercase"], found.missing, round(found.share, 2)
    (2, Counter({'Xyz': 3}), 0.57)
    """
    stages("", rules)  # an unknown rule fails for no words too
    types = dict.fromkeys([EXACT, *rules, MISSING], 0)
    tokens = dict(types)
    missing: Counter[str] = Counter()
    for word, count in words.items():
        how = next((rule or EXACT for spelling, rule in stages(word, rules).items() if spelling in known), MISSING)
        types[how] += 1
        tokens[how] += count
        if how == MISSING:
            missing[word] = count
    return Coverage(types, tokens, missing)
