"""What the server is, before and after migrating."""

from typing import Any

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import query, value


def describe(session: Session) -> dict[str, Any]:
    [row] = session.fetch_all("schema/describe_server")
    return row


def test_versions_are_those_of_the_server(session: Session) -> None:
    [[pgvector, available]] = query(
        session,
        "SELECT installed_version, default_version FROM pg_available_extensions"
        " WHERE name = 'vector'",
    )
    assert describe(session) == {
        "server_version_num": session.connection.info.server_version,
        "postgres_version": value(session, "SHOW server_version"),
        "pgvector_version": pgvector,
        "pgvector_available": available,
    }


def test_an_extension_that_was_not_created_is_only_available(bare: Session) -> None:
    server = describe(bare)
    assert server["pgvector_version"] is None
    assert server["pgvector_available"] is not None
