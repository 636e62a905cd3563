"""SC-LSTM-LM-CNN: parts of speech, chunks and names at once, from words, casing, characters and ELMo's vectors.

    python scripts/prepare_data.py conll2000 FOLDER     # and so ud_en_1.3, wnut17, glove; see data/README.md
    seqlab embed ELMO --recipe recipes/sc_lstm_elmo.py --half --output data/elmo/wnut17.h5
    KERAS_BACKEND=jax seqlab train recipes/sc_lstm_elmo.py
    seqlab tag RUN "Snow fell in Oslo." --task ner --contextual ELMO

ELMO is a folder with the official files (`data/README.md`), or any other producer of contextual vectors: a run of
`seqlab pretrain`, say. The file lies in the folder of all data, `data` or what `SEQLAB_DATA` says; another place:
`--contextual.file FILE`. Its vectors stay as they are, one mix of their layers is learnt for all tasks. With
`SEQLAB_NER=conll2003` before both commands, names are CoNLL-2003's and the file is `conll2003.h5` there.

Set-up as in the paper (Lu, Bai and Langlais, NAACL 2019): 256 units in 3 layers, loss of names times 3, dropout 0.5,
character vectors of 16 numbers, uniform within 0.1, 128 filters over 3 of them. Heads are softmax ones, as the paper's
name for the model has no CRF; `--tasks.1.head crf` gives chunks one. GloVe has 50 dimensions in place of 100, WNUT-17
stands for CoNLL-2003 where that is not asked for. `seqlab tune recipes/sc_lstm_elmo.py --tuner grid` searches.

Time: no whole run was measured yet. Each of the 3 layers has 1,024 numbers a token, 6 kB with `--half`: the file takes
3 to 4 GB, and official ELMo takes many hours on a CPU; 30 epochs take more than the 65 minutes reckoned without them.
Score: the paper's, with its data: part-of-speech accuracy 96.83, chunk F1 97.40, names 92.60; ours is to be measured.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from seqlab.corpora.catalogue import entry, locate
from seqlab.model_settings import CharSettings, ContextualSettings, WordSettings
from seqlab.multitask_settings import MultiTaskSettings, TaskEncoderSettings, TaskSettings
from seqlab.settings import DataSettings

DATA = Path(os.environ.get("SEQLAB_DATA", "data"))
NAMES = os.environ.get("SEQLAB_NER", "wnut17")  # or conll2003


def settings() -> MultiTaskSettings:
    tags, chunks, names = (entry(name).splits(DATA) for name in ("ud_en_1.3", "conll2000", NAMES))
    ner = DataSettings(**names, columns={"word": 0, "ner": -1})
    return MultiTaskSettings(
        tasks=(
            TaskSettings(name="pos", data=DataSettings(**tags, format="conllu"), head="softmax"),
            TaskSettings(
                name="chunk",
                data=DataSettings(**chunks, columns={"word": 0, "chunk": 2}, held_out=1000),
                head="softmax",
            ),
            TaskSettings(name="ner", data=ner, tag_scheme="iob2", head="softmax", weight=3),
        ),
        words=WordSettings(vectors=str(locate("glove", "50d", DATA)), chars="cnn"),
        chars=CharSettings(dim=16, filters=128, widths=(3,), initial_range=0.1),
        contextual=ContextualSettings(file=str(DATA / "elmo" / f"{NAMES}.h5")),
        encoder=TaskEncoderSettings(units=256, layers=3),
    )


def search_space(hp: Any) -> dict[str, Any]:
    return {
        "encoder.units": hp.Choice("encoder.units", [128, 256, 384], default=256),
        "encoder.layers": hp.Choice("encoder.layers", [1, 2, 3], default=3),
        "contextual.dropout": hp.Choice("contextual.dropout", [0.0, 0.2, 0.5], default=0.0),
    }
