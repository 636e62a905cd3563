from __future__ import annotations

from typing import Any

import pytest

from seqlab.errors import SettingsError
from seqlab.pretrain_settings import PretrainSettings


def test_settings_survive_json() -> None:
    settings = PretrainSettings(text=("a.txt", "b.conllu"), char_widths=(2, 3), samples=None)
    assert PretrainSettings.model_validate_json(settings.model_dump_json()) == settings
    with pytest.raises(SettingsError, match="unknown key 'unit'.*Did you mean 'units'"):
        PretrainSettings(unit=3)  # type: ignore[call-arg]


def test_what_is_given_of_the_characters() -> None:
    assert PretrainSettings().characters() == {}
    assert PretrainSettings(char_highway=0, char_widths=(2,)).characters() == {"widths": (2,), "highway": 0}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dev": "a.txt", "held_out": 0.1}, "held_out is for runs without dev"),
        ({"vocabulary": "w.txt", "min_count": 2}, "vocabulary names a list"),
        ({"dim": 3}, "dim and word_dropout are for reads words or both, received chars"),
        ({"word_dropout": 0.1}, "dim and word_dropout are for"),
        ({"reads": "words", "char_filters": 3, "char_dim": 2}, "char_dim, char_filters concern reads chars or both"),
        ({"char_widths": (2, 2)}, "char_widths are different numbers above 0"),
        ({"char_widths": ()}, "char_widths are different numbers"),
        ({"tied": True}, "tied needs reads words.* 256; received reads chars"),
        ({"tied": True, "reads": "words", "projection": 8, "dim": 9}, "output, 8; received reads words, dim 9"),
        ({"samples": 0}, "samples: Input should be greater than 0, received 0"),
    ],
)
def test_what_contradicts_itself_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        PretrainSettings(**options)
