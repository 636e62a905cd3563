"""Attention of the tokens of a sentence over their own sentence, and the encoder that ends with it."""

from __future__ import annotations

from seqlab.layers.attention.additive import AdditiveAttention
from seqlab.layers.attention.base import SequenceAttention
from seqlab.layers.attention.encoder import AttentionEncoder
from seqlab.layers.attention.hops import SelfAttention
from seqlab.layers.attention.key_value import KeyValueAttention
from seqlab.layers.attention.multi_head import MultiHeadAttention
from seqlab.layers.attention.multiplicative import MultiplicativeAttention

__all__ = [
    "AdditiveAttention",
    "AttentionEncoder",
    "KeyValueAttention",
    "MultiHeadAttention",
    "MultiplicativeAttention",
    "SelfAttention",
    "SequenceAttention",
]
