"""The names of attention layers."""

from __future__ import annotations

from typing import get_args

import pytest

from seqlab.errors import SettingsError
from seqlab.layers.attention.multiplicative import MultiplicativeAttention
from seqlab.layers.attention.table import ATTENTIONS, attention_of
from seqlab.settings import Attention


def test_settings_and_the_table_know_the_same_names():
    assert tuple(ATTENTIONS) == get_args(Attention)


def test_names_make_layers():
    made = {name: attention_of(name, name=name) for name in ATTENTIONS}
    assert [made[name].name for name in ATTENTIONS] == list(ATTENTIONS)
    assert isinstance(made["scaled"], MultiplicativeAttention) and made["scaled"].scaled
    assert not made["multiplicative"].scaled
    assert attention_of("self", hops=7, penalty=0.5).get_config()["hops"] == 7


def test_unknown_name():
    with pytest.raises(SettingsError, match="Unknown attention 'aditive'; expected one of additive, .* 'additive'"):
        attention_of("aditive")
