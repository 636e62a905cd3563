"""The picture of attention weights."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from seqlab.errors import DataError
from seqlab.evaluation.attention import draw_attention

TOKENS = ["It", "costs", "$5_a$"]
WEIGHTS = np.random.default_rng(0).dirichlet(np.ones(3), size=(2, 3))


def padded(weights, extra=2):
    return np.pad(weights, [(0, 0)] * (weights.ndim - 2) + [(0, extra)] * 2)


def names(labels):
    return [label.get_text() for label in labels]


@pytest.mark.parametrize("weights", [WEIGHTS[0], WEIGHTS, padded(WEIGHTS)], ids=["one", "heads", "padded"])
def test_figure(weights, tmp_path):
    pytest.importorskip("matplotlib")
    figure = draw_attention(weights, TOKENS, tmp_path / "attention.png")
    assert (tmp_path / "attention.png").stat().st_size > 1000
    panels = weights.reshape(-1, *weights.shape[-2:])
    assert [axes.get_title() for axes in figure.axes] == (["1", "2"] if len(panels) > 1 else [""])
    for axes, panel in zip(figure.axes, panels, strict=True):
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("looks at", "token")
        assert names(axes.get_xticklabels()) == names(axes.get_yticklabels()) == TOKENS
        (image,) = axes.images
        np.testing.assert_allclose(image.get_array(), panel[:3, :3])
        assert image.get_clim() == (0, 1)


def test_nothing_is_written_without_a_path(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    draw_attention(WEIGHTS, TOKENS)
    assert not list(tmp_path.iterdir())


def test_figure_without_matplotlib_names_the_extra(monkeypatch):
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"seqlab\[analysis\]"):
        draw_attention(WEIGHTS, TOKENS)


@pytest.mark.parametrize(
    ("weights", "tokens", "message"),
    [
        (WEIGHTS[0, 0], TOKENS, r"shape \(3,\) for 3 tokens; expected those of one sentence"),
        (WEIGHTS[None], TOKENS, r"shape \(1, 2, 3, 3\) for 3 tokens"),
        (WEIGHTS[:, :2], TOKENS, r"shape \(2, 2, 3\) for 3 tokens"),
        (WEIGHTS, [*TOKENS, "."], r"shape \(2, 3, 3\) for 4 tokens"),
        (WEIGHTS, [], "for 0 tokens"),
        (WEIGHTS - 0.5, TOKENS, "numbers of 0 to 1"),
        (WEIGHTS * np.nan, TOKENS, "numbers of 0 to 1"),
    ],
)
def test_bad_weights(weights, tokens, message):
    with pytest.raises(DataError, match=message):
        draw_attention(weights, tokens)
