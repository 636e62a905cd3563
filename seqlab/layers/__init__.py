"""Layers: features, recurrence, attention, encoders and heads, each usable alone in a Keras model of your own."""

from __future__ import annotations

from seqlab.layers.attention import (
    AdditiveAttention,
    AttentionEncoder,
    KeyValueAttention,
    MultiHeadAttention,
    MultiplicativeAttention,
    SelfAttention,
    SequenceAttention,
)
from seqlab.layers.bidirectional import Bidirectional
from seqlab.layers.cells import (
    GRUCell,
    LearnedStateCell,
    LSTMCell,
    Projection,
    RecurrentCell,
    RecurrentDropoutCell,
    ResidualCell,
    SCLSTMCell,
    SRNCell,
    WrapperCell,
    ZoneoutCell,
)
from seqlab.layers.dilated_cnn import DilatedCNN
from seqlab.layers.elmo import ElmoRecurrence, ElmoTokens
from seqlab.layers.features import (
    CasingEmbedding,
    CategoryEmbedding,
    CharCNN,
    CharEncoder,
    CharLSTM,
    ElmoVectors,
    ScalarMix,
    Standardize,
    WordEmbedding,
)
from seqlab.layers.heads import CRF, ChainHead, CRFHead, CTCHead, Head, MultiLabelHead, SoftmaxHead
from seqlab.layers.highway import Highway
from seqlab.layers.language import LanguageObjective
from seqlab.layers.recurrent import Recurrent
from seqlab.layers.stack import RecurrentStack
from seqlab.layers.tasks import PrivateEncoders, SCLSTMStack, SharedEncoder, TaskEncoder
from seqlab.layers.transformer import TransformerEncoder

__all__ = [
    "CRF",
    "AdditiveAttention",
    "AttentionEncoder",
    "Bidirectional",
    "CRFHead",
    "CTCHead",
    "CasingEmbedding",
    "CategoryEmbedding",
    "ChainHead",
    "CharCNN",
    "CharEncoder",
    "CharLSTM",
    "DilatedCNN",
    "ElmoRecurrence",
    "ElmoTokens",
    "GRUCell",
    "Head",
    "Highway",
    "KeyValueAttention",
    "LSTMCell",
    "LanguageObjective",
    "LearnedStateCell",
    "MultiHeadAttention",
    "MultiLabelHead",
    "MultiplicativeAttention",
    "PrivateEncoders",
    "Projection",
    "Recurrent",
    "RecurrentCell",
    "RecurrentDropoutCell",
    "RecurrentStack",
    "ResidualCell",
    "SCLSTMCell",
    "SCLSTMStack",
    "SRNCell",
    "ElmoVectors",
    "ScalarMix",
    "SelfAttention",
    "SequenceAttention",
    "SharedEncoder",
    "SoftmaxHead",
    "Standardize",
    "TaskEncoder",
    "TransformerEncoder",
    "WordEmbedding",
    "WrapperCell",
    "ZoneoutCell",
]
