"""The table of variants."""

from __future__ import annotations

import pytest

from seqlab.errors import SettingsError
from seqlab.ops.recurrence.variants import VARIANTS, variant


def test_nine_rows_each_the_vanilla_with_one_change():
    vanilla = VARIANTS["V"]
    assert list(VARIANTS) == ["V", "NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "NP", "FGR"]
    changed = {
        code: [k for k, (a, b) in enumerate(zip(row, vanilla, strict=True)) if a != b] for code, row in VARIANTS.items()
    }
    fields = vanilla._fields
    assert {code: [fields[k] for k in places[2:]] for code, places in changed.items() if code != "V"} == {
        "NIG": ["blocks"],
        "NFG": ["blocks"],
        "NOG": ["blocks"],
        "NIAF": ["input_activation"],
        "NOAF": ["output_activation"],
        "CIFG": ["blocks", "coupled"],
        "NP": ["peepholes"],
        "FGR": ["gate_recurrence"],
    }


def test_gates():
    assert {code: row.gates for code, row in VARIANTS.items() if row.gates != "ifo"} == {
        "NIG": "fo",
        "NFG": "io",
        "NOG": "if",
        "CIFG": "io",
    }


def test_any_case():
    assert variant("cifg") is VARIANTS["CIFG"]


def test_unknown():
    with pytest.raises(SettingsError, match=r"Unknown LSTM variant 'CIFF'.*NP \(no peepholes\).*Did you mean 'CIFG'"):
        variant("CIFF")
