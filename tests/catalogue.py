"""One row for each public part: the property tests in tests/layers/test_catalogue.py run over these rows.

To add a part: a row here, and its class in `seqlab.registry.CLASSES`; a coverage test names what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np

from seqlab.layers.attention.additive import AdditiveAttention
from seqlab.layers.attention.encoder import AttentionEncoder
from seqlab.layers.attention.hops import SelfAttention
from seqlab.layers.attention.key_value import KeyValueAttention
from seqlab.layers.attention.multi_head import MultiHeadAttention
from seqlab.layers.attention.multiplicative import MultiplicativeAttention
from seqlab.layers.bidirectional import Bidirectional
from seqlab.layers.cells.base import RecurrentCell
from seqlab.layers.cells.gru import GRUCell, SRNCell
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.layers.cells.parts import Projection
from seqlab.layers.cells.sc_lstm import SCLSTMCell
from seqlab.layers.cells.wrappers import LearnedStateCell, RecurrentDropoutCell, ResidualCell
from seqlab.layers.cells.zoneout import ZoneoutCell
from seqlab.layers.connections import CONNECTIONS
from seqlab.layers.dilated_cnn import DilatedCNN
from seqlab.layers.elmo import ElmoRecurrence, ElmoTokens
from seqlab.layers.features.casing import CasingEmbedding
from seqlab.layers.features.categories import CategoryEmbedding
from seqlab.layers.features.chars import CharCNN, CharLSTM
from seqlab.layers.features.elmo import ElmoVectors
from seqlab.layers.features.scalar_mix import ScalarMix
from seqlab.layers.features.words import WordEmbedding
from seqlab.layers.heads.base import Head
from seqlab.layers.heads.crf import CRFHead
from seqlab.layers.heads.crf_layer import CRF
from seqlab.layers.heads.ctc import CTCHead
from seqlab.layers.heads.multilabel import MultiLabelHead
from seqlab.layers.heads.softmax import SoftmaxHead
from seqlab.layers.highway import Highway
from seqlab.layers.language import LanguageObjective
from seqlab.layers.recurrent import Recurrent
from seqlab.layers.stack import RecurrentStack
from seqlab.layers.tasks.private import PrivateEncoders
from seqlab.layers.tasks.sc_stack import SCLSTMStack
from seqlab.layers.tasks.shared import SharedEncoder
from seqlab.layers.transformer import TransformerEncoder
from seqlab.models.ensemble import Ensemble
from seqlab.models.frames import FrameModel
from seqlab.models.sequence_model import SequenceModel
from seqlab.ops.recurrence.variants import VARIANTS
from tests import tiny
from tests.models import tasks as toy

RANDOM = np.random.default_rng(0)
FLOATS = RANDOM.normal(size=(3, 6, 5)).astype("float32")
PAIRS = FLOATS[..., :4]
INTEGERS = np.array([[1, 2, 3, 4], [5, 6, 0, 0]], "int32")
WORDS = np.array([[2, 3, 4, 5, 2, 9], [3, 3, 1, 2, 0, 0], [5, 0, 0, 0, 0, 0]], "int32")
CHARS = np.array([[0, 0, 0], [2, 3, 1], [4, 0, 0]], "int32")
SPELLED = np.array([[[5, 1, 2], [3, 1, 4]], [[5, 2, 2], [0, 0, 0]]], "int32")
CHAR_ROWS = np.array([[1, 2, 1, 0], [2, 0, 0, 0]], "int32")
MASK = np.arange(6) < np.array([6, 4, 1])[:, None]
LABELS = RANDOM.integers(0, 4, (3, 6))
MANY_LAYERS = RANDOM.normal(size=(3, 6, 2, 4)).astype("float32")

SHORT_LABELS = np.array([[0, 1, 1, 3], [2, 2, -1, -1], [3, -1, -1, -1]])  # fewer than steps, as CTC wants them
MANY_LABELS = np.arange(72).reshape(3, 6, 4) % 3 % 2  # yes or no for each tag

LAYERS_OF_TOKENS = {"mask routes": "reads several layers of each token, a mask of which Keras' Masking cannot make"}
TWO_INPUTS = dict.fromkeys(
    ("padding", "mask routes"), "takes words beside the states, which the check cannot give; its own test pads both"
)
NO_MASK = {
    "padding": "reads each token by itself: no token's vector depends on another, so it takes no mask",
    "mask routes": "takes no mask, see above",
}


@dataclass(frozen=True)
class Row:
    """One part.

    Attributes:
        name: Its class.
        make: Builds it, options and weights away from their initial values.
        inputs: The arrays that it is called on.
        head: Whether it is a head, with labels and a loss.
        cell: Builds the cell alone, where the part is one; `make` builds a layer around it.
        labels: What a head learns; where these are not one tag for each step, `check_head` does not apply.
        option: What sets this row apart from others of the same class.
        exceptions: Name of a check that the part cannot pass to the reason; a test holds that it does not pass.
    """

    name: str
    make: Callable[[], keras.layers.Layer]
    inputs: tuple[np.ndarray, ...]
    head: bool = False
    cell: Callable[[], RecurrentCell] | None = None
    labels: np.ndarray = field(default_factory=lambda: LABELS)
    option: str = ""
    exceptions: Mapping[str, str] = field(default_factory=dict)


def _learnt(layer: keras.layers.Layer, inputs: tuple[np.ndarray, ...]) -> keras.layers.Layer:
    """The layer with all its weights away from their initial values."""
    layer(*inputs)
    random = np.random.default_rng(1)
    layer.set_weights([random.normal(size=weight.shape).astype("float32") for weight in layer.weights])
    return layer


def _row(kind: type[keras.layers.Layer], *inputs: np.ndarray, **options: Any) -> Row:
    return Row(kind.__name__, lambda: _learnt(kind(**options), inputs), inputs, issubclass(kind, Head))


def _recurrent(cell: RecurrentCell) -> Recurrent:
    return Recurrent(cell, return_sequences=True)


def _cell_row(make: Callable[[], RecurrentCell], option: str = "") -> Row:
    return Row(
        type(make()).__name__,
        lambda: _learnt(Bidirectional(_recurrent(make())), (FLOATS,)),
        (FLOATS,),
        cell=make,
        option=option,
    )


def _stack_row(connection: str) -> Row:
    options: dict[str, Any] = {"connection": connection, "layers": 2, "cell": LearnedStateCell(SRNCell(2))}
    options |= {"stacking": "per_direction"} if connection in ("highway", "dense") else {}
    options |= {"layer_dropout": 0.2} if connection == "residual" else {}
    return replace(_row(RecurrentStack, FLOATS, **options), option=connection)


def _attention_encoder() -> AttentionEncoder:
    return AttentionEncoder(RecurrentStack(2, dropout=0.1), MultiplicativeAttention())


ATTENTION = (
    _row(AdditiveAttention, FLOATS, units=3),
    replace(_row(AdditiveAttention, FLOATS, units=3, coverage=True, joined=False), option="coverage"),
    Row("AttentionEncoder", lambda: _learnt(_attention_encoder(), (FLOATS,)), (FLOATS,)),
    _row(KeyValueAttention, PAIRS, window=2, units=3),
    replace(_row(KeyValueAttention, PAIRS, units=3), option="all"),
    _row(MultiHeadAttention, FLOATS, heads=2, key_dim=3),
    _row(MultiplicativeAttention, FLOATS, scaled=True),
    _row(SelfAttention, FLOATS, hops=2, units=3, penalty=0.3),
)


def _private_encoders() -> PrivateEncoders:
    return PrivateEncoders([RecurrentStack(2, cell="srn") for _ in range(2)], RecurrentStack(1, cell="srn"))


def _shared_encoder() -> SharedEncoder:
    return SharedEncoder(RecurrentStack(2, layers=2, cell="srn"), tasks=2, depths=(1, 2))


TASKS = (
    Row("PrivateEncoders", lambda: _learnt(_private_encoders(), (FLOATS,)), (FLOATS,)),
    _row(SCLSTMStack, FLOATS, units=2, tasks=2, layers=2, dropout=0.1, variant="CIFG"),
    replace(_row(SCLSTMStack, FLOATS, units=2, tasks=2, layers=2, gates="all", merge="sum"), option="all"),
    Row("SharedEncoder", lambda: _learnt(_shared_encoder(), (FLOATS,)), (FLOATS,)),
)
"""Encoders of several tasks."""


def _elmo_vectors() -> ElmoVectors:
    tokens, recurrence = ElmoTokens([[2, 4]], dim=2, characters=5), ElmoRecurrence(4, 1)
    return ElmoVectors(tokens, recurrence, edges=[[5, 1, 4], [5, 2, 4]], layer_norm="token", dropout=0.1)


ELMO_INPUTS = (SPELLED.reshape(4, 3), CHAR_ROWS, CHAR_ROWS > 0)

LAYERS = (
    *ATTENTION,
    *TASKS,
    Row("Bidirectional", lambda: _learnt(Bidirectional(_recurrent(GRUCell(3)), "sum"), (FLOATS,)), (FLOATS,)),
    Row("Recurrent", lambda: _learnt(_recurrent(SRNCell(3)), (FLOATS,)), (FLOATS,)),
    _row(RecurrentStack, FLOATS, units=3, layers=2, dropout=(0.1, 0.2, 0.3), cell="cifg", recurrent_dropout=0.1),
    *map(_stack_row, CONNECTIONS),
    _row(DilatedCNN, FLOATS, filters=4, layers=2, dropout=0.1, dilations=(1, 2), activation="tanh"),
    _row(TransformerEncoder, FLOATS, units=4, layers=2, dropout=0.1, heads=2, feed_forward=5),
    _row(CRF, FLOATS, tags=FLOATS.shape[-1], reduction="sentences", transition_regularizer=keras.regularizers.L1(0.1)),
    _row(CRFHead, FLOATS, tags=4, reduction="sentences", transition_regularizer=keras.regularizers.L1(0.1)),
    replace(
        _row(CTCHead, FLOATS, tags=4, reduction="sentences", beam=3),
        labels=SHORT_LABELS,
        exceptions={"padding": "the scores of a masked step are those of a certain blank: the loss knows it by them"},
    ),
    replace(_row(CasingEmbedding, INTEGERS, patterns=7, dim=3), exceptions=NO_MASK),
    replace(_row(CategoryEmbedding, INTEGERS, values=7, dim=3, field="suffix_3"), exceptions=NO_MASK),
    replace(_row(ElmoTokens, SPELLED, filters=((1, 2), (2, 3)), dim=3, characters=5, projection=4), exceptions=NO_MASK),
    _row(ElmoRecurrence, PAIRS, units=6, projection=4, cell_clip=5.0, projection_clip=4.0, skip_connections=True),
    Row(
        "ElmoVectors",
        lambda: _learnt(_elmo_vectors(), ELMO_INPUTS),
        ELMO_INPUTS,
        exceptions=dict.fromkeys(("padding", "mask routes"), "takes words beside the mask; its own test has both"),
    ),
    replace(_row(CharCNN, CHARS, CHAR_ROWS, characters=5, dim=3, filters=4, dropout=0.1), exceptions=NO_MASK),
    replace(
        _row(CharCNN, CHARS, CHAR_ROWS, characters=5, dim=3, filters=2, widths=(2, 3, 4), highway=2, initial_range=0.1),
        option="widths",
        exceptions=NO_MASK,
    ),
    replace(_row(CharLSTM, CHARS, CHAR_ROWS, characters=5, dim=3, units=2, dropout=0.1), exceptions=NO_MASK),
    replace(
        _row(CharLSTM, CHARS, CHAR_ROWS, characters=5, dim=3, units=2, highway=1), option="highway", exceptions=NO_MASK
    ),
    replace(_row(Highway, FLOATS, layers=2, activation="tanh", transform_bias=-2.0), exceptions=NO_MASK),
    replace(_row(LanguageObjective, PAIRS, WORDS, rows=[3, 2, 5], units=4), exceptions=TWO_INPUTS),
    replace(_row(MultiLabelHead, FLOATS, tags=4, threshold=0.3), labels=MANY_LABELS),
    replace(_row(Projection, FLOATS, units=3, clip=2.0), exceptions=NO_MASK),
    replace(_row(ScalarMix, MANY_LAYERS, layers=2, width=4, dropout=0.1), exceptions=LAYERS_OF_TOKENS),
    replace(
        _row(ScalarMix, MANY_LAYERS, layers=2, width=4, layer_norm="batch"), option="batch", exceptions=LAYERS_OF_TOKENS
    ),
    _row(SoftmaxHead, FLOATS, tags=4, reduction="sum", label_smoothing=0.1),
    replace(_row(WordEmbedding, INTEGERS, rows=5, dim=3, frozen_rows=2, dropout=0.1), exceptions=NO_MASK),
    replace(_row(WordEmbedding, INTEGERS, rows=7, dim=3, unknown="zero"), option="zero", exceptions=NO_MASK),
)

CELLS = (
    *(_cell_row(lambda code=code: LSTMCell(3, code), code) for code in VARIANTS),
    _cell_row(
        lambda: LSTMCell(3, gate_slope=True, normalized=True, cell_clip=5.0, projection=Projection(2)), "options"
    ),
    _cell_row(lambda: GRUCell(3)),
    _cell_row(lambda: GRUCell(3, reset_after=True), "after"),
    _cell_row(lambda: SRNCell(3, activation="softsign")),
    _cell_row(lambda: SCLSTMCell(3, tasks=2)),
    _cell_row(lambda: LearnedStateCell(GRUCell(3))),
    _cell_row(lambda: RecurrentDropoutCell(LSTMCell(3), rate=0.2, seed=1)),
    _cell_row(lambda: ResidualCell(LSTMCell(5))),
    _cell_row(lambda: ZoneoutCell(LSTMCell(3), rate=0.2, cell_rate=0.1)),
)
"""Cells, each in both directions of a layer."""

ABSTRACT = {
    "CharEncoder": "the base of the encoders of characters: how a word is read, its subclasses say",
    "ChainHead": "the base of the heads that give each token one tag: its subclasses say how tags depend on each other",
    "Head": "the base of the heads: what scores mean, its subclasses say",
    "WrapperCell": "the base of the cells that hold a cell: it adds nothing",
    "RecurrentCell": "the base of the cells: what a step does, its subclasses say",
    "Standardize": "it has no gradients; tests/layers/features/test_frames.py runs the checks that concern it",
    "SequenceAttention": "the base of attention layers: what a context is, its subclasses say",
    "TaskEncoder": "the base of the encoders of several tasks: what each reads, its subclasses say",
}
"""Public names that no row is needed for, with the reason."""


def _sequence_model() -> SequenceModel:
    tokens = keras.Input((None, 5))
    return SequenceModel(tokens, CRFHead(4)(RecurrentStack(3)(tokens)))


def _frame_model() -> FrameModel:
    encoder = Bidirectional(_recurrent(LSTMCell(3, "NP")))
    model = FrameModel(5, ["a", "b", "c", "d"], encoder, CTCHead(4), noise=0.1)
    model.standardizer.adapt(FLOATS)
    return model


def _tagger() -> keras.Model:
    tagger = tiny.tagger()
    tagger.optimizer.build(tagger.trainable_variables)  # Keras warns when it opens a file without its variables
    return tagger


def _ensemble() -> keras.Model:
    return Ensemble([tiny.tagger(), tiny.tagger()])


def _tagger_inputs() -> dict[str, np.ndarray]:
    inputs, _ = tiny.tagger().batches(tiny.dev_part())[0]
    return inputs


def _language_model() -> keras.Model:
    return tiny.language_model()


def _text_inputs() -> dict[str, np.ndarray]:
    inputs, _ = tiny.language_model().batches(tiny.dev_part())[0]
    return inputs


def _multi_task_tagger() -> keras.Model:
    return toy.tagger()


def _multi_task_inputs() -> dict[str, np.ndarray]:
    inputs, _ = toy.batch(toy.tagger(), "pos")
    return {name: array for name, array in inputs.items() if name != "task"}


MODELS: dict[str, tuple[Callable[[], keras.Model], Callable[[], Any]]] = {
    "Ensemble": (_ensemble, _tagger_inputs),
    "LanguageModel": (_language_model, _text_inputs),
    "FrameModel": (_frame_model, lambda: {"frames": FLOATS, "mask": MASK}),
    "MultiTaskTagger": (_multi_task_tagger, _multi_task_inputs),
    "SequenceModel": (_sequence_model, lambda: FLOATS),
    "Tagger": (_tagger, _tagger_inputs),
}
"""Name of a model class to how to make one and its inputs."""

OTHERS = {
    "Standardize": "see ABSTRACT",
    "TaskwiseOptimizer": "an optimiser by task, see tests/models/test_taskwise.py",
    "Triangular": "a learning rate by steps, see tests/training/test_schedules.py",
}
"""Other classes that a saved model can name, with where they are tested."""
