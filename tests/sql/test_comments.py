"""Whoever looks at the database with another tool finds out what is what."""

import re

import pytest

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import add_with_ids, place, query, value

TABLES = ("photos", "clusters")
VIEWS = (
    "usable_photos",
    "cluster_members",
    "cluster_overview",
    "cluster_run_overview",
    "cluster_moves",
    "scoped_clusters",
    "placing_rules",
    "current_duplicates",
)
FUNCTIONS = (
    "application_table",
    "assign_photo",
    "centroid_distance",
    "cluster_central_photos",
    "cluster_neighbors",
    "cluster_outermost_photos",
    "cluster_random_photos",
    "comparable_embedding",
    "fold_photo_counts",
    "library_is_whole",
    "list_filled_work_tables",
    "list_work_tables",
    "nearest_active_cluster",
    "photo_nearest_clusters",
    "photo_neighbours",
    "referenced_clusters",
    "remember_usable_photos",
    "scope_clusters_by",
    "usable_photos_is_as_made",
    "vector_nearest_clusters",
)
TRIGGERS = ("place_new_photo",)

# Postgres calls these itself.
TRIGGER_FUNCTIONS = (
    "count_cluster",
    "count_photos",
    "fold_photo_counts_at_commit",
    "guard_cluster",
    "guard_photos",
)
# A run calls these.
OF_RUNS = (
    "analyze_work_table",
    "empty_work_tables",
    "clusters_by_neighbours",
    "make_clusters",
    "nearest_candidate",
    "nearest_cores",
    "voted_clusters",
)
# yoyo makes these, and says nothing of them.
OF_YOYO = {"migrations", "migrations_log", "migrations_version"}

# Columns whose name alone does not say what they hold.
DESCRIBED = {
    "photos": {"path", "embedding", "cluster_id"},
    "clusters": {"id", "name", "status", "photos_count", "centroid", "run_id", "scope"},
    "cluster_runs": {
        "status",
        "phase",
        "seed",
        "k_requested",
        "settings",
        "photos_eligible",
        "skipped",
        "photos_processed",
        "inertia",
        "iterations",
        "converged",
        "seconds",
        "backend_pid",
        "silhouette",
        "davies_bouldin",
        "calinski_harabasz",
        "photos_measured",
    },
    "cluster_quality": {
        "cluster_id",
        "mean_distance",
        "distance_percentiles",
        "silhouette",
        "davies_bouldin",
    },
    "cluster_run_steps": {"phase", "batch_size", "inertia", "centroid_movement"},
    "cluster_members": {"rank", "distance"},
    "cluster_overview": {"mean_distance", "max_distance"},
    "cluster_run_overview": {"inertia_per_photo", "duration"},
}


def comment(session: Session, relation: str) -> str | None:
    text: str | None = value(
        session, "SELECT obj_description(to_regclass(%s), 'pg_class')", relation
    )
    return text


@pytest.mark.parametrize("relation", TABLES + VIEWS)
def test_every_table_of_the_application_and_every_view_says_what_it_is(
    session: Session, relation: str
) -> None:
    assert comment(session, relation)


def test_everything_in_our_schema_says_what_it_is(session: Session) -> None:
    relations = query(
        session,
        "SELECT relname::text, relkind::text, obj_description(oid, 'pg_class') FROM pg_class"
        " WHERE relnamespace = 'fluffy_sql'::regnamespace AND relkind NOT IN ('i', 'S')",
    )
    assert {name for name, kind, _ in relations if kind == "v"} == {*VIEWS}
    assert {name for name, _, said in relations if not said} == OF_YOYO
    said = "SELECT obj_description('fluffy_sql'::regnamespace, 'pg_namespace')"
    assert value(session, said).endswith("Made by fluffy-sql migrate.")


@pytest.mark.parametrize("relation", sorted(DESCRIBED))
def test_columns_say_what_they_hold(session: Session, relation: str) -> None:
    found = query(
        session,
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0"
        " AND col_description(attrelid, attnum) <> ''",
        relation,
    )
    assert DESCRIBED[relation] <= {name for (name,) in found}


@pytest.mark.parametrize("view", [view for view in VIEWS if view != "usable_photos"])
def test_the_example_in_a_view_s_comment_runs(session: Session, view: str) -> None:
    example = re.search(r"Example: (SELECT .*?;)", comment(session, view) or "")
    assert example is not None
    assert view in example[1]
    assert query(session, example[1]) == []


def test_every_function_of_ours_is_among_these(session: Session) -> None:
    found = query(
        session,
        "SELECT proname::text FROM pg_proc"
        " WHERE pronamespace = 'fluffy_sql'::regnamespace ORDER BY 1",
    )
    assert [name for (name,) in found] == sorted(FUNCTIONS + TRIGGERS + TRIGGER_FUNCTIONS + OF_RUNS)


@pytest.mark.parametrize("function", TRIGGER_FUNCTIONS)
def test_a_trigger_function_says_what_it_does(session: Session, function: str) -> None:
    described = value(session, "SELECT obj_description(to_regproc(%s), 'pg_proc')", function)
    assert "trigger" in described


@pytest.mark.parametrize("function", OF_RUNS)
def test_a_function_that_runs_call_says_so(session: Session, function: str) -> None:
    described = value(session, "SELECT obj_description(to_regproc(%s), 'pg_proc')", function)
    assert described.endswith(("For runs of fluffy_sql.", "one of which is let in at a time."))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_example_in_a_function_s_comment_gives_rows(session: Session, function: str) -> None:
    add_with_ids(session, {1: [1, 0], 2: [3, 4]})
    session.connection.execute("INSERT INTO clusters (id, centroid) VALUES (1, '[1, 0]')")
    session.connection.execute("INSERT INTO clusters (id, centroid) VALUES (2, '[0, 1]')")
    place(session, 1, 1, 2)
    session.connection.execute("INSERT INTO work_drawn VALUES (1, 1)")
    session.connection.execute("CREATE TABLE albums (theme bigint REFERENCES clusters)")
    session.connection.execute("INSERT INTO albums VALUES (1)")
    described = value(session, "SELECT obj_description(to_regproc(%s), 'pg_proc')", function)
    example = re.search(r"Example: (SELECT .*?;)", described)
    assert example is not None
    assert f"{function}(" in example[1]
    assert query(session, example[1])


@pytest.mark.parametrize("function", TRIGGERS)
def test_the_example_in_a_trigger_function_s_comment_makes_a_trigger(
    session: Session, function: str
) -> None:
    described = value(session, "SELECT obj_description(to_regproc(%s), 'pg_proc')", function)
    example = re.search(r"Example: (CREATE TRIGGER .*?;)", described)
    assert example is not None
    assert f"{function}(" in example[1]
    session.connection.execute(example[1])
    add_with_ids(session, {1: [1, 0]})
