"""The chart of a sweep, to show to others: a picture, or a page that needs nothing beside it."""

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import log
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from fluffy_sql import __version__
from fluffy_sql.errors import ReportError, UsageError
from fluffy_sql.operations.k_selection import Candidate
from fluffy_sql.operations.report.template import find_template
from fluffy_sql.operations.sweep import SweepResult

_INK, _SOFT, _LINE, _ACCENT = "#1d1c1a", "#625d55", "#e3ded4", "#0072b2"
# A chart of the page is drawn on this many units; the page scales it.
_WIDTH, _HEIGHT = 560, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 14, 14, 30
# As many values of k as can be read under a chart.
_MOST_LABELS = 8


@dataclass(frozen=True)
class _Measure:
    """One measure of candidates, and which way it is better."""

    title: str
    hint: str
    value: Callable[[Candidate], float | None]
    digits: int


_MEASURES = (
    _Measure("Silhouette", "higher is better", lambda c: c.silhouette, 3),
    _Measure("Davies-Bouldin", "lower is better", lambda c: c.davies_bouldin, 2),
    _Measure("Stability", "higher is better", lambda c: c.stability, 2),
    _Measure("Calinski-Harabasz", "higher is better", lambda c: c.calinski_harabasz, 1),
    _Measure("Inertia", "an elbow, if there is one", lambda c: c.inertia, 1),
)


def chart_writer(file: Path) -> Callable[[SweepResult], None]:
    """What writes a sweep into this file, by its ending.

    Raises:
        UsageError: it is neither .html nor .png, or its folder is not there; what is returned
            raises ReportError if it can't be written.
    """
    writers = {".html": _write_page, ".png": _write_picture}
    if file.suffix.lower() not in writers:
        raise UsageError(f"{file}: a chart is an .html or a .png file; name one of these")
    if not file.parent.is_dir():
        raise UsageError(f"{file}: there is no folder {file.parent}; make it first")
    write = writers[file.suffix.lower()]

    def write_or_explain(result: SweepResult) -> None:
        # Beside an earlier one, which stays until all is written; of a link, where it leads.
        whole = file.resolve()
        new = whole.with_name(f".{whole.name}.new-{secrets.token_hex(4)}")
        try:
            write(result, new)
            new.replace(whole)
        except OSError as error:
            raise ReportError(f"{file}: the chart can't be written: {error.strerror}") from None
        finally:
            with suppress(OSError):
                new.unlink(missing_ok=True)

    return write_or_explain


def _measured(result: SweepResult) -> list[_Measure]:
    """The measures that any candidate has: a single cluster has no silhouette."""
    return [m for m in _MEASURES if any(m.value(c) is not None for c in result.candidates)]


def _headline(result: SweepResult) -> str:
    """What to look at first."""
    if result.suggested_k is None:
        return "No k to suggest"
    verdict = "the measures agree" if result.measures_agree else "the measures disagree"
    return f"Suggested k: {result.suggested_k:,}, {verdict}"


def _basis(result: SweepResult) -> str:
    """What it was measured on."""
    ended = ", ended before all were tried" if result.interrupted else ""
    return (
        f"{len(result.candidates)} values of k{ended}; each trained twice on"
        f" {result.photos_trained:,} of {result.photos:,} photos and measured on"
        f" {result.candidates[-1].photos_measured:,}; {result.metric}, seed {result.seed}"
    )


# A picture


def _write_picture(result: SweepResult, file: Path) -> None:
    figure = Figure(figsize=(12, 7), dpi=150, layout="constrained", facecolor="white")
    figure.suptitle(
        f"{_headline(result)}\n", x=0.015, ha="left", fontsize=19, fontweight="bold", color=_INK
    )
    for place, measure in enumerate(_measured(result), start=1):
        axes = figure.add_subplot(2, 3, place)
        _plot(axes, measure, result)
    _explain(figure.add_subplot(2, 3, 6), result)
    figure.savefig(file, format="png", metadata={"Software": f"fluffy_sql {__version__}"})


def _plot(axes: Axes, measure: _Measure, result: SweepResult) -> None:
    points = [(c.k, value) for c in result.candidates if (value := measure.value(c)) is not None]
    axes.set_title(measure.title, loc="left", fontsize=12, fontweight="bold", color=_INK)
    axes.set_title(measure.hint, loc="right", fontsize=9, color=_SOFT)
    if result.suggested_k is not None:
        axes.axvline(result.suggested_k, color=_ACCENT, linewidth=1, linestyle=(0, (2, 3)))
    axes.plot(*zip(*points, strict=True), color=_INK, linewidth=1.6, marker="o", markersize=4.5)
    for k, value in points:
        if k == result.suggested_k:
            axes.plot(k, value, color=_ACCENT, marker="o", markersize=9, markeredgecolor="white")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(_labelled([c.k for c in result.candidates])))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.grid(axis="y", color=_LINE)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_SOFT, length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_LINE)


def _explain(axes: Axes, result: SweepResult) -> None:
    """The reasons, in words, beside the plots."""
    axes.axis("off")
    told = "\n".join(f"- {reason}" for reason in (*result.reasons, _basis(result)))
    text = axes.text(
        0, 1, told, va="top", fontsize=9.5, color=_INK, wrap=True, transform=axes.transAxes
    )
    text.set_in_layout(False)


def _labelled(ks: Sequence[int]) -> list[int]:
    """Values of k to write under a chart: all, or some evenly spread, both ends included."""
    if len(ks) <= _MOST_LABELS:
        return list(ks)
    last = len(ks) - 1
    return [ks[round(place * last / (_MOST_LABELS - 1))] for place in range(_MOST_LABELS)]


# A page


def _write_page(result: SweepResult, file: Path) -> None:
    page = find_template("sweep.html").render(
        version=__version__,
        result=result,
        headline=_headline(result),
        basis=_basis(result),
        charts=[_chart(measure, result) for measure in _measured(result)],
        width=_WIDTH,
        height=_HEIGHT,
        left=_LEFT,
        right=_WIDTH - _RIGHT,
        top=_TOP,
        bottom=_HEIGHT - _BOTTOM,
    )
    file.write_text(page, encoding="utf-8")


def _chart(measure: _Measure, result: SweepResult) -> dict[str, object]:
    """One measure as the page draws it: places on its units."""
    points = [(c.k, value) for c in result.candidates if (value := measure.value(c)) is not None]
    values = [value for _, value in points]
    across = _scale([log(c.k) for c in result.candidates], _LEFT + 8, _WIDTH - _RIGHT - 8)
    upward = _scale(values, _HEIGHT - _BOTTOM - 8, _TOP + 8)
    places = [(round(across(log(k)), 1), round(upward(value), 1)) for k, value in points]
    at = {k: place for place, (k, _) in zip(places, points, strict=True)}
    best = max(points, key=lambda point: point[1])
    least = min(points, key=lambda point: point[1])
    return {
        "title": measure.title,
        "hint": measure.hint,
        "line": " ".join(f"{x},{y}" for x, y in places),
        "dots": places,
        "chosen": at.get(result.suggested_k) if result.suggested_k else None,
        "ticks": [
            (round(upward(value), 1), _short(value, measure.digits))
            for value in sorted({least[1], best[1]})
        ],
        "labels": [
            (round(across(log(k)), 1), f"{k:,}")
            for k in _labelled([c.k for c in result.candidates])
        ],
        "told": (
            f"{measure.title} by k: from {least[1]:,.{measure.digits}f} at k={least[0]:,}"
            f" to {best[1]:,.{measure.digits}f} at k={best[0]:,}."
        ),
    }


def _short(value: float, digits: int) -> str:
    """A number short enough to stand beside a chart."""
    for least, unit, name in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k"), (1e3, 1, "")):
        if value >= least:
            return f"{value / unit:,.{1 if name else 0}f}{name}"
    return f"{value:,.{digits}f}"


def _scale(values: Sequence[float], start: float, end: float) -> Callable[[float], float]:
    """Maps the least of these values to the start and the largest to the end."""
    least = min(values)
    extent = (max(values) - least) or 1.0

    def place(value: float) -> float:
        return start + (value - least) / extent * (end - start)

    return place
