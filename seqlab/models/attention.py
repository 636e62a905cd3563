"""What a tagger's attention looks at, sentence by sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from seqlab.batches.loader import Batches
from seqlab.errors import DataError, SettingsError
from seqlab.layers.attention.encoder import AttentionEncoder
from seqlab.models.sparing import SparingModel


def attention_weights(tagger: Any, data: Any) -> list[np.ndarray]:
    """Returns the attention weights of each sentence; see `Tagger.attention`."""
    if not isinstance(tagger.encoder, AttentionEncoder):
        raise SettingsError(
            "This tagger has no attention: train one with --encoder.attention, or give from_corpus an "
            "encoder=AttentionEncoder(RecurrentStack(...), AdditiveAttention())."
        )
    batches = tagger.batches(data)
    if not isinstance(batches, Batches):
        raise DataError(f"Expected a corpus, a list of sentences or Batches, received {type(data).__name__}.")
    results: list[Any] = [None] * len(batches.encoded.sentences)
    if not results:
        return []
    # Keras joins no graph through a layer that is called twice and gives another number of outputs then: the parts of
    # the encoder are called here, not the encoder itself.
    lower = tagger.encoder.encoder(tagger.embedded, mask=tagger.input["mask"])
    last = lower[-1] if isinstance(lower, list | tuple) else lower
    _, weights = tagger.encoder.attention(last, mask=tagger.input["mask"], return_attention=True)
    panels = tuple(weights.shape[1:-2])
    graph = SparingModel(tagger.input, ops.reshape(weights, (-1,)))  # flat, so that batches of all lengths join
    plan, shapes = batches.plan, [batches.shape(number) for number in range(len(batches))]
    flat = graph.predict_on_batch(batches[0][0]) if len(shapes) == 1 else graph.predict(batches, verbose=0)
    end = 0
    for batch, (rows, time) in zip(plan, shapes, strict=True):
        start, end = end, end + rows * int(np.prod(panels)) * time**2
        block = np.asarray(flat[start:end]).reshape(rows, *panels, time, time)
        for row, sentence in enumerate(batch.sentences):
            length = batches.encoded.lengths[sentence]
            results[sentence] = block[row, ..., :length, :length]
    return results
