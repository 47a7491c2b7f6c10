"""Uninstalling leaves nothing behind: catalogs are as they were before migrating."""

from collections.abc import Iterator
from typing import Any

import pytest

from fluffy_sql.errors import DatabaseError
from fluffy_sql.postgres import schema
from fluffy_sql.postgres.session import Session
from tests.sql.helpers import query

# All that a database holds but what came with it or with an extension. A column that was added and
# dropped leaves a gap in the numbers, so numbers are left out.
CATALOGS = {
    "schemas": "SELECT nspname::text, nspacl::text, obj_description(oid, 'pg_namespace')"
    " FROM pg_namespace AS made WHERE {ours} AND NOT starts_with(nspname, 'pg_')",
    "relations": "SELECT oid::regclass::text, relkind::text, relpersistence::text, relacl::text,"
    " reloptions::text, relowner::regrole::text, relreplident::text, relrowsecurity,"
    " obj_description(oid, 'pg_class'), CASE WHEN relkind = 'v' THEN pg_get_viewdef(oid) END"
    " FROM pg_class AS made WHERE {ours} AND relnamespace <> 'pg_toast'::regnamespace",
    "columns": "SELECT attrelid::regclass::text, attname::text, attstorage::text, attnotnull,"
    " format_type(atttypid, atttypmod), attacl::text, attidentity::text, attstattarget,"
    " col_description(attrelid, attnum),"
    " (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef"
    " WHERE adrelid = attrelid AND adnum = attnum)"
    " FROM pg_attribute INNER JOIN pg_class AS made ON attrelid = made.oid WHERE {ours}"
    " AND relnamespace <> 'pg_toast'::regnamespace AND attnum > 0 AND NOT attisdropped",
    "indexes": "SELECT pg_get_indexdef(indexrelid), indisvalid, indisclustered"
    " FROM pg_index INNER JOIN pg_class AS made ON indexrelid = made.oid"
    " WHERE {ours} AND relnamespace <> 'pg_toast'::regnamespace",
    "constraints": "SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid),"
    " obj_description(oid, 'pg_constraint') FROM pg_constraint AS made WHERE {ours}",
    "triggers": "SELECT tgrelid::regclass::text, pg_get_triggerdef(oid), tgenabled::text"
    " FROM pg_trigger AS made WHERE {ours} AND NOT tgisinternal",
    "functions": "SELECT oid::regprocedure::text, prosrc, proacl::text FROM pg_proc AS made"
    " WHERE {ours}",
    "types": "SELECT typname::text FROM pg_type AS made WHERE {ours}"
    " AND typnamespace <> 'pg_toast'::regnamespace",
    "extensions": "SELECT extname::text, extnamespace::regnamespace::text FROM pg_extension",
    "others": "SELECT 'operator', oprname::text FROM pg_operator AS made WHERE {ours}"
    " UNION ALL SELECT 'rule', pg_get_ruledef(oid) FROM pg_rewrite AS made WHERE {ours}"
    " UNION ALL SELECT 'statistics', stxname::text FROM pg_statistic_ext AS made WHERE {ours}"
    " UNION ALL SELECT 'event trigger', evtname::text FROM pg_event_trigger"
    " UNION ALL SELECT 'default rights', defaclacl::text FROM pg_default_acl"
    " UNION ALL SELECT 'setting', setconfig::text FROM pg_db_role_setting WHERE setdatabase IN"
    " (SELECT oid FROM pg_database WHERE datname = current_database())"
    " UNION ALL SELECT 'large object', oid::text FROM pg_largeobject_metadata"
    " UNION ALL SELECT 'rights of the database', datacl::text FROM pg_database"
    " WHERE datname = current_database()",
}
# With an id that initdb gives to no object; and no part of an extension, or of such a part.
OURS = """
    made.oid >= 16384
    AND NOT EXISTS (
        WITH RECURSIVE belongs AS (
            SELECT refclassid, refobjid, deptype FROM pg_depend
            WHERE classid = made.tableoid AND objid = made.oid AND deptype IN ('e', 'i')
            UNION
            SELECT whole.refclassid, whole.refobjid, whole.deptype
            FROM belongs INNER JOIN pg_depend AS whole
                ON belongs.refclassid = whole.classid AND belongs.refobjid = whole.objid
            WHERE whole.deptype IN ('e', 'i')
        )
        SELECT FROM belongs WHERE deptype = 'e'
    )
"""

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
def session(bare_database_url: str) -> Iterator[Session]:
    """A session on a database that holds pgvector alone."""
    with Session.open(bare_database_url) as session:
        session.connection.execute("CREATE EXTENSION vector")
        yield session


def make(session: Session, library: str) -> str:
    """Makes the application's tables; returns the address of the database."""
    for statement in LIBRARIES[library]:
        session.connection.execute(statement.encode())
    return str(session.connection.info.dsn)


def catalogs(session: Session) -> dict[str, list[Any]]:
    session.connection.execute("SET search_path = pg_catalog")
    return {
        kind: sorted(map(str, query(session, asked.format(ours=OURS))))
        for kind, asked in CATALOGS.items()
    }


def contents(session: Session) -> dict[str, list[Any]]:
    tables = query(
        session,
        "SELECT oid::regclass::text FROM pg_class AS made WHERE relkind IN ('r', 'p')"
        f" AND relname IN ('photos', 'clusters') AND {OURS}",
    )
    return {name: query(session, f"SELECT * FROM {name} ORDER BY id") for (name,) in tables}


def work(session: Session) -> None:
    """What a run and people may leave: clusters, photos in them, a view of somebody's own."""
    session.prepare(looking=False)
    asked = (
        "SELECT FROM pg_attribute WHERE attrelid = 'clusters'::regclass AND attname = 'owner_id'"
    )
    owned = query(session, asked)
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
def test_catalogs_are_as_they_were(session: Session, library: str) -> None:
    url = make(session, library)
    before, held = catalogs(session), contents(session)
    schema.migrate(url)
    assert catalogs(session) != before
    assert schema.uninstall(url) is True
    assert catalogs(session) == before
    assert contents(session) == held


@every_library
def test_they_are_after_the_library_was_used_and_detached(session: Session, library: str) -> None:
    url = make(session, library)
    before = catalogs(session)
    schema.migrate(url)
    work(session)
    schema.detach(url)
    assert schema.uninstall(url) is True
    assert catalogs(session) == before


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
def test_what_somebody_dropped_before_is_not_missed(session: Session, lost: str) -> None:
    before = catalogs(session)
    url = make(session, "nothing")
    schema.migrate(url)
    session.connection.execute("RESET search_path")
    session.connection.execute(lost.encode())
    assert schema.uninstall(url) is True
    assert catalogs(session) == before


def test_the_extension_stays_since_others_may_use_it(bare_database_url: str) -> None:
    with Session.open(bare_database_url) as session:
        before = catalogs(session)
        schema.migrate(bare_database_url)
        schema.uninstall(bare_database_url)
        after = catalogs(session)
    assert after.pop("extensions") == [*before.pop("extensions"), str(("vector", "public"))]
    assert after == before


@pytest.mark.parametrize(
    "theirs",
    [
        "CREATE VIEW own AS SELECT id FROM fluffy_sql.usable_photos",
        "CREATE TABLE fluffy_sql.own (id bigint)",
        "CREATE FUNCTION fluffy_sql.own() RETURNS bigint LANGUAGE sql RETURN 1",
        "CREATE TABLE own (run_id bigint REFERENCES fluffy_sql.cluster_runs)",
        "CREATE TABLE own (cluster_id bigint REFERENCES clusters)",
        "CREATE TRIGGER own AFTER INSERT ON photos FOR EACH ROW"
        " EXECUTE FUNCTION fluffy_sql.place_new_photo()",
    ],
)
def test_all_of_it_or_nothing_if_something_of_somebody_else_s_uses_it(
    session: Session, theirs: str
) -> None:
    url = make(session, "photos")
    schema.migrate(url)
    session.connection.execute("RESET search_path")
    session.connection.execute(theirs.encode())
    before = catalogs(session)
    with pytest.raises(DatabaseError, match="own"):
        schema.uninstall(url)
    assert catalogs(session) == before


def test_other_libraries_of_the_database_stay(session: Session) -> None:
    for name in ("one", "two"):
        session.connection.execute(f"CREATE SCHEMA {name}".encode())
    url = str(session.connection.info.dsn)

    def at(name: str) -> str:
        return f"{url} options='-c search_path={name},public'"

    schema.migrate(at("one"), schema="library_one")
    before = catalogs(session)
    schema.migrate(at("two"), schema="library_two")
    assert schema.uninstall(at("two"), schema="library_two") is True
    assert catalogs(session) == before


@pytest.mark.usefixtures("database_url")
def test_its_statements_say_all_that_there_is(session: Session) -> None:
    with session.connection.transaction(force_rollback=True):
        session.execute("schema/drop_definitions")
        session.execute("schema/uninstall")
        assert query(session, "SELECT to_regnamespace('fluffy_sql')::text") == [(None,)]
        assert query(session, "SELECT to_regclass('public.photos')::text") == [(None,)]
    assert query(session, "SELECT to_regclass('public.photos')::text") == [("photos",)]
