"""What a header says of its statement is what Postgres finds: each is prepared, and none is run.

    -- What the statement does.
    -- Parameters: run_id bigint, labels integer[] (of each cluster; null: none)
    -- Returns: cluster_id, photos (null: not counted); most photos first.

A remark stands in brackets behind the name that it is about, or at the end behind a semicolon.
A statement that gives no rows `Returns: nothing.`, one of a whole table `all columns of TABLE`.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.statements import CITUS, statement, statement_names
from fluffy_sql.resources import sql_folder
from tests.sql.helpers import to_be_prepared, value

# Postgres prepares no others. Those take and give nothing.
CAN_BE_PREPARED = re.compile(r"(SELECT|WITH|INSERT|UPDATE|DELETE)\b")
# What only a server with Citus knows.
OF_CITUS = re.compile(r"\b(pg_dist_|citus_|truncate_local_data_)")


# As an attached library has them.
OF_ATTACHED = (
    "CREATE FUNCTION source_differences(vector) RETURNS TABLE (photo_id bigint)"
    " LANGUAGE sql RETURN NULL::bigint",
    "CREATE FUNCTION sync_source(vector, boolean) RETURNS TABLE (added bigint, gone bigint,"
    " changed bigint, wrong_key text, times bigint) LANGUAGE sql BEGIN ATOMIC"
    " SELECT 0, 0, 0, '', 0; END",
)


class Signature(NamedTuple):
    """What a statement takes and gives: the type of each by its name."""

    parameters: dict[str, str]
    columns: dict[str, str]


@pytest.fixture(scope="module")
def database(empty_database: Callable[..., Any], template: str) -> Iterator[Session]:
    """A migrated database, with the temporary table of an import."""
    with (
        empty_database(template) as url,
        Session.open(url) as session,
        session.connection.transaction(force_rollback=True),
    ):
        session.execute("import/create_stage")
        for function in OF_ATTACHED:
            session.connection.execute(function)
        yield session


def header_of(session: Session, name: str) -> Signature:
    """The types that it does not say are empty."""
    text = (sql_folder() / f"{name}.sql").read_text(encoding="utf-8")
    said = {
        found[1]: re.sub(r"\([^()]*\)", "", found[2].replace("\n--  ", ""))
        for found in re.finditer(r"^-- (\w+): (.*(?:\n--   .*)*)", text, re.MULTILINE)
    }
    columns = re.sub(
        r"all columns of (\w+)",
        lambda found: ", ".join(columns_of(session, found[1])),
        re.split("[;.]", said["Returns"])[0],
    )
    return Signature(
        dict(listed(said.get("Parameters", ""))),
        dict(listed("" if columns == "nothing" else columns)),
    )


def columns_of(session: Session, table: str) -> list[str]:
    found = session.connection.execute(f"SELECT * FROM {table} LIMIT 0").description or []
    return [column.name for column in found]


def listed(names: str) -> Iterator[tuple[str, str]]:
    for part in filter(None, names.split(",")):
        name, _, kind = part.strip().partition(" ")
        yield name, kind.strip()


def prepared(session: Session, name: str) -> Signature:
    """What Postgres finds."""
    text, names = to_be_prepared(name)
    connection = session.connection.pgconn
    with session.connection.transaction():
        if refused := connection.prepare(b"", text.encode()).error_message:
            pytest.fail(f"sql/{name}.sql does not fit the schema: {refused.decode()}")
        found = connection.describe_prepared(b"")
    columns = [(found.fname(place) or b"").decode() for place in range(found.nfields)]
    return Signature(
        {one: type_name(session, found.param_type(place)) for place, one in enumerate(names)},
        {one: type_name(session, found.ftype(place)) for place, one in enumerate(columns)},
    )


def type_name(session: Session, kind: int | str) -> str:
    return str(value(session, "SELECT format_type(%s::regtype, NULL)", str(kind)))


def names(*, prefix: str = "") -> list[str]:
    return [
        name
        for name in statement_names()
        if name.startswith(prefix) and CAN_BE_PREPARED.match(statement(name).text)
    ]


def test_a_header_says_what_a_statement_takes_and_gives(database: Session) -> None:
    for name in names():
        if OF_CITUS.search(statement(name).text):
            continue
        said, found = header_of(database, name), prepared(database, name)
        assert {one: type_name(database, kind) for one, kind in said.parameters.items()} == (
            found.parameters
        ), f"sql/{name}.sql: fix `-- Parameters:`, or the casts; the header, then Postgres:"
        assert list(said.columns) == list(found.columns), (
            f"sql/{name}.sql: fix `-- Returns:`, or name the columns; the header, then Postgres:"
        )
        for column, kind in said.columns.items():
            assert not kind or type_name(database, kind) == found.columns[column], (
                f"sql/{name}.sql: {column} is said to be {kind}; fix `-- Returns:`, or cast it"
            )


def test_what_can_not_be_prepared_takes_and_gives_nothing(database: Session) -> None:
    for name in {*statement_names()} - {*names()}:
        assert header_of(database, name) == Signature({}, {}), (
            f"sql/{name}.sql is nothing that Postgres prepares, such as DO: it has no parameters,"
            " and `-- Returns: nothing.`"
        )


def test_a_form_for_citus_takes_and_gives_what_the_plain_one_does(database: Session) -> None:
    for name in names(prefix=f"{CITUS}/"):
        plain = name.partition("/")[2]
        if plain not in statement_names():
            continue
        mine, theirs = prepared(database, name), prepared(database, plain)
        assert (mine, list(mine.columns)) == (theirs, list(theirs.columns)), (
            f"sql/{name}.sql runs in the place of sql/{plain}.sql: make parameters and columns"
            " alike, their types and order too; or give it a name of its own, and call it by that"
        )
