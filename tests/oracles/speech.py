"""Speech features in NumPy, from their definitions: mel-frequency cepstra and derivatives, one frame at a time."""

from __future__ import annotations

import numpy as np


def mel(hertz):
    return 1127.0 * np.log(1.0 + hertz / 700.0)


def filters(bins, points, rate):
    """(bins, points / 2) weights of triangular filters, evenly spaced in mel from 0 to half the rate."""
    edges = np.linspace(mel(0.0), mel(rate / 2), bins + 2)
    weights = np.zeros((bins, points // 2))
    for k in range(points // 2):
        here = mel(k * rate / points)
        for b in range(bins):
            left, middle, right = edges[b : b + 3]
            if left < here <= middle:
                weights[b, k] = (here - left) / (middle - left)
            elif middle < here < right:
                weights[b, k] = (right - here) / (right - middle)
    return weights


def cepstra(samples, rate=16_000, bins=26, count=12):
    """(frames, 1 + count): log energy, c1 .. c12."""
    length, stride, points = rate // 40, rate // 100, 512
    window = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(length) / (length - 1))
    bank, rows = filters(bins, points, rate), []
    for start in range(0, len(samples) - length + 1, stride):
        x = np.asarray(samples[start : start + length], float)
        x = x - x.mean()
        energy = np.log(np.sum(x**2))
        x = x - 0.97 * np.concatenate([x[:1], x[:-1]])
        power = np.abs(np.fft.rfft(x * window, points)) ** 2
        logs = np.log(bank @ power[: points // 2])
        row = [energy]
        for n in range(1, count + 1):
            c = np.sqrt(2 / bins) * sum(logs[b] * np.cos(np.pi * n * (b + 0.5) / bins) for b in range(bins))
            row.append(c * (1 + 11 * np.sin(np.pi * n / 22)))
        rows.append(row)
    return np.array(rows)


def derivative(values, reach=2):
    """The slope of the line that fits the frames around each best; the ends are repeated."""
    found = np.zeros_like(values)
    steps = np.arange(-reach, reach + 1)
    for t in range(len(values)):
        around = values[np.clip(t + steps, 0, len(values) - 1)]
        found[t] = [np.polyfit(steps, column, 1)[0] for column in around.T]
    return found
