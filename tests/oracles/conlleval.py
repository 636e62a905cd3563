"""The counts of the `conlleval` script, token by token as the script makes them; nothing of seqlab or seqeval.

The script reads gold and guessed tags side by side and holds no spans: it remembers whether it is inside a chunk that
both sides have begun together, and counts that chunk as correct when both sides end it together. Its tables of where
chunks begin and end know B, I, E and O; S is its Python ports' addition, and L, U and M are other names.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.oracles.spans import ENDS, STARTS, parse


@dataclass
class Counts:
    """What the script prints its percentages from."""

    gold: Counter = field(default_factory=Counter)
    guessed: Counter = field(default_factory=Counter)
    correct: Counter = field(default_factory=Counter)
    tokens: int = 0
    correct_tokens: int = 0

    def figures(self, kind=None):
        """Precision, recall, F1 and gold chunks of one type, or of all."""
        kinds = set(self.gold) | set(self.guessed) if kind is None else [kind]
        right, found, wanted = (sum(c[k] for k in kinds) for c in (self.correct, self.guessed, self.gold))
        precision = right / found if found else 0.0
        recall = right / wanted if wanted else 0.0
        f1 = 2 * precision * recall / (precision + recall) if right else 0.0
        return precision, recall, f1, wanted

    @property
    def accuracy(self):
        return self.correct_tokens / self.tokens if self.tokens else 0.0


def ends(before, tag):
    return before[0] + tag[0] in ENDS or (before[0] != "O" and before[1] != tag[1])


def starts(before, tag):
    return before[0] + tag[0] in STARTS or (tag[0] != "O" and before[1] != tag[1])


def evaluate(gold, guessed):
    """Counts over sentences; the script's end of a sentence is a line that both sides tag O and no one counts."""
    counts = Counts()
    for wanted, found in zip(gold, guessed, strict=True):
        inside = False
        last_gold = last_guess = ("O", "")
        for tag, guess in [*zip(wanted, found, strict=True), (None, None)]:
            now_gold, now_guess = (("O", ""), ("O", "")) if tag is None else (parse(tag), parse(guess))
            gold_ends, guess_ends = ends(last_gold, now_gold), ends(last_guess, now_guess)
            if inside:
                if gold_ends and guess_ends and last_gold[1] == last_guess[1]:
                    inside = False
                    counts.correct[last_gold[1]] += 1
                elif gold_ends != guess_ends or now_gold[1] != now_guess[1]:
                    inside = False
            if starts(last_gold, now_gold):
                counts.gold[now_gold[1]] += 1
            if starts(last_guess, now_guess):
                counts.guessed[now_guess[1]] += 1
            if starts(last_gold, now_gold) and starts(last_guess, now_guess) and now_gold[1] == now_guess[1]:
                inside = True
            if tag is not None:
                counts.tokens += 1
                counts.correct_tokens += tag == guess
            last_gold, last_guess = now_gold, now_guess
    return counts
