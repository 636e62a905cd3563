"""The layers that end a model: scores, loss, decoder, probabilities."""

from __future__ import annotations

from seqlab.layers.heads.base import Head
from seqlab.layers.heads.chain import ChainHead
from seqlab.layers.heads.crf import CRFHead
from seqlab.layers.heads.crf_layer import CRF
from seqlab.layers.heads.ctc import CTCHead
from seqlab.layers.heads.multilabel import MultiLabelHead
from seqlab.layers.heads.softmax import SoftmaxHead

__all__ = ["CRF", "ChainHead", "CRFHead", "CTCHead", "Head", "MultiLabelHead", "SoftmaxHead"]
