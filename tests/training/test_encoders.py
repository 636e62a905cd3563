"""Every setting of the encoder reaches it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqlab.errors import SettingsError
from seqlab.layers.attention.encoder import AttentionEncoder
from seqlab.layers.attention.multi_head import MultiHeadAttention
from seqlab.layers.cells.wrappers import LearnedStateCell, RecurrentDropoutCell
from seqlab.layers.cells.zoneout import ZoneoutCell
from seqlab.layers.dilated_cnn import DilatedCNN
from seqlab.layers.transformer import TransformerEncoder
from seqlab.settings import AttentionSettings, EncoderSettings, Settings
from seqlab.training.build import build
from seqlab.training.encoders import cell_chosen, encoder_of
from tests import tiny
from tests.layers.common import INPUTS, MASK, array, close, learnt, tensor

SMALL = {"units": 4, "layers": 2, "dropout": 0.0, "cell": "gru"}


def made(**options: Any) -> Any:
    return encoder_of(EncoderSettings(**{**SMALL, **options}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("units", 5),
        ("layers", 3),
        ("dropout", 0.3),
        ("cell", "cifg"),
        ("recurrent_dropout", 0.3),
        ("connection", "highway"),
        ("stacking", "per_direction"),
    ],
)
def test_settings_are_arguments_of_the_stack(name: str, value: Any) -> None:
    encoder = made(**{name: value})
    assert getattr(encoder, name) == value != getattr(made(), name)
    assert encoder.name == "encoder" and not encoder.all_layers


@pytest.mark.parametrize(
    ("options", "rates"),
    [
        ({"input_dropout": 0.1}, (0.1, 0.3, 0.3)),
        ({"output_dropout": 0.0}, (0.3, 0.3, 0.0)),
        ({"input_dropout": 0.0, "output_dropout": 0.2}, (0.0, 0.3, 0.2)),
        ({}, 0.3),
    ],
)
def test_dropout_of_input_and_output(options: dict[str, float], rates: Any) -> None:
    assert made(dropout=0.3, **options).dropout == rates


def test_layer_dropout() -> None:
    encoder = made(connection="residual", layer_dropout=0.3)
    assert (encoder.connection, encoder.layer_dropout) == ("residual", 0.3)


@pytest.mark.parametrize("kind", ["recurrent", "dilated_cnn", "transformer"])
def test_all_layers(kind: str) -> None:
    encoder = encoder_of(EncoderSettings(kind=kind, units=4, layers=3, dropout=0.1), all_layers=True)
    assert encoder.all_layers and encoder.name == "encoder"
    assert (encoder.layers, encoder.dropout) == (3, 0.1)


def test_dilated_cnn() -> None:
    encoder = encoder_of(EncoderSettings(kind="dilated_cnn", units=7, layers=3, dilations=(1, 3)))
    assert isinstance(encoder, DilatedCNN)
    assert (encoder.filters, encoder.dilations, encoder.all_layers) == (7, [1, 3], False)


def test_transformer() -> None:
    encoder = encoder_of(EncoderSettings(kind="transformer", units=6, heads=3))
    assert isinstance(encoder, TransformerEncoder)
    assert (encoder.units, encoder.heads, encoder.all_layers) == (6, 3, False)


@pytest.mark.parametrize("all_layers", [False, True])
@pytest.mark.parametrize("kind", ["recurrent", "dilated_cnn", "transformer"])
def test_attention_stands_on_each_kind(kind: str, all_layers: bool) -> None:
    """It takes the place of the last layer, whose shape and mask the encoder below it tells."""
    options = EncoderSettings(kind=kind, units=4, layers=2, dropout=0.0, attention="multi_head")
    encoder = learnt(encoder_of(options, AttentionSettings(heads=2), all_layers=all_layers))
    assert isinstance(encoder, AttentionEncoder) and isinstance(encoder.attention, MultiHeadAttention)
    assert encoder.attention.heads == 2 and encoder.encoder.name == "encoder"
    mask = tensor(MASK)
    below = encoder.encoder(INPUTS, mask=mask)
    lower, last = (below[:-1], below[-1]) if all_layers else ([], below)
    found = encoder(INPUTS, mask=mask)
    shapes = encoder.compute_output_shape(INPUTS.shape)
    assert isinstance(found, list) == isinstance(shapes, list) == all_layers
    expected = [*lower, encoder.attention(last, mask=mask)]
    found, shapes = (found, shapes) if all_layers else ([found], [shapes])
    for one, other, shape in zip(found, expected, shapes, strict=True):
        close(one, other)
        assert tuple(one.shape) == tuple(shape)
    assert encoder.compute_mask(INPUTS, "mask") == (["mask"] * 2 if all_layers else "mask")


def test_options_of_other_attention_are_refused() -> None:
    with pytest.raises(SettingsError, match="attention.hops is for encoder.attention self, received .* None"):
        encoder_of(EncoderSettings(**SMALL), AttentionSettings(hops=2))


def test_settings_of_the_cell_reach_every_copy() -> None:
    options = {"zoneout": 0.1, "cell_zoneout": 0.2, "initial_state": "learned", "projection": 3, "layer_norm": True}
    encoder = made(**options, cell="np", recurrent_dropout=0.3)
    for layer in encoder.recurrent:
        for one in layer.both:
            assert isinstance(one.cell, RecurrentDropoutCell)
            zoneout, learned = one.cell.cell, one.cell.cell.cell
            assert isinstance(zoneout, ZoneoutCell) and (zoneout.rate, zoneout.cell_rate) == (0.1, 0.2)
            assert isinstance(learned, LearnedStateCell)
            lstm = learned.cell
            assert (lstm.units, lstm.variant, lstm.normalized, lstm.projection.units) == (4, "NP", True, 3)
    assert encoder.compute_output_shape((2, 7, 5)) == (2, 7, 6)
    assert encoder.compute_output_shape((2, 7, 5))[-1] == encoder.width


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"zoneout": 0.1}, "ZoneoutCell"),
        ({"cell_zoneout": 0.1, "cell": "np"}, "ZoneoutCell"),
        ({"initial_state": "learned"}, "LearnedStateCell"),
        ({"projection": 3, "cell": "np"}, "LSTMCell"),
        ({"layer_norm": True, "cell": "np"}, "LSTMCell"),
    ],
)
def test_each_by_itself(options: dict[str, Any], kind: str) -> None:
    assert type(cell_chosen(EncoderSettings(**{**SMALL, **options}))).__name__ == kind


def test_without_options_the_cell_is_a_name() -> None:
    assert cell_chosen(EncoderSettings(**SMALL)) == "gru"


def test_learned_states_change_what_is_computed() -> None:
    encoder = learnt(made(initial_state="learned", layers=1))
    learned = array(encoder(INPUTS))
    for layer in encoder.recurrent:
        for one in layer.both:
            for state in one.cell.initial:
                state.assign(np.zeros(state.shape))
    assert np.abs(learned - array(encoder(INPUTS))).max() > 1e-3
    close(encoder(INPUTS), encoder(INPUTS, training=True))


@pytest.mark.parametrize(
    ("attention", "task"), [(None, "pos"), ("multiplicative", "pos"), ("multiplicative", None)], ids=str
)
@pytest.mark.parametrize("kind", ["recurrent", "dilated_cnn", "transformer"])
def test_a_tagger_of_each_kind_tags(kind: str, attention: str | None, task: str | None, tmp_path: Path) -> None:
    """With an auxiliary task, which reads the first of two layers, and without."""
    encoder = {"kind": kind, "units": 4, "layers": 2, "attention": attention}
    changed = {"encoder": encoder, "auxiliary": {"task": task}}
    values = {**tiny.settings(tmp_path).model_dump(), **changed}
    tagger = build(Settings(**values), tiny.train_part())
    assert [len(tags) for tags in tagger.tags(tiny.dev_part())] == [10] * 5
    assert len(tagger.outputs) == (2 if task else 1)
