"""Views, functions and triggers: what has no data, so `migrate` makes it again each time."""

import hashlib

from fluffy_sql.errors import DatabaseError
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.statements import definition

# In this order, since later ones use earlier ones; sql/schema/drop_definitions.sql has them in the
# opposite one.
NAMES = (
    "application_table",
    "usable_photos",
    "usable_photos_is_as_made",
    "cluster_members",
    "cluster_overview",
    "cluster_run_overview",
    "cluster_moves",
    "current_duplicates",
    "centroid_distance",
    "comparable_embedding",
    "nearest_candidate",
    "cluster_central_photos",
    "cluster_outermost_photos",
    "cluster_random_photos",
    "cluster_neighbors",
    "photo_neighbours",
    "placing_rules",
    "voted_clusters",
    "nearest_cores",
    "clusters_by_neighbours",
    "scope_clusters_by",
    "scoped_clusters",
    "vector_nearest_clusters",
    "photo_nearest_clusters",
    "referenced_clusters",
    "library_is_whole",
    "nearest_active_cluster",
    "assign_photo",
    "place_new_photo",
    "count_photos",
    "fold_photo_counts",
    "fold_photo_counts_at_commit",
    "count_cluster",
    "guard_photos",
    "guard_cluster",
    "remember_usable_photos",
    "list_work_tables",
    "list_filled_work_tables",
    "empty_work_tables",
    "analyze_work_table",
)

# Only in an attached library, before all others.
OF_ATTACHED = ("source_photos", "source_differences", "sync_source", "photo_clusters", "photo_of")

# A view or function has other columns or arguments than the one it is to replace.
_CAN_NOT_REPLACE = frozenset({"42P16", "42P13"})


def digest(*, distributed: bool) -> str:
    """Of all definitions: two versions of fluffy_sql with the same one made the same objects."""
    texts = "\0".join(definition(name, distributed=distributed) for name in (*NAMES, *OF_ATTACHED))
    return hashlib.sha256(texts.encode()).hexdigest()


def create(session: Session) -> None:
    """Makes or replaces all of them, in a transaction of the caller; rights to them are kept.

    Raises:
        DatabaseError: Postgres refused one, say since somebody's view uses one that has to change.
    """
    try:
        with session.transaction():
            _create_all(session)
    except DatabaseError as error:
        if error.sqlstate not in _CAN_NOT_REPLACE:
            raise
        drop(session)
        _create_all(session)
    session.execute("schema/mark_definitions", digest=digest(distributed=session.distributed))


def drop(session: Session) -> None:
    """Takes all of them away, in a transaction of the caller.

    What somebody wrote into usable_photos and rights to all of them are remembered.

    Raises:
        DatabaseError: something of somebody else's uses one of them; the message says what.
    """
    session.execute("schema/remember_usable_photos")
    session.execute("schema/save_grants")
    session.execute("schema/drop_definitions")
    session.execute("schema/mark_definitions", digest=None)


def _create_all(session: Session) -> None:
    attached = session.fetch_all("attach/describe_source")
    for name in (*(OF_ATTACHED if attached else ()), *NAMES):
        session.define(name)
    if session.distributed:
        session.execute("distribute/unbind_functions")
    else:  # Citus refuses triggers
        session.execute("triggers/drop_stray")
        session.execute("triggers/create_guards")
