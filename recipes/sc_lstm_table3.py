"""Table 3 of the SC-LSTM paper: parts of speech, chunks and names at once, from words and casing alone.

    python scripts/prepare_data.py conll2000 FOLDER     # and so ud_en_1.3, wnut17, glove; see data/README.md
    KERAS_BACKEND=jax seqlab train recipes/sc_lstm_table3.py

The four models are `--encoder.kind sc_lstm` (the default), `lstm_s` (one stack, all read its top), `stl` (a network for
each task) and `lstm_d` (parts of speech from the first layer, the others from the top):
`--encoder.kind lstm_d --tasks.0.depth 1`. `--encoder.units 100 --encoder.layers 2` makes them small, and
`seqlab tune recipes/sc_lstm_table3.py --tuner grid` is the paper's search over units and layers, of any of them.
`--language.weight 0.1` has all but `stl` learn the words beside each token too.
`seqlab compare RUN RUN --task chunk` says whether two of them differ.

The mean of the tasks' development scores chooses the epoch of `sc_lstm`, `lstm_s` and `lstm_d`. The networks of `stl`
share no weight, so each task has the weights of its own best epoch, as if it were trained alone; they read one
vocabulary, with vectors of their own. `stl` stops when no task was better for `patience` epochs. `--only pos chunk`
leaves the third task out. `python scripts/sc_lstm_tables.py table3` trains the whole table, and `seqlab report` writes
it: `seqlab report recipes/results.csv --curves recipes/results/curves.csv --output FOLDER`.

Set-up as in the paper (Lu, Bai and Langlais, NAACL 2019): Adam, batches of 10, clipping at 5, dropout 0.5, 300 units in
3 layers, softmax heads, Algorithm 1; GloVe of 50 dimensions in place of 100, and WNUT-17 in place of CoNLL-2003, which
`SEQLAB_NER=conll2003` takes where it is there.
Time: 12 epochs of SC-LSTM took 48 minutes on one busy core (JAX backend), 13 of them for the first, which compiles; of
100 units in 2 layers 6 to 11.
Score, 12 epochs, seed 1, on test data: part-of-speech accuracy 94.77, chunk F1 93.03, name F1 24.0 (WNUT-17); the
paper's, with its data and 30 epochs: 95.51, 96.04, 89.96.
`--training.epochs 12 --training.patience 12 --training.learning-rate 3e-3 --training.schedule linear --encoder.dropout
0.3` has 95.23, 93.64 and 21.1, and with `--language.weight 0.1 --constrained --tasks.0.data.join-dev
--tasks.1.data.join-dev --tasks.2.data.join-dev` as well 95.70, 94.54 and 29.8, in 73 minutes (seed 1 too); the README
has the table.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from seqlab.corpora.catalogue import entry, locate
from seqlab.model_settings import WordSettings
from seqlab.multitask_settings import MultiTaskSettings, TaskSettings
from seqlab.settings import DataSettings

DATA = Path(os.environ.get("SEQLAB_DATA", "data"))
NAMES = os.environ.get("SEQLAB_NER", "wnut17")  # or conll2003


def settings() -> MultiTaskSettings:
    tags, chunks, names = (entry(name).splits(DATA) for name in ("ud_en_1.3", "conll2000", NAMES))
    return MultiTaskSettings(
        tasks=(
            TaskSettings(name="pos", data=DataSettings(**tags, format="conllu"), head="softmax"),
            TaskSettings(
                name="chunk",
                data=DataSettings(**chunks, columns={"word": 0, "chunk": 2}, held_out=1000),
                head="softmax",
            ),
            TaskSettings(
                name="ner",
                data=DataSettings(**names, columns={"word": 0, "ner": -1}),
                tag_scheme="iob2",
                head="softmax",
            ),
        ),
        words=WordSettings(vectors=str(locate("glove", "50d", DATA)), chars=None),
    )


def search_space(hp: Any) -> dict[str, Any]:
    return {
        "encoder.units": hp.Choice("encoder.units", [100, 200, 300, 400], default=300),
        "encoder.layers": hp.Choice("encoder.layers", [1, 2, 3], default=3),
    }
