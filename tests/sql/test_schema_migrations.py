"""What there is of a library, what was lost of it, and the lock that lets one migration run."""

from typing import Any

import pytest

from fluffy_sql.errors import DatabaseError
from fluffy_sql.postgres import schema
from fluffy_sql.postgres.session import Session
from fluffy_sql.resources import migrations_folder
from tests.sql.helpers import as_role, make_clusters, open_run, query, value


def library(session: Session) -> dict[str, Any]:
    [found] = session.fetch_all("schema/describe_library")
    return found


NONE = {"there": False, "reachable": False, "owner": None, "owned": False, "recorded": False}


# What there is


def test_a_library_is_told_from_none(session: Session, bare: Session) -> None:
    assert library(session) == {
        "there": True,
        "reachable": True,
        "owner": value(session, "SELECT quote_ident(current_user)"),
        "owned": True,
        "recorded": True,
        "others": ["fluffy_sql"],
    }
    assert library(bare) == {**NONE, "others": None}


def test_another_schema_s_is_told_from_it(database_url: str) -> None:
    with Session.open(database_url, schema="another") as session:
        assert library(session) == {**NONE, "others": ["fluffy_sql"]}
        session.connection.execute("CREATE SCHEMA another")
        assert library(session)["there"] is True


@pytest.mark.parametrize(
    "lost", ["migrations", "migrations_log", "migrations_version", "definitions"]
)
def test_without_one_of_its_records_nothing_is_known_of_it(session: Session, lost: str) -> None:
    session.connection.execute(f"DROP TABLE {lost}".encode())
    assert library(session)["recorded"] is False


def test_any_role_may_ask(session: Session) -> None:
    with as_role(session):
        found = library(session)
        told = [found[name] for name in ("there", "reachable", "owned", "recorded")]
        assert told == [True, False, False, True]
    with as_role(session, "USAGE ON SCHEMA fluffy_sql"):
        assert library(session)["reachable"] is True


def test_applied_migrations_are_those_in_the_folder_oldest_first(session: Session) -> None:
    in_folder = sorted(file.stem for file in migrations_folder().iterdir())
    assert all(name[:4].isdigit() for name in in_folder)
    applied = session.fetch_all("schema/list_applied_migrations")
    assert [row["migration_id"] for row in applied] == in_folder


@pytest.mark.parametrize(
    ("made", "adopted"),
    [
        ("SELECT 1", []),
        ("CREATE TABLE photos (id bigint PRIMARY KEY, path text)", ["photos"]),
        ("CREATE TABLE clusters (id bigserial PRIMARY KEY)", ["clusters"]),
    ],
)
def test_tables_that_migrate_did_not_make_are_adopted(
    bare: Session, made: str, adopted: list[str]
) -> None:
    bare.connection.execute(made.encode())
    before = [row["name"] for row in bare.fetch_all("schema/list_adopted_tables")]
    assert before == adopted
    schema.migrate(bare.connection.info.dsn)
    bare.prepare(looking=False)
    assert [row["name"] for row in bare.fetch_all("schema/list_adopted_tables")] == adopted


def test_tables_and_columns_are_recorded_as_they_are_now(session: Session) -> None:
    def recorded() -> dict[str, dict[str, int]]:
        return dict(query(session, "SELECT relation::text, columns FROM application_tables"))

    before = recorded()
    assert set(before) == {"photos", "clusters"}
    assert set(before["photos"]) == {
        "id",
        "path",
        "embedding",
        "cluster_id",
        "cluster_pinned",
        "created_at",
        "updated_at",
    }
    assert session.execute("schema/record_tables") == 2
    assert recorded() == before
    session.connection.execute("ALTER TABLE photos DROP path CASCADE, ADD path text")
    session.connection.execute("ALTER TABLE clusters ADD own text")
    session.execute("schema/record_tables")
    after = recorded()
    assert after.pop("photos")["path"] > before.pop("photos")["path"]
    assert after == before


# What was lost


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ("SELECT 1", []),
        ("DROP VIEW cluster_members CASCADE", []),  # made again by migrate
        ("DROP TABLE cluster_runs CASCADE", [("cluster_runs", None, False)]),
        ("DROP TABLE photo_count_changes CASCADE", [("photo_count_changes", None, False)]),
        ("DROP TABLE photos CASCADE", [("photos", None, False)]),
        ("ALTER TABLE photos RENAME TO pictures", [("photos", "pictures", False)]),
        ("ALTER TABLE clusters RENAME TO groups", [("clusters", "groups", False)]),
        (
            "ALTER TABLE photos RENAME TO pictures; CREATE TABLE public.photos (id bigint)",
            [("photos", "pictures", True)],
        ),
        (
            "DROP TABLE photos CASCADE; CREATE TABLE public.photos (id bigint)",
            [("photos", None, True)],
        ),
        ("CREATE SCHEMA app; ALTER TABLE photos SET SCHEMA app", []),  # found there
        ("ALTER TABLE photos RENAME path TO file_path", [("photos.path", "file_path", False)]),
        ("ALTER TABLE photos DROP path CASCADE", [("photos.path", None, False)]),
        ("ALTER TABLE photos DROP path CASCADE, ADD path text", []),
        (
            "ALTER TABLE clusters RENAME centroid TO middle;"
            " ALTER TABLE clusters DROP status CASCADE",
            [("clusters.centroid", "middle", False), ("clusters.status", None, False)],
        ),
        ("ALTER TABLE clusters RENAME run_id TO run", [("clusters.run_id", "run", False)]),
        (
            "DROP EXTENSION vector CASCADE",
            [("clusters.centroid", None, False), ("photos.embedding", None, False)],
        ),
    ],
)
def test_what_was_lost_or_renamed_since_is_told(
    session: Session, change: str, lost: list[tuple[str, str | None, bool]]
) -> None:
    session.connection.execute(change.encode())
    session.execute("session/find_library")
    found = session.fetch_all("schema/list_lost_objects")
    assert [(row["name"], row["renamed_to"], row["replaced"]) for row in found] == lost


@pytest.mark.parametrize(
    ("change", "changes"),
    [
        ("SELECT 1", []),
        (
            "CREATE SCHEMA app; ALTER TABLE photos SET SCHEMA app",
            ["photos was moved to the schema app"],
        ),
        (
            "ALTER TABLE clusters RENAME scope TO owner_id",
            ["clusters.scope was renamed to owner_id"],
        ),
        ("ALTER TABLE clusters ADD owner_id bigint, DROP scope CASCADE", []),
    ],
)
def test_what_definitions_were_made_for_and_is_otherwise_by_now_is_told(
    session: Session, change: str, changes: list[str]
) -> None:
    session.connection.execute(change.encode())
    session.execute("session/find_library")
    found = session.fetch_all("schema/list_changes")
    assert [row["change"] for row in found] == changes


# Completed


def test_runs_that_are_not_on_record_are_forgotten(session: Session) -> None:
    run_id = open_run(session)
    ours, theirs = make_clusters(session, [[1, 0], [0, 1]], run_id)
    session.connection.execute("UPDATE clusters SET run_id = 4711 WHERE id = %s", (theirs,))
    assert session.fetch_value("schema/count_lost_runs") == 1
    assert session.execute("schema/forget_lost_runs") == 1
    assert session.fetch_value("schema/count_lost_runs") == 0
    found = query(session, "SELECT id, run_id FROM clusters ORDER BY id")
    assert found == [(ours, run_id), (theirs, None)]


@pytest.mark.usefixtures("database_url")
def test_migrations_are_forgotten_and_applied_again(session: Session) -> None:
    applied = session.fetch_all("schema/list_applied_migrations")
    with session.transaction():
        session.execute("schema/forget_migrations")
        session.execute("schema/forget_migrations")
    assert library(session)["recorded"] is False
    changed = schema.migrate(session.connection.info.dsn).changed
    assert list(changed) == [row["migration_id"] for row in applied]


def test_marks_that_a_tool_took_away_are_put_back(session: Session) -> None:
    marks = (
        "SELECT concat_ws('.', attrelid::regclass, attname), col_description(attrelid, attnum)"
        " FROM pg_attribute WHERE attrelid IN ('photos'::regclass, 'clusters'::regclass)"
        " AND attnum > 0 UNION ALL SELECT oid::regclass::text, obj_description(oid, 'pg_class')"
        " FROM pg_class WHERE oid IN ('photos'::regclass, 'clusters'::regclass)"
    )
    session.execute("schema/restore_marks")
    before = dict(query(session, marks))
    for statement in (
        "COMMENT ON TABLE photos IS 'All of them.'",
        "COMMENT ON TABLE clusters IS NULL",
        "COMMENT ON COLUMN photos.cluster_pinned IS 'Ours'",
        "COMMENT ON COLUMN photos.path IS NULL",
        "COMMENT ON COLUMN clusters.run_id IS NULL",
    ):
        session.connection.execute(statement.encode())
    session.execute("schema/restore_marks")
    assert dict(query(session, marks)) == before | {
        "photos": "All of them. Made by fluffy_sql.",
        "clusters": "Made by fluffy_sql.",
        "photos.cluster_pinned": "Ours Made by fluffy_sql.",
        "photos.path": None,
        "clusters.run_id": "Made by fluffy_sql.",
    }


def test_marks_are_put_where_there_was_one(session: Session, database_url: str) -> None:
    session.connection.execute("ALTER TABLE photos ADD COLUMN own text")
    session.connection.execute("COMMENT ON COLUMN photos.own IS 'ours'")
    schema.migrate(database_url)
    session.execute("schema/restore_marks")
    own = "SELECT col_description(attrelid, attnum) FROM pg_attribute WHERE attname = 'own'"
    assert value(session, own + " AND attrelid = 'photos'::regclass") == "ours"


def test_the_list_of_migrations_is_ours_alone(session: Session) -> None:
    session.connection.execute("CREATE TABLE public.migrations (own text)")
    session.execute("schema/forget_migrations")
    lists = "SELECT relnamespace::regnamespace::text FROM pg_class"
    assert query(session, lists + " WHERE starts_with(relname, 'migrations')") == [("public",)]


def test_the_library_of_the_same_tables_is_found(session: Session) -> None:
    session.execute("schema/find_other_library")
    other = "SELECT current_setting('fluffy_sql.other_library')"
    assert value(session, other) == ""
    session.connection.execute("SELECT set_config('fluffy_sql.schema', 'another', FALSE)")
    session.execute("schema/find_other_library")
    assert value(session, other) == "fluffy_sql"


def test_marks_of_what_is_gone_or_was_never_made_are_not(bare: Session) -> None:
    bare.execute("schema/restore_marks")  # there is nothing yet
    bare.connection.execute("CREATE TABLE photos (id bigserial PRIMARY KEY, path text)")
    schema.migrate(bare.connection.info.dsn)
    bare.prepare(looking=False)
    bare.connection.execute("ALTER TABLE photos DROP cluster_pinned CASCADE")
    bare.execute("schema/restore_marks")
    assert value(bare, "SELECT obj_description('photos'::regclass, 'pg_class')") is None


@pytest.mark.parametrize(
    ("clusters", "refused"),
    [
        ("SELECT 1", None),
        ("CREATE TABLE clusters (id bigserial PRIMARY KEY)", None),
        ("CREATE TABLE clusters (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)", None),
        ("CREATE TABLE clusters (id bigserial PRIMARY KEY, owner_id bigint NOT NULL)", None),
        (
            "CREATE TABLE clusters (id bigserial PRIMARY KEY, status integer CHECK (status > 0))",
            "violates check constraint",
        ),
        (
            "CREATE TABLE clusters (id bigserial PRIMARY KEY, status integer UNIQUE)",
            "duplicate key value",
        ),
        (
            "CREATE TABLE clusters (id bigserial PRIMARY KEY,"
            " centroid vector CHECK (centroid <-> '[1]' > 9))",
            "different vector dimensions|violates check constraint",
        ),
        (
            "CREATE TABLE clusters (id bigserial PRIMARY KEY);"
            " CREATE RULE own AS ON INSERT TO clusters DO INSTEAD NOTHING",
            "keeps new rows out|cannot perform INSERT RETURNING",
        ),
    ],
)
def test_clusters_are_tried_before_they_have_to_be_made(
    bare: Session, clusters: str, refused: str | None
) -> None:
    bare.connection.execute(
        "CREATE TABLE photos (id bigserial PRIMARY KEY, path text, owner_id bigint)"
    )
    bare.connection.execute("INSERT INTO photos (path, owner_id) VALUES ('a', 7)")
    bare.connection.execute("CREATE EXTENSION vector")
    bare.connection.execute(clusters.encode())
    if refused is None:
        with bare.transaction(force_rollback=True):
            bare.execute("schema/try_cluster")
        return
    with pytest.raises(DatabaseError, match=refused), bare.transaction(force_rollback=True):
        bare.execute("schema/try_cluster")


def test_clusters_are_tried_and_nothing_is_left(session: Session) -> None:
    last = "SELECT last_value, is_called FROM clusters_id_seq"
    before = query(session, last)
    with session.transaction(force_rollback=True):
        session.execute("schema/try_cluster")
        assert query(session, "SELECT id, status FROM clusters ORDER BY id") == [(1, 0), (2, 0)]
    assert query(session, "SELECT id FROM clusters") == []
    assert query(session, last) == before


# One at a time


def test_a_migration_waits_for_the_one_before_it(session: Session, other: Session) -> None:
    other.connection.execute("SET lock_timeout = '200ms'")
    with session.transaction():
        session.execute("schema/lock_migrations")
        with pytest.raises(DatabaseError) as refused:
            other.execute("schema/lock_migrations")
        assert refused.value.sqlstate == "55P03"
    other.execute("schema/lock_migrations")


def test_a_run_and_a_migration_do_not_share_a_lock(session: Session, other: Session) -> None:
    with session.transaction():
        session.execute("schema/lock_migrations")
        assert other.fetch_value("runs/try_lock") is True


def test_nor_do_those_of_two_libraries(database_url: str) -> None:
    with (
        Session.open(database_url) as first,
        Session.open(database_url, schema="another") as second,
    ):
        second.connection.execute("SET lock_timeout = '200ms'")
        with first.transaction(), second.transaction():
            for session in (first, second):
                session.execute("schema/lock_migrations")
                assert session.fetch_value("check/try_lock_runs") is True


# What an owner is told


def notes(session: Session) -> list[str]:
    return [row["note"] for row in session.fetch_all("schema/list_notes")]


def test_row_level_security_is_told_and_what_it_means(session: Session) -> None:
    assert notes(session) == []
    session.connection.execute("ALTER TABLE photos ENABLE ROW LEVEL SECURITY")
    [note] = notes(session)
    assert note.startswith("photos has row-level security: ")
    assert "BYPASSRLS" not in note
    session.connection.execute("ALTER TABLE photos FORCE ROW LEVEL SECURITY")
    [note] = notes(session)
    assert note.endswith("give the owner BYPASSRLS")


# Partitions and the key


PARTITIONED = """
    CREATE TABLE clusters (id bigserial PRIMARY KEY);
    CREATE TABLE photos (id bigint PRIMARY KEY, path text, cluster_id bigint)
        PARTITION BY RANGE (id);
    CREATE TABLE photos_all PARTITION OF photos DEFAULT
"""
KEY = "ALTER TABLE photos ADD FOREIGN KEY (cluster_id) REFERENCES clusters"


def test_the_key_of_a_partitioned_table_has_to_hold(bare: Session) -> None:
    assert bare.fetch_value("schema/must_hold_key") is False
    bare.connection.execute(PARTITIONED)
    must_hold = value(bare, "SELECT current_setting('server_version_num')::integer < 180000")
    assert bare.fetch_value("schema/must_hold_key") is must_hold
    assert bare.fetch_value("schema/has_lost_photos") is False
    bare.connection.execute("INSERT INTO photos VALUES (1, 'a', 4711), (2, 'b', NULL)")
    assert bare.fetch_value("schema/has_lost_photos") is True
    bare.connection.execute("INSERT INTO clusters VALUES (4711)")
    assert bare.fetch_value("schema/has_lost_photos") is False
    bare.connection.execute(KEY)
    assert bare.fetch_value("schema/must_hold_key") is False


def test_of_an_ordinary_table_it_need_not(bare: Session) -> None:
    bare.connection.execute(PARTITIONED.replace("PARTITION BY RANGE (id)", "").rpartition(";")[0])
    assert bare.fetch_value("schema/must_hold_key") is False
