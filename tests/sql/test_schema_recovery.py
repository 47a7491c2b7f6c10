"""What migrate does about a library whose record is not what it was."""

import pytest

from fluffy_sql.errors import DatabaseError
from fluffy_sql.postgres import schema
from fluffy_sql.postgres.session import Session
from tests.integration.helpers import query


def test_runs_of_clusters_are_forgotten_if_they_are_not_on_record(session: Session) -> None:
    session.connection.execute("INSERT INTO clusters (run_id) VALUES (7), (NULL), (8)")
    assert session.fetch_value("schema/count_lost_runs") == 2
    assert session.execute("schema/forget_lost_runs") == 2
    assert query(session, "SELECT DISTINCT run_id FROM clusters") == [(None,)]
    assert session.fetch_value("schema/count_lost_runs") == 0


def test_marks_are_put_back_and_what_somebody_wrote_stays(session: Session) -> None:
    session.connection.execute("COMMENT ON TABLE photos IS 'All of them.'")
    session.connection.execute("COMMENT ON COLUMN photos.embedding IS NULL")
    session.connection.execute("COMMENT ON COLUMN clusters.run_id IS NULL")
    session.execute("schema/restore_marks")
    assert query(
        session,
        "SELECT obj_description('photos'::regclass), col_description('clusters'::regclass, attnum)"
        " FROM pg_attribute WHERE attrelid = 'clusters'::regclass AND attname = 'run_id'",
    ) == [("All of them. Made by fluffy_sql.", "Made by fluffy_sql.")]


def test_marks_are_put_where_there_was_one(session: Session, database_url: str) -> None:
    session.connection.execute("ALTER TABLE photos ADD COLUMN own text")
    session.connection.execute("COMMENT ON COLUMN photos.own IS 'ours'")
    schema.migrate(database_url)
    session.execute("schema/restore_marks")
    assert query(
        session,
        "SELECT col_description(attrelid, attnum) FROM pg_attribute"
        " WHERE attrelid = 'photos'::regclass AND attname = 'own'",
    ) == [("ours",)]


def test_the_list_of_migrations_is_ours_alone(session: Session) -> None:
    session.connection.execute("CREATE TABLE public.migrations (own text)")
    session.execute("schema/forget_migrations")
    assert query(
        session,
        "SELECT relnamespace::regnamespace::text FROM pg_class"
        " WHERE starts_with(relname, 'migrations')",
    ) == [("public",)]
    session.execute("schema/forget_migrations")  # gone already


def test_clusters_are_tried_and_nothing_is_left(session: Session) -> None:
    last = "SELECT last_value, is_called FROM clusters_id_seq"
    before = query(session, last)
    with session.transaction(force_rollback=True):
        session.execute("schema/try_cluster")
        assert query(session, "SELECT id, status FROM clusters ORDER BY id") == [(1, 0), (2, 0)]
    assert query(session, "SELECT id FROM clusters") == []
    assert query(session, last) == before


@pytest.mark.parametrize(
    "constraint", ["CHECK (status <> 0)", "UNIQUE (status)", "CHECK (centroid <-> '[1]' > 9)"]
)
def test_what_a_constraint_refuses_is_told(session: Session, constraint: str) -> None:
    session.connection.execute(f"ALTER TABLE clusters ADD {constraint}".encode())
    with pytest.raises(DatabaseError), session.transaction(force_rollback=True):
        session.execute("schema/try_cluster")


def test_the_library_of_the_same_tables_is_found(session: Session) -> None:
    session.execute("schema/find_other_library")
    other = "SELECT current_setting('fluffy_sql.other_library')"
    assert query(session, other) == [("",)]
    session.connection.execute("SELECT set_config('fluffy_sql.schema', 'another', FALSE)")
    session.execute("schema/find_other_library")
    assert query(session, other) == [("fluffy_sql",)]
