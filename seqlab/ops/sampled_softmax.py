"""The loss of a softmax over a large vocabulary: over a sample of its classes for training, over all for evaluation."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import keras
from keras import ops

from seqlab.constants import IGNORE
from seqlab.errors import check_count

Tensor = Any
REMOVED = -1e9  # a logit that no class of the sample has; finite, so that gradients are


class Candidates(NamedTuple):
    """A sample of classes.

    Attributes:
        classes: (samples,) integers, all different.
        log_counts: (classes,) logarithm of the expected count of every class in such a sample, float32.
    """

    classes: Tensor
    log_counts: Tensor


def log_uniform_candidates(samples: int, classes: int, seed: Any = None) -> Candidates:
    """Draws different classes, frequent ones more often: class k stands for the word with the k-th greatest count.

        p(k) = log((k + 2) / (k + 1)) / log(classes + 1)            Zipf's law, nearly
        a(k) ~ Exponential(p(k))                                    when class k arrives first, if classes keep coming
        sample = the `samples` first to arrive,    t = the time of the next
        q(k) = 1 - exp(-t p(k))                                     expected count of k, given t

    With these `q`, `sum over the sample of f(k) / q(k)` has the expectation `sum over all k of f(k)`, for any f. A
    sample of all classes has `q = 1`.

    Args:
        samples: How many; all classes where it is `classes` or more.
        classes: How many there are, in the order of falling frequency.
        seed: As everywhere in Keras.

    Returns:
        The sample, in the order of arrival.

    Raises:
        SettingsError: For numbers below 1.

    >>> sample = log_uniform_candidates(3, 3, seed=1)
    >>> sorted(ops.convert_to_numpy(sample.classes).tolist()), ops.convert_to_numpy(sample.log_counts).tolist()
    ([0, 1, 2], [0.0, 0.0, 0.0])

    Reference: Duffield, Lund, Thorup, Priority sampling for estimation of arbitrary subset sums, JACM 2007; the
    distribution is that of TensorFlow's `log_uniform_candidate_sampler`.
    """
    check_count("samples", samples)
    check_count("classes", classes)
    if samples >= classes:
        return Candidates(ops.arange(classes, dtype="int32"), ops.zeros((classes,), "float32"))
    rank = ops.arange(classes, dtype="float32")
    share = ops.log1p(1 / (rank + 1)) / math.log(classes + 1)  # (classes,)
    uniform = keras.random.uniform((classes,), minval=1e-7, maxval=1.0, dtype="float32", seed=seed)
    arrivals = -ops.log(uniform) / share
    earliest, places = ops.top_k(-arrivals, samples + 1)
    expected = -ops.expm1(earliest[samples] * share)
    return Candidates(ops.cast(places[:samples], "int32"), ops.log(expected))


def sampled_softmax_loss(
    states: Tensor, kernel: Tensor, bias: Tensor, labels: Tensor, candidates: Candidates
) -> Tensor:
    """Computes the negative log-likelihood of each label among a sample of the classes (Jean et al. 2015).

        s(k) = h w_k + b_k - log q(k)                     q(k) the expected count of class k in the sample
        loss = -s(y) + log(exp s(y) + sum over the k of the sample but y of exp s(k))

    Where the sample holds the label itself (an accidental hit), the label counts once. With all classes in the sample
    it is the full softmax's loss. It is a loss to train with, no likelihood: report `full_softmax_loss`.

    Args:
        states: (n, width) the h.
        kernel: (classes, width) the w.
        bias: (classes,).
        labels: (n,) integers, `IGNORE` where there is none.
        candidates: The sample, one for all n.

    Returns:
        (n,) float32; 0 where there is no label.
    """
    real, target, states = _prepared(states, labels)
    own = _logits_of(states, kernel, bias, target) - ops.take(candidates.log_counts, target)  # (n,)
    rows = ops.take(ops.convert_to_tensor(kernel), candidates.classes, axis=0)  # (samples, width)
    offset = _float(ops.take(ops.convert_to_tensor(bias), candidates.classes))
    offset = offset - ops.take(candidates.log_counts, candidates.classes)
    others = ops.matmul(states, ops.transpose(_float(rows))) + offset  # (n, samples)
    hit = ops.equal(target[:, None], candidates.classes[None, :])
    others = ops.where(hit, REMOVED, others)
    total = ops.logaddexp(own, ops.logsumexp(others, axis=-1))
    return ops.where(real, total - own, 0.0)


def full_softmax_loss(states: Tensor, kernel: Tensor, bias: Tensor, labels: Tensor, chunk: int | None = None) -> Tensor:
    """Computes the negative log-likelihood of each label among all classes, `-s(y) + log sum_k exp(h w_k + b_k)`.

    Args:
        states: (n, width) the h.
        kernel: (classes, width) the w.
        bias: (classes,).
        labels: (n,) integers, `IGNORE` where there is none.
        chunk: How many classes to score at once; without, all. It bounds the memory and changes nothing else.

    Returns:
        (n,) float32; 0 where there is no label.

    Raises:
        SettingsError: For a `chunk` below 1.
    """
    if chunk is not None:
        check_count("chunk", chunk)
    real, target, states = _prepared(states, labels)
    kernel, bias = ops.convert_to_tensor(kernel), ops.convert_to_tensor(bias)
    classes = kernel.shape[0]
    total = None
    for start in range(0, classes, chunk or classes):
        end = min(start + (chunk or classes), classes)
        scores = ops.matmul(states, ops.transpose(_float(kernel[start:end]))) + _float(bias[start:end])  # (n, chunk)
        part = ops.logsumexp(scores, axis=-1)
        total = part if total is None else ops.logaddexp(total, part)
    return ops.where(real, total - _logits_of(states, kernel, bias, target), 0.0)


def _prepared(states: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where there are labels, the labels with 0 elsewhere, and the states with 0 elsewhere."""
    labels = ops.cast(labels, "int32")
    real = ops.not_equal(labels, IGNORE)
    return real, ops.where(real, labels, 0), ops.where(real[:, None], _float(states), 0.0)


def _logits_of(states: Tensor, kernel: Tensor, bias: Tensor, target: Tensor) -> Tensor:
    rows = ops.take(ops.convert_to_tensor(kernel), target, axis=0)  # (n, width)
    return ops.sum(states * _float(rows), axis=-1) + _float(ops.take(ops.convert_to_tensor(bias), target))


def _float(values: Tensor) -> Tensor:
    return ops.cast(values, "float32")
