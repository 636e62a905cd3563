"""TensorFlow Addons' own numbers. A program for a process of its own, so that Keras 2 stays out of the tests' process.

    python tests/oracles/addons.py text IN.npz OUT.npz    what `tensorflow_addons.text` says of the arrays in IN
    python tests/oracles/addons.py layer FOLDER           makes tests/data/addons_crf*.h5 and addons_crf.npz anew

Needs Python 3.11 with TensorFlow, tf_keras and tensorflow-addons; imports nothing from seqlab.
"""

from __future__ import annotations

import os
import sys
import types
import warnings
from pathlib import Path

import numpy as np

ABSENT = 3
"""Exit status where Addons is not installed."""


def addons():
    """Imports Addons beside Keras 3: it asks for Keras 2 and for a module that Keras 3 no longer has."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    warnings.simplefilter("ignore")
    try:
        from tf_keras.src.engine import keras_tensor

        stub = types.ModuleType("keras.src.engine")
        stub.keras_tensor = keras_tensor
        sys.modules["keras.src.engine"] = stub
        import tensorflow_addons
    except ImportError as error:
        print(f"TensorFlow Addons cannot be imported by {sys.executable}: {error}")
        raise SystemExit(ABSENT) from None
    return tensorflow_addons


def text(source, target):
    """Likelihood, decoding, constrained decoding and multi-tag score."""
    crf = addons().text
    given = np.load(source)
    x, moves, lengths, allowed = (given[name] for name in ("scores", "transitions", "lengths", "allowed"))
    labels, best = crf.crf_decode(x, moves, lengths)
    forced, forced_best = crf.crf_constrained_decode(x, allowed, moves, lengths)
    np.savez(
        target,
        log_norm=crf.crf_log_norm(x, lengths, moves),
        log_likelihood=crf.crf_log_likelihood(x, given["labels"], lengths, moves)[0],
        sequence_score=crf.crf_sequence_score(x, given["labels"], lengths, moves),
        labels=labels,
        best=best,
        constrained_labels=forced,
        constrained_best=forced_best,
        multitag=crf.crf_multitag_sequence_score(x, allowed, lengths, moves),
    )


def layer(folder):
    """A small tagger of Keras 2 that ends in Addons' CRF: its weights, the whole model, inputs and what it says."""
    tfa = addons()
    import tensorflow as tf
    import tf_keras

    rng = np.random.default_rng(0)
    features = rng.normal(size=(3, 5, 4)).astype("float32")
    mask = np.arange(5) < np.array([5, 3, 1])[:, None]
    labels = rng.integers(0, 3, (3, 5))
    found = {"features": features, "mask": mask, "labels": labels}
    for name, options in (("", {}), ("_bare", {"use_kernel": False, "use_boundary": False})):
        inputs = tf_keras.Input((None, 4))
        seen = tf_keras.Input((None,), dtype="bool")
        units = 4 if name else 3
        crf = tfa.layers.CRF(units, name="tags", **options)
        outputs = crf(inputs, mask=seen)
        model = tf_keras.Model([inputs, seen], outputs[0])
        crf.set_weights([rng.normal(size=w.shape).astype("float32") for w in crf.get_weights()])
        model.save_weights(Path(folder) / f"addons_crf{name}_weights.h5")
        if not name:
            model.save(Path(folder) / "addons_crf.h5")
        decoded, potentials, lengths, chain = crf(tf.constant(features), mask=tf.constant(mask))
        likelihood = tfa.text.crf_log_likelihood(potentials, labels, lengths, chain)[0]
        found |= {f"decoded{name}": decoded, f"likelihood{name}": likelihood}
    np.savez(Path(folder) / "addons_crf.npz", **found)


if __name__ == "__main__":
    {"text": text, "layer": layer}[sys.argv[1]](*sys.argv[2:])
