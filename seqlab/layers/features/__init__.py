"""Features: what a model knows of each token before it reads the sentence."""

from __future__ import annotations

from seqlab.layers.features.casing import CasingEmbedding
from seqlab.layers.features.chars import CharCNN
from seqlab.layers.features.words import WordEmbedding

__all__ = ["CasingEmbedding", "CharCNN", "WordEmbedding"]
