"""`check`: finds what is wrong in the database, and repairs it."""

from collections.abc import Iterator

import click

from fluffy_sql.cli import options
from fluffy_sql.cli.console import print_result
from fluffy_sql.operations.check import CheckResult
from fluffy_sql.operations.check import check as check_database
from fluffy_sql.words import count

_MOST_FINDINGS = 50


@click.command
@click.option("--repair", is_flag=True, help="Repair what can be repaired: all of it, or nothing.")
@options.with_library_and_json
@click.pass_context
def check(context: click.Context, *, repair: bool, library: options.Library, as_json: bool) -> None:
    """Find wrong counts, misplaced photos, leftovers of killed runs, and sessions in the way.

    Exit code 0: nothing is wrong, or all of it was repaired. 1: something is wrong.

    Example: fluffy-sql check --repair
    """
    with library.database.address() as url:
        result = check_database(url, schema=library.database.schema, repair=repair)
    repaired = any(finding.repaired for finding in result.findings)
    done = "what was wrong is repaired" if repaired else ""
    print_result(result, describe_check(result), as_json=as_json, done=done)
    if not result.ok:
        context.exit(1)


def describe_check(result: CheckResult) -> Iterator[str]:
    """What is wrong, a line each, what can be done about it, and what one should know."""
    yield from _describe_findings(result) if result.findings else [_describe_none_found(result)]
    for note in result.notes:
        yield f"Note: {note}."


def _describe_findings(result: CheckResult) -> Iterator[str]:
    for finding in result.findings[:_MOST_FINDINGS]:
        remedy = f" (with --repair: {finding.remedy})" if finding.remedy else ""
        if finding.repaired:
            remedy = f": {finding.remedy}"
        yield f"{finding.check}: {finding.found}{remedy}"
    if (more := len(result.findings) - _MOST_FINDINGS) > 0:
        yield f"... and {more:,} more; --json lists them all"
    wrong = [finding for finding in result.findings if not finding.repaired]
    repaired = len(result.findings) - len(wrong)
    counted = [
        f"{count(things, 'thing')} {what}"
        for things, what in ((repaired, "repaired"), (len(wrong), "wrong"))
        if things
    ]
    repairable = any(finding.remedy for finding in wrong)
    advice = "; to repair: fluffy-sql check --repair" if repairable else "."
    yield ", ".join(counted) + advice


def _describe_none_found(result: CheckResult) -> str:
    if result.photos_compared:
        compared = f"{count(result.photos_compared, 'photo')} compared with all centroids"
        return f"All is well: {', '.join(result.checks)}; {compared}."
    done = [name for name in result.checks if name != "nearest_centroid"]
    return (
        f"Nothing wrong was found: {', '.join(done)}. Whether photos are at their nearest centroid"
        " is not known: no photo is as a run of its cluster's centroid moved it."
    )
