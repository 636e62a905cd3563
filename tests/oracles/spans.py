"""Spans as the `conlleval` script defines them, pair by pair, and each scheme written out on its own."""

from __future__ import annotations

# conlleval's endOfChunk and startOfChunk tables, with the S rows of its Python ports.
ENDS = {"BB", "BO", "BS", "IB", "IO", "IS", "EB", "EI", "EE", "EO", "ES", "SB", "SI", "SE", "SO", "SS"}
STARTS = {"BB", "IB", "OB", "EB", "SB", "BS", "IS", "OS", "ES", "SS", "OI", "EI", "SI", "OE", "EE", "SE"}
PLAIN = str.maketrans("LUM", "ESI")


def parse(tag):
    return ("O", "") if tag == "O" else (tag[0].translate(PLAIN), tag[2:])


def read(tags):
    """(type, start, end exclusive) of every chunk."""
    found, begin = [], 0
    before, before_type = "O", ""
    for i, tag in enumerate([*tags, "O"]):
        letter, kind = parse(tag)
        if before + letter in ENDS or (before != "O" and before_type != kind):
            found.append((before_type, begin, i))
        if before + letter in STARTS or (letter != "O" and before_type != kind):
            begin = i
        before, before_type = letter, kind
    return found


def write(spans, length, name):
    """Tags of one scheme, a branch for each."""
    tags = ["O"] * length
    for kind, start, end in spans:
        size = end - start
        before = any(k == kind and e == start for k, _, e in spans)
        after = any(k == kind and s == end for k, s, _ in spans)
        if name == "iob1":
            letters = ["B" if before else "I"] + ["I"] * (size - 1)
        elif name == "iob2":
            letters = ["B"] + ["I"] * (size - 1)
        elif name == "ioe1":
            letters = ["I"] * (size - 1) + ["E" if after else "I"]
        elif name == "ioe2":
            letters = ["I"] * (size - 1) + ["E"]
        else:
            begin, inside, last, single = {"iobes": "BIES", "bilou": "BILU", "bmes": "BMES"}[name]
            letters = [single] if size == 1 else [begin] + [inside] * (size - 2) + [last]
        tags[start:end] = [f"{letter}-{kind}" for letter in letters]
    return tags


def all_segmentations(length, kinds):
    """Every set of non-overlapping spans over `length` tokens."""
    if length == 0:
        yield []
        return
    for rest in all_segmentations(length - 1, kinds):
        yield rest
    for size in range(1, length + 1):
        for rest in all_segmentations(length - size, kinds):
            for kind in kinds:
                yield [*rest, (kind, length - size, length)]
