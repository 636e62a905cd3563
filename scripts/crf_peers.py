"""What `bench_crf.py` compares with: the CRFs of TensorFlow Addons, pytorch-crf and torch-struct.

Each function takes the arrays of `bench_crf.arrays` and returns steps by name. Imports nothing from seqlab: some of
them run in an environment that lacks it.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Steps = dict[str, Callable[[], Any]]


def addons(given: dict[str, np.ndarray], jit: bool) -> Steps:
    """`tensorflow_addons.text` in a `tf.function`; start and end go into the scores, as in its CRF layer."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    from oracles.addons import addons as imported

    with contextlib.redirect_stdout(sys.stderr):  # it says there what is missing; answers go to the other
        crf = imported().text
    import tensorflow as tf

    labels, lengths = (tf.constant(given[name], "int32") for name in ("labels", "lengths"))
    floats = [tf.constant(given[name]) for name in ("scores", "transitions", "start", "end")]

    def bounded(scores: Any, start: Any, end: Any, lengths: Any) -> Any:
        time = tf.shape(scores)[1]
        last = tf.one_hot(lengths - 1, time)[..., None]
        return scores + tf.one_hot(0, time)[None, :, None] * start + last * end

    @tf.function(jit_compile=jit or None)
    def train(scores: Any, transitions: Any, start: Any, end: Any, labels: Any, lengths: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([scores, transitions, start, end])
            inputs = bounded(scores, start, end, lengths)
            loss = -tf.reduce_mean(crf.crf_log_likelihood(inputs, labels, lengths, transitions)[0])
        return loss, tape.gradient(loss, [scores, transitions, start, end])

    @tf.function(jit_compile=jit or None)
    def viterbi(scores: Any, transitions: Any, start: Any, end: Any, lengths: Any) -> Any:
        return crf.crf_decode(bounded(scores, start, end, lengths), transitions, lengths)

    @tf.function(jit_compile=jit or None)
    def marginals(scores: Any, transitions: Any, start: Any, end: Any, lengths: Any) -> Any:
        inputs = bounded(scores, start, end, lengths)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            total = crf.crf_log_norm(inputs, lengths, transitions)
        return (tape.gradient(total, inputs),)

    return {
        "train": lambda: float(train(*floats, labels, lengths)[0]),
        "viterbi": lambda: viterbi(*floats, lengths)[0].numpy(),
        "marginals": lambda: marginals(*floats, lengths)[0].numpy(),
    }


def pytorch_crf(given: dict[str, np.ndarray], single: bool) -> Steps:
    """`torchcrf.CRF`, in one thread where asked. It gives no marginals."""
    import torch
    from torchcrf import CRF

    _threads(single)
    scores, labels, mask = torch.tensor(given["scores"], requires_grad=True), given["labels"], given["mask"]
    labels, mask = torch.tensor(labels).long(), torch.tensor(mask)
    layer = CRF(scores.shape[-1], batch_first=True)
    with torch.no_grad():
        layer.transitions.copy_(torch.tensor(given["transitions"]))
        layer.start_transitions.copy_(torch.tensor(given["start"]))
        layer.end_transitions.copy_(torch.tensor(given["end"]))

    def train() -> float:
        scores.grad = None
        layer.zero_grad()
        loss = -layer(scores, labels, mask, reduction="mean")
        loss.backward()
        return loss.item()

    def viterbi() -> Any:
        with torch.no_grad():
            return layer.decode(scores, mask)

    return {"train": train, "viterbi": viterbi}


def torch_struct(given: dict[str, np.ndarray], single: bool) -> Steps:
    """`torch_struct.LinearChainCRF`; start and end go into the potentials of the first and the last move."""
    import torch
    from torch_struct import LinearChainCRF

    _threads(single)
    floats = [torch.tensor(given[name], requires_grad=True) for name in ("scores", "transitions", "start", "end")]
    labels, lengths, mask = (torch.tensor(given[name]) for name in ("labels", "lengths", "mask"))
    last = torch.nn.functional.one_hot(lengths.long() - 1, labels.shape[1])[..., None]

    def distribution() -> Any:
        scores, transitions, start, end = floats
        inputs = scores + last * end
        inputs = torch.cat([inputs[:, :1] + start, inputs[:, 1:]], 1)
        moves = inputs[:, 1:, :, None] + transitions.T  # (batch, time - 1, to, from)
        first = moves[:, :1] + inputs[:, :1, None, :]
        return LinearChainCRF(torch.cat([first, moves[:, 1:]], 1), lengths=lengths)

    def train() -> float:
        for part in floats:
            part.grad = None
        found = distribution()
        gold = found.struct.to_parts(labels.long(), floats[0].shape[-1], lengths=lengths).type_as(floats[0])
        loss = -found.log_prob(gold).mean()
        loss.backward()
        return loss.item()

    def viterbi() -> Any:
        return distribution().argmax.detach().numpy()

    def marginals() -> Any:
        return distribution().marginals.detach().numpy()

    return {"train": train, "viterbi": viterbi, "marginals": marginals}


def _threads(single: bool) -> None:
    if single:  # which is the better setting where the cores are busy or the arrays small
        import torch

        torch.set_num_threads(1)
