"""Names of attention layers, for settings and the command line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from seqlab.errors import SettingsError, suggest
from seqlab.layers.attention.additive import AdditiveAttention
from seqlab.layers.attention.base import SequenceAttention
from seqlab.layers.attention.hops import SelfAttention
from seqlab.layers.attention.key_value import KeyValueAttention
from seqlab.layers.attention.multi_head import MultiHeadAttention
from seqlab.layers.attention.multiplicative import MultiplicativeAttention

ATTENTIONS: dict[str, Callable[..., SequenceAttention]] = {
    "additive": AdditiveAttention,
    "multiplicative": MultiplicativeAttention,
    "scaled": partial(MultiplicativeAttention, scaled=True),
    "self": SelfAttention,
    "key_value": KeyValueAttention,
    "multi_head": MultiHeadAttention,
}
"""Name to a function that builds the layer from its options."""


def attention_of(kind: str, **options: Any) -> SequenceAttention:
    """Builds the attention layer of that name.

    Args:
        kind: One of `ATTENTIONS`.
        **options: Its constructor's.

    Raises:
        SettingsError: For an unknown name.
    """
    if kind not in ATTENTIONS:
        raise SettingsError(
            f"Unknown attention {kind!r}; expected one of {', '.join(ATTENTIONS)}." + suggest(kind, ATTENTIONS)
        )
    return ATTENTIONS[kind](**options)
