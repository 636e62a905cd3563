"""Mel-frequency cepstra of speech: twelve, the energy, and the derivatives of these thirteen."""

from __future__ import annotations

import numpy as np

from seqlab.errors import DataError, SettingsError

RATE = 16_000
LENGTH, STRIDE = 400, 160
"""Samples of a window (25 ms) and between windows (10 ms) at 16 kHz."""
STATIC = 13
FEATURES = 3 * STATIC


def mfcc(samples: np.ndarray) -> np.ndarray:
    """Computes the 39 features of speech at 16 kHz: log energy and 12 MFCC, first and second derivatives.

    Windows of 25 ms every 10 ms, without their mean; energy; pre-emphasis `x(n) - 0.97 x(n-1)`; Hamming window; power
    spectrum of 512 points; logs of 26 triangular filters evenly spaced on the mel scale from 0 to 8 kHz; cosine
    transform; lifter `1 + 11 sin(pi n / 22)`. The package kaldi-native-fbank computes these; the derivatives are
    `deltas`. No dither: the same samples give the same features.

    Args:
        samples: (samples,) 16-bit integers, or floats on the same scale.

    Returns:
        (frames, 39) float32: energy, c1 .. c12, their derivatives, those of the derivatives. Frame t is computed from
        the samples 160 t to 160 t + 400; what is left at the end is no frame.

    Raises:
        DataError: Fewer samples than one window.
        SettingsError: The package is not installed.
    """
    if len(samples) < LENGTH:
        raise DataError(f"Received {len(samples)} samples; a window of 25 ms takes {LENGTH}.")
    static = _static(np.asarray(samples, np.float32))
    first = deltas(static)
    return np.concatenate([static, first, deltas(first)], axis=1).astype(np.float32)


def deltas(values: np.ndarray, reach: int = 2) -> np.ndarray:
    """Computes derivatives over time by regression, with the first and last frame repeated beyond the ends.

        d(t) = sum over n = 1 .. reach of n (x(t + n) - x(t - n)) / (2 sum of n^2)

    Args:
        values: (frames, width).
        reach: Frames on each side.
    """
    count = len(values)
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    total = sum(
        n * (padded[reach + n : reach + n + count] - padded[reach - n : reach - n + count]) for n in range(1, reach + 1)
    )
    found: np.ndarray = total / (2 * sum(n * n for n in range(1, reach + 1)))
    return found


def centres(frames: int) -> np.ndarray:
    """The sample in the middle of each frame: frame t has the phone that is spoken there."""
    return np.arange(frames) * STRIDE + LENGTH // 2


def _static(samples: np.ndarray) -> np.ndarray:
    try:
        import kaldi_native_fbank as library
    except ImportError:
        raise SettingsError(
            "Features of speech need the package kaldi-native-fbank: pip install 'seqlab[speech]'."
        ) from None
    options = library.MfccOptions()
    frames = options.frame_opts
    frames.samp_freq, frames.frame_length_ms, frames.frame_shift_ms = RATE, 25.0, 10.0
    frames.dither, frames.preemph_coeff, frames.window_type = 0.0, 0.97, "hamming"
    frames.remove_dc_offset, frames.snip_edges, frames.round_to_power_of_two = True, True, True
    options.mel_opts.num_bins, options.mel_opts.low_freq, options.mel_opts.high_freq = 26, 0.0, 0.0
    options.num_ceps, options.use_energy, options.raw_energy, options.cepstral_lifter = STATIC, True, True, 22.0
    computer = library.OnlineMfcc(options)
    computer.accept_waveform(RATE, samples.tolist())
    computer.input_finished()
    return np.stack([computer.get_frame(number) for number in range(computer.num_frames_ready)]).astype(np.float64)
