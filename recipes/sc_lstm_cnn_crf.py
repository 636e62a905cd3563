"""SC-LSTM-CNN-CRF: parts of speech, chunks and names at once, from words, casing and characters, a CRF for each.

    python scripts/prepare_data.py conll2000 FOLDER     # and so ud_en_1.3, wnut17, glove; see data/README.md
    KERAS_BACKEND=jax seqlab train recipes/sc_lstm_cnn_crf.py
    SEQLAB_NER=conll2003 KERAS_BACKEND=jax seqlab train recipes/sc_lstm_cnn_crf.py      # names as in the paper

Set-up as in the paper (Lu, Bai and Langlais, NAACL 2019): that of `recipes/sc_lstm_table3.py` with character vectors of
16 numbers, uniform within 0.1, 128 filters over 3 of them, and CRF heads. Names come from WNUT-17 unless `SEQLAB_NER`
says conll2003, and are learnt in IOB2. GloVe has 50 dimensions in place of 100: `--words.vectors FILE` names others.
`seqlab tune recipes/sc_lstm_cnn_crf.py --tuner grid` searches units and layers.

Time: 12 epochs took 46 minutes on one busy core (JAX backend), 11 of them for the first, which compiles.
Score on test data with `--training.epochs 12 --training.patience 12 --training.learning-rate 3e-3 --training.schedule
linear --encoder.dropout 0.3`, seed 1: part-of-speech accuracy 95.88, chunk F1 94.46, name F1 26.0 (WNUT-17); the
paper's, with its data: 95.83, 96.41, 91.37. With `--language.weight 0.1` as well 96.09, 94.93 and 28.1, in 86 minutes;
with `--tasks.0.data.join-dev --tasks.1.data.join-dev --tasks.2.data.join-dev` besides, 96.25, 95.05 and 34.6, in 95.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from seqlab.corpora.catalogue import entry, locate
from seqlab.model_settings import CharSettings, WordSettings
from seqlab.multitask_settings import MultiTaskSettings, TaskSettings
from seqlab.settings import DataSettings

DATA = Path(os.environ.get("SEQLAB_DATA", "data"))
NAMES = os.environ.get("SEQLAB_NER", "wnut17")  # or conll2003


def settings() -> MultiTaskSettings:
    tags, chunks, names = (entry(name).splits(DATA) for name in ("ud_en_1.3", "conll2000", NAMES))
    return MultiTaskSettings(
        tasks=(
            TaskSettings(name="pos", data=DataSettings(**tags, format="conllu")),
            TaskSettings(name="chunk", data=DataSettings(**chunks, columns={"word": 0, "chunk": 2}, held_out=1000)),
            TaskSettings(name="ner", data=DataSettings(**names, columns={"word": 0, "ner": -1}), tag_scheme="iob2"),
        ),
        words=WordSettings(vectors=str(locate("glove", "50d", DATA)), chars="cnn"),
        chars=CharSettings(dim=16, filters=128, widths=(3,), initial_range=0.1),
    )


def search_space(hp: Any) -> dict[str, Any]:
    return {
        "encoder.units": hp.Choice("encoder.units", [100, 200, 300, 400], default=300),
        "encoder.layers": hp.Choice("encoder.layers", [1, 2, 3], default=3),
    }
