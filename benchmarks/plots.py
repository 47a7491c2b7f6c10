"""Two plots of the seconds: against photos, and against k. Each as PNG and as SVG."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from benchmarks.contenders import REFERENCE
from benchmarks.summary import Summary

Line = list[tuple[int, float]]


@dataclass(frozen=True)
class Style:
    """How a contender's line looks: it can be told by colour, by dashes and by marker."""

    color: str
    marker: str
    dashes: str = "-"
    width: float = 1.6


# Okabe and Ito's colours, which people with any colour vision can tell apart. One library has one
# colour; its export by SELECT is dashed, and what is attached or indexed.
STYLES = {
    "fluffy_sql": Style("#D55E00", "o", width=3.2),
    "attached": Style("#D55E00", "o", "--"),
    "attached-hnsw": Style("#D55E00", "o", "-."),
    "adopted-hnsw": Style("#D55E00", "o", ":"),
    "sklearn-select": Style("#0072B2", "s", "--"),
    "sklearn-copy": Style("#0072B2", "s"),
    "faiss-select": Style("#009E73", "^", "--"),
    "faiss-select-binary": Style("#009E73", "^", "-."),
    "faiss-copy": Style("#009E73", "^"),
    "sklearn-kmeans": Style("#000000", "D"),
    "pgvector-ivfflat": Style("#CC79A7", "v"),
    "floor": Style("#666666", "x", ":"),
}

_INCHES = (9.0, 5.2)
_AXES = (0.085, 0.125, 0.7, 0.78)  # left, bottom, width, height, as shares of the figure
_LABEL_GAP = 0.052  # between two labels, as a share of the axes' height
_LABEL_INDENT = 1.04
_DOTS_PER_INCH = 160
_LEAST_POINTS = 2  # make a line

_FILE_SETTINGS: Any = {
    "svg.hashsalt": "fluffy_sql",  # the same ids in the file each time
    "svg.fonttype": "none",  # text stays text
    "font.size": 11,
}


def plot_by_photos(summaries: Sequence[Summary], dimensions: int, k: int, folder: Path) -> None:
    """Writes `seconds_by_photos.png` and `.svg`, where there are several sizes to compare."""
    _draw(
        _lines(
            (row.contender, row.rows, row.seconds)
            for row in summaries
            if (row.dimensions, row.k) == (dimensions, k)
        ),
        title=f"Clustering photos with embeddings of {dimensions:,} dimensions, k = {k:,}",
        x_label="photos",
        file=folder / "seconds_by_photos",
    )


def plot_by_k(summaries: Sequence[Summary], dimensions: int, rows: int, folder: Path) -> None:
    """Writes `seconds_by_k.png` and `.svg`, where there are several k to compare."""
    _draw(
        _lines(
            (row.contender, row.k, row.seconds)
            for row in summaries
            if row.k and (row.dimensions, row.rows) == (dimensions, rows)
        ),
        title=f"Clustering {rows:,} photos with embeddings of {dimensions:,} dimensions",
        x_label="k (number of clusters)",
        file=folder / "seconds_by_k",
    )


def spread_places(places: Sequence[float], gap: float) -> list[float]:
    """Moves rising places at least `gap` apart: up, and down again where they leave 1 behind."""
    spread: list[float] = []
    for place in places:
        spread.append(max(place, spread[-1] + gap) if spread else place)
    highest = 1.0
    for index in reversed(range(len(spread))):
        spread[index] = min(spread[index], highest)
        highest = spread[index] - gap
    return spread


def _lines(points: Iterable[tuple[str, int, float | None]]) -> dict[str, Line]:
    """The points of each contender, in order; what failed has none."""
    lines: dict[str, Line] = {}
    for contender, x, seconds in points:
        if seconds is not None:
            lines.setdefault(contender, []).append((x, seconds))
    return {contender: sorted(line) for contender, line in lines.items()}


def _draw(lines: dict[str, Line], *, title: str, x_label: str, file: Path) -> None:
    xs = sorted({x for line in lines.values() for x, _ in line})
    if len(xs) < _LEAST_POINTS:
        return
    with mpl.rc_context(_FILE_SETTINGS):
        figure = Figure(figsize=_INCHES)
        axes = figure.add_axes(_AXES)
        for contender, line in lines.items():
            _draw_line(axes, STYLES[contender], line)
        axes.set_title(title, loc="left", pad=12)
        _prepare_axes(axes, xs, x_label)
        _draw_labels(axes, lines)
        figure.savefig(file.with_suffix(".png"), dpi=_DOTS_PER_INCH)
        # Without the date, the same results give the same file.
        figure.savefig(file.with_suffix(".svg"), metadata={"Date": None})


def _draw_line(axes: Axes, style: Style, line: Line) -> None:
    axes.plot(
        [x for x, _ in line],
        [seconds for _, seconds in line],
        color=style.color,
        marker=style.marker,
        linestyle=style.dashes,
        linewidth=style.width,
        markersize=3.5 + style.width,
        zorder=2 + style.width,  # ours on top
    )


def _prepare_axes(axes: Axes, xs: Sequence[int], x_label: str) -> None:
    """Both axes logarithmic, with plain numbers, and a tick where something was measured."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(xs, [f"{x:,}" for x in xs])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{seconds:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(x_label)
    axes.set_ylabel("seconds (median)")
    axes.grid(color="#DDDDDD", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_labels(axes: Axes, lines: dict[str, Line]) -> None:
    """Names each line to the right of the axes, and ties the name to where the line ends."""
    low, high = (log(limit) for limit in axes.get_ylim())
    ends = sorted((line[-1][1], contender) for contender, line in lines.items())
    places = [(log(seconds) - low) / (high - low) for seconds, _ in ends]
    for (_, contender), place in zip(ends, spread_places(places, _LABEL_GAP), strict=True):
        style = STYLES[contender]
        axes.annotate(
            contender,
            xy=lines[contender][-1],
            xytext=(_LABEL_INDENT, place),
            textcoords="axes fraction",
            color=style.color,
            fontweight="bold" if contender == REFERENCE else "normal",
            verticalalignment="center",
            arrowprops={
                "arrowstyle": "-",
                "color": style.color,
                "linewidth": 0.6,
                "alpha": 0.5,
                "relpos": (0, 0.5),
            },
            annotation_clip=False,
        )
