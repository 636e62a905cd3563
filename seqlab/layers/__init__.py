"""Layers: features, encoders and heads, each usable alone in a Keras model of your own."""

from __future__ import annotations

from seqlab.layers.features import CasingEmbedding, CharCNN, WordEmbedding
from seqlab.layers.heads import CRFHead, Head, SoftmaxHead
from seqlab.layers.stack import BiLSTM

__all__ = ["BiLSTM", "CRFHead", "CasingEmbedding", "CharCNN", "Head", "SoftmaxHead", "WordEmbedding"]
