"""Libraries that another application made: adopted, clustered, and given back as they were."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest
from yoyo import read_migrations

from fluffy_sql.errors import SchemaError
from fluffy_sql.postgres import schema
from fluffy_sql.postgres.session import Session
from fluffy_sql.resources import migrations_folder
from tests import running
from tests.conftest import Run, made_library
from tests.integration.helpers import asked, execute, generate, query

Application = psycopg.Connection[Any]

RAILS_PHOTOS = (
    """
    CREATE TABLE photos (
        id bigserial PRIMARY KEY,
        path varchar NOT NULL,
        embedding vector(512),
        created_at timestamp(6) NOT NULL,
        updated_at timestamp(6) NOT NULL
    )
    """,
)
RAILS_CLUSTERS = (
    """
    CREATE TABLE clusters (
        id bigserial PRIMARY KEY,
        name varchar,
        status integer DEFAULT 0,
        photos_count integer DEFAULT 0,
        created_at timestamp(6) NOT NULL,
        updated_at timestamp(6) NOT NULL
    )
    """,
    "ALTER TABLE photos ADD COLUMN cluster_id bigint",
    "CREATE INDEX index_photos_on_cluster_id ON photos (cluster_id)",
    "ALTER TABLE photos ADD CONSTRAINT fk_1 FOREIGN KEY (cluster_id) REFERENCES clusters (id)",
    "INSERT INTO clusters (name, status, created_at, updated_at) VALUES"
    " ('archived by the application', 2, '2020-01-01', '2020-01-01')",
)
LIBRARIES = {
    "photos alone": RAILS_PHOTOS,
    "photos and clusters": RAILS_PHOTOS + RAILS_CLUSTERS,
    "clusters without key and index": RAILS_PHOTOS + RAILS_CLUSTERS[:2],
    "integer ids": (
        "CREATE TABLE photos (id serial PRIMARY KEY, path text NOT NULL, embedding vector(512),"
        " created_at timestamp NOT NULL, updated_at timestamp NOT NULL, cluster_id integer)",
    ),
    "status as text": (
        *RAILS_PHOTOS,
        "CREATE TABLE clusters (id bigserial PRIMARY KEY, status varchar DEFAULT '0')",
    ),
    "no embedding column yet": (
        "CREATE TABLE photos (id bigserial PRIMARY KEY, path varchar NOT NULL)",
    ),
}


@pytest.fixture
def url(bare_database_url: str) -> str:
    return bare_database_url


@pytest.fixture
def rails(url: str) -> Iterator[Application]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
        yield connection


def make(connection: Application, library: str) -> None:
    execute(connection, *LIBRARIES[library])


def add_rails_photos(connection: Application, photos: int = 60) -> None:
    rows, _ = made_library(1, photos=photos, themes=3, dimensions=512, spread=0.01)
    has_timestamps = connection.execute(
        "SELECT count(*) FROM pg_attribute WHERE attrelid = 'photos'::regclass"
        " AND attname = 'created_at' AND NOT atthasdef"
    ).fetchone() == (1,)
    statement = (
        "INSERT INTO photos (path, embedding, created_at, updated_at)"
        " VALUES (%s, %s, '2020-01-01', '2020-01-01')"
        if has_timestamps
        else "INSERT INTO photos (path, embedding) VALUES (%s, %s)"
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            statement, [(f"p{i}", str(row.tolist()).replace(" ", "")) for i, row in enumerate(rows)]
        )


def adopt(connection: Application, library: str, url: str) -> None:
    """A library with photos, migrated and clustered."""
    make(connection, library)
    add_rails_photos(connection)
    schema.migrate(url)
    generate(url, k=3)


def describe(connection: Application) -> dict[str, list[tuple[Any, ...]]]:
    """The public schema: columns with defaults, constraints, indexes, functions, triggers ..."""
    questions = {
        "columns": """
            SELECT c.relname::text, a.attnum, a.attname::text, format_type(a.atttypid, a.atttypmod),
                a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attstorage::text,
                col_description(c.oid, a.attnum)
            FROM pg_class AS c
            JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v')
            ORDER BY 1, 2
        """,
        "constraints": """
            SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid)
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2
        """,
        "indexes": """
            SELECT tablename::text, indexname::text, indexdef FROM pg_indexes
            WHERE schemaname = 'public' ORDER BY 1, 2
        """,
        "comments": """
            SELECT c.relname::text, obj_description(c.oid) FROM pg_class AS c
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v') ORDER BY 1
        """,
        "functions": """
            SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid) FROM pg_proc AS p
            WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f' AND NOT EXISTS (
                SELECT FROM pg_depend AS d
                WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
            ) ORDER BY 1
        """,
        "triggers": """
            SELECT t.tgrelid::regclass::text, t.tgname::text, pg_get_triggerdef(t.oid), t.tgenabled
            FROM pg_trigger AS t JOIN pg_class AS c ON t.tgrelid = c.oid
            WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal ORDER BY 1, 2
        """,
    }
    return {
        name: connection.execute(question.encode()).fetchall()
        for name, question in questions.items()
    }


def has_our_schema(connection: Application) -> bool:
    return asked(connection, "SELECT to_regnamespace('fluffy_sql')") != [(None,)]


@pytest.mark.parametrize("library", [name for name in LIBRARIES if "no embedding" not in name])
def test_migrate_keeps_every_row_and_column_and_generate_works(
    library: str, rails: Application, url: str
) -> None:
    make(rails, library)
    add_rails_photos(rails)
    kept = "SELECT id, path, embedding, created_at FROM photos ORDER BY id"
    schema_before, rows_before = describe(rails), rails.execute(kept).fetchall()

    result = schema.migrate(url)
    assert result.adopted[0] == "photos"
    for kind in ("columns", "constraints", "indexes", "functions", "triggers"):
        assert set(schema_before[kind]) <= set(describe(rails)[kind])

    assert generate(url, k=3).clusters_created == 3
    assert rails.execute(kept).fetchall() == rows_before
    counts = rails.execute(
        "SELECT c.photos_count, count(*) FROM clusters AS c JOIN photos AS p ON p.cluster_id = c.id"
        " GROUP BY c.id"
    ).fetchall()
    assert len(counts) == 3
    assert all(stored == counted for stored, counted in counts)


def test_adopted_photos_are_clustered_after_their_embeddings_arrive(
    rails: Application, url: str
) -> None:
    make(rails, "no embedding column yet")
    schema.migrate(url)
    add_rails_photos(rails)
    assert generate(url, k=3).photos_processed == 60


@pytest.mark.parametrize("library", LIBRARIES)
def test_uninstalling_gives_the_library_back_as_it_was(
    library: str, rails: Application, url: str
) -> None:
    make(rails, library)
    before = describe(rails)
    applied = schema.migrate(url).changed
    assert applied == tuple(sorted(one.id for one in read_migrations(str(migrations_folder()))))
    assert describe(rails) != before
    assert schema.uninstall(url) is True
    after = describe(rails)
    for kind, rows in before.items():
        # dropped columns leave a gap in the numbers, so numbers are left out
        assert [(r[0], *r[2:]) for r in after[kind]] == [(r[0], *r[2:]) for r in rows]
    assert not has_our_schema(rails)
    assert schema.uninstall(url) is False
    assert schema.migrate(url).changed == applied


def test_uninstalling_an_own_library_leaves_nothing(rails: Application, url: str) -> None:
    schema.migrate(url)
    assert schema.uninstall(url) is True
    assert describe(rails) == {
        "columns": [],
        "constraints": [],
        "indexes": [],
        "comments": [],
        "functions": [],
        "triggers": [],
    }
    assert not has_our_schema(rails)


def test_rails_keeps_utc_and_so_do_we(rails: Application, url: str) -> None:
    make(rails, "photos and clusters")
    add_rails_photos(rails)
    execute(rails, "SET TimeZone = 'Asia/Tokyo'")
    rails.execute("ALTER DATABASE " + rails.info.dbname + " SET TimeZone = 'Asia/Tokyo'")
    schema.migrate(url)
    generate(url, k=3)
    late = rails.execute(
        "SELECT max(abs(extract(epoch FROM updated_at - (now() AT TIME ZONE 'UTC')))) FROM clusters"
        " WHERE name IS NULL"
    ).fetchone()
    assert late is not None
    assert late[0] < 120


def test_clusters_of_the_application_are_left_alone(rails: Application, url: str) -> None:
    make(rails, "photos and clusters")
    add_rails_photos(rails)
    execute(rails, "UPDATE photos SET cluster_id = 1 WHERE path = 'p0'")
    schema.migrate(url)
    assert generate(url, k=3).photos_processed == 59
    assert rails.execute("SELECT name, status, centroid FROM clusters WHERE id = 1").fetchone() == (
        "archived by the application", 2, None,
    )  # fmt: skip
    assert rails.execute("SELECT cluster_id FROM photos WHERE path = 'p0'").fetchone() == (1,)
    # such a cluster has no centroid, so no distances; the views show it all the same
    assert rails.execute(
        "SELECT rank, distance FROM fluffy_sql.cluster_members WHERE cluster_id = 1"
    ).fetchall() == [(1, None)]


def test_photos_of_a_cluster_that_is_gone_do_not_stop_the_migration(
    rails: Application, url: str
) -> None:
    make(rails, "clusters without key and index")
    add_rails_photos(rails)
    execute(rails, "UPDATE photos SET cluster_id = 4711 WHERE path = 'p0'")
    schema.migrate(url)
    assert rails.execute("SELECT cluster_id FROM photos WHERE path = 'p0'").fetchone() == (4711,)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        execute(rails, "UPDATE photos SET cluster_id = 4712 WHERE path = 'p1'")


def test_a_view_of_the_application_with_a_name_of_ours_is_its_own(
    rails: Application, url: str
) -> None:
    make(rails, "photos and clusters")
    add_rails_photos(rails)
    execute(rails, "CREATE VIEW usable_photos AS SELECT id FROM photos WHERE id <= 30")
    schema.migrate(url)
    assert generate(url, k=3).photos_processed == 60
    schema.uninstall(url)
    assert rails.execute("SELECT count(*) FROM usable_photos").fetchone() == (30,)


@pytest.mark.parametrize("library", [name for name in LIBRARIES if "no embedding" not in name])
def test_the_functions_take_what_the_library_has(
    library: str, rails: Application, url: str
) -> None:
    adopt(rails, library, url)
    [(photo, cluster)] = asked(rails, "SELECT id, cluster_id FROM photos WHERE path = 'p0'")
    nearest = "SELECT cluster_id, is_member FROM fluffy_sql.photo_nearest_clusters(%s)"
    assert asked(rails, nearest, photo) == [(cluster, True)]
    assert len(asked(rails, "SELECT * FROM fluffy_sql.cluster_neighbors(%s)", cluster)) == 2
    members = asked(rails, "SELECT id FROM photos WHERE cluster_id = %s ORDER BY id", cluster)
    for question in (
        "SELECT photo_id FROM fluffy_sql.cluster_central_photos(%s, NULL) ORDER BY 1",
        "SELECT photo_id FROM fluffy_sql.cluster_outermost_photos(%s, NULL) ORDER BY 1",
        "SELECT photo_id FROM fluffy_sql.cluster_random_photos(%s, NULL) ORDER BY 1",
    ):
        assert asked(rails, question, cluster) == members


@pytest.mark.parametrize("library", [name for name in LIBRARIES if "no embedding" not in name])
def test_photos_are_placed_at_clusters_of_the_library(
    library: str, rails: Application, url: str
) -> None:
    adopt(rails, library, url)
    before = asked(rails, "SELECT id, cluster_id FROM photos ORDER BY id")
    execute(rails, "SET TimeZone = 'Asia/Tokyo'")
    rails.execute(
        "CREATE TRIGGER place AFTER UPDATE OF embedding ON photos"
        " FOR EACH ROW EXECUTE FUNCTION fluffy_sql.place_new_photo(0.9)"
    )
    execute(rails, "UPDATE photos SET cluster_id = NULL")
    placed = "SELECT fluffy_sql.assign_photo(id, 0.9) FROM photos WHERE id <= 20 ORDER BY id"
    assert asked(rails, placed) == [(cluster,) for _, cluster in before[:20]]
    execute(rails, "UPDATE photos SET embedding = embedding WHERE id BETWEEN 21 AND 40")
    result = running.assign(url, within=100)
    assert (result.photos_assigned, result.photos_left) == (20, 0)
    assert asked(rails, "SELECT id, cluster_id FROM photos ORDER BY id") == before
    late = (
        "SELECT max(abs(extract(epoch FROM updated_at - (now() AT TIME ZONE 'UTC'))))"
        " FROM photos WHERE NOT id BETWEEN 21 AND 40"
    )
    execute(rails, "SET TimeZone = 'UTC'")
    assert asked(rails, late)[0][0] < 120
    of_the_run = "SELECT count(*) FROM fluffy_sql.cluster_moves WHERE run_id = %s"
    assert asked(rails, of_the_run, result.run_id) == [(20,)]


def test_an_application_can_still_change_its_own_columns(rails: Application, url: str) -> None:
    make(rails, "photos and clusters")
    schema.migrate(url)
    execute(rails, "ALTER TABLE photos ALTER updated_at TYPE timestamptz")
    execute(rails, "ALTER TABLE clusters ALTER updated_at TYPE timestamptz")


def test_a_column_of_the_application_is_not_taken_for_an_argument(
    rails: Application, url: str
) -> None:
    make(rails, "photos and clusters")
    for table in ("clusters", "photos"):
        for column in ("photo_id bigint", "n bigint", "seed bigint"):
            execute(rails, f"ALTER TABLE {table} ADD {column}")
    execute(rails, "ALTER TABLE clusters ADD cluster_id bigint, ADD embedding vector(512)")
    add_rails_photos(rails)
    schema.migrate(url)
    rails.execute(
        "CREATE OR REPLACE VIEW fluffy_sql.usable_photos AS SELECT id, path, embedding, cluster_id,"
        " NULL::bigint AS scope, photo_id, n, seed FROM photos"
    )
    generate(url, k=3)
    [(cluster,)] = asked(rails, "SELECT cluster_id FROM photos WHERE id = 1")
    assert asked(rails, "SELECT cluster_id FROM fluffy_sql.photo_nearest_clusters(1, 1)") == [
        (cluster,)
    ]
    for question in (
        "SELECT * FROM fluffy_sql.cluster_central_photos(%s, 2)",
        "SELECT * FROM fluffy_sql.cluster_outermost_photos(%s, 2)",
        "SELECT * FROM fluffy_sql.cluster_random_photos(%s, 2)",
        "SELECT * FROM fluffy_sql.cluster_neighbors(%s, 2)",
    ):
        assert len(asked(rails, question, cluster)) == 2
    drawn = "SELECT photo_id FROM fluffy_sql.cluster_random_photos(%s, 5, seed => %s)"
    assert asked(rails, drawn, cluster, 1) != asked(rails, drawn, cluster, 2)


def test_tables_may_lie_in_another_schema(rails: Application, url: str) -> None:
    execute(rails, "CREATE SCHEMA app")
    execute(rails, "SET search_path = app, public")
    rails.execute("ALTER DATABASE " + rails.info.dbname + " SET search_path = app, public")
    make(rails, "photos and clusters")
    add_rails_photos(rails)
    before = describe(rails)
    schema.migrate(url)
    assert describe(rails) == before
    generate(url, k=3)
    execute(rails, "SET search_path = public")
    assert len(asked(rails, "SELECT * FROM fluffy_sql.photo_nearest_clusters(1, 3)")) == 3
    execute(rails, "UPDATE app.photos SET cluster_id = NULL WHERE id = 1")
    [(placed,)] = asked(rails, "SELECT fluffy_sql.assign_photo(1)")
    assert asked(rails, "SELECT cluster_id FROM app.photos WHERE id = 1") == [(placed,)]
    assert placed is not None
    schema.uninstall(url)
    assert not has_our_schema(rails)
    of_app = "SELECT relname::text FROM pg_class WHERE relnamespace = 'app'::regnamespace"
    assert asked(rails, of_app + " AND relkind <> 'i' ORDER BY 1") == [
        *[("clusters",), ("clusters_id_seq",), ("photos",), ("photos_id_seq",)]
    ]


def test_a_function_of_the_application_with_a_name_of_ours_is_its_own(
    rails: Application, url: str
) -> None:
    rails.execute(
        "CREATE FUNCTION cluster_neighbors(bigint, bigint) RETURNS integer LANGUAGE sql RETURN 42"
    )
    schema.migrate(url)
    assert asked(rails, "SELECT cluster_neighbors(1, 1)") == [(42,)]
    schema.uninstall(url)
    assert [name for name, _ in describe(rails)["functions"]] == [
        "cluster_neighbors(bigint,bigint)"
    ]


# what the application has, and why that can't be adopted
PHOTOS = "CREATE TABLE photos (id bigint PRIMARY KEY, path text"
INTEGER = "bigint or integer"
OF_CLUSTERS = "CREATE TABLE clusters (id bigserial PRIMARY KEY"


def unfit(what: str, needed: str) -> str:
    return f"{what}, so the table can not be adopted; fluffy_sql needs {needed}"


ATTACH = (
    "; or attach the embeddings as they are: fluffy-sql attach --table photos --key id --embedding"
    " embedding"
)
REFUSED = {
    "uuid": (
        "CREATE TABLE photos (id uuid PRIMARY KEY, path text, embedding vector)",
        unfit("photos.id is uuid", INTEGER) + ATTACH,
    ),
    "no id": ("CREATE TABLE photos (path text)", unfit("photos.id is missing", INTEGER)),
    "no path": (
        "CREATE TABLE photos (id bigint PRIMARY KEY)",
        unfit("photos.path is missing", "text or varchar"),
    ),
    "photos without a key": (
        "CREATE TABLE photos (id bigint, path text)",
        "photos.id has no key, so two rows may have the same: add a primary key or a unique"
        " constraint",
    ),
    "halfvec": (
        f"{PHOTOS}, embedding halfvec(8))",
        unfit("photos.embedding is halfvec(8)", "vector") + ATTACH,
    ),
    "array": (
        f"{PHOTOS}, embedding real[])",
        unfit("photos.embedding is real[]", "vector") + ATTACH,
    ),
    "text cluster": (f"{PHOTOS}, cluster_id text)", unfit("photos.cluster_id is text", INTEGER)),
    "pinned as a number": (
        f"{PHOTOS}, cluster_pinned integer)",
        unfit("photos.cluster_pinned is integer", "boolean"),
    ),
    "a time as text": (
        f"{PHOTOS}, updated_at text)",
        unfit("photos.updated_at is text", "a timestamp"),
    ),
    "a computed time": (
        f"{PHOTOS}, updated_at timestamp GENERATED ALWAYS AS ('2020-01-01'::timestamp) STORED)",
        "photos.updated_at is computed by the table, and fluffy_sql has to write it: make it an"
        " ordinary column",
    ),
    "a view": (
        "CREATE VIEW photos AS SELECT 1::bigint AS id, ''::text AS path",
        "photos is not a table, so it can not be adopted; rename it and migrate again",
    ),
    "a type": (
        "CREATE TYPE clusters AS ENUM ('one', 'two')",
        "there is a type clusters in the schema public, and a table can not have the name of a"
        " type: rename it and migrate again",
    ),
    "clusters by uuid": (
        "CREATE TABLE clusters (id uuid PRIMARY KEY DEFAULT gen_random_uuid())",
        unfit("clusters.id is uuid", INTEGER),
    ),
    "clusters without a default": (
        "CREATE TABLE clusters (id bigint PRIMARY KEY)",
        "clusters.id has no default, so no cluster can be made; give it one (GENERATED BY DEFAULT"
        " AS IDENTITY)",
    ),
    "status is a boolean": (
        f"{OF_CLUSTERS}, status boolean DEFAULT FALSE)",
        unfit("clusters.status is boolean", "a number, of which 0 is active"),
    ),
    "status is an enum": (
        f"CREATE TYPE state AS ENUM ('active', 'archived'); {OF_CLUSTERS}, status state)",
        unfit("clusters.status is state", "a number, of which 0 is active"),
    ),
    "status is a word": (
        f"{OF_CLUSTERS}, status text DEFAULT 'active')",
        "clusters.status is text with the default 'active'::text, and fluffy_sql writes 0 for a"
        " cluster that is active: make it a number",
    ),
    "centroid is an array": (
        f"{OF_CLUSTERS}, centroid double precision[])",
        unfit("clusters.centroid is double precision[]", "vector"),
    ),
    "centroid of another length": (
        f"{PHOTOS}, embedding vector(8)); {OF_CLUSTERS}, centroid vector(4))",
        "clusters.centroid is vector(4) and photos.embedding is vector(8): a centroid is as long as"
        " the embeddings; give it their type",
    ),
    "scope as text": (
        f"{OF_CLUSTERS}, scope text)",
        unfit("clusters.scope is text", "bigint or integer, the id of an owner"),
    ),
    "a run of their own": (
        f"{OF_CLUSTERS}, run_id bigint)",
        "clusters.run_id is the application's own, and fluffy_sql keeps there which run made a"
        " cluster; rename it and migrate again",
    ),
    "a column that can't be filled": (
        f"{OF_CLUSTERS}, slug text NOT NULL)",
        "clusters.slug must not be null and has no default, and fluffy_sql does not know what to"
        " put there: give it a default",
    ),
    "a name that must be": (
        f"{OF_CLUSTERS}, name text NOT NULL)",
        "clusters.name must not be null and has no default, and fluffy_sql does not know what to"
        " put there: give it a default",
    ),
    "an index that is called so": (
        f"{PHOTOS}); CREATE INDEX photos_cluster_id_idx ON photos (path)",
        "there is something else called photos_cluster_id_idx in the schema public, and fluffy_sql"
        " makes an index of that name: rename it and migrate again",
    ),
    "a constraint that is called so": (
        f"{PHOTOS}, CONSTRAINT photos_cluster_id_fkey CHECK (path <> ''))",
        "photos has a constraint photos_cluster_id_fkey of its own, and fluffy_sql makes a foreign"
        " key of that name: rename it and migrate again",
    ),
    "a trigger that is called so": (
        f"{PHOTOS}); CREATE FUNCTION own() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RETURN NULL; END $$; CREATE TRIGGER fluffy_sql_count_inserted"
        " AFTER INSERT ON photos FOR EACH STATEMENT EXECUTE FUNCTION own()",
        "photos has a trigger fluffy_sql_count_inserted of its own, and fluffy_sql makes one of"
        " that name: rename it and migrate again",
    ),
    "our schema is theirs": (
        "CREATE SCHEMA fluffy_sql; CREATE TABLE fluffy_sql.cats (id bigint)",
        "the schema fluffy_sql holds other things than a library of fluffy_sql: name another in"
        " database.schema",
    ),
    "two things wrong": (
        f"{PHOTOS}, embedding real[], cluster_id text)",
        unfit("photos.cluster_id is text", "bigint or integer (and 1 more)") + ATTACH,
    ),
}
NEWEST = {
    "no two without a name": (
        f"{OF_CLUSTERS}, name text CONSTRAINT named UNIQUE NULLS NOT DISTINCT)",
        "two clusters can not both be without a name (named is UNIQUE NULLS NOT DISTINCT), and new"
        " ones have none: make it an ordinary unique constraint",
    )
}


@pytest.mark.parametrize("case", REFUSED | NEWEST)
def test_what_can_not_be_adopted_is_refused_in_a_line_before_anything_changes(
    case: str, rails: Application, url: str, run_cli: Run
) -> None:
    if case in NEWEST and rails.info.server_version < 150_000:
        pytest.skip("it came with PostgreSQL 15")
    statements, message = (REFUSED | NEWEST)[case]
    rails.execute(statements.encode())
    before, with_schema = describe(rails), has_our_schema(rails)
    assert run_cli("migrate", "--database-url", url).refusal() == message
    assert (describe(rails), has_our_schema(rails)) == (before, with_schema)


def test_photos_of_lost_clusters_are_refused_where_the_key_has_to_hold(
    rails: Application, url: str
) -> None:
    if rails.info.server_version >= 180_000:
        pytest.skip("the key of a partitioned table need not be valid there")
    rails.execute(
        "CREATE TABLE photos (id bigint PRIMARY KEY, path text, cluster_id bigint)"
        " PARTITION BY RANGE (id)"
    )
    execute(rails, "CREATE TABLE photos_all PARTITION OF photos DEFAULT")
    execute(rails, f"{OF_CLUSTERS})")
    execute(rails, "INSERT INTO photos VALUES (1, 'p', 4711)")
    before = describe(rails)
    with pytest.raises(SchemaError, match="photos is partitioned, some photos are in a cluster"):
        schema.migrate(url)
    assert (describe(rails), has_our_schema(rails)) == (before, False)
    execute(rails, "UPDATE photos SET cluster_id = NULL")
    assert schema.migrate(url).adopted == ("photos", "clusters")


def test_a_newer_schema_is_told_from_an_older_one(database_url: str, session: Session) -> None:
    schema.require_current_schema(session)
    execute(
        session,
        "INSERT INTO migrations (migration_hash, migration_id)"
        " VALUES ('x', '9999_from_the_future')",
    )
    with pytest.raises(SchemaError, match="newer fluffy_sql"):
        schema.require_current_schema(session)
    execute(session, "DELETE FROM migrations WHERE migration_id >= '0004'")
    execute(session, "DROP TABLE source_keys")
    with pytest.raises(SchemaError, match="lacks 0004_bookkeeping; run: fluffy-sql migrate"):
        schema.require_current_schema(session)
    migrated = schema.migrate(database_url)
    assert migrated.made_again == ()
    assert migrated.changed == (
        *("0004_bookkeeping", "0005_work_tables", "0006_retired_clusters", "0007_photo_duplicates"),
        *(
            "0008_cluster_levels",
            "0009_photo_neighbours",
            "0010_photo_files",
            "0011_attached_source",
            "0014_photo_places",
            "0015_source_keys",
        ),
    )
    schema.require_current_schema(session)


def test_everything_of_ours_is_commented(rails: Application, url: str) -> None:
    schema.migrate(url)
    silent = rails.execute(
        "SELECT relname::text FROM pg_class"
        " WHERE relnamespace IN ('public'::regnamespace, 'fluffy_sql'::regnamespace)"
        " AND relkind IN ('r', 'v') AND obj_description(oid) IS NULL"
        " AND relname NOT LIKE 'migrations%'"
    ).fetchall()
    assert silent == []


def test_centroids_lie_in_their_rows(session: Session) -> None:
    rows = np.random.default_rng(0).normal(size=(40, 1_024)).astype(np.float32)
    with session.connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO photos (path, embedding) VALUES (%s, %s)",
            [(f"p{i}", row) for i, row in enumerate(rows)],
        )
    generate(session, k=10)
    assert query(
        session,
        "SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE oid = 'clusters'::regclass",
    ) == [(0,)]
