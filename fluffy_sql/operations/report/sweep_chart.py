"""The chart of a sweep, to show to others: a picture, or a page that needs nothing beside it."""

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import log
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from fluffy_sql import __version__
from fluffy_sql.algorithms import Candidate, Measure
from fluffy_sql.errors import ReportError, UsageError
from fluffy_sql.operations.report.template import find_template
from fluffy_sql.operations.sweep import SweepResult
from fluffy_sql.words import plain

_INK, _SOFT, _LINE, _ACCENT = "#1d1c1a", "#625d55", "#e3ded4", "#0072b2"
# A chart of the page is drawn on this many units; the page scales it.
_WIDTH, _HEIGHT = 560, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 14, 14, 30
# As many values as can be read under a chart.
_MOST_LABELS = 8


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


def _charted(result: SweepResult) -> list[Measure]:
    """The measures to draw, that any candidate has: a single cluster has no silhouette."""
    return [m for m in result.swept.measures if m.hint and _points(m, result)]


def _points(measure: Measure, result: SweepResult) -> list[tuple[float, float]]:
    """The values tried, and their measures."""
    return [
        (result.value_of(candidate), value)
        for candidate in result.candidates
        if (value := measure.of(candidate)) is not None
    ]


def _values(result: SweepResult) -> list[float]:
    return [result.value_of(candidate) for candidate in result.candidates]


def _title(measure: Measure) -> str:
    return measure.title[0].upper() + measure.title[1:]


def _headline(result: SweepResult) -> str:
    """What to look at first."""
    if result.suggested is None:
        return f"No {result.swept.setting} to suggest"
    verdict = "the measures agree" if result.measures_agree else "the measures disagree"
    return f"Suggested {result.swept.setting}: {plain(result.suggested)}, {verdict}"


def _basis(result: SweepResult) -> str:
    """What it was measured on."""
    ended = ", ended before all were tried" if result.interrupted else ""
    return (
        f"{len(result.candidates)} values of {result.swept.setting}{ended}; {result.basis};"
        f" {result.metric}, seed {result.seed}"
    )


# A picture


def _write_picture(result: SweepResult, file: Path) -> None:
    figure = Figure(figsize=(12, 7), dpi=150, layout="constrained", facecolor="white")
    figure.suptitle(
        f"{_headline(result)}\n", x=0.015, ha="left", fontsize=19, fontweight="bold", color=_INK
    )
    charted = _charted(result)
    for place, measure in enumerate(charted, start=1):
        _plot(figure.add_subplot(2, 3, place), measure, result)
    _explain(figure.add_subplot(2, 3, len(charted) + 1), result)
    figure.savefig(file, format="png", metadata={"Software": f"fluffy_sql {__version__}"})


def _plot(axes: Axes, measure: Measure, result: SweepResult) -> None:
    points = _points(measure, result)
    axes.set_title(_title(measure), loc="left", fontsize=12, fontweight="bold", color=_INK)
    axes.set_title(measure.hint, loc="right", fontsize=9, color=_SOFT)
    if result.suggested is not None:
        axes.axvline(result.suggested, color=_ACCENT, linewidth=1, linestyle=(0, (2, 3)))
    axes.plot(*zip(*points, strict=True), color=_INK, linewidth=1.6, marker="o", markersize=4.5)
    for tried, value in points:
        if tried == result.suggested:
            axes.plot(
                tried, value, color=_ACCENT, marker="o", markersize=9, markeredgecolor="white"
            )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(_labelled(result)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda tried, _: plain(tried))
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


def _labelled(result: SweepResult) -> list[float]:
    """Values to write under a chart: the suggested one, the ends, and others that have room."""
    values = _values(result)
    room = log(values[-1] / values[0]) / _MOST_LABELS
    labelled: list[float] = []
    for value in (result.suggested or values[0], values[0], values[-1], *values):
        if all(abs(log(value / other)) > room for other in labelled):
            labelled.append(value)
    return sorted(labelled)


# A page


def _write_page(result: SweepResult, file: Path) -> None:
    page = find_template("sweep.html").render(
        version=__version__,
        result=result,
        headline=_headline(result),
        basis=_basis(result),
        setting=result.swept.setting,
        charts=[_chart(measure, result) for measure in _charted(result)],
        headings=[m.title for m in _tabled(result)],
        rows=[
            (plain(tried), tried == result.suggested, [_cell(m, c) for m in _tabled(result)])
            for tried, c in zip(_values(result), result.candidates, strict=True)
        ],
        explained=[f"{_title(m)}: {m.explained}." for m in result.swept.measures if m.explained],
        width=_WIDTH,
        height=_HEIGHT,
        left=_LEFT,
        right=_WIDTH - _RIGHT,
        top=_TOP,
        bottom=_HEIGHT - _BOTTOM,
    )
    file.write_text(page, encoding="utf-8")


def _chart(measure: Measure, result: SweepResult) -> dict[str, object]:
    """One measure as the page draws it: places on its units."""
    points = _points(measure, result)
    values = [value for _, value in points]
    across = _scale([log(tried) for tried in _values(result)], _LEFT + 8, _WIDTH - _RIGHT - 8)
    upward = _scale(values, _HEIGHT - _BOTTOM - 8, _TOP + 8)
    places = [(round(across(log(tried)), 1), round(upward(value), 1)) for tried, value in points]
    at = {tried: place for place, (tried, _) in zip(places, points, strict=True)}
    best = max(points, key=lambda point: point[1])
    least = min(points, key=lambda point: point[1])
    title, setting = _title(measure), result.swept.setting
    return {
        "title": title,
        "hint": measure.hint,
        "line": " ".join(f"{x},{y}" for x, y in places),
        "dots": places,
        "chosen": at.get(result.suggested) if result.suggested else None,
        "ticks": [
            (round(upward(value), 1), _short(value, measure.digits))
            for value in sorted({least[1], best[1]})
        ],
        "labels": [(round(across(log(tried)), 1), plain(tried)) for tried in _labelled(result)],
        "told": (
            f"{title} by {setting}: from {least[1]:,.{measure.digits}f} at"
            f" {setting}={plain(least[0])} to {best[1]:,.{measure.digits}f} at"
            f" {setting}={plain(best[0])}."
        ),
    }


def _tabled(result: SweepResult) -> list[Measure]:
    """All but how long it took."""
    return [measure for measure in result.swept.measures if measure.name != "seconds"]


def _cell(measure: Measure, candidate: Candidate) -> str:
    value = measure.of(candidate)
    return "undefined" if value is None else f"{value:,.{measure.digits}f}"


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
