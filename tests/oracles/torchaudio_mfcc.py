"""torchaudio's own features of speech. A program for an environment of its own: nothing else here needs torchaudio.

    python tests/oracles/torchaudio_mfcc.py tests/data/torchaudio_mfcc.npz    makes that file anew

Needs `pip install torch torchaudio`; imports nothing from seqlab. The conventions are Kaldi's, as torchaudio has them
(`torchaudio.compliance.kaldi.mfcc`, `torchaudio.functional.compute_deltas`); the options are those of Greff et al.
(2017).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

RATE = 16_000


def sound(samples=4000, silence=800):
    """(samples,) a tone, a rising tone, noise and an offset; then digital silence."""
    time = np.arange(samples - silence) / RATE
    tones = 2000 * np.sin(2 * np.pi * 440 * time) + 900 * np.sin(2 * np.pi * (1000 + 8000 * time) * time)
    noise = np.random.default_rng(5).normal(0, 100, len(time))
    return np.append(np.round(tones + noise + 50), np.zeros(silence)).astype(np.int16)


def features(samples):
    """(frames, 39): log energy and c1 .. c12, their derivatives, those of the derivatives."""
    import torch
    import torchaudio.functional
    from torchaudio.compliance import kaldi

    static = kaldi.mfcc(
        torch.tensor(np.asarray(samples, np.float32))[None],
        sample_frequency=float(RATE),
        frame_length=25.0,
        frame_shift=10.0,
        dither=0.0,
        preemphasis_coefficient=0.97,
        window_type="hamming",
        remove_dc_offset=True,
        snip_edges=True,
        round_to_power_of_two=True,
        num_mel_bins=26,
        low_freq=0.0,
        high_freq=0.0,
        num_ceps=13,
        use_energy=True,
        raw_energy=True,
        energy_floor=0.0,  # as in Kaldi; torchaudio would not let the log fall below 0
        cepstral_lifter=22.0,
    )
    first = torchaudio.functional.compute_deltas(static.T, win_length=5, mode="replicate")
    second = torchaudio.functional.compute_deltas(first, win_length=5, mode="replicate")
    return np.concatenate([static.numpy(), first.T.numpy(), second.T.numpy()], axis=1)


def main(path):
    """Writes the sound, its features and the version that made them."""
    import torchaudio

    samples = sound()
    found = {"samples": samples, "features": features(samples), "version": torchaudio.__version__}
    np.savez_compressed(path, **found)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
