"""The tables that a run works in: lent out empty, and nobody else's tables are emptied."""

import pytest

from fluffy_sql.errors import DatabaseError
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.work_tables import work_tables
from tests.sql.helpers import add_with_ids, as_role, make_assignments, make_sample, query, value

# A row for each.
ROWS = {
    "work_assignments": "VALUES (1, 0, 0.5, '3')",
    "work_aside": "VALUES (1, 0, 0.5, '3')",
    "work_drawn": "VALUES (1, 1)",
    "work_sample": "VALUES (1, 1, '[1, 0]')",
    "work_measured": "VALUES (1, 0, NULL, 0.5, NULL, '[1, 0]')",
    "work_measured_clusters": "VALUES (1, 1, '[1, 0]', 0, 0, 0)",
    "work_candidates": "VALUES (1, 1)",
    "work_duplicates": "VALUES (1, 2)",
    "work_neighbours": "VALUES (1, 1, ARRAY[2], ARRAY[0.5])",
}

every_table = pytest.mark.parametrize("table", ROWS)


def fill(session: Session) -> None:
    for table, row in ROWS.items():
        session.connection.execute(f"INSERT INTO {table} {row}".encode())


def filled(session: Session) -> set[str]:
    return {row["name"] for row in session.fetch_all("work_tables/list_filled")}


def rows(session: Session, table: str) -> int:
    found: int = value(session, f"SELECT count(*) FROM {table}")
    return found


def test_every_unlogged_table_but_one_is_a_work_table(session: Session) -> None:
    unlogged = query(
        session,
        "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relpersistence = 'u'"
        " AND relnamespace = 'fluffy_sql'::regnamespace",
    )
    assert {name for (name,) in unlogged} == {*ROWS, "cluster_run_checkpoints"}
    assert query(session, "SELECT list_work_tables()") == [(name,) for name in sorted(ROWS)]


def test_every_work_table_is_found_if_it_is_full_and_emptied(session: Session) -> None:
    assert filled(session) == set()
    fill(session)
    assert filled(session) == set(ROWS)
    session.fetch_value("work_tables/empty", names=None)
    assert filled(session) == set()
    assert {table: rows(session, table) for table in ROWS} == dict.fromkeys(ROWS, 0)


def test_room_that_a_failed_statement_took_is_given_back(session: Session) -> None:
    with session.transaction(force_rollback=True):
        fill(session)
    room = "SELECT pg_relation_size('work_assignments')"
    assert filled(session) == set()
    assert value(session, room) > 0
    session.fetch_value("work_tables/empty", names=None)
    assert value(session, room) == 0


@every_table
def test_one_can_be_emptied_alone(session: Session, table: str) -> None:
    fill(session)
    session.fetch_value("work_tables/empty", names=[table])
    assert filled(session) == set(ROWS) - {table}


@every_table
def test_what_is_written_is_seen_by_other_connections(
    session: Session, other: Session, table: str
) -> None:
    fill(session)
    assert rows(other, table) == 1


@pytest.mark.parametrize(
    "name", ["photos", "public.photos", "cluster_runs", "cluster_run_checkpoints", "work_own", "x"]
)
def test_nothing_else_is_emptied_or_analyzed(session: Session, name: str) -> None:
    known = "SELECT reltuples FROM pg_class WHERE oid = 'photos'::regclass"
    before = value(session, known)
    assert before <= 0
    add_with_ids(session, {1: [1, 0]})
    session.connection.execute("CREATE TABLE fluffy_sql.work_own AS SELECT 1 AS n")
    session.connection.execute("CREATE UNLOGGED TABLE public.work_drawn AS SELECT 1 AS n")
    session.connection.execute(
        "INSERT INTO cluster_runs (algorithm, metric, seed, k_requested, settings, tool_version,"
        " postgres_version, pgvector_version, photos_eligible)"
        " VALUES ('kmeans', 'l2', 0, 1, '{}', '', '', '', 1)"
    )
    session.fetch_value("work_tables/empty", names=[name])
    session.fetch_value("work_tables/empty", names=None)
    session.fetch_value("work_tables/analyze", name=name, column_name=None)
    assert {
        table: rows(session, table)
        for table in ("photos", "cluster_runs", "work_own", "public.work_drawn")
    } == {"photos": 1, "cluster_runs": 1, "work_own": 1, "public.work_drawn": 1}
    assert value(session, known) == before


def test_a_role_that_owns_nothing_empties_and_analyzes_them(session: Session) -> None:
    fill(session)
    with as_role(
        session,
        "USAGE ON SCHEMA fluffy_sql",
        "EXECUTE ON FUNCTION empty_work_tables, analyze_work_table, list_filled_work_tables",
    ):
        assert filled(session) == set(ROWS)
        session.fetch_value("work_tables/analyze", name="work_drawn", column_name="photo_id")
        session.fetch_value("work_tables/empty", names=["work_drawn", "work_sample"])
        assert filled(session) == set(ROWS) - {"work_drawn", "work_sample"}
        with pytest.raises(DatabaseError, match="permission denied"), session.transaction():
            session.execute("work_tables/restore_assignments")


@every_table
def test_the_planner_learns_how_many_rows_there_are(session: Session, table: str) -> None:
    fill(session)
    session.fetch_value("work_tables/analyze", name=table, column_name=None)
    assert value(session, "SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)", table) == 1


def test_or_of_one_column_alone(session: Session) -> None:
    make_sample(session, [[1, 0]] * 37)
    session.fetch_value("work_tables/analyze", name="work_sample", column_name="photo_id")
    known = "SELECT attname::text FROM pg_stats WHERE tablename = 'work_sample'"
    assert query(session, known) == [("photo_id",)]
    size = "SELECT reltuples FROM pg_class WHERE oid = 'work_sample'::regclass"
    assert value(session, size) == 37


def test_tables_are_lent_out_empty_and_given_back_empty(session: Session) -> None:
    fill(session)
    with work_tables(session, "work_drawn", "work_sample"):
        assert filled(session) == set(ROWS) - {"work_drawn", "work_sample"}
        fill_again = f"INSERT INTO work_drawn {ROWS['work_drawn']}"
        session.connection.execute(fill_again.encode())
    assert filled(session) == set(ROWS) - {"work_drawn", "work_sample"}


@pytest.mark.usefixtures("database_url")
def test_also_after_a_failure(session: Session) -> None:
    def fail() -> None:
        with work_tables(session, "work_drawn"):
            fill(session)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert filled(session) == set(ROWS) - {"work_drawn"}


def test_a_position_is_taken_once(session: Session) -> None:
    make_sample(session, [[1, 0]])
    with pytest.raises(DatabaseError) as refused, session.transaction():
        session.connection.execute("INSERT INTO work_sample VALUES (1, 1, '[1,0]')")
    assert refused.value.sqlstate == "23505"


def test_an_assignment_holds_any_label(session: Session) -> None:
    make_assignments(session, {1: (-1, 0.0), 2: (2**31 - 1, 1e300)})
    assert rows(session, "work_assignments") == 2


@pytest.mark.parametrize("table", ["work_sample", "work_measured", "work_measured_clusters"])
def test_vectors_stay_in_their_rows_as_far_as_these_fit_a_page(
    session: Session, table: str
) -> None:
    options = "SELECT reloptions FROM pg_class WHERE oid = to_regclass(%s)"
    assert value(session, options, table) == ["toast_tuple_target=8160"]
