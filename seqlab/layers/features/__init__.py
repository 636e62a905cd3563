"""Features: what a model knows of each token before it reads the sentence."""

from __future__ import annotations

from seqlab.layers.features.casing import CasingEmbedding
from seqlab.layers.features.categories import CategoryEmbedding
from seqlab.layers.features.chars import CharCNN, CharEncoder, CharLSTM
from seqlab.layers.features.elmo import ElmoVectors
from seqlab.layers.features.frames import Standardize
from seqlab.layers.features.scalar_mix import ScalarMix
from seqlab.layers.features.words import WordEmbedding

__all__ = [
    "CasingEmbedding",
    "CategoryEmbedding",
    "CharCNN",
    "CharEncoder",
    "CharLSTM",
    "ElmoVectors",
    "ScalarMix",
    "Standardize",
    "WordEmbedding",
]
