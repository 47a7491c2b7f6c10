"""Summaries as a table on a terminal, as Markdown, and as JSON with everything."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from rich.table import Table
from rich.text import Text

from benchmarks.contenders import CONTENDERS, REFERENCE, REFERENCE_WITHOUT_K
from benchmarks.measure import Run
from benchmarks.summary import Summary

_HEADINGS = (
    "k",
    "contender",
    "seconds",
    "(min to max)",
    "time / ours",
    "process",
    "process / ours",
    "client MB",
    "inertia / best",
    "clusters",
    "left out",
    "NMI",
    "MB up",
    "MB down",
    "round trips",
)
_SPENT = ("processor, client", "processor, server", "round trips", "indexes")
_LEFT_ALIGNED = {"contender"}

_NOTES = (
    "Seconds: from embeddings in the table to `cluster_id` committed, without starting Python and"
    " importing libraries; median of the repeats.",
    f"Time / ours: seconds over those of {REFERENCE}, or of {REFERENCE_WITHOUT_K} if no k was asked"
    " for; above 1, ours is faster.",
    "Process: seconds of the client's whole process, with its start and imports; over ours, too.",
    "Client MB: most resident memory of the client's process; the server's is not in it.",
    "Inertia: sum of squared distances to the mean of the cluster, by one SQL statement for all,"
    " from `photos.cluster_id`; 1 is the best of the table.",
    "Left out: photos without a cluster. NMI: agreement with the themes that photos were made of,"
    " or with the labels of the data; a photo that is left out counts as a cluster of its own.",
    "MB up and down: what the client sent and received over a link, which delays each way by half"
    " of its round trip and limits bytes a second; round trips that followed each other.",
)


_PHASE_NOTES = (
    "Seconds by phase, medians; locked, of those of the commit: how long locks were held.",
    "Processor time of the client's whole process, with its start and imports, and of the server's"
    " processes that ended meanwhile: all that worked for it, if nobody else uses the server.",
    "Indexes: of the table that it wrote, in MB.",
)


def text_tables(summaries: Sequence[Summary]) -> Iterator[Table]:
    """A table for each library."""
    for title, group in _by_library(summaries):
        table = Table(title=title, title_justify="left", caption_justify="left")
        for heading in _HEADINGS:
            table.add_column(
                heading, justify="left" if heading in _LEFT_ALIGNED else "right", no_wrap=True
            )
        for _, same_k in groupby(group, key=lambda summary: summary.k):
            for summary in same_k:
                table.add_row(*cells(summary))
            table.add_section()
        failures = [f"{_name(row)}: {row.error}" for row in group if row.error]
        if failures:
            table.caption = Text("\n".join(failures), style="red")
        yield table


def markdown(summaries: Sequence[Summary], environment: dict[str, Any]) -> str:
    """The tables, what they ran on and what the columns mean."""
    lines = [_describe(environment), ""]
    for title, group in _by_library(summaries):
        lines += [f"**{title}**", "", *_markdown_table(group), ""]
    lines += [f"- {note}" for note in _NOTES]
    lines += [f"- `{contender.name}`: {contender.what}." for contender in CONTENDERS]
    lines += ["", *_phase_tables(summaries)]
    lines += [f"- {note}" for note in _PHASE_NOTES]
    return "\n".join(lines) + "\n"


def results_json(
    environment: dict[str, Any],
    settings: dict[str, Any],
    runs: Sequence[Run],
    summaries: Sequence[Summary],
) -> str:
    """Everything there is, as JSON."""
    content = {
        "environment": environment,
        "settings": settings,
        "summaries": [asdict(summary) for summary in summaries],
        "runs": [asdict(run) for run in runs],
    }
    return json.dumps(content, indent=2) + "\n"


def describe_run(run: Run) -> str:
    """A run in a line."""
    outcome = run.error or f"{_number(run.seconds, 2)} s, {_number(run.memory_mb, 0)} MB"
    return f"repeat {run.repeat}, {_name(run)}: {outcome}"


def cells(summary: Summary) -> tuple[str, ...]:
    """One row, in the order of the headings; what could not be measured stays empty."""
    return (
        _number(summary.k, 0),
        summary.contender,
        _number(summary.seconds, 2),
        ""
        if summary.seconds is None
        else f"{_number(summary.least_seconds, 2)} to {_number(summary.most_seconds, 2)}",
        _number(summary.time_ratio, 2),
        _number(summary.process_seconds, 2),
        _number(summary.process_ratio, 2),
        _number(summary.memory_mb, 0),
        _number(summary.inertia_ratio, 4),
        _number(summary.clusters, 0),
        "" if summary.left_out is None else f"{summary.left_out:.1%}",
        _number(summary.nmi, 3),
        _number(summary.megabytes_up, 1),
        _number(summary.megabytes_down, 1),
        _number(summary.round_trips, 0),
    )


def _by_library(summaries: Sequence[Summary]) -> Iterator[tuple[str, list[Summary]]]:
    groups = groupby(summaries, key=lambda each: (each.rows, each.dimensions, each.link))
    for (rows, dimensions, link), group in groups:
        over = f", over {link}" if link else ""
        yield f"{rows:,} photos of {dimensions} dimensions{over}", list(group)


def _markdown_table(summaries: Sequence[Summary]) -> Iterator[str]:
    yield f"| {' | '.join(_HEADINGS)} |"
    yield f"|{'|'.join('---' if name in _LEFT_ALIGNED else '---:' for name in _HEADINGS)}|"
    for summary in summaries:
        row = list(cells(summary))
        if summary.contender in {REFERENCE, REFERENCE_WITHOUT_K}:
            row = [f"**{cell}**" if cell else "" for cell in row]
        if summary.error:
            row[1] += f" (failed: {summary.error.replace('|', ' ')})"
        yield f"| {' | '.join(row)} |"


def _phase_tables(summaries: Sequence[Summary]) -> Iterator[str]:
    """Where the time of those goes that tell it: for each library, with k and without."""

    def table(summary: Summary) -> tuple[int, int, bool]:
        return summary.dimensions, summary.rows, summary.k is None

    telling = sorted((summary for summary in summaries if summary.phases), key=table)
    for (dimensions, rows, _), same_table in groupby(telling, key=table):
        group = sorted(same_table, key=lambda summary: summary.k or 0)
        phases = list(dict.fromkeys(phase for summary in group for phase in summary.phases))
        headings = ("k", "contender", "over", *phases, *_SPENT)
        yield f"**{rows:,} photos of {dimensions} dimensions, seconds by phase**"
        yield ""
        yield f"| {' | '.join(headings)} |"
        yield f"|---:|---|---|{'---:|' * (len(headings) - 3)}"
        for summary in group:
            row = (
                _number(summary.k, 0),
                summary.contender,
                summary.link or "",
                *(_number(summary.phases.get(phase), 2) for phase in phases),
                _number(summary.client_seconds, 2),
                _number(summary.server_seconds, 2),
                _number(summary.round_trips, 0),
                _number(summary.index_megabytes, 1),
            )
            yield f"| {' | '.join(row)} |"
        yield ""


def _describe(environment: dict[str, Any]) -> str:
    packages, server = environment["packages"], environment["server"]
    versions = ", ".join(f"{name} {version}" for name, version in packages.items() if version)
    return (
        f"{environment['date']}, {environment['cores']} cores ({environment['processor']};"
        f" {environment['features']}; BLAS: {', '.join(environment['blas'])}),"
        f" {environment['memory_gb']:.0f} GB, {environment['system']}."
        f" PostgreSQL {server['postgres']} with pgvector {server['pgvector']}"
        f" (shared_buffers {server['settings']['shared_buffers']});"
        f" Python {environment['python']}; {versions.replace('pgvector', 'pgvector-python')}."
    )


def _name(of: Run | Summary) -> str:
    k = "" if of.k is None else f", k = {of.k:,}"
    return f"{of.contender}{k}{f', over {of.link}' if of.link else ''}"


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"
