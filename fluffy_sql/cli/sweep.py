"""`sweep`: tries many k and suggests one."""

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import click

from fluffy_sql.cli import options
from fluffy_sql.cli.console import Part, Table, number, print_result, say, table
from fluffy_sql.cli.stopping import STOPPED_BY_SIGNAL
from fluffy_sql.errors import ReportError, UsageError
from fluffy_sql.operations import sweep as operations
from fluffy_sql.operations.k_selection import spread_evenly
from fluffy_sql.operations.sweep import SweepRequest, SweepResult
from fluffy_sql.runs.survey import ScopeFilter
from fluffy_sql.words import count

_STEPS = 12
_MOST_STEPS = 1_000
# A single cluster can't be measured against others.
_LEAST_K = 2


@click.command
@click.option(
    "--k",
    "ks",
    default="5..200",
    show_default=True,
    help="A range of k, or a list: 5..200, or 10,20,50.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=2, max=_MOST_STEPS),
    help=f"How many k of a range to try, in equal ratios; default: {_STEPS}.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw a chart into this file, .html or .png.",
)
@options.with_metric
@options.with_seed
@options.with_scope
@options.with_library_and_json
@click.pass_context
def sweep(
    context: click.Context,
    *,
    scope: ScopeFilter | None,
    ks: str,
    steps: int | None,
    out: Path | None,
    library: options.Library,
    as_json: bool,
) -> None:
    """Try many k on all usable photos, in a cluster or not, and suggest one. No cluster is written.

    Each k is trained twice, with two seeds, on one sample of photos, and measured on it. Ctrl-C
    ends the sweep and shows the results so far.

    Example: fluffy-sql sweep --k 5..200 --out sweep.html
    """
    tried = _parse_ks(ks, steps)
    draw = None
    if out:  # found before the sweep, so that none is made in vain
        with options.needs_extra("report", "drawing a chart needs matplotlib and Jinja2"):
            from fluffy_sql.operations.report.sweep_chart import chart_writer  # noqa: PLC0415 - an extra
        draw = chart_writer(out)
    request = SweepRequest(
        ks=tried,
        settings=library.settings.clustering,
        scope=scope,
        connections=library.settings.database.connections,
    )
    with library.database.running():  # so that results are printed before its server stops
        with library.work() as (session, progress):
            result = operations.sweep(session, request, progress)
        drawn = True
        try:
            found = {**asdict(result), "chart": str(out) if out else None}
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


def _parse_ks(text: str, steps: int | None) -> list[int]:
    """The k that `--k` and `--steps` name."""
    if found := re.fullmatch(r"\s*([0-9]{1,7})\s*\.\.\s*([0-9]{1,7})\s*", text):
        lowest, highest = int(found[1]), int(found[2])
        if _LEAST_K <= lowest < highest:
            return spread_evenly(lowest, highest, steps or _STEPS)
    elif re.fullmatch(r"\s*[0-9]{1,7}\s*(,\s*[0-9]{1,7}\s*)*", text):
        if steps is not None:
            raise UsageError(
                "--steps is for a range such as 5..200; a list of k has its own length"
            )
        ks = [int(part) for part in text.split(",")]
        if min(ks) >= _LEAST_K:
            return ks
    raise UsageError(
        f"--k is {text!r}; allowed: a range such as 5..200 or a list such as 10,20,50,"
        f" of whole numbers from {_LEAST_K} up"
    )


def _describe(result: SweepResult) -> Iterator[Part]:
    yield _candidates_table(result)
    if result.suggested_k is None:
        yield "Suggested k: none."
    else:
        agreed = "The measures agree." if result.measures_agree else "The measures disagree."
        yield f"Suggested k: {result.suggested_k:,}. {agreed}"
    for reason in result.reasons:
        yield f"- {reason}"
    yield (
        f"{count(len(result.candidates), 'value')} of k, each trained twice on"
        f" {result.photos_trained:,} of {count(result.photos, 'photo')} and measured on"
        f" {result.candidates[-1].photos_measured:,} ({result.metric}, seed {result.seed}),"
        f" {result.seconds:.1f} s; no cluster was written."
    )
    if result.left_out:
        left_out = ", ".join(f"{k:,}" for k in result.left_out)
        yield f"Left out: k={left_out}, since there are only {count(result.photos, 'photo')}."


def _candidates_table(result: SweepResult) -> Table:
    """The k that were tried, the suggested one marked."""
    return table(
        result.candidates,
        {
            "k": lambda row: number(row.k),
            "": lambda row: "<- suggested" if row.k == result.suggested_k else "",
            "silhouette": lambda row: _measure(row.silhouette, 3),
            "davies-b.": lambda row: _measure(row.davies_bouldin, 2),
            "calinski-h.": lambda row: _measure(row.calinski_harabasz, 1),
            "stability": lambda row: number(row.stability, 2),
            "inertia": lambda row: number(row.inertia, 1),
            "smallest": lambda row: number(row.smallest_cluster),
            "largest": lambda row: number(row.largest_cluster),
            "seconds": lambda row: number(row.seconds, 1),
        },
        spare=(
            *("seconds", "largest", "smallest", "inertia", "calinski-h.", "stability"),
            *("davies-b.", "silhouette"),
        ),
    )


def _measure(value: float | None, digits: int) -> str:
    return number(value, digits) or "undefined"
