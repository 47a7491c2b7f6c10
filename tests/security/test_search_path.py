"""Whose names a function of ours means is settled when it is made, not by who calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.helpers import query

if TYPE_CHECKING:
    from fluffy_sql.database.session import Session

# A body that was bound to its names when it was made (BEGIN ATOMIC, RETURN) needs no search_path.
# For the owner alone, who could run the statement that it makes: others lack the rights to.
OWNERS_TOOLS = {"scope_clusters_by"}
OURS = """
SELECT
    proname::text,
    prosqlbody IS NOT NULL AND NOT prosecdef AS bound,
    (
        SELECT array_agg(trim(part)) FROM unnest(proconfig) AS setting
        CROSS JOIN LATERAL unnest(string_to_array(split_part(setting, '=', 2), ',')) AS part
        WHERE starts_with(setting, 'search_path=')
    ) AS path,
    prosecdef,
    has_function_privilege('fluffy_nobody', oid, 'EXECUTE') AS for_all,
    prosrc ~* '\\yEXECUTE\\y' AS makes_sql
FROM pg_proc
WHERE pronamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
"""


def faults(session: Session) -> set[tuple[str, str]]:
    """What is wrong with functions: the name of one, and what it is."""
    found = set()
    with session.connection.transaction(force_rollback=True):
        session.connection.execute("CREATE ROLE fluffy_nobody")
        for name, bound, path, definer, for_all, makes_sql in query(session, OURS):
            if not bound and (not path or path[-1] != "pg_temp"):
                found.add((name, "search_path"))
            if definer and for_all:
                found.add((name, "as its owner, for everyone"))
            if makes_sql and name not in OWNERS_TOOLS:
                found.add((name, "makes SQL"))
    return found


def test_every_function_is_pinned(session: Session) -> None:
    assert (
        len(query(session, "SELECT FROM pg_proc WHERE pronamespace = 'public'::regnamespace")) > 9
    )
    assert faults(session) == set()


@pytest.mark.parametrize(
    ("options", "body", "fault"),
    [
        ("sql", "SELECT 1", "search_path"),
        ("plpgsql", "BEGIN RETURN 1; END", "search_path"),
        ("plpgsql SET search_path = public", "BEGIN RETURN 1; END", "search_path"),
        ("plpgsql SET search_path = pg_catalog, public", "BEGIN RETURN 1; END", "search_path"),
        (
            "sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp",
            "SELECT 1",
            "as its owner, for everyone",
        ),
        (
            "plpgsql SET search_path = pg_catalog, pg_temp",
            "BEGIN EXECUTE 'SELECT 1'; RETURN 1; END",
            "makes SQL",
        ),
    ],
)
def test_one_that_is_not_is_found(session: Session, options: str, body: str, fault: str) -> None:
    session.connection.execute(
        f"CREATE FUNCTION planted() RETURNS integer LANGUAGE {options} AS $${body}$$".encode()
    )
    assert faults(session) == {("planted", fault)}
