"""Looks for what is wrong in a database, and mends it.

A further check is a function that asks one statement of `sql/check`, and a line in `CHECKS`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fluffy_sql.database.counter_cache import create_triggers, idle_triggers, mend_counts
from fluffy_sql.database.schema import require_current_schema
from fluffy_sql.database.session import Session
from fluffy_sql.library import describe_scope
from fluffy_sql.types import CheckResult, Finding

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Check:
    """Something to look at.

    Attributes:
        name: what it is called in results.
        find: says what is wrong, a sentence for each.
        remedy: what `repair` does about all of it, as in "counted anew".
        repair: does it, in the transaction in which it was found; None: a person has to.
    """

    name: str
    find: Callable[[Session], list[str]]
    remedy: str | None = None
    repair: Callable[[Session], object] | None = None


def check(url: str, *, repair: bool = False) -> CheckResult:
    """Looks for what is wrong; all of it is mended, or nothing.

    Raises:
        SchemaError: the database is not migrated.
        DatabaseError: Postgres refused a statement, say since row-level security hides rows.
    """
    with Session.open(url) as session:
        require_current_schema(session)
        with session.transaction():
            session.execute("check/see_every_row")
            findings = [found for check in CHECKS for found in _run(session, check, repair=repair)]
    return CheckResult(
        ok=all(finding.repaired for finding in findings),
        checks=tuple(check.name for check in CHECKS),
        findings=tuple(findings),
    )


def _run(session: Session, check: Check, *, repair: bool) -> list[Finding]:
    findings = [Finding(check.name, found, check.remedy) for found in check.find(session)]
    if not (findings and repair and check.repair):
        return findings
    check.repair(session)
    return [replace(finding, repaired=True) for finding in findings]


def _idle_triggers(session: Session) -> list[str]:
    return [
        f"the trigger {name} is missing or disabled, so not all photos are counted"
        for name in idle_triggers(session)
    ]


def _wrong_counts(session: Session) -> list[str]:
    return [
        f"photos_count of cluster {row['cluster_id']} is {row['photos_count'] or 0:,},"
        f" but the photos in it are {row['photos']:,}"
        for row in session.fetch_all("check/find_wrong_counts")
    ]


def _strangers(session: Session) -> list[str]:
    return [
        f"cluster {row['cluster_id']} of {describe_scope(row['scope'])} holds"
        f" {row['photos']:,} photos of another, such as photo {row['example_id']} of"
        f" {describe_scope(row['example_scope'])}; fluffy-sql generate --recluster moves them"
        for row in session.fetch_all("check/find_strangers")
    ]


def _left_work_tables(session: Session) -> list[str]:
    """Tables of killed runs; while a run is at work, they are its own."""
    if not session.fetch_value("check/try_lock_runs"):
        return []
    return [
        f"the work table {row['name']} was left behind by a run that was killed"
        for row in session.fetch_all("check/find_work_tables")
    ]


_DROP_WORK_TABLES = (
    "work_tables/drop_aside",
    "work_tables/drop_assignments",
    "work_tables/drop_drawn",
    "work_tables/drop_measured",
    "work_tables/drop_measured_clusters",
    "work_tables/drop_sample",
    "work_tables/drop_sample_cells",
)


def _drop_work_tables(session: Session) -> None:
    for statement in _DROP_WORK_TABLES:
        session.execute(statement)


# Triggers before what they count. Work tables last: while they are looked at, no run can begin.
CHECKS = (
    Check("count_triggers", _idle_triggers, "made again", create_triggers),
    Check("photos_count", _wrong_counts, "counted anew", mend_counts),
    Check("scopes", _strangers),
    Check("work_tables", _left_work_tables, "dropped", _drop_work_tables),
)
