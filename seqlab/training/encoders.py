"""From the settings of a run to its encoder."""

from __future__ import annotations

from typing import Any

import keras

from seqlab.layers.attention.encoder import AttentionEncoder
from seqlab.layers.attention.table import attention_of
from seqlab.layers.cells.base import RecurrentCell
from seqlab.layers.cells.table import cell_with
from seqlab.layers.dilated_cnn import DilatedCNN
from seqlab.layers.stack import RecurrentStack
from seqlab.layers.transformer import TransformerEncoder
from seqlab.multitask_settings import TaskEncoderSettings
from seqlab.settings import AttentionSettings, EncoderSettings


def encoder_of(
    options: EncoderSettings, attention: AttentionSettings | None = None, all_layers: bool = False
) -> keras.layers.Layer:
    """Builds the encoder that the settings describe, with the attention over its last layer.

    Args:
        options: The settings.
        attention: Options of the attention that `options` name, where they are not its defaults.
        all_layers: Whether it returns the outputs of all its layers, for auxiliary tasks.

    Raises:
        SettingsError: For options that the chosen cell or attention cannot keep, or that contradict each other.
    """
    encoder = _layers_of(options, all_layers)
    given = (attention or AttentionSettings()).options(options.attention)
    if options.attention is None:
        return encoder
    return AttentionEncoder(
        encoder, attention_of(options.attention, **given, name="attention"), name="attention_encoder"
    )


def _layers_of(options: EncoderSettings, all_layers: bool) -> keras.layers.Layer:
    """The encoder alone."""
    common: dict[str, Any] = {
        "layers": options.layers,
        "dropout": options.dropout,
        "all_layers": all_layers,
        "name": "encoder",
    }
    if options.kind == "dilated_cnn":
        return DilatedCNN(options.units, dilations=options.dilations, **common)
    if options.kind == "transformer":
        return TransformerEncoder(options.units, heads=options.heads, **common)
    cell = cell_chosen(options)
    common["dropout"] = dropout_of(options)
    return RecurrentStack(
        options.units if isinstance(cell, str) else None,
        cell=cell,
        recurrent_dropout=options.recurrent_dropout,
        connection=options.connection,
        stacking=options.stacking,
        layer_dropout=options.layer_dropout,
        **common,
    )


def dropout_of(options: EncoderSettings | TaskEncoderSettings) -> float | tuple[float, float, float]:
    """The rate of the variational dropout, or three where that before the first or after the last layer differs."""
    edges = (options.input_dropout, options.output_dropout)
    if edges == (None, None):
        return options.dropout
    before, after = (options.dropout if rate is None else rate for rate in edges)
    return before, options.dropout, after


def cell_chosen(options: EncoderSettings) -> str | RecurrentCell:
    """The cell with all that is put on top of it, or its name where nothing is."""
    extra: dict[str, Any] = {
        "projection": options.projection,
        "layer_norm": options.layer_norm,
        "learned_state": options.initial_state == "learned",
        "zoneout": options.zoneout,
        "cell_zoneout": options.cell_zoneout,
    }
    return cell_with(options.cell, options.units, **extra) if any(extra.values()) else options.cell
