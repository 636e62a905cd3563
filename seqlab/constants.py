"""What several rooms must agree on."""

from __future__ import annotations

IGNORE = -1
"""Label of padding and of tokens without a usable label: no loss, no gradient, no score."""

FORBIDDEN = -1e4
"""Score of what a sequence of tags may not have: with an exponential of exactly 0 in float32, and finite."""

WORD_RULES = ("lowercase", "digits", "brackets", "nfc", "quotes")
"""Names of the rules by which words are looked up, see `seqlab.text.rules`."""

DEFAULT_RULES = ("brackets", "lowercase", "digits")
"""Those that are applied where none are named, one after the other."""

HDF5_ENDINGS = (".h5", ".hdf5")
"""What the name of a file of contextual vectors ends in."""
