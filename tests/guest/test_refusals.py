"""What migrate refuses, it refuses in one line and before it changes anything."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from fluffy_sql.postgres import schema
from tests.guest.catalog import add_stamped_photos, catalog
from tests.guest.helpers import Run, ask, execute, is_refused
from tests.guest.roles import role
from tests.integration.helpers import generate

PHOTOS = "CREATE TABLE photos (id bigserial PRIMARY KEY, path text NOT NULL, embedding vector(8))"
CLUSTER = "id bigserial PRIMARY KEY, name text, photos_count integer DEFAULT 0"


@pytest.fixture(scope="module")
def database(empty_database: Callable[..., Any]) -> Iterator[str]:
    """One for all, since what is refused changes nothing."""
    with empty_database() as url:
        execute(url, "CREATE EXTENSION vector")
        yield url


@pytest.fixture
def url(database: str) -> Iterator[str]:
    """The application's schema is its own, and empty."""
    execute(database, "CREATE SCHEMA app")
    yield make_conninfo(database, options="-csearch_path=app,public")
    execute(database, "DROP SCHEMA app CASCADE", "DROP SCHEMA IF EXISTS fluffy_sql CASCADE")


def of_clusters(columns: str) -> tuple[str, ...]:
    """An application that has clusters, with these columns or constraints alone."""
    return (PHOTOS, f"CREATE TABLE clusters ({columns})")


def clusters(columns: str, *more: str) -> tuple[str, ...]:
    """With these as well."""
    return (*of_clusters(f"{CLUSTER}, {columns}"), *more)


def photos(columns: str) -> tuple[str, ...]:
    """An application that has photos, with these columns as well."""
    return (f"CREATE TABLE photos (id bigserial PRIMARY KEY, path text, {columns})",)


def guarded_by(body: str) -> tuple[str, str]:
    """A trigger of the application's on clusters."""
    return (
        f"CREATE FUNCTION own() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {body}; END$$",
        "CREATE TRIGGER own BEFORE INSERT OR UPDATE ON clusters FOR EACH ROW"
        " EXECUTE FUNCTION own()",
    )


# More is refused in integration/test_adoption.py, which has the whole messages.
REFUSED = {
    # what a cluster's status is
    "status as text of some words": (
        clusters("status text CHECK (status IN ('active', 'hidden'))"),
        'no cluster could be made .*violates check constraint "clusters_status_check"',
    ),
    "status as a domain": (
        ("CREATE DOMAIN stage AS integer CHECK (VALUE > 0)", *clusters("status stage")),
        "clusters.status is stage",
    ),
    "status that is not 0": (
        clusters("status integer CHECK (status IN (1, 2))"),
        'no cluster could be made .*violates check constraint "clusters_status_check"',
    ),
    "status that is unique": (
        clusters("status integer UNIQUE"),
        "no cluster could be made .*duplicate key value",
    ),
    "status that is computed": (
        clusters("hidden boolean, status integer GENERATED ALWAYS AS (hidden::integer) STORED"),
        "clusters.status is computed by the table",
    ),
    # ids
    "clusters.id without key": (of_clusters("id bigserial, name text"), "clusters.id has no key"),
    "clusters.id with a key that is not for all rows": (
        (
            PHOTOS,
            "CREATE TABLE clusters (id bigserial, name text)",
            "CREATE UNIQUE INDEX ON clusters (id) WHERE name IS NULL",
        ),
        "clusters.id has no key",
    ),
    "clusters.id with a key that is checked later": (
        of_clusters("id bigserial UNIQUE DEFERRABLE"),
        "clusters.id has no key",
    ),
    "photos.id with the key of two columns": (
        ("CREATE TABLE photos (id bigint, album bigint, path text, PRIMARY KEY (id, album))",),
        "photos.id has no key",
    ),
    "photos.path as bytea": (
        ("CREATE TABLE photos (id bigserial PRIMARY KEY, path bytea)",),
        "photos.path is bytea",
    ),
    # what is embedded
    "photos.embedding as json": (photos("embedding jsonb"), "photos.embedding is jsonb"),
    "centroid that is computed": (
        clusters("seed vector(8), centroid vector(8) GENERATED ALWAYS AS (seed) STORED"),
        "clusters.centroid is computed by the table",
    ),
    # where photos are
    "cluster_id that must not be null": (
        photos("cluster_id bigint NOT NULL"),
        "photos.cluster_id must not be null",
    ),
    "cluster_id of something else": (
        photos("cluster_id bigint REFERENCES machines"),
        r"photos.cluster_id refers to machines \(photos_cluster_id_fkey\)",
    ),
    "cluster_id that is computed": (
        photos("cluster_id bigint GENERATED ALWAYS AS (length(path)) STORED"),
        "photos.cluster_id is computed by the table",
    ),
    # the rest of what a run writes
    "updated_at as text": (clusters("updated_at text"), "clusters.updated_at is text"),
    "photos.updated_at as date": (photos("updated_at date"), "photos.updated_at is date"),
    "photos_count as text": (
        of_clusters("id bigserial PRIMARY KEY, photos_count text"),
        "clusters.photos_count is text",
    ),
    "photos_count that is not 0": (
        of_clusters("id bigserial PRIMARY KEY, photos_count int CHECK (photos_count > 0)"),
        "no cluster could be made .*clusters_photos_count_check",
    ),
    "a position without default": (
        clusters("position integer NOT NULL"),
        "clusters.position must not be null and has no default",
    ),
    "a name that is unique and empty": (
        of_clusters("id bigserial PRIMARY KEY, name text NOT NULL DEFAULT '' UNIQUE"),
        "no cluster could be made .*duplicate key value .*clusters_name_key",
    ),
    "a constraint that wants a name": (
        clusters("CONSTRAINT named CHECK (name IS NOT NULL)"),
        'no cluster could be made .*violates check constraint "named"',
    ),
    "a trigger that wants a name": (
        clusters("x integer", *guarded_by("RAISE 'clusters are made in the app'")),
        "no cluster could be made .*clusters are made in the app",
    ),
    "a trigger that drops new rows": (
        clusters("x integer", *guarded_by("RETURN NULL")),
        "no cluster could be made .*a rule or trigger of clusters keeps new rows out",
    ),
    "a constraint that is checked later": (
        clusters(
            "twin bigint DEFAULT -1,"
            " FOREIGN KEY (twin) REFERENCES clusters DEFERRABLE INITIALLY DEFERRED"
        ),
        "no cluster could be made .*violates foreign key constraint",
    ),
    # relations that are no tables
    "clusters as a view": (
        (PHOTOS, "CREATE VIEW clusters AS SELECT 1::bigint AS id"),
        "clusters is not a table",
    ),
    "photos as a materialized view": (
        ("CREATE MATERIALIZED VIEW photos AS SELECT 1::bigint AS id, ''::text AS path",),
        "photos is not a table",
    ),
    "photos as a foreign table": (
        (
            "DROP FOREIGN DATA WRAPPER IF EXISTS nowhere CASCADE",
            "CREATE FOREIGN DATA WRAPPER nowhere",
            "CREATE SERVER far FOREIGN DATA WRAPPER nowhere",
            "CREATE FOREIGN TABLE photos (id bigint, path text) SERVER far",
        ),
        "photos is not a table",
    ),
    "photos as a sequence": (("CREATE SEQUENCE photos",), "photos is not a table"),
    "clusters as an index": (
        (PHOTOS, "CREATE INDEX clusters ON photos (path)"),
        "clusters is not a table",
    ),
    "photos as a row type": (("CREATE TYPE photos AS (id bigint)",), "photos is not a table"),
    "clusters that do not outlive a crash": (
        (PHOTOS, "CREATE UNLOGGED TABLE clusters (id bigserial PRIMARY KEY)"),
        "clusters is UNLOGGED and photos is not",
    ),
    "clusters in parts": (
        (
            PHOTOS,
            "CREATE TABLE clusters (id bigserial, owner int DEFAULT 1, PRIMARY KEY (id, owner))"
            " PARTITION BY HASH (owner)",
        ),
        "clusters.id has no key",
    ),
    # names
    "a domain called photos": (
        ("CREATE DOMAIN photos AS text",),
        "there is a type photos in the schema app",
    ),
    "clusters.run_id of its own runs": (
        (
            "CREATE TABLE cluster_runs (id bigserial PRIMARY KEY)",
            *clusters("run_id bigint REFERENCES cluster_runs"),
            "CREATE INDEX clusters_run_id_idx ON clusters (run_id)",
        ),
        "clusters.run_id is the application's own",
    ),
    "an index of our name": (
        (
            PHOTOS,
            "CREATE TABLE other (cluster_id bigint)",
            "CREATE INDEX photos_cluster_id_idx ON other (cluster_id)",
        ),
        "there is something else called photos_cluster_id_idx in the schema app",
    ),
    "a sequence of our name": (
        (
            PHOTOS,
            "CREATE SEQUENCE clusters_run_id_idx",
            "CREATE TABLE clusters (id bigserial PRIMARY KEY)",
        ),
        "there is something else called clusters_run_id_idx in the schema app",
    ),
    "a constraint of a column that was renamed": (
        clusters("state integer CONSTRAINT clusters_status_check CHECK (state < 9)"),
        "clusters has a constraint clusters_status_check and no column status",
    ),
    # our schema
    "a schema of our name with tables": (
        ("CREATE SCHEMA fluffy_sql", "CREATE TABLE fluffy_sql.migrations (id int)"),
        "the schema fluffy_sql holds other things than a library of fluffy_sql: name another in"
        " database.schema",
    ),
    "a schema of our name with tables of our names": (
        (
            "CREATE SCHEMA fluffy_sql",
            "CREATE TABLE fluffy_sql.cluster_runs (id int)",
            "CREATE TABLE fluffy_sql.application_tables (name text)",
        ),
        "the schema fluffy_sql holds other things",
    ),
    "a schema of our name with a function": (
        (
            "CREATE SCHEMA fluffy_sql",
            "CREATE FUNCTION fluffy_sql.assign_photo(bigint, float8) RETURNS bigint"
            " LANGUAGE sql AS 'SELECT 1::bigint'",
        ),
        "the schema fluffy_sql holds other things",
    ),
    "a schema of our name with a type": (
        ("CREATE SCHEMA fluffy_sql", "CREATE TYPE fluffy_sql.mood AS ENUM ('a')"),
        "the schema fluffy_sql holds other things",
    ),
    "photos in a schema of our name": (
        ("CREATE SCHEMA fluffy_sql", PHOTOS, "ALTER TABLE photos SET SCHEMA fluffy_sql"),
        "the schema fluffy_sql holds other things",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_can_not_be_adopted_is_told_in_one_line(case: str, url: str, run_cli: Run) -> None:
    statements, told = REFUSED[case]
    execute(url, "CREATE TABLE machines (id bigint PRIMARY KEY)", *statements)
    is_told(run_cli, url, told)


def is_told(run_cli: Run, url: str, told: str) -> None:
    before, counters = catalog(url), sequences(url)
    line = is_refused(run_cli, url, "migrate")
    assert re.search(told, line), line
    assert catalog(url) == before
    assert sequences(url) == counters


def sequences(url: str) -> list[tuple[Any, ...]]:
    return sorted(
        ask(url, "SELECT schemaname::text, sequencename::text, last_value FROM pg_sequences"),
        key=str,
    )


def test_one_of_two_columns_without_a_value_can_be_the_scope(url: str, run_cli: Run) -> None:
    """The other one would be empty."""
    execute(
        url,
        "CREATE TABLE owners (id bigint PRIMARY KEY)",
        *clusters(
            "owner_id bigint NOT NULL REFERENCES owners, album_id bigint NOT NULL REFERENCES owners"
        ),
    )
    is_told(run_cli, url, "clusters.album_id and clusters.owner_id must not be null")


ACCEPTED = {
    "status as text by default 0": clusters("status text DEFAULT '0'"),
    "status as smallint": clusters("status smallint NOT NULL DEFAULT 1 CHECK (status < 3)"),
    "status as numeric": clusters("status numeric(3)"),
    "a name that is unique": clusters("status integer, UNIQUE (name)"),
    "a slug with a default": clusters("slug uuid NOT NULL UNIQUE DEFAULT gen_random_uuid()"),
    "a key that is not primary": of_clusters("id bigserial UNIQUE"),
    "ids that are always made": (
        PHOTOS,
        "CREATE TABLE clusters (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY)",
    ),
    "a trigger that fills a column": clusters(
        "touched timestamptz", *guarded_by("NEW.touched := now(); RETURN NEW")
    ),
    "timestamps of frameworks": clusters(
        "created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL"
    ),
    "an owner": (
        "CREATE TABLE owners (id bigint PRIMARY KEY)",
        *clusters("owner_id bigint NOT NULL DEFAULT 1 REFERENCES owners"),
        "INSERT INTO owners VALUES (1)",
    ),
    "a key that is checked later": (
        "CREATE TABLE clusters (id bigserial PRIMARY KEY, name varchar(80))",
        "CREATE TABLE photos (id bigserial PRIMARY KEY, path varchar(200) NOT NULL,"
        " embedding vector(8), cluster_id bigint REFERENCES clusters DEFERRABLE INITIALLY"
        " DEFERRED)",
    ),
    "ids and paths of Django": (
        "CREATE TABLE photos"
        " (id serial PRIMARY KEY, path varchar(200) NOT NULL UNIQUE, embedding vector)",
    ),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_is_adopted_can_be_clustered(case: str, url: str) -> None:
    execute(url, *ACCEPTED[case])
    schema.migrate(url)
    add_stamped_photos(url)
    assert generate(url, k=3).clusters_created == 3
    assert ask(url, "SELECT id FROM clusters ORDER BY id") == [(1,), (2,), (3,)]
    assert schema.uninstall(url)


WRONG_VIEWS = {
    "without scope": (
        "SELECT id, path, embedding, cluster_id FROM photos",
        "usable_photos does not show scope; it has to show scope, a bigint or integer",
    ),
    "without embedding": (
        "SELECT id, path, cluster_id, NULL::bigint AS scope FROM photos",
        "usable_photos does not show embedding; it has to show embedding, a vector",
    ),
    "with a scope that is a word": (
        "SELECT id, path, embedding, cluster_id, 'ann' AS scope FROM photos",
        "usable_photos shows scope as text; it has to show scope, a bigint or integer",
    ),
    "with embeddings of another type": (
        "SELECT id, path, embedding::halfvec(8), cluster_id, NULL::bigint AS scope FROM photos",
        r"usable_photos shows embedding as halfvec\(8\); it has to show embedding, a vector",
    ),
    "with ids that are words": (
        "SELECT id::text, path, embedding, cluster_id, NULL::bigint AS scope FROM photos",
        "usable_photos shows id as text; it has to show id, a bigint or integer",
    ),
}


@pytest.mark.parametrize("case", WRONG_VIEWS)
def test_a_view_of_the_wrong_shape_is_told_by_its_column(case: str, url: str, run_cli: Run) -> None:
    written, told = WRONG_VIEWS[case]
    schema.migrate(url)
    execute(
        url,
        "DROP VIEW fluffy_sql.usable_photos CASCADE",
        f"CREATE VIEW fluffy_sql.usable_photos AS {written}",
    )
    is_told(run_cli, url, told)
    execute(url, "DROP VIEW fluffy_sql.usable_photos")
    schema.migrate(url)


@pytest.mark.parametrize("kind", ["TABLE", "MATERIALIZED VIEW"])
def test_a_view_that_is_none_is_told(kind: str, url: str, run_cli: Run) -> None:
    schema.migrate(url)
    execute(
        url,
        "DROP VIEW fluffy_sql.usable_photos CASCADE",
        f"CREATE {kind} fluffy_sql.usable_photos AS TABLE photos",
    )
    is_told(
        run_cli,
        url,
        "there is something else called usable_photos in the schema fluffy_sql, and fluffy_sql"
        " makes a view of that name",
    )


def test_a_renamed_table_is_told(url: str, run_cli: Run) -> None:
    execute(url, PHOTOS)
    schema.migrate(url)
    execute(url, "ALTER TABLE photos RENAME TO pictures")
    is_told(run_cli, url, "photos was renamed to pictures")


NO_RIGHT = {
    "to make a schema": (
        ("ALL ON SCHEMA public",),
        (),
        "this role may not make a schema here: GRANT CREATE ON DATABASE",
    ),
    "to make tables": (
        ("CREATE ON DATABASE {database}",),
        ("REVOKE CREATE ON SCHEMA public FROM PUBLIC",),
        "this role may not make the tables photos and clusters in the schema public: GRANT CREATE",
    ),
    "to the tables": (
        ("CREATE ON DATABASE {database}", "ALL ON SCHEMA public"),
        (PHOTOS,),
        "the table photos belongs to the role .*: migrate as that role",
    ),
    "to clusters": (
        ("CREATE ON DATABASE {database}", "ALL ON SCHEMA public"),
        ("CREATE TABLE clusters (id bigserial PRIMARY KEY)",),
        "the table clusters belongs to the role .*: migrate as that role",
    ),
    "to our schema": (
        ("CREATE ON DATABASE {database}", "ALL ON SCHEMA public"),
        ("CREATE SCHEMA fluffy_sql",),
        "this role may not make anything in the schema fluffy_sql: let its owner migrate",
    ),
    "to a schema to make tables in": (
        ("CREATE ON DATABASE {database}",),
        ("REVOKE ALL ON SCHEMA public FROM PUBLIC",),
        "no schema of this role's search_path exists|may not use: GRANT USAGE",
    ),
}


@pytest.mark.parametrize("case", NO_RIGHT)
def test_a_role_without_a_right_is_told_which(
    case: str, bare_database_url: str, run_cli: Run
) -> None:
    grants, statements, told = NO_RIGHT[case]
    execute(bare_database_url, "CREATE EXTENSION vector", *statements)
    with role(bare_database_url, grants=grants) as url:
        is_told(run_cli, url, told)


def test_a_database_that_is_only_read_is_told(bare_database_url: str, run_cli: Run) -> None:
    execute(bare_database_url, "CREATE EXTENSION vector")
    read_only = make_conninfo(bare_database_url, options="-cdefault_transaction_read_only=on")
    is_told(run_cli, read_only, "default_transaction_read_only is on")
