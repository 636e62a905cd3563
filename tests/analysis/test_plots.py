"""Figures: what is drawn where."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from seqlab.analysis import plots
from seqlab.analysis.comparison import boxes
from seqlab.analysis.fanova import Fanova, Importance
from seqlab.analysis.space import axis
from tests.analysis.common import MIXED, sample, trials

pytest.importorskip("matplotlib")
ONE = [(np.linspace(0, 1, 20)[:, None], np.arange(20.0))]


@pytest.fixture(scope="module")
def forest():
    return Fanova(MIXED, *sample(MIXED, 60), trees=3)


def labels(found):
    return [text.get_text() for text in found]


def test_boxes(tmp_path):
    groups = trials().groups("variant")
    rows = {"all": boxes(groups), "best": boxes(groups, fraction=0.2)}
    figure = plots.draw_boxes(rows, "test loss", marked=["NFG"])
    figure.savefig(tmp_path / "boxes.png")
    assert (tmp_path / "boxes.png").stat().st_size > 1000
    first, behind, second, _ = figure.axes
    assert (first.get_title(), second.get_title(), first.get_ylabel()) == ("all", "best", "test loss")
    names = labels(first.get_xticklabels())
    assert [name.split("\n")[0] for name in names] == ["V", "NFG", "NP"] and any("div.)" in name for name in names)
    colours = [patch.get_facecolor()[:3] for patch in second.patches]
    assert colours[0] == colours[2] == (1, 1, 1) != colours[1]
    np.testing.assert_allclose(
        [bar.get_height() for bar in behind.patches], [np.mean(g.numbers["weights"]) for g in groups.values()]
    )


def test_boxes_end_at_the_cap():
    values = np.array([1.0, 2.0, 3.0, 50.0, 70.0])
    boxed = [plots.Box("a", values, 1, float("nan")), plots.Box("b", values[:3], 0, float("nan"))]
    (axes,) = plots.draw_boxes({"all": boxed}, "loss", cap=plots.Cap(4.0, 1)).axes
    assert labels(axes.get_xticklabels()) == ["a\n(1 div.)\n(2 > 4)", "b"] and axes.get_ylim()[1] < 5
    mean, _ = (line.get_ydata() for line in axes.lines if line.get_marker() == "o" and len(line.get_xdata()))
    assert mean == pytest.approx([(1 + 2 + 3 + 4 + 4) / 5])
    whiskers = {float(y) for line in axes.lines if {*line.get_xdata()} == {0.0} for y in line.get_ydata()}
    assert {1.0, 4.0} <= whiskers  # to the last values
    (axes,) = plots.draw_boxes({"all": boxed[1:]}, "accuracy", cap=plots.Cap(2.5, -1)).axes
    assert labels(axes.get_xticklabels()) == ["b\n(2 < 2.5)"] and axes.get_ylim()[0] > 2.4


def test_boxes_without_weights_or_values(tmp_path):
    found = [plots.Box("a", np.arange(3.0), 0, float("nan")), plots.Box("b", np.array([]), 4, float("nan"))]
    figure = plots.draw_boxes({"all": found}, "loss")
    figure.savefig(tmp_path / "boxes.png")
    assert len(figure.axes) == 1 and labels(figure.axes[0].get_xticklabels()) == ["a", "b\n(4 div.)"]


def test_marginals(forest, tmp_path):
    curves = [forest.marginal(name, 9) for name in forest.names]
    figure = plots.draw_marginals(curves, curves[:1], "loss", logs=["rate"])
    figure.savefig(tmp_path / "marginals.png")
    rate, behind, cell, bias = (figure.axes[k] for k in (0, 1, 2, 3))
    assert [axes.get_xlabel() for axes in (rate, cell, bias)] == ["rate", "cell", "bias"]
    assert (rate.get_ylabel(), behind.get_ylabel()) == ("loss", "seconds") and len(figure.axes) == 4
    assert rate.get_xscale() == "log" and bias.get_xscale() == "linear"
    np.testing.assert_allclose(rate.lines[0].get_ydata(), curves[0].mean)
    band = rate.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx((curves[0].mean + curves[0].spread).max())
    assert rate.get_ylim() == cell.get_ylim() == bias.get_ylim() != behind.get_ylim()  # what matters more is steeper
    ends = [edge for one in curves for edge in ((one.mean - one.spread).min(), (one.mean + one.spread).max())]
    assert rate.get_ylim()[0] < min(ends) and rate.get_ylim()[1] > max(ends)
    assert labels(cell.get_xticklabels()) == ["a", "b", "c"] and labels(bias.get_xticklabels()) == ["False", "True"]


def test_short_logarithmic_axes_are_labelled_by_plain_numbers():
    short, long = (Fanova([axis("n", "float", 2, high, "log")], *one, trees=1) for high in (200, 2000) for one in ONE)
    found = plots.draw_marginals([short.marginal("n"), long.marginal("n")], [], "loss", logs=["n"])
    found.draw_without_rendering()
    first, second = (labels(axes.get_xticklabels()) for axes in found.axes)
    assert {"5", "20", "50", "100"} <= set(first) and "50" not in second and any("10^" in label for label in second)


def test_importances(tmp_path):
    singles = np.array([[0.5, 0.25], [0.5, 0.25]])
    one = Importance(("a$b$", "c"), singles, {("a$b$", "c"): np.array([0.125, 0.125])}, np.ones(2))
    other = Importance(("c",), singles[:, 1:], {}, np.ones(2))
    figure = plots.draw_importances({"V": one, "NP": other})
    figure.savefig(tmp_path / "importances.png")
    (axes,) = figure.axes
    widths = np.array([bar.get_width() for bar in axes.patches]).reshape(4, 2)
    np.testing.assert_allclose(widths, [[0.5, 0], [0.25, 0.25], [0.125, 0], [0.125, 0.75]])
    assert labels(axes.get_yticklabels()) == ["V", "NP"]
    assert labels(figure.legends[0].get_texts()) == ["a$b$", "c", "pairs", "higher order"]


def test_pairs(forest, tmp_path):
    found = forest.pair("rate", "cell", 8)
    figure = plots.draw_pairs([(found, 0.25)], "loss", logs=["rate"])
    figure.savefig(tmp_path / "pairs.png")
    whole, _, pure, _ = figure.axes if figure.axes[1].get_title() == "" else np.array(figure.axes)[[0, 2, 1, 3]]
    assert (whole.get_title(), pure.get_title()) == ("loss", "interaction, 25.0% of variance")
    assert (whole.get_xlabel(), whole.get_ylabel(), whole.get_xscale()) == ("rate", "cell", "log")
    np.testing.assert_allclose(whole.collections[0].get_array(), found.mean.T)
    np.testing.assert_allclose(pure.collections[0].get_array(), found.interaction.T)
    low, high = pure.collections[0].get_clim()
    assert -low == high == pytest.approx(np.abs(found.interaction).max())


def test_times():
    groups = trials().groups("variant")
    figure = plots.draw_times(groups, "loss")
    (axes,) = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("seconds", "loss")
    assert labels(figure.legends[0].get_texts()) == ["V", "NFG", "NP"]
    drawn = np.ma.filled(axes.collections[0].get_offsets(), np.nan)
    scored = np.isfinite(groups["V"].numbers["score"])
    np.testing.assert_allclose(drawn[scored, 0], groups["V"].numbers["seconds"][scored])
    assert np.isnan(drawn[~scored]).all() and (~scored).any()
    assert not plots.draw_times({"all": trials()}, "loss").legends


def test_times_end_at_the_cap():
    small = trials()
    scores = small.numbers["score"]
    drawn = plots.draw_times({"all": small}, "loss", plots.Cap(8.0, 1)).axes[0].collections[0].get_offsets()
    finite = np.isfinite(scores)
    np.testing.assert_allclose(np.ma.filled(drawn, np.nan)[finite, 1], np.minimum(scores[finite], 8.0))
    assert (scores[finite] > 8).any()


def test_values_over_orders_are_on_a_logarithmic_axis():
    small = trials()
    small.numbers["score"][:2] = 1e4, 1e-1
    assert plots.draw_times({"all": small}, "loss").axes[0].get_yscale() == "log"


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'seqlab\[analysis\]'"):
        plots.draw_times({"all": trials()}, "loss")
