"""Statements that attach a library, and that keep its photos in step with its source."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from fluffy_sql.errors import DatabaseError
from fluffy_sql.postgres import schema
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.sources import Wanted
from fluffy_sql.postgres.vectors import LONGEST_VECTOR, fingerprint_vector
from tests.sql.helpers import query, value

COLUMNS = {"key": "id", "embedding": "numbers", "owner": "team"}
FINGERPRINT = fingerprint_vector(LONGEST_VECTOR)


@pytest.fixture
def source(bare_database_url: str) -> str:
    """A database with a table of somebody else's, of three rows."""
    with Session.open(bare_database_url) as session:
        session.connection.execute("CREATE EXTENSION vector")
        session.connection.execute(
            'CREATE TABLE "Pictures" (id text PRIMARY KEY, numbers vector(2), team text)'
        )
        session.connection.execute(
            "INSERT INTO \"Pictures\" VALUES ('a', '[1,0]', 'x'), ('b', '[0,1]', 'y'),"
            " ('c', NULL, NULL)"
        )
    return bare_database_url


@pytest.fixture
def attached(source: str) -> Iterator[Session]:
    schema.attach(source, Wanted("Pictures", table="Pictures", columns=COLUMNS))
    with Session.open(source) as session:
        yield session


def sync(session: Session, *, writes: bool = True) -> dict[str, Any]:
    [row] = session.fetch_all("attach/sync", fingerprint_vector=FINGERPRINT, writes=writes)
    return row


def test_a_table_is_found_by_its_name_as_it_is_spelled_quoted_or_with_its_schema(
    source: str,
) -> None:
    with Session.open(source) as session:
        for name in ("Pictures", '"Pictures"', "public.Pictures", 'public."Pictures"'):
            [found] = session.fetch_all("attach/find_relation", name=name)
            assert found["may_read"]
        assert session.fetch_all("attach/find_relation", name="pictures") == []
        assert session.fetch_all("attach/list_relations") == [{"name": "Pictures"}]
        listed = session.fetch_all("attach/list_columns", relation=found["relation"])
        assert [row["name"] for row in listed] == ["id", "numbers", "team", "xmin"]


def test_a_query_is_written_with_every_name_qualified(source: str) -> None:
    with Session.open(source) as session, session.transaction(force_rollback=True):
        [found] = session.fetch_all("attach/find_relation", name="Pictures")
        written = session.fetch_value(
            "attach/write_query",
            relation=found["relation"],
            columns=list(COLUMNS.values()),
            names=list(COLUMNS),
        )
        session.fetch_all("attach/note_query", query=written, columns="")
        session.execute("attach/try_query")
        shown = session.fetch_all("attach/describe_query")
        assert 'public."Pictures"' in shown[0]["query"]
        assert [(row["name"], row["kind"]) for row in shown] == [
            ("key", "key"),
            ("embedding", "embedding"),
            ("owner", "key"),
            ("version", None),
        ]
        noted = {"query": shown[0]["query"], "columns": shown[0]["columns"]}
    with Session.open(source) as session, session.transaction(force_rollback=True):
        session.fetch_all("attach/note_query", **noted)
        session.execute("attach/try_rows")
        rows = session.fetch_all("attach/list_rows")
        assert [row["key_and_version"][:2] for row in rows] == ["a/", "b/", "c/"]
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            session.connection.execute('DELETE FROM public."Pictures"')


def test_the_types_of_a_source_are_looked_up_as_they_are_now(attached: Session) -> None:
    def types() -> list[tuple[str, str]]:
        with attached.transaction():
            attached.execute("attach/try_source")
            return [
                (row["name"], row["type"]) for row in attached.fetch_all("attach/describe_query")
            ]

    made = [("key", "text"), ("embedding", "vector"), ("owner", "text"), ("version", "xid")]
    assert types() == made
    attached.connection.execute(
        "CREATE DOMAIN public.numbers AS real[]; CREATE DOMAIN public.own AS public.numbers;"
        ' ALTER TABLE public."Pictures" ALTER numbers TYPE public.own USING numbers::real[]'
    )
    assert types() == [made[0], ("embedding", "real[]"), *made[2:]]
    attached.execute("attach/keep_type", type="real[]")
    [kept] = attached.fetch_all("attach/describe_source")
    assert kept["types"] == ["text", "real[]", "text", "xid"]


@pytest.mark.parametrize("text", ["SELECT 1; SELECT 2", "DELETE FROM x"])
def test_a_query_is_one_select(source: str, text: str) -> None:
    with Session.open(source) as session, session.transaction(force_rollback=True):
        session.fetch_all("attach/note_query", query=text, columns="")
        with pytest.raises(DatabaseError):
            session.execute("attach/try_query")


def test_an_attached_library_is_kept_in_step(attached: Session) -> None:
    [known] = attached.fetch_all("attach/describe_source")
    assert (known["name"], known["columns"][0], known["types"][0]) == ("Pictures", "key", "text")
    owners = attached.fetch_all("attach/list_owners")
    assert [row["owner"] for row in owners] == ["x", "y"]
    assert not any(sync(attached)[what] for what in ("added", "gone", "changed", "times"))

    for change in (
        "DELETE FROM public.\"Pictures\" WHERE id = 'a'",
        "UPDATE public.\"Pictures\" SET numbers = '[1,1]' WHERE id = 'b'",
        "INSERT INTO public.\"Pictures\" VALUES ('d', '[1,2]', 'z')",
    ):
        attached.connection.execute(change)
    expected = {"added": 1, "gone": 1, "changed": 1, "wrong_key": None, "times": 0}
    assert sync(attached, writes=False) == expected
    assert sync(attached) == expected
    attached.execute("attach/analyze")
    assert query(attached, "SELECT key, scope FROM photos ORDER BY key") == [
        ("b", 2),
        ("c", None),
        ("d", 3),
    ]


def test_photos_that_changed_in_the_source_during_a_run_are_forgotten(attached: Session) -> None:
    attached.connection.execute(
        "INSERT INTO work_assignments (photo_id, label, row_version) SELECT id, 0, xmin FROM photos"
    )
    attached.connection.execute("DELETE FROM public.\"Pictures\" WHERE id = 'a'")
    assert attached.execute("attach/forget_changed", fingerprint_vector=FINGERPRINT) == 1
    left = "SELECT count(*) FROM work_assignments"
    assert value(attached, left) == value(attached, "SELECT count(*) FROM usable_photos") == 2


def test_a_source_without_versions_is_compared_by_its_embeddings(source: str) -> None:
    with Session.open(source) as session:
        session.connection.execute('CREATE VIEW looks AS SELECT id, numbers FROM "Pictures"')
    columns = {"key": "id", "embedding": "numbers"}
    schema.attach(source, Wanted("looks", table="looks", columns=columns))
    with Session.open(source) as session:
        assert not sync(session)["changed"]
        session.connection.execute("UPDATE public.\"Pictures\" SET team = 'other'")
        assert not sync(session)["changed"]
        session.connection.execute("UPDATE public.\"Pictures\" SET numbers = '[3,4]'")
        assert sync(session)["changed"] == 3


def test_the_tables_of_an_attached_library_are_ours(bare_database_url: str) -> None:
    with (
        Session.open(bare_database_url) as session,
        session.transaction(force_rollback=True),
    ):
        session.connection.execute("CREATE EXTENSION vector")
        session.connection.execute("CREATE TABLE photos (id uuid)")
        session.execute("schema/create_schema")
        [before] = session.fetch_all("attach/look_in_ours")
        assert before["search_path"] == "fluffy_sql, pg_temp"
        assert session.fetch_all("attach/stay_local") == [{"propagated": "off"}]
        session.execute("attach/make_tables")
        [after] = session.fetch_all("attach/look_in_ours")
        assert after["search_path"] == "fluffy_sql, public, pg_temp"
        assert value(session, "SELECT 'photos'::regclass::text") == "photos"
        session.connection.execute(
            "CREATE TABLE attached_source (name text, query text, columns text[], types text[])"
        )
        session.connection.execute("ALTER TABLE photos ADD COLUMN embedding vector")
        session.connection.execute("CREATE TABLE source_keys (photo_id bigint)")
        session.execute(
            "attach/keep_source",
            name="x",
            query="SELECT 1",
            columns=["key", "key2", "embedding"],
            types=["uuid", "text", "vector"],
        )
        session.execute("attach/prepare_tables")
        columns = (
            "SELECT attname::text FROM pg_attribute WHERE attnum > 0 AND attrelid = %s::regclass"
        )
        found = {name for (name,) in session.connection.execute(columns, ("photos",)).fetchall()}
        assert found >= {"id", "path", "key", "key2", "scope", "source_version"}
        keyed = session.connection.execute(columns, ("source_keys",)).fetchall()
        assert {name for (name,) in keyed} == {"photo_id", "key", "key2"}


def test_tables_with_embeddings_are_named_with_what_attaches_them(source: str) -> None:
    with Session.open(source) as session:
        assert session.fetch_all("schema/list_embeddings") == [
            {
                "name": 'public."Pictures"',
                "own": False,
                "attach": ["--table", "Pictures", "--key", "id", "--embedding", "numbers"],
            }
        ]
