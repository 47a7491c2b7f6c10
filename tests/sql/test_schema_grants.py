"""Rights: what a server grants by default is revoked, and what somebody granted is kept."""

import pytest

from fluffy_sql.postgres import definitions, schema
from fluffy_sql.postgres.session import Session
from tests.sql.helpers import query, value

# A server's defaults, as hosts set them for an API over all that is there.
DEFAULTS = """
    ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
    ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO PUBLIC;
    ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO PUBLIC;
    ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO PUBLIC
"""
# What others than the owner may do with ours, or with the application's tables.
HELD = """
    SELECT 'schema' AS kind, nspname::text AS name, acl.grantee::regrole::text, privilege_type
    FROM pg_namespace, aclexplode(nspacl) AS acl
    WHERE nspname = 'fluffy_sql' AND acl.grantee <> nspowner
    UNION ALL
    SELECT 'relation', relname::text, acl.grantee::regrole::text, privilege_type
    FROM pg_class, aclexplode(relacl) AS acl
    WHERE relnamespace IN ('fluffy_sql'::regnamespace, 'public'::regnamespace)
        AND acl.grantee <> relowner
    UNION ALL
    SELECT 'function', proname::text, acl.grantee::regrole::text, privilege_type
    FROM pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner))) AS acl
    WHERE pronamespace = 'fluffy_sql'::regnamespace AND acl.grantee <> proowner
    ORDER BY 1, 2, 3, 4
"""


def held(session: Session) -> list[tuple[str, ...]]:
    return query(session, HELD)


@pytest.fixture
def bare(bare: Session) -> Session:
    """A session on a database that holds nothing but a server's defaults."""
    bare.connection.execute(DEFAULTS)
    return bare


def migrate(session: Session) -> None:
    schema.migrate(session.connection.info.dsn)


def test_nobody_but_the_owner_may_do_anything_with_what_was_made(session: Session) -> None:
    assert held(session) == []


def test_whatever_the_server_grants_by_default(bare: Session) -> None:
    migrate(bare)
    assert held(bare) == []


def test_also_when_some_of_it_is_made_again(bare: Session) -> None:
    migrate(bare)
    bare.connection.execute("DROP VIEW fluffy_sql.usable_photos CASCADE")
    bare.connection.execute("DROP FUNCTION fluffy_sql.assign_photo")
    migrate(bare)
    schema.detach(bare.connection.info.dsn)
    migrate(bare)
    assert held(bare) == []


def test_what_was_there_before_keeps_its_rights(bare: Session) -> None:
    bare.connection.execute("CREATE TABLE photos (id bigserial PRIMARY KEY, path text)")
    rights = (
        "SELECT relname::text, relacl::text FROM pg_class"
        " WHERE starts_with(relname, 'photos') AND relkind IN ('r', 'S') ORDER BY 1"
    )
    before = query(bare, rights)
    assert len(before) == 2
    migrate(bare)
    assert query(bare, rights) == before
    assert {name for kind, name, *_ in held(bare)} == {"photos", "photos_id_seq"}


def test_what_somebody_granted_stays(bare: Session) -> None:
    migrate(bare)
    for granted in (
        "USAGE ON SCHEMA fluffy_sql",
        "SELECT ON photos",
        "SELECT ON fluffy_sql.cluster_overview, fluffy_sql.cluster_runs",
        "EXECUTE ON FUNCTION fluffy_sql.assign_photo",
    ):
        bare.connection.execute(f"GRANT {granted} TO PUBLIC".encode())
    before = held(bare)
    assert len(before) == 5
    migrate(bare)
    assert held(bare) == before


def test_only_what_is_new_is_taken_from_others(session: Session) -> None:
    session.connection.execute("GRANT SELECT ON cluster_overview TO PUBLIC")
    session.fetch_all("schema/note_objects")
    session.connection.execute("CREATE VIEW cluster_news AS SELECT 1 AS id")
    session.connection.execute("CREATE FUNCTION news() RETURNS bigint LANGUAGE sql RETURN 1")
    session.connection.execute("GRANT SELECT ON cluster_news TO PUBLIC")
    assert {name for _, name, *_ in held(session)} == {"cluster_news", "cluster_overview", "news"}
    session.execute("schema/revoke_defaults")
    assert {name for _, name, *_ in held(session)} == {"cluster_overview"}


INVOKER = (
    "SELECT relname::text FROM pg_class WHERE relkind = 'v'"
    " AND relnamespace = 'fluffy_sql'::regnamespace"
    " AND NOT coalesce(reloptions, '{}') @> '{security_invoker=true}'"
)


def test_views_look_with_the_rights_of_whoever_asks(session: Session) -> None:
    if session.connection.info.server_version < 150_000:
        pytest.skip("it came with PostgreSQL 15")
    assert query(session, INVOKER) == []
    session.fetch_all("schema/note_objects")
    # which takes the option away
    session.connection.execute("DROP VIEW usable_photos CASCADE")
    session.connection.execute(
        "CREATE VIEW usable_photos AS SELECT id, path, embedding, cluster_id,"
        " NULL::bigint AS scope FROM photos"
    )
    assert query(session, INVOKER) == [("usable_photos",)]
    session.execute("schema/revoke_defaults")
    assert query(session, INVOKER) == []


def test_but_for_an_owner_who_says_otherwise(session: Session) -> None:
    if session.connection.info.server_version < 150_000:
        pytest.skip("it came with PostgreSQL 15")
    session.fetch_all("schema/note_objects")
    session.connection.execute("ALTER VIEW usable_photos SET (security_invoker = false)")
    session.execute("schema/revoke_defaults")
    assert query(session, INVOKER) == [("usable_photos",)]


def test_no_view_can_be_written_to(session: Session) -> None:
    found = query(
        session,
        "SELECT table_name::text, is_updatable::text, is_insertable_into::text,"
        " pg_relation_is_updatable(quote_ident(table_name)::regclass, TRUE)"
        " FROM information_schema.views WHERE table_schema = 'fluffy_sql'",
    )
    assert len(found) == 8
    assert {row[1:] for row in found} == {("NO", "NO", 0)}


# Kept while they are detached


def test_rights_are_granted_again_as_they_were(session: Session) -> None:
    session.connection.execute("CREATE ROLE somebody")
    session.connection.execute('CREATE ROLE "Some One"')
    for granted, to in (
        ("SELECT ON cluster_overview", 'PUBLIC, "Some One"'),
        ("SELECT ON cluster_members", "somebody WITH GRANT OPTION"),
        ("EXECUTE ON FUNCTION assign_photo, centroid_distance", 'somebody, "Some One"'),
    ):
        session.connection.execute(f"GRANT {granted} TO {to}".encode())
    before = held(session)
    assert len(before) == 7
    kept = "SELECT relacl::text FROM pg_class WHERE relname = 'cluster_members'"
    option = value(session, kept)
    session.fetch_all("schema/note_objects")
    definitions.drop(session)
    assert held(session) == []
    definitions.create(session)
    session.execute("schema/revoke_defaults")
    session.execute("schema/restore_grants")
    assert held(session) == before
    assert value(session, kept) == option
    assert query(session, "SELECT * FROM saved_grants") == []


def test_those_of_who_or_what_is_gone_are_forgotten(session: Session) -> None:
    session.connection.execute("GRANT SELECT ON cluster_overview TO PUBLIC")
    assert session.execute("schema/save_grants") == 1
    session.connection.execute(
        "INSERT INTO saved_grants VALUES"
        " ('TABLE', 'cluster_overview', 'nobody_of_that_name', 'SELECT', FALSE),"
        " ('TABLE', 'a_view_that_went', 'PUBLIC', 'SELECT', FALSE),"
        " ('FUNCTION', 'assign_photo(text)', 'PUBLIC', 'EXECUTE', FALSE)"
    )
    session.execute("schema/restore_grants")
    assert {name for _, name, *_ in held(session)} == {"cluster_overview"}
    assert query(session, "SELECT * FROM saved_grants") == []


def test_those_of_owners_and_of_tables_are_not_saved(session: Session) -> None:
    session.connection.execute("GRANT SELECT ON cluster_runs, photos TO PUBLIC")
    session.connection.execute("GRANT SELECT ON cluster_overview TO CURRENT_USER")
    assert session.execute("schema/save_grants") == 0
