"""Looks for what is wrong in a database, and repairs it.

It reads the table of photos, but of embeddings only a sample, so a large library takes seconds.

A further check is a function that asks one statement of `sql/check`, and a line in `CHECKS`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from fluffy_sql.algorithms import algorithm_named
from fluffy_sql.errors import LibraryError, SchemaError, SettingsError
from fluffy_sql.postgres.advice import describe_client
from fluffy_sql.postgres.counter_cache import create_triggers, idle_triggers, repair_counts
from fluffy_sql.postgres.schema import WITHOUT_IDENTITY, require_current_schema
from fluffy_sql.postgres.session import DEFAULT_SCHEMA, Session
from fluffy_sql.postgres.sources import describe_changes, sync, telling_of_source
from fluffy_sql.postgres.vectors import LONGEST_VECTOR, fingerprint_vector
from fluffy_sql.postgres.work_tables import empty
from fluffy_sql.runs.lock import close_left_open
from fluffy_sql.runs.owners import Owners
from fluffy_sql.runs.survey import (
    count_lengths,
    require_steady_view,
    several_lengths,
)
from fluffy_sql.words import count

# The check of a sample; others read tables.
_NEAREST_CENTROID = "nearest_centroid"
# How many photos that runs moved are compared with the centroids of their run.
_SAMPLED_PHOTOS = 1_000
# A run does something every few seconds at least, and waits for locks as long as its settings say.
_IDLE_SECONDS = 60
_BLOCKED_SECONDS = 10


@dataclass(frozen=True)
class Finding:
    """Something wrong in a database.

    Attributes:
        check: the check that found it.
        found: what is wrong, in a sentence without its full stop.
        remedy: what `--repair` does about it, as in "counted again"; None: nothing.
        repaired: whether that was done.
    """

    check: str
    found: str
    remedy: str | None
    repaired: bool = False


@dataclass(frozen=True)
class CheckResult:
    """What was looked at and found, with the names `check --json` uses.

    Attributes:
        ok: nothing is wrong, or not any more.
        checks: what was looked at.
        photos_compared: whose nearest centroid was sought: a sample of those that runs placed and
            whose embedding has not changed since.
        notes: what one should know, though nothing is wrong.
    """

    ok: bool
    checks: tuple[str, ...]
    findings: tuple[Finding, ...]
    photos_compared: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """Something to look at.

    Attributes:
        name: what it is called in results.
        find: says what is wrong, a sentence for each.
        remedy: what `repair` does about all of it, as in "counted again".
        repair: does it, in the transaction in which it was found: a function, or the name of a
            statement; None: only a person can.
    """

    name: str
    find: Callable[[Session], list[str]]
    remedy: str | None = None
    repair: Callable[[Session], object] | str | None = None


def check(url: str, *, schema: str = DEFAULT_SCHEMA, repair: bool = False) -> CheckResult:
    """Looks for what is wrong; all of it is repaired, or nothing.

    If the schema is not current, nothing else can be checked.

    Raises:
        DatabaseError: Postgres refused a statement, for example because row-level security hides
            rows; or a standby needs repair.
    """
    begin = "session/begin_in_one_transaction"
    with Session.look(url, schema=schema, begin=begin) as session:
        session.use_vectors()
        try:
            require_current_schema(session)
        except SchemaError as error:
            return CheckResult(False, ("schema",), (Finding("schema", str(error), None),), 0)
        try:
            with telling_of_source(session):
                return _look(session, repair=repair)
        except (SchemaError, LibraryError) as error:  # of the source: nothing else can be read
            found = (Finding("source", str(error), None),)
            return CheckResult(False, ("schema", "source"), found, 0)


def _look(session: Session, *, repair: bool) -> CheckResult:
    changes = sync(session, writes=False)
    if repair and session.distributed:
        session.execute("citus/session/modify_sequentially")
    misplaced, compared = _compare_photos(session)
    notes = tuple(row["note"] for row in session.fetch_all("schema/list_notes"))
    if changes:
        notes += (f"{changes.source}: {describe_changes(changes)}; the next run takes it in",)
    findings = [Finding(_NEAREST_CENTROID, found, None) for found in misplaced]
    findings += [found for check in CHECKS for found in _run(session, check, repair=repair)]
    if not (session.read_only or session.distributed):
        session.fetch_value("triggers/fold")
    session.commit()
    return CheckResult(
        ok=all(finding.repaired for finding in findings),
        checks=("schema", _NEAREST_CENTROID, *(check.name for check in CHECKS)),
        findings=tuple(findings),
        photos_compared=compared,
        notes=notes,
    )


def _run(session: Session, check: Check, *, repair: bool) -> list[Finding]:
    findings = [Finding(check.name, found, check.remedy) for found in check.find(session)]
    if not (findings and repair and check.repair):
        return findings
    session.refuse_standby()
    if isinstance(check.repair, str):
        session.execute(check.repair)
    else:
        check.repair(session)
    return [replace(finding, repaired=True) for finding in findings]


def _idle_triggers(session: Session) -> list[str]:
    return [
        f"the trigger {name} is missing or disabled, so not all photos are counted"
        for name in idle_triggers(session)
    ]


def _idle_guards(session: Session) -> list[str]:
    if session.distributed:  # Citus refuses triggers
        return []
    return [
        f"the trigger {trigger['name']} of {trigger['of_table']} is missing or disabled, so photos"
        " can get into clusters of another scope"
        for trigger in session.fetch_all("triggers/list")
        if trigger["kind"] == "guard" and not trigger["enabled"]
    ]


def _stray_triggers(session: Session) -> list[str]:
    return [
        f"{row['of_table']} is no longer part of photos, but its trigger {row['name']} would"
        " still count"
        for row in session.fetch_all("triggers/list_stray")
    ]


def _unsteady_view(session: Session) -> list[str]:
    try:
        require_steady_view(session)
    except LibraryError as error:
        return [str(error)]
    return []


def _wrong_counts(session: Session) -> list[str]:
    return [
        f"photos_count of cluster {row['cluster_id']} is {row['photos_count'] or 0:,},"
        f" but the photos in it are {row['photos']:,}"
        for row in session.fetch_all("check/find_wrong_counts")
    ]


def _wrong_scopes(session: Session) -> list[str]:
    owners = Owners(session)
    return [
        f"cluster {row['cluster_id']} of {owners.describe(row['scope'])} holds"
        f" {count(row['photos'], 'photo')} of another, such as photo {row['example_id']} of"
        f" {owners.describe(row['example_scope'])}; fluffy-sql generate --recluster moves them"
        for row in session.fetch_all("check/find_wrong_scope")
    ]


def _lost_photos(session: Session) -> list[str]:
    return [
        f"{count(row['photos'], 'photo')} in cluster {row['cluster_id']}, which is not there"
        for row in session.fetch_all("check/find_lost_photos")
    ]


def _without_identity(session: Session) -> list[str]:
    return [
        f"{row['name']} {WITHOUT_IDENTITY}"
        for row in session.fetch_all("check/find_without_identity")
    ]


def _other_lengths(session: Session) -> list[str]:
    lengths = count_lengths(session)
    several = [str(several_lengths(lengths))] if len(lengths) > 1 else []
    return several + [
        f"cluster {row['cluster_id']} holds {count(row['photos'], 'photo')} of"
        f" {row['dimensions']:,} dimensions, but its centroid has {row['expected']:,}"
        for row in session.fetch_all("check/find_other_lengths")
    ]


def _compare_photos(session: Session) -> tuple[list[str], int]:
    """Compares a sample of photos with centroids: what is wrong, and how many were compared.

    A run that compared all photos with all centroids left none misplaced.
    """
    rows = session.fetch_all(
        "check/count_misplaced",
        photos=_SAMPLED_PHOTOS,
        fingerprint_vector=fingerprint_vector(LONGEST_VECTOR),
    )
    misplaced = [
        f"{row['misplaced']:,} of {row['looked_at']:,} photos looked at, which run"
        f" {row['run_id']} moved and nobody changed since, are not at their nearest centroid;"
        " generate --recluster places all again"
        for row in rows
        if row["misplaced"] > _may_be_misplaced(row)
    ]
    return misplaced, sum(row["looked_at"] for row in rows)


def _may_be_misplaced(row: dict[str, Any]) -> float:
    """How many photos of a sample may be elsewhere than at their nearest centroid.

    Twice what the run's algorithm may miss, since this sample is small; none if all were
    compared with all centroids, unless some went with others of a group that is not known any
    more; any number if the algorithm does not go by centroids, or is not
    installed.
    """
    try:
        least_recall = algorithm_named(row["algorithm"]).least_recall
    except SettingsError:
        least_recall = None
    if least_recall is None:
        return math.inf
    return (
        0
        if row["recall"] == 1 and not row["once"]
        else 1 + 2 * (1 - least_recall) * row["looked_at"]
    )


def _idle_holders(session: Session) -> list[str]:
    return [
        f"server process {row['pid']} ({describe_client(row)}) keeps other {row['held']} out"
        f" and has done nothing for {row['seconds']:,} s; if its program is gone:"
        f" SELECT pg_terminate_backend({row['pid']})"
        for row in session.fetch_all("check/find_idle_holders", seconds=_IDLE_SECONDS)
    ]


def _blocked_sessions(session: Session) -> list[str]:
    return [
        f"server process {row['pid']} of fluffy-sql has waited {row['seconds']:,} s for what is"
        f" locked by server process {', '.join(map(str, row['blockers']))}"
        for row in session.fetch_all("check/find_blocked", seconds=_BLOCKED_SECONDS)
    ]


def _abandoned_runs(session: Session) -> list[str]:
    if session.standby or not session.fetch_value("check/try_lock_runs"):
        return []
    return [
        f"run {row['run_id']} is recorded as running (phase {row['phase']}, since"
        f" {row['started_at']:%Y-%m-%d %H:%M:%S} UTC), but no run is at work"
        for row in session.fetch_all("check/find_abandoned_runs")
    ]


def _left_work_tables(session: Session) -> list[str]:
    """Tables of killed runs; while a run is at work, they belong to it."""
    if session.standby or not session.fetch_value("check/try_lock_runs"):
        return []
    return [
        f"the work table {row['name']} holds rows that a killed run left"
        for row in session.fetch_all("work_tables/list_filled")
    ]


# Triggers before what they count. Runs and work tables last: while they are looked at, no run can
# begin.
CHECKS = (
    Check("count_triggers", _idle_triggers, "made again", create_triggers),
    Check("guard_triggers", _idle_guards, "made again", "triggers/create_guards"),
    Check("stray_triggers", _stray_triggers, "dropped", "triggers/drop_stray"),
    Check("photos_count", _wrong_counts, "counted again", repair_counts),
    Check("usable_photos", _unsteady_view),
    Check("scopes", _wrong_scopes),
    Check("lost_photos", _lost_photos, "taken out of it", "check/free_lost_photos"),
    Check("dimensions", _other_lengths),
    Check("replica_identity", _without_identity),
    Check("idle_locks", _idle_holders),
    Check("blocked", _blocked_sessions),
    Check("runs", _abandoned_runs, "marked as interrupted", close_left_open),
    Check("work_tables", _left_work_tables, "emptied", empty),
)
