"""`sweep`: tries many values of an algorithm's setting and suggests one."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click

from fluffy_sql.algorithms import Candidate, Measure, Swept
from fluffy_sql.cli import options
from fluffy_sql.cli.console import Part, Table, number, print_result, say, table
from fluffy_sql.cli.stopping import STOPPED_BY_SIGNAL
from fluffy_sql.errors import ReportError, UsageError
from fluffy_sql.operations import sweep as operations
from fluffy_sql.operations.sweep import (
    SweepRequest,
    SweepResult,
    spread_evenly,
    sweeping_algorithm,
)
from fluffy_sql.runs.survey import ScopeFilter
from fluffy_sql.words import count, plain

_STEPS = 12
_MOST_STEPS = 1_000
_WHOLE = "[0-9]{1,7}"
_FRACTION = r"[0-9]{1,7}(?:\.[0-9]{1,9})?"


@click.command
@click.option("--k", "ks", help="A range of k, or a list: 5..200, or 10,20,50.")
@click.option("--values", help="The same of what else an algorithm's sweep walks: 0.5..8.")
@click.option(
    "--steps",
    type=click.IntRange(min=2, max=_MOST_STEPS),
    help=f"How many values of a range to try, in equal ratios; default: {_STEPS}.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw a chart into this file, .html or .png.",
)
@options.with_algorithm
@options.with_metric
@options.with_seed
@options.with_scope
@options.with_library_and_json
@click.pass_context
def sweep(
    context: click.Context,
    *,
    scope: ScopeFilter | None,
    ks: str | None,
    values: str | None,
    steps: int | None,
    out: Path | None,
    library: options.Library,
    as_json: bool,
) -> None:
    """Try many values on all usable photos, in a cluster or not, and suggest one.

    No cluster is written. What is tried is up to the algorithm: k of kmeans (5..200 unless --k
    says otherwise), granularity of leiden, eps of dbscan. Ctrl-C ends the sweep and shows the
    results so far.

    Example: fluffy-sql sweep --k 5..200 --out sweep.html
    """
    settings = library.settings.clustering
    swept = sweeping_algorithm(settings).swept
    option, asked = ("--values", values) if ks is None else ("--k", ks)
    if ks is not None and (values is not None or swept.setting != "k"):
        raise UsageError(
            f"--k is for a sweep of k alone; --values takes the {swept.setting} of"
            f" {settings.algorithm}"
        )
    tried = _parse_values(swept, option, asked, steps)
    draw = None
    if out:  # found before the sweep, so that none is made in vain
        with options.needs_extra("report", "drawing a chart needs matplotlib and Jinja2"):
            from fluffy_sql.operations.report.sweep_chart import chart_writer  # noqa: PLC0415 - an extra
        draw = chart_writer(out)
    request = SweepRequest(
        values=tried,
        settings=settings,
        scope=scope,
        connections=library.settings.database.connections,
    )
    with library.database.running():  # so that results are printed before its server stops
        with library.work() as (session, progress):
            result = operations.sweep(session, request, progress)
        drawn = True
        try:
            found = {**result.for_json(), "chart": str(out) if out else None}
            print_result(found, _describe(result), as_json=as_json)
        finally:  # what can't be printed can still be drawn
            if draw:
                drawn = _draw(draw, result)
    if out and drawn and not as_json:
        print_result({}, f"Chart: {out}", as_json=False)
    if result.interrupted:
        say("stopped; these are the results so far")
        context.exit(STOPPED_BY_SIGNAL)
    context.exit(0 if drawn else ReportError.exit_code)


def _draw(draw: Callable[[SweepResult], None], result: SweepResult) -> bool:
    """Whether the chart could be drawn; no error like others, since the result was printed."""
    try:
        draw(result)
    except ReportError as error:
        say(str(error))
        return False
    return True


def _parse_values(swept: Swept, option: str, asked: str | None, steps: int | None) -> list[float]:
    """The values that an option and `--steps` name; none: the algorithm finds them itself."""
    text = swept.usual if asked is None else asked
    one = _WHOLE if swept.whole else _FRACTION
    values: list[float] = []
    if found := re.fullmatch(rf"\s*({one})\s*\.\.\s*({one})\s*", text):
        lowest, highest = _number(found[1]), _number(found[2])
        if _may_be_tried(swept, lowest) and lowest < highest:
            values = spread_evenly(lowest, highest, steps or _STEPS, whole=swept.whole)
    elif steps is not None:
        raise UsageError(
            "--steps is for a range such as 5..200; a list of values has its own length"
        )
    elif re.fullmatch(rf"\s*{one}\s*(,\s*{one}\s*)*", text):
        values = [_number(part) for part in text.split(",")]
    elif asked is None:
        return values
    if not values or not _may_be_tried(swept, min(values)):
        raise UsageError(
            f"{option} is {text!r}; allowed: a range such as 5..200 or a list such as 10,20,50,"
            f" of {'whole numbers from' if swept.whole else 'numbers above'} {swept.least}"
            f"{' up' if swept.whole else ''}"
        )
    return values


def _number(text: str) -> float:
    return float(text) if "." in text else int(text)


def _may_be_tried(swept: Swept, value: float) -> bool:
    return value >= swept.least if swept.whole else value > swept.least


def _describe(result: SweepResult) -> Iterator[Part]:
    yield _candidates_table(result)
    setting = result.swept.setting
    if result.suggested is None:
        yield f"Suggested {setting}: none."
    else:
        agreed = "The measures agree." if result.measures_agree else "The measures disagree."
        yield f"Suggested {setting}: {plain(result.suggested)}. {agreed}"
    for reason in result.reasons:
        yield f"- {reason}"
    yield (
        f"{count(len(result.candidates), 'value')} of {setting}, {result.basis} ({result.metric},"
        f" seed {result.seed}), {result.seconds:.1f} s; no cluster was written."
    )
    if result.left_out:
        left_out = ", ".join(map(plain, result.left_out))
        yield (
            f"Left out: {setting}={left_out}, since there are only {count(result.photos, 'photo')}."
        )


def _candidates_table(result: SweepResult) -> Table:
    """The values that were tried, the suggested one marked."""

    def suggested(row: Candidate) -> str:
        return "<- suggested" if result.value_of(row) == result.suggested else ""

    columns: dict[str, Callable[[Candidate], str]] = {
        result.swept.setting: lambda row: plain(result.value_of(row)),
        "": suggested,
    }
    measures = {measure.heading: partial(_measure, measure) for measure in result.swept.measures}
    return table(result.candidates, {**columns, **measures}, spare=[*measures][::-1])


def _measure(measure: Measure, row: Candidate) -> str:
    return number(measure.of(row), measure.digits) or "undefined"
