"""Pictures of a study: boxes, marginals, importances, pairs, and time against score."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from seqlab.analysis.comparison import Box
from seqlab.analysis.fanova import Importance, Marginal, PairMarginal
from seqlab.analysis.trials import Trials

SCORE, TIME, PLAIN, BARS = "tab:blue", "tab:orange", "0.35", "0.85"
SHORT = 300.0  # greatest over least value up to which a logarithmic axis is labelled by plain numbers
APART = 0.12  # what the points of score and time of one named value stand aside
ORDERS = 1e2  # greatest over least value from which on an axis is logarithmic


class Cap(NamedTuple):
    """The worst value that is drawn; what is worse is drawn as it, and counted."""

    value: float
    sign: int  # 1 if the least score is the best, else -1

    def beyond(self, values: np.ndarray) -> np.ndarray:
        """Which values are worse."""
        return np.asarray(self.sign * values > self.sign * self.value)

    def cut(self, values: np.ndarray) -> np.ndarray:
        """The values, the cap in place of worse ones."""
        return np.where(self.beyond(values), self.value, values)


def draw_boxes(
    rows: Mapping[str, Sequence[Box]], score: str, marked: Sequence[str] = (), cap: Cap | None = None
) -> Any:
    """Draws a row of boxes for each set of groups, grey bars behind them for the mean number of weights.

    Boxes hold the middle half of the values, whiskers all of them; a line is the median, a dot the mean.

    Args:
        rows: A row's title, and its boxes. A group without a value keeps its place.
        score: Name of the values.
        marked: Groups to be drawn in colour: those that differ from the baseline.
        cap: The worst value that is drawn.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    names = [box.name for box in next(iter(rows.values()))]
    figure = new_figure(max(4.0, 1.0 + 0.8 * len(names)), 3.2 * len(rows))
    for number, (title, found) in enumerate(rows.items()):
        axes = figure.add_subplot(len(rows), 1, number + 1, ylabel=score)
        axes.set_title(title, parse_math=False)
        counts = [box.weights for box in found]
        if any(math.isfinite(count) for count in counts):
            behind = axes.twinx()
            behind.bar(range(len(found)), np.nan_to_num(counts), color=BARS, width=0.8)
            behind.set_ylabel("mean number of weights")
            axes.set_zorder(behind.get_zorder() + 1)
            axes.patch.set_visible(False)
        values = [cap.cut(box.values) if cap else box.values for box in found]
        drawn = axes.boxplot(
            values,
            positions=range(len(found)),
            widths=0.5,
            whis=(0, 100),
            showmeans=True,
            meanprops={"marker": "o", "markersize": 4, "markerfacecolor": TIME, "markeredgecolor": TIME},
            patch_artist=True,
            manage_ticks=False,
        )
        for box, patch in zip(found, drawn["boxes"], strict=True):
            patch.set_facecolor(SCORE if box.name in marked else "white")
        for line in drawn["medians"]:
            line.set_color("black")
        _logarithmic(axes, "y", np.concatenate(values))
        axes.set_xticks(range(len(found)), [_label(box, cap) for box in found], parse_math=False)
        axes.set_xlim(-0.6, len(found) - 0.4)
    return figure


def draw_marginals(scores: Sequence[Marginal], times: Sequence[Marginal], score: str, logs: Sequence[str] = ()) -> Any:
    """Draws what is predicted along each hyperparameter, one standard deviation over trees around it.

    All panels have the same scales: what matters more is steeper.

    Args:
        scores: Marginals of the score.
        times: Marginals of the time of hyperparameters by the same names; may be of fewer, or none.
        score: Name of the score.
        logs: Hyperparameters on a logarithmic scale.
    """
    width = min(3, len(scores))
    height = math.ceil(len(scores) / width)
    figure = new_figure(4.2 * width, 3.2 * height)
    seconds = {found.name: found for found in times}
    ranges = _range(scores), _range(times)
    for number, found in enumerate(scores):
        axes = figure.add_subplot(height, width, number + 1)
        axes.set_xlabel(found.name, parse_math=False)
        axes.set_ylabel(score, color=SCORE, parse_math=False)
        axes.set_ylim(*ranges[0])
        _curve(axes, found, SCORE, found.name in logs, -APART if found.name in seconds else 0.0)
        if found.name in seconds:
            behind = axes.twinx()
            behind.set_ylabel("seconds", color=TIME)
            behind.set_ylim(*ranges[1])
            _curve(behind, seconds[found.name], TIME, found.name in logs, APART)
    return figure


def draw_importances(bars: Mapping[str, Importance]) -> Any:
    """Draws a bar for each study or group: shares of single hyperparameters, of pairs, and of higher order."""
    names = list(dict.fromkeys(name for found in bars.values() for name in found.names))
    figure = new_figure(8.0, 1.6 + 0.4 * len(bars))
    axes = figure.add_subplot(1, 1, 1, xlabel="share of the variance", xlim=(0, 1))
    palette = colours(len(names))
    left = np.zeros(len(bars))
    parts = [(name, [_single(found, name) for found in bars.values()], palette[k]) for k, name in enumerate(names)]
    pairs = [found.higher(1).mean - found.higher(2).mean for found in bars.values()]
    parts += [("pairs", pairs, "0.6"), ("higher order", [found.higher(2).mean for found in bars.values()], "0.85")]
    for name, shares, colour in parts:
        axes.barh(range(len(bars)), shares, left=left, color=colour, label=name, edgecolor="white")
        left += shares
    axes.set_yticks(range(len(bars)), list(bars), parse_math=False)
    axes.invert_yaxis()
    legend = figure.legend(loc="outside lower center", ncols=4)
    for text in legend.get_texts():
        text.set_parse_math(False)
    return figure


def draw_pairs(pairs: Sequence[tuple[PairMarginal, float]], score: str, logs: Sequence[str] = ()) -> Any:
    """Draws for each pair what is predicted over both, and beside it the part that is interaction alone.

    Args:
        pairs: Pairs, with the share of the variance that their interaction has.
        score: Name of the score.
        logs: Hyperparameters on a logarithmic scale.
    """
    figure = new_figure(9.0, 3.4 * len(pairs))
    for number, (found, share) in enumerate(pairs):
        limit = float(np.abs(found.interaction).max()) or 1.0
        panels: list[tuple[np.ndarray, dict[str, Any], str]] = [
            (found.mean, {"cmap": "viridis"}, score),
            (
                found.interaction,
                {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit},
                f"interaction, {share:.1%} of variance",
            ),
        ]
        for column, (table, style, title) in enumerate(panels):
            axes = figure.add_subplot(len(pairs), 2, 2 * number + column + 1)
            axes.set_title(title, parse_math=False)
            axes.set_xlabel(found.first.name, parse_math=False)
            axes.set_ylabel(found.second.name, parse_math=False)
            edges = _edges(axes, found.first, "x", logs), _edges(axes, found.second, "y", logs)
            figure.colorbar(axes.pcolormesh(*edges, table.T, **style), ax=axes)
    return figure


def draw_times(groups: Mapping[str, Trials], score: str, cap: Cap | None = None) -> Any:
    """Draws the score of each trial against its time, a colour for each group, but for those that diverged.

    Scores worse than the cap lie on it.
    """
    figure = new_figure(7.0, 4.5)
    axes = figure.add_subplot(1, 1, 1, xlabel="seconds")
    axes.set_ylabel(score, parse_math=False)
    palette = colours(len(groups))
    seconds, scores = ([trials.numbers[column] for trials in groups.values()] for column in ("seconds", "score"))
    if cap:
        scores = [cap.cut(found) for found in scores]
    for number, name in enumerate(groups):
        axes.scatter(seconds[number], scores[number], s=12, color=palette[number], label=name)
    for side, found in (("x", seconds), ("y", scores)):
        _logarithmic(axes, side, np.concatenate(found))
    if len(groups) > 1:
        for text in figure.legend(loc="outside right upper").get_texts():
            text.set_parse_math(False)
    return figure


def new_figure(width: float, height: float) -> Any:
    """Returns an empty `matplotlib.figure.Figure` of so many inches.

    Raises:
        ImportError: Without matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("A figure needs matplotlib: pip install 'seqlab[analysis]'.") from error
    return Figure(figsize=(width, height), layout="constrained")


def colours(count: int) -> list[Any]:
    """Returns so many colours, told apart as well as may be."""
    from matplotlib import colormaps

    table = colormaps["tab10" if count <= 10 else "tab20"]
    return [table(number % table.N) for number in range(count)]


def _label(box: Box, cap: Cap | None) -> str:
    """A group's name, and how many of its trials the box does not show as they are."""
    beyond = int(cap.beyond(box.values).sum()) if cap else 0
    told = [f"({box.diverged} div.)"] * bool(box.diverged)
    if cap and beyond:
        told.append(f"({beyond} {'>' if cap.sign > 0 else '<'} {cap.value:g})")
    return "\n".join([box.name, *told])


def _range(curves: Sequence[Marginal]) -> tuple[float, float]:
    """The ends of an axis that holds all curves with their bands."""
    if not curves:
        return 0.0, 1.0
    low = min(float((found.mean - found.spread).min()) for found in curves)
    high = max(float((found.mean + found.spread).max()) for found in curves)
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin


def _curve(axes: Any, found: Marginal, colour: str, log: bool, shift: float) -> None:
    if _named(found):
        places = np.arange(len(found.values)) + shift
        axes.errorbar(places, found.mean, found.spread, fmt="o", color=colour, capsize=3)
        _words(axes, "x", found.values)
        return
    if log:
        _log_scale(axes, "x", np.asarray(found.values))
    axes.plot(found.values, found.mean, color=colour)
    axes.fill_between(
        found.values, found.mean - found.spread, found.mean + found.spread, color=colour, alpha=0.25, lw=0
    )


def _edges(axes: Any, found: Marginal, side: str, logs: Sequence[str]) -> np.ndarray:
    """Where the fields of a heat map end, on a scale that is set to suit."""
    count = len(found.values)
    if _named(found):
        _words(axes, side, found.values)
        return np.arange(count + 1) - 0.5
    values = np.asarray(found.values, "float64")
    if found.name in logs:
        _log_scale(axes, side, values)
        return np.asarray(np.exp(_between(np.log(values))))
    return _between(values)


def _between(values: np.ndarray) -> np.ndarray:
    middle = (values[1:] + values[:-1]) / 2
    return np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])


def _named(found: Marginal) -> bool:
    """Whether the values are drawn as names: words, booleans, and few levels."""
    return len(found.values) < 8 or not all(isinstance(value, int | float) for value in found.values)


def _single(found: Importance, name: str) -> float:
    return found.single(name).mean if name in found.names else 0.0


def _logarithmic(axes: Any, side: str, values: np.ndarray) -> None:
    finite = values[np.isfinite(values)]
    if len(finite) and finite.min() > 0 and finite.max() / finite.min() > ORDERS:
        _log_scale(axes, side, finite)


def _log_scale(axes: Any, side: str, values: np.ndarray) -> None:
    """A logarithmic scale; on short ranges, where matplotlib's labels overlap, with plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    (axes.set_xscale if side == "x" else axes.set_yscale)("log")
    if values.max() / values.min() >= SHORT:
        return
    line = axes.xaxis if side == "x" else axes.yaxis
    line.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=8))
    line.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    line.set_minor_formatter(NullFormatter())


def _words(axes: Any, side: str, values: Sequence[Any]) -> None:
    """Labels a side with values as words."""
    (axes.set_xticks if side == "x" else axes.set_yticks)(range(len(values)), map(str, values), parse_math=False)
    if side == "x" and sum(len(str(value)) for value in values) > 20:
        axes.tick_params("x", rotation=60)
