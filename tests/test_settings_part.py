"""What all parts of the settings share."""

from __future__ import annotations

import pydantic
import pytest

from seqlab.errors import SettingsError
from seqlab.settings import Settings
from seqlab.settings_part import Part


class Small(Part):
    size: int = 3


def test_errors_are_our_own():
    with pytest.raises(SettingsError, match=r"^Small: size: Input should be a valid integer.*received 'x'$"):
        Small(size="x")
    with pytest.raises(SettingsError, match=r"^Small: unknown key 'sise'; known: size\. Did you mean 'size'\?$"):
        Small.model_validate_json('{"sise": 4}')


def test_parts_are_frozen():
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        Small().size = 4


def test_the_parts_of_a_run_are_known():
    """Suggestions look for a key in all of them."""
    held = {
        name: field.annotation
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Part)
    }
    assert all(kind in Part.parts[name] for name, kind in held.items())
    assert held.keys() == {
        "data",
        "words",
        "chars",
        "contextual",
        "encoder",
        "attention",
        "rules",
        "distill",
        "auxiliary",
        "language",
        "training",
    }


def test_a_key_of_another_part_is_suggested_with_its_place():
    with pytest.raises(SettingsError, match=r"Did you mean 'training\.learning_rate'\?$"):
        Small(learning_rat=0.1)
