"""Who keeps `clusters.photos_count`: triggers, or the programs that write to `photos`."""

from dataclasses import dataclass
from typing import Any

from fluffy_sql.errors import DatabaseError, SchemaError
from fluffy_sql.postgres.session import Session

AUTO, TRIGGERS, SERVICE = "auto", "triggers", "service"

# No privilege; and not supported, which is what Citus says of its distributed tables.
_REFUSED = frozenset({"42501", "0A000"})


@dataclass(frozen=True)
class CounterCache:
    """How `photos_count` is kept from now on.

    Attributes:
        kept_by: `triggers`; or `service`: by runs for the clusters they make, and else by the
            application.
        changed: whether that is new.
        repaired: clusters whose count was wrong when triggers took over, or were made again.
        found_here: the application already had `photos_count`, so it keeps counting.
        distributed: whether runs keep it because `photos` is distributed: Citus refuses triggers.
    """

    kept_by: str
    changed: bool
    repaired: int
    found_here: bool
    distributed: bool = False


def put_into_effect(session: Session, wanted: str, *, idle: bool = False) -> CounterCache:
    """Makes the triggers, or drops them; if all is as wanted, nothing is locked.

    Args:
        session: on a migrated database.
        wanted: `triggers`, `service`, or `auto`: triggers, unless the application has a
            `photos_count` of its own. It will count photos itself, and both would count double.
            Nor if `photos` is distributed, since Citus refuses triggers there.
        idle: whether existing triggers may have missed changes for a while.

    Raises:
        SchemaError: Postgres refuses triggers to this role or on these tables.
        DatabaseError: Postgres refused a statement.
    """
    found_here = wanted == AUTO and not session.fetch_value("triggers/counts_are_ours")
    distributed = wanted == AUTO and session.distributed
    kept_by = SERVICE if found_here or distributed or wanted == SERVICE else TRIGGERS
    changed, repaired = False, 0
    if kept_by == TRIGGERS:
        changed = not all(trigger["enabled"] for trigger in _triggers(session))
        if changed or idle:
            repaired = _take_over(session, idle=idle)
    elif kept_by == SERVICE and any(trigger["there"] for trigger in _triggers(session)):
        changed = True
        leave_to_others(session)
    return CounterCache(kept_by, changed, repaired, found_here, distributed)


def moves_are_counted(session: Session) -> bool:
    """Whether a trigger counts photos that a run moves, so that it must not: it updates photos.

    A trigger of a single partition does not matter: it may be newer than the last migrate.
    """
    counting = [t for t in _triggers(session) if t["name"] == "fluffy_sql_count_updated"]
    return all(trigger["enabled"] for trigger in counting if trigger["whole"])


def folds_at_commit(session: Session) -> bool:
    """Whether what triggers write down is added to photos_count when a transaction ends."""
    return any(t["enabled"] for t in _triggers(session) if t["name"] == "fluffy_sql_fold")


def idle_triggers(session: Session) -> list[str]:
    """Triggers that are missing or disabled while others of ours are there, with their tables."""
    triggers = _triggers(session)
    if not any(trigger["there"] for trigger in triggers):
        return []
    return [f"{t['name']} of {t['of_table']}" for t in triggers if not t["enabled"]]


def create_triggers(session: Session) -> None:
    """Makes all triggers; those that are there are enabled."""
    session.execute("triggers/create_counts")


def repair_counts(session: Session) -> int:
    """Sets every wrong count right, in a transaction of the caller; returns how many there were."""
    wrong = [row["cluster_id"] for row in session.fetch_all("check/find_wrong_counts")]
    if wrong:
        session.fetch_all("check/lock_clusters", cluster_ids=wrong)
        session.execute("commit/recount", cluster_ids=wrong)
    return len(wrong)


def _triggers(session: Session) -> list[dict[str, Any]]:
    """The triggers that count, as they should be and as they are."""
    return [row for row in session.fetch_all("triggers/list") if row["kind"] == "count"]


def _take_over(session: Session, *, idle: bool) -> int:
    """Counts once, since others counted until now: no photo moves meanwhile.

    Making a trigger keeps others from writing to photos, so existing ones are made again.
    """
    try:
        with session.transaction():
            if idle:
                session.execute("triggers/drop_counts")
            create_triggers(session)
            return repair_counts(session)
    except DatabaseError as error:
        if error.sqlstate not in _REFUSED:
            raise
        raise SchemaError(
            f"triggers can't keep photos_count: {error}; or set clustering.counter_cache to service"
            " and migrate again"
        ) from error


def leave_to_others(session: Session) -> None:
    """Drops the triggers that count, after what they wrote down is counted."""
    with session.transaction():
        session.execute("triggers/drop_counts")
        session.execute("triggers/settle")
