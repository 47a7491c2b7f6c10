"""What stands in migrate's way: rights and places here, tables in integration/test_adoption.py."""

from collections.abc import Iterator

import pytest

from fluffy_sql.postgres import schema
from fluffy_sql.postgres.session import Session
from tests.sql.helpers import as_role, value

PHOTOS = "CREATE TABLE photos (id bigserial PRIMARY KEY, path text, cluster_id bigint)"
CLUSTERS = "CREATE TABLE clusters (id bigserial PRIMARY KEY)"
FINE = {
    "nothing": (),
    "photos": (PHOTOS,),
    "clusters": (CLUSTERS,),
    "both": (PHOTOS, CLUSTERS),
    "a key of their own": (
        PHOTOS,
        CLUSTERS,
        "ALTER TABLE photos ADD CONSTRAINT photos_cluster_id_fkey FOREIGN KEY (cluster_id)"
        " REFERENCES clusters",
        "CREATE INDEX photos_cluster_id_idx ON photos (cluster_id)",
    ),
    "unique, not a key": (
        "CREATE TABLE photos (id integer NOT NULL UNIQUE, path varchar(80))",
        "CREATE TABLE clusters (id serial UNIQUE, status smallint, name varchar UNIQUE)",
    ),
    "an owner's": (
        "CREATE TABLE owners (id bigint PRIMARY KEY)",
        "CREATE TABLE clusters (id serial PRIMARY KEY, owner_id bigint NOT NULL REFERENCES owners)",
    ),
    "columns that fill themselves": (
        CLUSTERS,
        "ALTER TABLE clusters ADD slug text NOT NULL DEFAULT gen_random_uuid(),"
        " ADD number bigint NOT NULL GENERATED ALWAYS AS IDENTITY,"
        " ADD twice bigint GENERATED ALWAYS AS (id * 2) STORED NOT NULL",
    ),
    "names of ours elsewhere": (
        "CREATE VIEW cluster_overview AS SELECT 1 AS id",
        "CREATE TABLE cluster_runs (id bigint)",
        "CREATE FUNCTION assign_photo(bigint, double precision) RETURNS bigint LANGUAGE sql"
        " RETURN 1",
    ),
    "a schema for us": ("CREATE SCHEMA fluffy_sql",),
}


@pytest.fixture
def bare(bare: Session) -> Iterator[Session]:
    """A session on a database that holds pgvector alone, and whose every change is undone."""
    with bare.connection.transaction(force_rollback=True):
        bare.connection.execute("CREATE EXTENSION vector")
        yield bare


def obstacles(session: Session) -> list[str]:
    session.execute("session/find_library")
    session.execute("schema/find_other_library")
    return [row["obstacle"] for row in session.fetch_all("schema/find_obstacles")]


def set_path(session: Session, path: str) -> None:
    session.connection.execute(f"SET LOCAL search_path = {path}".encode())


@pytest.mark.parametrize("case", FINE)
def test_there_is_none(bare: Session, case: str) -> None:
    for statement in FINE[case]:
        bare.connection.execute(statement.encode())
    assert obstacles(bare) == []


@pytest.mark.parametrize("case", [case for case in FINE if case != "a schema for us"])
def test_nor_is_there_once_it_is_migrated(bare_database_url: str, case: str) -> None:
    with Session.open(bare_database_url) as session:
        for statement in FINE[case]:
            session.connection.execute(statement.encode())
        schema.migrate(bare_database_url)
        assert obstacles(session) == []
        schema.detach(bare_database_url)
        assert obstacles(session) == []


# Places


def test_a_path_without_a_schema_is_one_unless_tables_are_there(bare: Session) -> None:
    set_path(bare, "gone")
    assert obstacles(bare) == [
        "no schema of this role's search_path exists, so there is nowhere to make tables: set it"
        " (ALTER ROLE ... SET search_path)"
    ]


@pytest.mark.parametrize(
    "theirs",
    [
        "CREATE SCHEMA fluffy_sql CREATE TABLE cats (id bigint)",
        "CREATE SCHEMA fluffy_sql CREATE VIEW cats AS SELECT 1 AS id",
    ],
)
def test_a_schema_with_other_things_is_one(bare: Session, theirs: str) -> None:
    bare.connection.execute(theirs.encode())
    assert obstacles(bare) == [
        "the schema fluffy_sql holds other things than a library of fluffy_sql: name another in"
        " database.schema"
    ]


@pytest.mark.parametrize("name", ["public", "pg_catalog", "information_schema"])
def test_nothing_of_ours_goes_among_tables_of_others(bare_database_url: str, name: str) -> None:
    with Session.open(bare_database_url, schema=name) as session:
        session.connection.execute("CREATE EXTENSION vector")
        session.connection.execute(PHOTOS.replace("photos", "public.photos"))
        found = obstacles(session)
        assert any(text.startswith(f"the schema {name} holds other things") for text in found)


def test_one_library_is_not_two(bare_database_url: str) -> None:
    schema.migrate(bare_database_url)
    with Session.open(bare_database_url, schema="another") as session:
        assert obstacles(session)[:2] == [
            f"{table} belongs to the library in the schema fluffy_sql already: name that in"
            " database.schema"
            for table in ("clusters", "photos")
        ]
        session.connection.execute("CREATE SCHEMA elsewhere")
        session.connection.execute("SET search_path = elsewhere, public")
        session.connection.execute(PHOTOS.replace("photos", "elsewhere.photos"))
        session.connection.execute(CLUSTERS.replace("clusters", "elsewhere.clusters"))
        assert obstacles(session) == []
    with Session.open(bare_database_url) as session:
        assert obstacles(session) == []


# Rights


def test_a_role_needs_a_schema_to_make_ours_in(bare: Session) -> None:
    bare.connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    database = value(bare, "SELECT current_database()")
    with as_role(bare):
        assert obstacles(bare) == [
            "this role may not make a schema here: GRANT CREATE ON DATABASE"
            f" {database} TO somebody, or let somebody who may CREATE SCHEMA fluffy_sql"
            " AUTHORIZATION somebody",
            "this role may not make the tables photos and clusters in the schema public:"
            " GRANT CREATE ON SCHEMA public TO somebody",
        ]
    with as_role(bare, f"CREATE ON DATABASE {database}", "CREATE ON SCHEMA public"):
        assert obstacles(bare) == []


def test_or_one_that_is_its_own(bare: Session) -> None:
    bare.connection.execute("CREATE SCHEMA fluffy_sql")
    with as_role(bare, "CREATE ON SCHEMA public"):
        assert obstacles(bare) == [
            "this role may not make anything in the schema fluffy_sql: let its owner migrate"
        ]
        bare.connection.execute("RESET ROLE")
        bare.connection.execute("ALTER SCHEMA fluffy_sql OWNER TO somebody")
        bare.connection.execute("SET LOCAL ROLE somebody")
        assert obstacles(bare) == []


def test_nobody_else_may_make_anything_in_it(bare: Session) -> None:
    bare.connection.execute("CREATE SCHEMA fluffy_sql")
    bare.connection.execute("GRANT CREATE ON SCHEMA fluffy_sql TO PUBLIC")
    assert obstacles(bare) == [
        "others may make things in the schema fluffy_sql, which could pass for fluffy_sql's own:"
        " REVOKE CREATE ON SCHEMA fluffy_sql FROM PUBLIC"
    ]


@pytest.mark.parametrize("table", ["photos", "clusters"])
def test_tables_belong_to_the_role_that_migrates(bare: Session, table: str) -> None:
    for statement in (PHOTOS, CLUSTERS, "CREATE SCHEMA fluffy_sql"):
        bare.connection.execute(statement.encode())
    with as_role(bare, "CREATE ON SCHEMA public"):
        bare.connection.execute("RESET ROLE")
        bare.connection.execute("ALTER SCHEMA fluffy_sql OWNER TO somebody")
        for each in {"photos", "clusters"} - {table}:
            bare.connection.execute(f"ALTER TABLE {each} OWNER TO somebody".encode())
        owner = value(bare, "SELECT quote_ident(current_user)")
        bare.connection.execute("SET LOCAL ROLE somebody")
        assert obstacles(bare) == [
            f"the table {table} belongs to the role {owner}, and only its owner may add to it:"
            " migrate as that role"
        ]


def test_the_extension_is_in_reach(bare: Session) -> None:
    bare.connection.execute("CREATE SCHEMA extensions")
    bare.connection.execute("ALTER EXTENSION vector SET SCHEMA extensions")
    database = value(bare, "SELECT current_database()")
    rights = (f"CREATE ON DATABASE {database}", "CREATE ON SCHEMA public")
    with as_role(bare, *rights):
        assert obstacles(bare) == [
            "the extension vector is in the schema extensions, which this role may not use: GRANT"
            " USAGE ON SCHEMA extensions TO somebody"
        ]
    with as_role(bare, *rights, "USAGE ON SCHEMA extensions"):
        assert obstacles(bare) == []


def test_or_may_be_made(bare: Session) -> None:
    bare.connection.execute("DROP EXTENSION vector")
    database = value(bare, "SELECT current_database()")
    trusted = value(
        bare, "SELECT bool_or(trusted) FROM pg_available_extension_versions WHERE name = 'vector'"
    )
    with as_role(bare, f"CREATE ON DATABASE {database}", "CREATE ON SCHEMA public"):
        assert obstacles(bare) == (
            []
            if trusted
            else [
                "this role may not make the extension vector: let somebody who may run CREATE"
                " EXTENSION vector"
            ]
        )


def test_what_is_the_reason_for_others_is_told_first(bare: Session) -> None:
    bare.connection.execute("CREATE TABLE photos (id text, path bytea, cluster_id text)")
    with as_role(bare):
        found = obstacles(bare)
    kinds = [
        "this role may not make a schema here",
        "the table photos belongs to the role",
        "photos.cluster_id is text",
        "photos.id is text",
        "photos.path is bytea",
        "photos.id has no key",
    ]
    places = [next(i for i, text in enumerate(found) if text.startswith(kind)) for kind in kinds]
    assert places == sorted(places)
