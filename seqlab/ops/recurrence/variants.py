"""The vanilla LSTM and the eight variants of Greff et al. (2017), each the vanilla with one change."""

from __future__ import annotations

from typing import NamedTuple

from seqlab.errors import SettingsError, suggest


class Variant(NamedTuple):
    """One row of the study.

    Attributes:
        code: Its code.
        name: What it leaves out or adds.
        blocks: Pre-activations that it computes, of z (block input), i, f, o (gates), in this order.
        coupled: Whether the forget gate is `1 - i`.
        input_activation: Whether the block input goes through `g`.
        output_activation: Whether the cell goes through `h`.
        peepholes: Whether gates see the cell.
        gate_recurrence: Whether gates see all gates of the step before.
    """

    code: str
    name: str
    blocks: str = "zifo"
    coupled: bool = False
    input_activation: bool = True
    output_activation: bool = True
    peepholes: bool = True
    gate_recurrence: bool = False

    @property
    def gates(self) -> str:
        """The gates that it computes."""
        return self.blocks[1:]


VARIANTS = {
    row.code: row
    for row in (
        Variant("V", "vanilla"),
        Variant("NIG", "no input gate", blocks="zfo"),
        Variant("NFG", "no forget gate", blocks="zio"),
        Variant("NOG", "no output gate", blocks="zif"),
        Variant("NIAF", "no input activation function", input_activation=False),
        Variant("NOAF", "no output activation function", output_activation=False),
        Variant("CIFG", "coupled input and forget gate", blocks="zio", coupled=True),
        Variant("NP", "no peepholes", peepholes=False),
        Variant("FGR", "full gate recurrence", gate_recurrence=True),
    )
}
"""Code to variant."""


def variant(code: str) -> Variant:
    """Returns the variant of that code, in any case.

    Raises:
        SettingsError: For a code that is none of the nine.
    """
    found = VARIANTS.get(str(code).upper())
    if found is None:
        raise SettingsError(
            f"Unknown LSTM variant {code!r}; expected one of "
            + ", ".join(f"{row.code} ({row.name})" for row in VARIANTS.values())
            + "."
            + suggest(str(code).upper(), VARIANTS)
        )
    return found
