"""Whose names a function of ours means is settled when it is made, not by who calls it."""

import pytest
from psycopg.conninfo import make_conninfo

from fluffy_sql.postgres.session import Session
from tests.conftest import Run
from tests.integration.helpers import execute, generate, query
from tests.security.helpers import add_photos

# They make SQL of names from the catalogs. The first is for the owner alone, who could run the
# statement that it makes: others lack the rights to.
MAKES_SQL = {
    "referenced_clusters",
    "scope_clusters_by",
    "list_filled_work_tables",
    "empty_work_tables",
    "analyze_work_table",
}
PINNED = ["pg_catalog", "pg_temp"]
# A body that was bound to its names when it was made (BEGIN ATOMIC, RETURN) needs no search_path.
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
    replace(prosrc, quote_literal('EXECUTE'), '') ~* '\\yEXECUTE\\y' AS makes_sql
FROM pg_proc
WHERE pronamespace = 'fluffy_sql'::regnamespace
"""


def faults(session: Session) -> set[tuple[str, str]]:
    """What is wrong with functions: the name of one, and what it is."""
    found = set()
    with session.connection.transaction(force_rollback=True):
        execute(session, "CREATE ROLE fluffy_nobody")
        for name, bound, path, definer, for_all, makes_sql in query(session, OURS):
            if not bound and (not path or path[-1] != "pg_temp"):
                found.add((name, "search_path"))
            elif definer and path != PINNED:
                found.add((name, "as its owner, with names of others"))
            if for_all:
                found.add((name, "for everyone"))
            if makes_sql and name not in MAKES_SQL:
                found.add((name, "makes SQL"))
    return found


def test_every_function_is_pinned(session: Session) -> None:
    assert len(query(session, OURS.replace("'fluffy_nobody'", "current_user"))) > 20
    assert faults(session) == set()


@pytest.mark.parametrize(
    ("options", "body", "fault"),
    [
        ("sql", "SELECT 1", "search_path"),
        ("plpgsql", "BEGIN RETURN 1; END", "search_path"),
        ("plpgsql SET search_path = public", "BEGIN RETURN 1; END", "search_path"),
        ("plpgsql SET search_path = pg_catalog, public", "BEGIN RETURN 1; END", "search_path"),
        (
            "plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp",
            "BEGIN RETURN 1; END",
            "as its owner, with names of others",
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
    assert faults(session) == {("planted", fault), ("planted", "for everyone")}


# What a session finds


@pytest.mark.parametrize("path", ["public", "trap, public", "trap", "fluffy_sql", '""'])
def test_names_of_ours_come_first_whatever_the_roles_search_path(
    session: Session, database_url: str, path: str
) -> None:
    execute(session, "CREATE SCHEMA trap")
    url = make_conninfo(database_url, options=f"-c search_path={path.replace(' ', '')}")
    for opened in (Session.open(url), Session.look(url)):
        with opened as found:
            [(names,)] = query(found, "SELECT current_schemas(true)::text[]")
            assert [name for name in names if name != "pg_temp"] == [
                "pg_catalog",
                "fluffy_sql",
                "public",
            ]
            assert query(found, "SHOW search_path") == [("fluffy_sql, public, pg_temp",)]


def test_tables_views_and_functions_of_the_same_names_are_not_taken_for_ours(
    session: Session, on_database: Run
) -> None:
    add_photos(session, 0, 60)
    names = query(
        session,
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'v')"
        " AND relnamespace = 'fluffy_sql'::regnamespace",
    )
    functions = query(
        session,
        "SELECT proname || '(' || pg_get_function_identity_arguments(oid) || ')' FROM pg_proc"
        " WHERE pronamespace = 'fluffy_sql'::regnamespace AND prorettype <> 'trigger'::regtype",
    )
    for (name,) in names:
        execute(session, f"CREATE TABLE public.{name} (trap text)")
    for (signature,) in functions:
        session.connection.execute(
            f"CREATE FUNCTION public.{signature} RETURNS void LANGUAGE plpgsql"
            " AS $$BEGIN RAISE EXCEPTION 'trap'; END$$".encode()
        )
    generate(session, k=3)
    commands = [
        ("generate", "--recluster", "--k", "2"),
        ("assign",),
        ("sweep", "--k", "2..3"),
        ("check", "--repair"),
        ("clusters",),
        ("runs", "show", "1"),
        ("report", "--out", "report"),
        ("runs", "undo", "2"),
        ("detach",),
        ("migrate",),
        ("check",),
    ]
    for command in commands:
        finished = on_database(*command)
        assert finished.code == 0, finished.err
    execute(session, "UPDATE photos SET cluster_id = NULL WHERE id < 9")
    execute(session, "SELECT assign_photo(1), remember_usable_photos()")
    for (name,) in names:
        assert query(session, f"SELECT FROM public.{name}") == []


def test_what_acts_as_its_owner_calls_nothing_of_the_applications(session: Session) -> None:
    """Though functions and operators in its schema match better than Postgres's own."""
    add_photos(session, 0, 60)
    generate(session, k=3)
    session.connection.execute(
        """
        CREATE FUNCTION public.trap() RETURNS void LANGUAGE plpgsql
        AS $$BEGIN RAISE EXCEPTION 'trap'; END$$;
        CREATE FUNCTION public.pg_get_viewdef(regclass) RETURNS text
        LANGUAGE sql AS 'SELECT public.trap(); SELECT NULL::text';
        CREATE FUNCTION public.equal(oid, regclass) RETURNS boolean
        LANGUAGE sql AS 'SELECT public.trap(); SELECT TRUE';
        CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = regclass, FUNCTION = public.equal);
        CREATE FUNCTION public.equal(name, text) RETURNS boolean
        LANGUAGE sql AS 'SELECT public.trap(); SELECT TRUE';
        """
    )
    execute(
        session,
        "UPDATE photos SET cluster_id = 1 WHERE id < 9",
        "INSERT INTO photos (path, cluster_id) VALUES ('x', 2)",
        "DELETE FROM photos WHERE id < 5",
        "UPDATE clusters SET scope = scope",
        "SELECT fluffy_sql.fold_photo_counts()",
        "SELECT fluffy_sql.remember_usable_photos()",
        "SELECT fluffy_sql.empty_work_tables(NULL)",
        "SELECT fluffy_sql.analyze_work_table('work_sample')",
        "SELECT fluffy_sql.list_filled_work_tables()",
        "TRUNCATE photos",
    )
