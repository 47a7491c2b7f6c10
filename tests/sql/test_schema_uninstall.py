"""Uninstalling leaves nothing behind; what is in its way is in guest/test_uninstall.py."""

from typing import Any

import pytest

from fluffy_sql.postgres import schema
from fluffy_sql.postgres.session import Session
from tests.guest.catalog import catalog
from tests.guest.helpers import ask, execute
from tests.sql.helpers import query

PHOTOS = "CREATE TABLE {}photos (id bigserial PRIMARY KEY, path text UNIQUE, embedding vector(2))"
CLUSTERS = (
    "CREATE TABLE {}clusters (id bigserial PRIMARY KEY, name text DEFAULT 'new', status integer,"
    " photos_count integer DEFAULT 0, CHECK (name <> ''))"
)
FILL = (
    "INSERT INTO {}clusters DEFAULT VALUES",
    "INSERT INTO {}photos (path, embedding) VALUES ('a', '[1, 0]'), ('b', NULL)",
)
LIBRARIES: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "photos": (PHOTOS.format(""), FILL[1].format("")),
    "clusters": (CLUSTERS.format(""), FILL[0].format("")),
    "both": (PHOTOS.format(""), CLUSTERS.format(""), *(one.format("") for one in FILL)),
    "all that is needed": (
        PHOTOS.format(""),
        CLUSTERS.format(""),
        "ALTER TABLE photos ADD cluster_id bigint REFERENCES clusters ON DELETE SET NULL,"
        " ADD cluster_pinned boolean, ADD created_at timestamp, ADD updated_at timestamp",
        "CREATE INDEX ON photos (cluster_id)",
        "ALTER TABLE clusters ADD centroid vector(2), ADD scope integer, ADD created_at timestamp,"
        " ADD updated_at timestamp",
        "COMMENT ON COLUMN photos.cluster_id IS 'Where it is.'",
        "COMMENT ON TABLE clusters IS 'Made by us.'",
    ),
    "in a schema of its own, with rights": (
        'CREATE SCHEMA "My App"',
        PHOTOS.format('"My App".'),
        CLUSTERS.format('"My App".'),
        *(one.format('"My App".') for one in FILL),
        'GRANT SELECT ON "My App".photos TO PUBLIC',
        'GRANT UPDATE (path) ON "My App".photos TO PUBLIC',
        'ALTER TABLE "My App".photos REPLICA IDENTITY FULL',
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = ''My App'', public',"
        " current_database()); END $$",
    ),
    "photos of nobody's cluster": (
        PHOTOS.format(""),
        "ALTER TABLE photos ADD cluster_id bigint",
        "INSERT INTO photos (path, cluster_id) VALUES ('lost', 4711)",
    ),
    "partitioned": (
        "CREATE TABLE photos (id bigint PRIMARY KEY, path text) PARTITION BY RANGE (id)",
        "CREATE TABLE photos_1 PARTITION OF photos FOR VALUES FROM (1) TO (100)",
        "CREATE TABLE photos_2 PARTITION OF photos DEFAULT PARTITION BY RANGE (id)",
        "CREATE TABLE photos_3 PARTITION OF photos_2 DEFAULT",
        "INSERT INTO photos VALUES (1, 'a'), (200, 'b')",
    ),
    "owned": (
        "CREATE TABLE owners (id bigint PRIMARY KEY)",
        PHOTOS.format(""),
        "ALTER TABLE photos ADD owner_id bigint REFERENCES owners",
        "CREATE TABLE clusters"
        " (id bigserial PRIMARY KEY, owner_id bigint NOT NULL REFERENCES owners)",
    ),
    "with triggers, rules and views": (
        PHOTOS.format(""),
        CLUSTERS.format(""),
        "CREATE FUNCTION own() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE TRIGGER own BEFORE UPDATE ON photos FOR EACH ROW EXECUTE FUNCTION own()",
        "CREATE VIEW cluster_overview AS SELECT id FROM clusters",
        "CREATE TABLE cluster_runs (id bigint)",
    ),
}

every_library = pytest.mark.parametrize("library", LIBRARIES)


@pytest.fixture
def url(bare_database_url: str) -> str:
    """A database that holds pgvector alone."""
    execute(bare_database_url, "CREATE EXTENSION vector")
    return bare_database_url


def contents(url: str) -> dict[str, list[Any]]:
    tables = ask(
        url,
        "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'p')"
        " AND relname IN ('photos', 'clusters')",
    )
    return {name: ask(url, f"SELECT * FROM {name} ORDER BY id") for (name,) in tables}


def work(session: Session) -> None:
    """What a run and people may leave: clusters, photos in them, a view of somebody's own."""
    owned = query(
        session,
        "SELECT FROM pg_attribute WHERE attrelid = 'clusters'::regclass AND attname = 'owner_id'",
    )
    scope = "7" if owned else "NULL"
    if owned:
        session.connection.execute("INSERT INTO owners VALUES (7)")
    session.connection.execute(
        f"SELECT make_clusters(NULL, ARRAY['[1, 0]'::vector], ARRAY[{scope}]::bigint[])"
    )
    session.connection.execute(
        "CREATE OR REPLACE VIEW usable_photos AS SELECT id, path, embedding, cluster_id,"
        f" {scope}::bigint AS scope FROM photos WHERE id > 0"
    )
    session.connection.execute("UPDATE photos SET cluster_id = (SELECT max(id) FROM clusters)")
    session.connection.execute("INSERT INTO work_drawn VALUES (1, 1)")


@every_library
def test_catalogs_are_as_they_were(url: str, library: str) -> None:
    execute(url, *LIBRARIES[library])
    before, held = catalog(url), contents(url)
    schema.migrate(url)
    assert catalog(url) != before
    assert schema.uninstall(url) is True
    assert catalog(url) == before
    assert contents(url) == held


@every_library
def test_they_are_after_the_library_was_used_and_detached(url: str, library: str) -> None:
    execute(url, *LIBRARIES[library])
    before = catalog(url)
    schema.migrate(url)
    with Session.open(url) as session:
        work(session)
    schema.detach(url)
    assert schema.uninstall(url) is True
    assert catalog(url) == before


@pytest.mark.parametrize(
    "lost",
    [
        "DROP VIEW fluffy_sql.usable_photos CASCADE",
        "DROP TABLE fluffy_sql.work_sample, fluffy_sql.cluster_runs CASCADE",
        "DROP TABLE photos CASCADE",
        "DROP TABLE clusters, photos CASCADE",
        "DROP INDEX photos_cluster_id_idx",
        "ALTER TABLE photos DROP CONSTRAINT photos_cluster_id_fkey",
    ],
)
def test_what_somebody_dropped_before_is_not_missed(url: str, lost: str) -> None:
    before = catalog(url)
    schema.migrate(url)
    execute(url, lost)
    assert schema.uninstall(url) is True
    assert catalog(url) == before


def test_the_extension_stays_since_others_may_use_it(bare_database_url: str) -> None:
    before = catalog(bare_database_url)
    schema.migrate(bare_database_url)
    schema.uninstall(bare_database_url)
    after = catalog(bare_database_url)
    assert set(after) - set(before) == {("extension", "vector", "public")}
    assert set(before) <= set(after)


def test_its_statements_say_all_that_there_is(session: Session) -> None:
    found = "SELECT to_regnamespace('fluffy_sql') IS NULL, to_regclass('public.photos') IS NULL"
    with session.connection.transaction(force_rollback=True):
        session.execute("schema/drop_definitions")
        session.execute("schema/uninstall")
        assert query(session, found) == [(True, True)]
    assert query(session, found) == [(False, False)]
