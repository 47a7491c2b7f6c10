"""Sessions: what a connection is set to, what its errors say, and what of an address is shown."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from fluffy_sql.errors import DatabaseError, SettingsError
from fluffy_sql.postgres.address import libpq_environment
from fluffy_sql.postgres.session import Session, translate_errors

IN_FORCE = {
    "TimeZone": "UTC",
    "synchronize_seqscans": "off",
    "jit": "off",
    "client_min_messages": "warning",
}


def count_photos(session: Session) -> int:
    row = session.connection.execute("SELECT count(*) FROM photos").fetchone()
    return int(row[0]) if row else 0


def failure(session: Session, statement: str) -> DatabaseError:
    with pytest.raises(DatabaseError) as failed, translate_errors():
        session.connection.execute(statement)
    return failed.value


@pytest.mark.parametrize(
    ("statement", "sqlstate", "message"),
    [
        (
            "SELECT 1\nFROM no_such_table",
            "42P01",
            'Postgres: relation "no_such_table" does not exist; fluffy_sql makes none of that'
            " name: look for a view, function or trigger with it",
        ),
        ("SELECT 1 / 0", "22012", "Postgres: division by zero"),
        ("SELEKT 1", "42601", 'Postgres: syntax error at or near "SELEKT"'),
        (
            "INSERT INTO photos (path) VALUES ('a'), ('a')",
            "23505",
            "(Key (path)=(a) already exists.)",
        ),
        (
            "DO $$ BEGIN RAISE EXCEPTION 'could not resize shared memory segment'"
            " USING ERRCODE = 'disk_full'; END $$",
            "53100",
            "Postgres: could not resize shared memory segment; the server has too little shared"
            " memory: give it more (docker run --shm-size=1g; /dev/shm), or set",
        ),
        ("DO $$ BEGIN RAISE EXCEPTION E'two\\n  lines'; END $$", "P0001", "Postgres: two lines"),
    ],
)
def test_an_error_is_one_line_without_our_sql(
    session: Session, statement: str, sqlstate: str, message: str
) -> None:
    error = failure(session, statement)
    assert error.sqlstate == sqlstate
    assert message in str(error)
    assert str(error).isprintable()
    assert "LINE" not in str(error)
    assert statement not in str(error)
    assert isinstance(error.__cause__, psycopg.Error)


def test_every_method_raises_our_errors(session: Session) -> None:
    session.connection.execute("DROP TABLE photos CASCADE")
    calls: list[Callable[[], object]] = [
        lambda: session.execute("survey/count_photos"),
        lambda: session.fetch_all("survey/count_photos"),
        lambda: session.fetch_as(dict, "survey/count_photos"),
        lambda: session.fetch_value("survey/has_photos"),
        lambda: session.copy_in("import/copy_into_stage", ["text"], [["a"]]),
    ]
    for call in calls:
        with pytest.raises(DatabaseError) as failed:
            call()
        assert failed.value.sqlstate in {"42P01", "3F000"}


@pytest.mark.parametrize("in_transaction", [False, True])
def test_a_session_that_may_only_read_is_told_why(database_url: str, in_transaction: bool) -> None:
    """Within a transaction, only once that is rolled back."""
    url = make_conninfo(database_url, options="-c default_transaction_read_only=on")
    with Session.open(url) as session:
        around = session.transaction() if in_transaction else nullcontext()
        with pytest.raises(DatabaseError) as failed, around:
            session.execute("commit/lock_photos")
    assert failed.value.sqlstate == "25006"
    assert str(failed.value).endswith(
        " in a read-only transaction; default_transaction_read_only is on"
        " by the address or PGOPTIONS: take it out of options"
    )


def test_a_lost_connection_is_our_error_and_tidying_up_is_quiet(session: Session) -> None:
    with session.reconnected() as lost:
        session.connection.execute(
            "SELECT pg_terminate_backend(%s)", (lost.connection.info.backend_pid,)
        )
        with pytest.raises(DatabaseError) as failed:
            lost.fetch_all("survey/count_photos")
        assert failed.value.sqlstate == "57P01"
        assert str(failed.value).isprintable()
        lost.release("runs/unlock")
        lost.cancel()


def test_a_transaction_happens_whole_or_not_at_all(session: Session) -> None:
    def insert(*paths: str, error: type[BaseException] | None = None) -> None:
        with session.transaction():
            for path in paths:
                session.connection.execute("INSERT INTO photos (path) VALUES (%s)", (path,))
            if error is not None:
                raise error

    with pytest.raises(DatabaseError, match="duplicate key"):
        insert("a", "a")
    assert count_photos(session) == 0
    with pytest.raises(KeyboardInterrupt):
        insert("a", error=KeyboardInterrupt)
    assert count_photos(session) == 0
    insert("a", "b")
    assert count_photos(session) == 2


def test_statements_outside_a_transaction_are_committed_at_once(session: Session) -> None:
    session.connection.execute("INSERT INTO photos (path) VALUES ('a')")
    with session.reconnected() as other:
        assert count_photos(other) == 1


def test_the_settings_are_in_force_in_the_session_and_nowhere_else(
    session: Session, database_url: str
) -> None:
    different = {
        "TimeZone": "Asia/Tokyo",
        "synchronize_seqscans": "on",
        "jit": "on",
        "client_min_messages": "notice",
    }

    def settings(connection: psycopg.Connection[tuple[str]]) -> dict[str, str]:
        found = {}
        for name in IN_FORCE:
            row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
            found[name] = row[0] if row else ""
        return found

    options = " ".join(f"-c {name}={value}" for name, value in different.items())
    url = make_conninfo(database_url, options=options)
    with Session.open(url) as ours:
        assert settings(ours.connection) == IN_FORCE
        with psycopg.connect(url) as theirs:
            assert settings(theirs) == different
    persisted = session.connection.execute(
        "SELECT count(*) FROM pg_db_role_setting"
        " JOIN pg_database ON pg_database.oid = setdatabase WHERE datname = current_database()"
    ).fetchone()
    assert persisted == (0,)


def test_a_session_says_who_it_is(session: Session) -> None:
    row = session.connection.execute("SELECT current_setting('application_name')").fetchone()
    assert row == ("fluffy_sql",)


def test_what_is_no_address_is_refused_without_repeating_it() -> None:
    with pytest.raises(SettingsError, match=r"^database\.url: ") as refused:
        Session.open("mysql://me:secret@host/photos")
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_server_that_can_not_be_reached_is_told_in_one_line_without_the_password() -> None:
    with pytest.raises(DatabaseError) as failed:
        Session.open("postgresql://me:secret@127.0.0.1:1/photos")
    assert str(failed.value).startswith("can't connect to me@127.0.0.1:1/photos: ")
    assert str(failed.value).isprintable()
    assert "secret" not in str(failed.value)


def test_a_libpq_program_finds_the_database_by_these_variables(database_url: str) -> None:
    """psycopg, told nothing but the environment, as psql is."""
    code = "import psycopg; print(psycopg.connect('').info.dbname)"
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, **libpq_environment(database_url)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    assert found.strip() == psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]


def test_closing_twice_is_harmless(session: Session) -> None:
    session.close()
    session.close()
    session.cancel()
    session.release("runs/unlock")


def test_tidying_up_is_left_to_the_next_run_where_a_server_of_citus_is_gone(
    session: Session,
) -> None:
    with pytest.raises(DatabaseError):  # a mistake in the program
        session.release("runs/discard")
    session.distributed = True
    session.release("runs/discard")
