"""What every session sets, where it finds the library, and the transaction of one that looks."""

from typing import Any

import psycopg
import pytest

from fluffy_sql.errors import DatabaseError
from fluffy_sql.postgres import schema
from fluffy_sql.postgres.session import DEFAULT_SCHEMA, Session
from tests.sql.helpers import as_role, make_clusters, query, value

SETTINGS = {
    "TimeZone": ("UTC", "Asia/Tokyo"),
    "synchronize_seqscans": ("off", "on"),
    "default_transaction_isolation": ("read committed", "serializable"),
    "synchronous_commit": ("off", "on"),
    "row_security": ("off", "on"),
    "jit": ("off", "on"),
    "client_min_messages": ("warning", "debug1"),
    "client_connection_check_interval": ("1s", "0"),
    "idle_session_timeout": ("0", "1min"),
}
OURS = {name: ours for name, (ours, _) in SETTINGS.items()}
OTHERS = {name: other for name, (_, other) in SETTINGS.items()}


def prepare(session: Session, *, looking: bool = False) -> dict[str, Any]:
    [prepared] = session.fetch_all("session/prepare", schema=DEFAULT_SCHEMA, looking=looking)
    return prepared


def current(session: Session) -> dict[str, str]:
    return {name: value(session, "SELECT current_setting(%s)", name) for name in SETTINGS}


def set_otherwise(session: Session) -> None:
    for name, (_, other) in SETTINGS.items():
        query(session, "SELECT set_config(%s, %s, FALSE)", name, other)
    assert current(session) == OTHERS


# Settings


def test_a_session_is_prepared_whatever_was_set_before(session: Session) -> None:
    set_otherwise(session)
    prepared = prepare(session)
    assert current(session) == OURS
    assert {name: prepared[name] for name in ("has_citus", "standby", "backend")} == {
        "has_citus": False,
        "standby": False,
        "backend": session.connection.info.backend_pid,
    }


@pytest.mark.usefixtures("database_url")
def test_settings_outlast_a_transaction(session: Session) -> None:
    session.connection.execute("SET jit = on")
    with session.transaction():
        prepare(session)
    assert current(session) == OURS


@pytest.mark.usefixtures("database_url")
def test_those_of_a_session_that_looks_end_with_its_transaction(session: Session) -> None:
    set_otherwise(session)
    session.connection.execute("SET search_path = elsewhere")
    with session.connection.transaction():
        prepare(session, looking=True)
        session.execute("session/find_library")
        assert current(session) == OURS
        assert value(session, "SELECT to_regclass('cluster_runs') IS NOT NULL")
    assert current(session) == OTHERS
    assert session.fetch_value("session/show_search_path") == "elsewhere"


def test_the_numbers_of_the_type_vector_are_found(session: Session) -> None:
    [found] = session.fetch_all("session/find_vector")
    names = query(session, "SELECT %s::oid::regtype::text, %s::oid::regtype::text", *found.values())
    assert names == [("vector", "vector[]")]


def test_memory_for_centroids_is_raised_and_never_lowered(session: Session) -> None:
    for given, expected in (("4MB", "64MB"), ("100MB", "100MB")):
        query(session, "SELECT set_config('work_mem', %s, FALSE)", given)
        prepare(session)
        assert value(session, "SELECT current_setting('work_mem')") == expected


@pytest.mark.usefixtures("database_url")
def test_nothing_is_left_behind_for_others(session: Session) -> None:
    prepare(session)
    with psycopg.connect(session.connection.info.dsn) as other:
        stored = other.execute("SELECT count(*) FROM pg_db_role_setting").fetchone()
        source = other.execute(
            "SELECT source FROM pg_settings WHERE name = 'synchronize_seqscans'"
        ).fetchone()
    assert (stored, source) == ((0,), ("default",))


@pytest.mark.usefixtures("database_url")
def test_why_a_session_may_only_read(session: Session) -> None:
    asked = "session/describe_read_only"
    assert session.fetch_all(asked) == [{"is_standby": False, "set_by": None}]
    query(session, "SELECT set_config('default_transaction_read_only', 'on', FALSE)")
    assert session.fetch_all(asked) == [{"is_standby": False, "set_by": "session"}]


@pytest.mark.usefixtures("database_url")
def test_a_transaction_waits_for_the_disk_as_the_server_does_by_default(session: Session) -> None:
    asked = "SELECT current_setting('synchronous_commit')"
    assert value(session, asked) == "off"
    with session.transaction():  # runs "commit/commit_durably"
        assert value(session, asked) == "on"
    assert value(session, asked) == "off"


def test_the_process_that_answers_is_told(session: Session) -> None:
    assert session.fetch_value("session/get_backend") == session.connection.info.backend_pid


# Where the library is


def search_path(session: Session) -> str:
    session.execute("session/find_library")
    found: str = session.fetch_value("session/show_search_path")
    return found


def home(session: Session) -> str:
    found: str = value(session, "SELECT current_setting('fluffy_sql.home')")
    return found


def test_what_is_ours_comes_first_and_what_is_temporary_last(session: Session) -> None:
    assert search_path(session) == "fluffy_sql, public, pg_temp"
    session.connection.execute("CREATE TABLE public.cluster_runs (id bigint)")
    assert value(
        session, "SELECT to_regclass('cluster_runs') = 'fluffy_sql.cluster_runs'::regclass"
    )


@pytest.mark.parametrize("own", ["", "pg_catalog", '"$user", elsewhere', "elsewhere, public"])
def test_a_role_s_own_path_does_not_matter_once_it_is_migrated(session: Session, own: str) -> None:
    session.connection.execute("CREATE SCHEMA elsewhere")
    session.connection.execute("CREATE TABLE elsewhere.photos (id bigint)")
    query(session, "SELECT set_config('search_path', %s, FALSE)", own)
    assert search_path(session) == "fluffy_sql, public, pg_temp"
    assert home(session) == "public"


def test_before_that_it_is_the_role_s_own_without_what_is_not_there(bare: Session) -> None:
    bare.connection.execute('CREATE SCHEMA "My App"')
    bare.connection.execute("CREATE SCHEMA ext")
    bare.connection.execute("CREATE EXTENSION vector SCHEMA ext")
    bare.connection.execute('SET search_path = gone, "My App", public')
    assert search_path(bare) == 'fluffy_sql, "My App", public, ext, pg_temp'
    assert home(bare) == "My App"


def test_tables_are_found_where_they_were_when_they_were_migrated(bare_database_url: str) -> None:
    with Session.open(bare_database_url) as session:
        for statement in (
            'CREATE SCHEMA "My App"',
            "CREATE SCHEMA other",
            "CREATE SCHEMA ext",
            "CREATE EXTENSION vector SCHEMA ext",
            'CREATE TABLE "My App".photos (id bigint PRIMARY KEY, path text)',
            "CREATE TABLE other.clusters (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)",
            f'ALTER DATABASE {session.connection.info.dbname} SET search_path = "My App", other',
        ):
            session.connection.execute(statement.encode())
    schema.migrate(bare_database_url)
    with Session.open(bare_database_url) as session:
        session.connection.execute("SET search_path = public")
        assert search_path(session) == 'fluffy_sql, "My App", other, ext, pg_temp'
        assert home(session) == "My App"


def test_a_role_that_may_not_ask_has_its_own_path(session: Session) -> None:
    with as_role(session):
        session.connection.execute("SET LOCAL search_path = public")
        session.execute("session/find_library")
        assert session.fetch_value("session/show_search_path") == "fluffy_sql, public, pg_temp"


def test_the_photos_that_the_role_itself_would_find_are_told(session: Session) -> None:
    found = "SELECT current_setting('fluffy_sql.own_photos')::oid = coalesce(to_regclass(%s), 0)"
    session.connection.execute("CREATE SCHEMA elsewhere")
    for own, photos in (("public", "public.photos"), ("elsewhere", "elsewhere.photos")):
        query(session, "SELECT set_config('search_path', %s, FALSE)", own)
        search_path(session)
        assert value(session, found, photos)


# One transaction to look in


@pytest.mark.parametrize(
    ("options", "isolation", "read_only"),
    [
        ({}, "read committed", "on"),
        ({"begin": "session/begin_looking"}, "read committed", "on"),
        ({"begin": "session/begin_in_one_transaction"}, "read committed", "off"),
        ({"at_one_moment": True}, "repeatable read", "on"),
    ],
)
def test_a_session_that_looks_is_one_transaction(
    database_url: str, options: dict[str, Any], isolation: str, read_only: str
) -> None:
    with Session.look(database_url, **options) as session:
        for name, expected in (
            ("transaction_isolation", isolation),
            ("transaction_read_only", read_only),
        ):
            assert value(session, "SELECT current_setting(%s)", name) == expected
        assert current(session) == OURS
        assert session.connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS


def test_a_session_that_looks_writes_nothing(database_url: str) -> None:
    with (
        Session.look(database_url) as session,
        pytest.raises(DatabaseError, match="read-only transaction"),
    ):
        make_clusters(session, [[1, 0]])


def test_what_others_commit_meanwhile_is_not_seen_by_who_looks_at_one_moment(
    database_url: str,
) -> None:
    def clusters(session: Session) -> int:
        found: int = value(session, "SELECT count(*) FROM clusters")
        return found

    with Session.open(database_url) as writer:
        make_clusters(writer, [[1, 0]])
        with (
            Session.look(
                database_url, at_one_moment=True
            ) as reader,  # "session/use_repeatable_read"
            Session.look(database_url) as other,
        ):
            assert (clusters(reader), clusters(other)) == (1, 1)
            make_clusters(writer, [[0, 1]])
            assert (clusters(reader), clusters(other)) == (1, 2)
