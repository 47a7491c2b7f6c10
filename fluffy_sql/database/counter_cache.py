"""Who keeps `clusters.photos_count`: triggers, or whoever writes to `photos`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from fluffy_sql.errors import DatabaseError, SchemaError

if TYPE_CHECKING:
    from fluffy_sql.database.session import Session

AUTO, TRIGGERS, SERVICE = "auto", "triggers", "service"

# No privilege; and not supported, which is what Citus says of its distributed tables.
_REFUSED = frozenset({"42501", "0A000"})


class _Trigger(NamedTuple):
    """The statements that make a trigger and drop it."""

    create: str
    drop: str


_TRIGGERS = {
    "fluffy_sql_count_inserted": _Trigger(
        "counts/create_insert_trigger", "counts/drop_insert_trigger"
    ),
    "fluffy_sql_count_updated": _Trigger(
        "counts/create_update_trigger", "counts/drop_update_trigger"
    ),
    "fluffy_sql_count_deleted": _Trigger(
        "counts/create_delete_trigger", "counts/drop_delete_trigger"
    ),
    "fluffy_sql_count_truncated": _Trigger(
        "counts/create_truncate_trigger", "counts/drop_truncate_trigger"
    ),
    "fluffy_sql_count_cluster": _Trigger(
        "counts/create_cluster_trigger", "counts/drop_cluster_trigger"
    ),
}


@dataclass(frozen=True)
class CounterCache:
    """How `photos_count` is kept from now on.

    Attributes:
        kept_by: `triggers`; or `service`: by runs for the clusters they make, and else by the
            application.
        changed: whether that was otherwise before.
        mended: clusters whose count was wrong when triggers took over.
        found_here: whether it was left to the application since `photos_count` is its own column.
        distributed: whether it was left to runs since Citus, which refuses triggers, has `photos`.
    """

    kept_by: str
    changed: bool
    mended: int
    found_here: bool
    distributed: bool = False


def put_into_effect(session: Session, wanted: str) -> CounterCache:
    """Makes the triggers, or drops them; where all is as wanted, nothing is locked.

    Args:
        session: on a migrated database.
        wanted: `triggers`, `service`, or `auto`: triggers, unless the application has a
            `photos_count` of its own. It will count photos itself, and both would count double.
            Nor where `photos` is distributed, for Citus refuses triggers there.

    Raises:
        SchemaError: Postgres refuses triggers to this role or on these tables.
        DatabaseError: Postgres refused a statement.
    """
    found_here = wanted == AUTO and not _column_is_ours(session)
    distributed = wanted == AUTO and session.distributed
    kept_by = SERVICE if found_here or distributed or wanted == SERVICE else TRIGGERS
    changed, mended = False, 0
    if kept_by == TRIGGERS and not triggers_in_force(session):
        changed, mended = True, _take_over(session)
    elif kept_by == SERVICE and _enabled_by_name(session):
        changed = True
        _leave_to_others(session)
    return CounterCache(kept_by, changed, mended, found_here, distributed)


def triggers_in_force(session: Session) -> bool:
    """Whether triggers count, so that nobody else has to."""
    enabled = _enabled_by_name(session)
    return len(enabled) == len(_TRIGGERS) and all(enabled.values())


def idle_triggers(session: Session) -> list[str]:
    """Triggers that are missing or disabled where others of ours are there."""
    enabled = _enabled_by_name(session)
    return [name for name in _TRIGGERS if enabled and not enabled.get(name)]


def create_triggers(session: Session) -> None:
    """Makes all triggers; those that are there are enabled."""
    for trigger in _TRIGGERS.values():
        session.execute(trigger.create)


def mend_counts(session: Session) -> int:
    """Sets every wrong count right, in a transaction of the caller; returns how many there were."""
    wrong = [row["cluster_id"] for row in session.fetch_all("check/find_wrong_counts")]
    if wrong:
        session.fetch_all("check/lock_clusters", cluster_ids=wrong)
        session.execute("check/mend_counts", cluster_ids=wrong)
    return len(wrong)


def _column_is_ours(session: Session) -> bool:
    made = {
        (row["kind"], row["name"])
        for row in session.fetch_all("schema/list_created_objects")
        if row["table_name"] == "clusters"
    }
    return not made.isdisjoint({("table", "clusters"), ("column", "photos_count")})


def _enabled_by_name(session: Session) -> dict[str, bool]:
    """Of those of our triggers that are there, whether they are enabled."""
    there = session.fetch_all("counts/list_triggers")
    return {row["name"]: row["enabled"] for row in there if row["name"] in _TRIGGERS}


def _take_over(session: Session) -> int:
    """Counts once, since what came before was counted by others: no photo moves meanwhile."""
    try:
        with session.transaction():
            create_triggers(session)
            return mend_counts(session)
    except DatabaseError as error:
        if error.sqlstate not in _REFUSED:
            raise
        raise SchemaError(
            f"triggers can't keep photos_count: {error}; or set clustering.counter_cache to service"
            " and migrate again"
        ) from error


def _leave_to_others(session: Session) -> None:
    with session.transaction():
        for trigger in _TRIGGERS.values():
            session.execute(trigger.drop)
