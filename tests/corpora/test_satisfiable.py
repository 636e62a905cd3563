"""Sentences that nothing satisfies are named, and found by enumeration too."""

from __future__ import annotations

import pytest

from seqlab.corpora.records import Sentence
from seqlab.corpora.satisfiable import check_satisfiable
from seqlab.errors import DataError
from seqlab.tags.constraints import Constraints
from seqlab.tags.counting import at_least_one, at_most_one
from seqlab.tags.listed import only_listed
from seqlab.tags.rules import forced_tags, require, scheme_constraints
from tests.oracles import constraints as oracle

TAGS = ("B-X", "B-Y", "I-X", "O")
WORDS = ("a", "b", "a", "b", "c")
ENTRIES = [["a"], ["b", "a"]]
RULES = {
    "both": (at_least_one(TAGS, "iob2", "X", "Y"), oracle.at_least_one("X", "Y")),
    "once": (at_most_one(TAGS, "iob2", "X"), oracle.at_most_one("X")),
    "listed": (
        only_listed(TAGS, "iob2", "X", ENTRIES) & at_least_one(TAGS, "iob2", "X"),
        oracle.both(oracle.listed("X", ENTRIES), oracle.at_least_one("X")),
    ),
    "last": (
        require(TAGS, [("B-Y", "O"), ("O", "B-X"), ("B-X", "B-Y")]),
        oracle.followed({("B-Y", "O"), ("O", "B-X"), ("B-X", "B-Y")}),
    ),
}


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("forced", [{}, {0: "O"}, {0: "B-X", 1: {"B-X", "I-X"}}, {1: "O", 0: "O"}])
def test_what_is_refused_has_no_path(name, forced):
    rules, allows = RULES[name]
    for length in range(1, 6):
        for start in range(len(WORDS) - length + 1):
            words = WORDS[start : start + length]
            own = {i: tags for i, tags in forced.items() if i < length}
            held = oracle.forced({i: {tags} if isinstance(tags, str) else tags for i, tags in own.items()})
            good = any(allows(path, words) and held(path, words) for path in oracle.all_paths(TAGS, length))
            sets = {0: forced_tags(TAGS, length, own)} if own else {}
            if good:
                check_satisfiable([Sentence(words)], rules, sets)
                continue
            with pytest.raises(DataError, match=f"^No tags fit the sentence '{' '.join(words)}'. No path of {length}"):
                check_satisfiable([Sentence(words)], rules, sets)


def test_the_first_bad_sentence_is_named_with_its_place():
    rules, _ = RULES["both"]
    fine, bad = Sentence(("a", "b")), Sentence(("c",), {}, "t.txt", (7,))
    with pytest.raises(DataError, match=r"^t.txt:7: No tags fit the sentence 'c'\. .* Loosen the constraints"):
        check_satisfiable([fine, fine, bad, Sentence(("d",))], rules)
    with pytest.raises(DataError, match=r"the sentence 'w0 w1 w2 w3 w4 w5 w6 w7 \.\.\.'"):
        check_satisfiable([Sentence(tuple(f"w{i}" for i in range(12)))], rules, {0: forced_tags(TAGS, 12, _all("O"))})


def _all(tag):
    return dict.fromkeys(range(12), tag)


def test_a_tag_that_may_fill_any_sentence_spares_the_search(monkeypatch):
    monkeypatch.setattr(Constraints, "check_feasible", None)
    rules = scheme_constraints(TAGS, "iob2")
    check_satisfiable([Sentence(WORDS)] * 3, rules)
    with pytest.raises(TypeError):  # what is forced is looked at
        check_satisfiable([Sentence(WORDS)] * 3, rules, {1: forced_tags(TAGS, 5, {0: "O"})})
