"""What every part of the settings is, and what its errors say."""

from __future__ import annotations

import difflib
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from seqlab.errors import SettingsError


class Part(BaseModel):
    """A part of the settings: frozen, without unknown keys, checked with our own errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
    parts: ClassVar[dict[str, tuple[type[Part], ...]]] = {}  # of whole runs, of each kind, for suggestions

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingsError(_explain(type(self), error)) from None

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Reads the settings from JSON; raises `SettingsError` where pydantic would raise its own error."""
        try:
            return super().model_validate_json(json_data, **options)
        except ValidationError as error:
            raise SettingsError(_explain(cls, error)) from None

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        """Notes the parts that this class consists of."""
        for name, field in cls.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, Part):
                Part.parts[name] = (*Part.parts.get(name, ()), field.annotation)


def _explain(kind: type[BaseModel], error: ValidationError) -> str:
    lines = []
    for item in error.errors():
        name = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            known = list(kind.model_fields)
            lines.append(f"unknown key {name!r}; known: {', '.join(known)}.{_hint(name, known)}")
        elif item["type"] == "missing":
            lines.append(f"key {name!r} is missing")
        elif item["type"] == "value_error":  # one of our own, from a part inside or from model_post_init
            lines.append(f"{name}: {item['ctx']['error']}" if name else str(item["ctx"]["error"]))
        else:
            lines.append(f"{name}: {item['msg']}, received {item['input']!r}")
    text = "; ".join(lines)
    return text if text.startswith(f"{kind.__name__}: ") else f"{kind.__name__}: {text}"


def _hint(name: str, known: list[str]) -> str:
    """Suggests the nearest known key, or the nearest one of all parts, with its part's name."""
    places: dict[str, list[str]] = {key: [key] for key in known}
    for part, kinds in Part.parts.items():
        for key in dict.fromkeys(key for kind in kinds for key in kind.model_fields):
            dotted = f"{part}.{key}"
            places[dotted] = [dotted]
            if key not in known:
                places.setdefault(key, []).append(dotted)
    near = difflib.get_close_matches(name, places, n=1)
    return f" Did you mean {' or '.join(map(repr, places[near[0]]))}?" if near else ""


def check_between(encoder: Any) -> None:
    """Refuses a dropout between the layers of an encoder that has one layer."""
    edges = None not in (encoder.input_dropout, encoder.output_dropout)
    usual = type(encoder).model_fields["dropout"].default
    if encoder.layers == 1 and edges and encoder.dropout != usual:
        raise SettingsError(
            "encoder.dropout is that between layers where input_dropout and output_dropout are given, and there is one "
            f"layer: leave it out, or where a recipe sets it give its default, {usual:g}."
        )
