"""An application changes its own tables: detach gets out of the way, and migrate puts all back.

Labels, centroids and runs stay, whatever is changed; and what the application writes meanwhile, or
after it renamed something without asking, never fails because of us.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from fluffy_sql.errors import SchemaError
from fluffy_sql.postgres import schema
from fluffy_sql.postgres.definitions import NAMES
from fluffy_sql.postgres.session import Session
from tests.conftest import Finished, Run, made_library
from tests.integration.helpers import asked, execute, generate, new_role
from tests.running import check, undo

Application = psycopg.Connection[Any]

# Tables as an application made them before it heard of us.
TABLES = """
    CREATE EXTENSION vector;
    CREATE TABLE photos (id serial PRIMARY KEY, path varchar NOT NULL, embedding vector(16));
    CREATE TABLE clusters (id serial PRIMARY KEY, name varchar, status integer DEFAULT 0 NOT NULL);
"""
DETACHED = "this database was detached; put it back with: fluffy-sql migrate"


@pytest.fixture(scope="module")
def made(empty_database: Callable[..., Any]) -> Iterator[str]:
    """The name of an application's database: 60 photos in three clusters, and one in none."""
    with empty_database() as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLES)
        rows, _ = made_library(1, photos=60, themes=3, spread=0.01)
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO photos (path, embedding) VALUES (%s, %s)",
                [(f"p{n}", str(row.tolist())) for n, row in enumerate(rows)],
            )
        schema.migrate(url)
        generate(url, k=3)
        execute(
            connection,
            "UPDATE clusters SET name = 'cats' WHERE id = 2",
            "UPDATE photos SET cluster_id = NULL, cluster_pinned = TRUE WHERE id = 60",
        )
        connection.close()
        yield str(conninfo_to_dict(url)["dbname"])


@pytest.fixture
def url(empty_database: Callable[..., Any], made: str) -> Iterator[str]:
    """A copy of it."""
    with empty_database(made) as url:
        yield url


@pytest.fixture
def application(url: str) -> Iterator[Application]:
    """A connection of the application."""
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def command(run_cli: Run, url: str) -> Run:
    """Runs a command on the application's database."""

    def run(*arguments: str) -> Finished:
        return run_cli(*arguments, "--database-url", url)

    return run


def library(application: Application, *, embedded: bool = True) -> dict[str, list[tuple[Any, ...]]]:
    """What must not be lost: labels, pins, names, centroids, runs and their history."""
    embedding = ", embedding::text" if embedded else ""
    return {
        "photos": asked(
            application,
            f"SELECT id::bigint, path::text, cluster_id, cluster_pinned{embedding}"
            " FROM photos ORDER BY id",
        ),
        "clusters": asked(
            application,
            "SELECT id::bigint, name::text, status::text, photos_count, centroid::text, run_id,"
            " scope FROM clusters ORDER BY id",
        ),
        **{
            name: asked(application, f"SELECT t::text FROM fluffy_sql.{name} AS t ORDER BY 1")
            for name in (
                *("cluster_runs", "cluster_run_steps", "cluster_quality", "cluster_run_moves"),
                "cluster_run_clusters",
            )
        },
    }


def objects(application: Application) -> list[tuple[Any, ...]]:
    """Views, functions and triggers of ours, with their texts and who may do what with them."""
    return asked(
        application,
        "SELECT relname::text, concat(relacl, reloptions), pg_get_viewdef(oid) FROM pg_class"
        " WHERE relnamespace = 'fluffy_sql'::regnamespace AND relkind = 'v'"
        " UNION ALL SELECT oid::regprocedure::text, proacl::text, pg_get_functiondef(oid)"
        " FROM pg_proc WHERE pronamespace = 'fluffy_sql'::regnamespace"
        " UNION ALL SELECT tgname::text, tgrelid::regclass::text, tgenabled::text FROM pg_trigger"
        " WHERE NOT tgisinternal ORDER BY 1, 2, 3",
    )


def works(application: Application, url: str) -> None:
    """New photos are clustered and counted, old ones are found, and a run can be taken back."""
    [(places,)] = asked(
        application,
        "SELECT max(vector_dims(centroid)) FROM clusters"
        if asked(application, "SELECT FROM photos WHERE embedding IS NOT NULL")
        else "SELECT atttypmod FROM pg_attribute"
        " WHERE attrelid = 'photos'::regclass AND attname = 'embedding'",
    )
    rows, _ = made_library(2, photos=30, themes=2, dimensions=places, spread=0.01)
    with application.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO photos (path, embedding) VALUES (%s, %s)",
            [(f"new {n}", str(row.tolist())) for n, row in enumerate(rows)],
        )
    result = generate(url, k=2)
    assert result.photos_processed == 30
    assert check(url).findings == ()
    [(photo, cluster)] = asked(
        application, "SELECT id, cluster_id FROM photos WHERE path = 'new 0'"
    )
    nearest = f"SELECT cluster_id FROM fluffy_sql.photo_nearest_clusters({photo})"
    assert asked(application, nearest) == [(cluster,)]
    execute(application, f"UPDATE photos SET cluster_id = NULL WHERE id = {photo}")
    assert asked(application, f"SELECT fluffy_sql.assign_photo({photo})") == [(cluster,)]
    assert undo(url, result.run_id).clusters_deleted == 2
    assert check(url).findings == ()


# Detached


def test_detach_says_what_it_does_and_migrate_what_it_makes(
    application: Application, command: Run
) -> None:
    before, kept = objects(application), library(application)
    detached = command("detach")
    assert (detached.code, detached.err) == (0, "")
    assert detached.out == (
        "Views, functions and triggers are removed; tables and labels stay."
        " Put them back with: fluffy-sql migrate\n"
    )
    # a trigger of the application's may call it
    assert [name for name, *_ in objects(application)] == ["fluffy_sql.place_new_photo()"]
    assert library(application) == kept
    for arguments in (("generate",), ("assign",), ("clusters",), ("runs",), ("sweep", "--k", "2")):
        assert command(*arguments).refusal() == DETACHED
    assert command("check").out.startswith(f"schema: {DETACHED}\n")
    assert json.loads(command("detach", "--json").out) == {"schema": "fluffy_sql", "detached": True}
    migrated = command("migrate")
    assert (migrated.code, migrated.err) == (0, "")
    assert migrated.out == (
        "The table photos was here before; its rows and columns are kept.\n"
        "The table clusters was here before; its rows and columns are kept.\n"
        "Triggers keep photos_count from now on.\n"
    )
    assert objects(application) == before
    assert library(application) == kept
    assert json.loads(command("migrate", "--json").out) == {
        "applied": [],
        "adopted": ["photos", "clusters"],
        "counter_cache": {
            "kept_by": "triggers",
            "changed": False,
            "repaired": 0,
            "found_here": False,
            "distributed": False,
        },
        "schema": "fluffy_sql",
        "notes": [],
        "made_again": [],
    }


def test_views_look_with_the_rights_of_who_asks(application: Application, command: Run) -> None:
    if application.info.server_version < 150_000:
        pytest.skip("it came with PostgreSQL 15")
    other = (
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'fluffy_sql'::regnamespace"
        " AND relkind = 'v' AND NOT coalesce(reloptions, '{}') @> '{security_invoker=true}'"
    )
    assert asked(application, other) == []
    assert command("detach").code == 0
    assert command("migrate").code == 0
    assert asked(application, other) == []


def test_a_database_that_is_not_migrated_can_not_be_detached(
    bare_database_url: str, run_cli: Run
) -> None:
    assert run_cli("detach", "--database-url", bare_database_url).refusal() == (
        "this database has not been migrated yet; run: fluffy-sql migrate"
    )


def test_detach_waits_for_no_run_and_ends_none(
    application: Application, command: Run, url: str
) -> None:
    before = objects(application)
    with Session.open(url) as session:
        assert session.fetch_value("runs/try_lock") is True
        refusal = command("detach").refusal()
    assert refusal == "a run is at work in the schema fluffy_sql; try again when it is done"
    assert objects(application) == before


# Changes of types, which Postgres refuses if a view or a function uses the column

CHANGES = {
    "path": "ALTER TABLE photos ALTER path TYPE text",
    "id": "ALTER TABLE photos ALTER id TYPE bigint",
    "embedding": "ALTER TABLE photos ALTER embedding TYPE vector(768) USING NULL",
    "id of clusters": "ALTER TABLE clusters ALTER id TYPE bigint",
    "name": "ALTER TABLE clusters ALTER name TYPE text",
    "status": "ALTER TABLE clusters ALTER status TYPE smallint",
}


@pytest.mark.parametrize("case", CHANGES)
def test_the_type_of_a_column_can_be_changed(
    case: str, application: Application, command: Run, url: str
) -> None:
    kept = library(application, embedded=case != "embedding")
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="used by a view"):
        execute(application, CHANGES[case])
    assert command("detach").code == 0
    execute(application, CHANGES[case])
    assert command("migrate").code == 0
    assert library(application, embedded=case != "embedding") == kept
    works(application, url)


# Renames

# a column or a table, and what it is called then
RENAMES = {
    "photos.path": "file_path",
    "photos.cluster_id": "group_id",
    "photos.id": "photo_id",
    "photos.cluster_pinned": "pinned",
    "clusters.photos_count": "size",
    "clusters.centroid": "middle",
    "photos": "pictures",
    "clusters": "groups",
}
RENAME_SCOPE = "ALTER TABLE clusters RENAME COLUMN scope TO owner_id"


def rename(case: str) -> str:
    table, _, column = case.partition(".")
    return f"ALTER TABLE {table} RENAME {column} TO {RENAMES[case]}"


def rename_back(case: str) -> str:
    table, _, column = case.partition(".")
    if column:
        return f"ALTER TABLE {table} RENAME {RENAMES[case]} TO {column}"
    return f"ALTER TABLE {RENAMES[case]} RENAME TO {table}"


def told(case: str) -> str:
    wanted = case.rpartition(".")[2]
    return (
        f"{case} was renamed to {RENAMES[case]} since this database was migrated, and fluffy_sql"
        f" needs it as {wanted}: name it {wanted} again, or remove fluffy_sql with:"
        " fluffy-sql migrate --rollback --yes"
    )


@pytest.mark.parametrize(
    ("case", "detached"),
    [*((case, False) for case in RENAMES), ("photos.path", True), ("clusters", True)],
)
def test_a_rename_is_told_as_one_and_nothing_is_written(
    case: str, detached: bool, application: Application, command: Run, url: str
) -> None:
    kept = library(application)
    if detached:
        assert command("detach").code == 0
    execute(application, rename(case))
    before = objects(application)
    for arguments in (("migrate",), ("generate",), ("assign",), ("clusters",), ("runs",)):
        assert command(*arguments).refusal() == told(case)
    checked = command("check")
    assert (checked.code, checked.out.splitlines()[0]) == (1, f"schema: {told(case)}")
    assert objects(application) == before
    execute(application, rename_back(case))
    assert command("migrate").code == 0
    assert library(application) == kept
    works(application, url)


@pytest.mark.parametrize("case", RENAMES)
def test_what_was_renamed_can_be_taken_out(
    case: str, application: Application, command: Run
) -> None:
    execute(application, rename(case))
    assert command("migrate", "--rollback", "--yes").code == 0
    assert asked(application, "SELECT to_regnamespace('fluffy_sql')") == [(None,)]
    if case in {"photos.path", "photos.id", "photos", "clusters"}:  # what is theirs
        execute(application, rename_back(case))
    columns = (
        "SELECT attname::text FROM pg_attribute WHERE attrelid IN ('photos'::regclass,"
        " 'clusters'::regclass) AND attnum > 0 AND NOT attisdropped ORDER BY attrelid, attnum"
    )
    assert [name for (name,) in asked(application, columns)] == [
        *("id", "path", "embedding"),
        *("id", "name", "status"),
    ]


# Another schema


@pytest.mark.parametrize("detached", [True, False])
@pytest.mark.parametrize("moved", [("photos", "clusters"), ("photos",), ("clusters",)])
def test_tables_can_be_moved_to_another_schema(
    moved: tuple[str, ...], detached: bool, application: Application, command: Run, url: str
) -> None:
    kept = library(application)
    if detached:
        assert command("detach").code == 0
    execute(application, "CREATE SCHEMA app", *(f"ALTER TABLE {n} SET SCHEMA app" for n in moved))
    execute(application, "SET search_path = app, public")
    # nobody counts this one before migrate
    execute(application, "UPDATE photos SET cluster_id = 3 WHERE id = 60")
    migrated = command("migrate")
    assert (migrated.code, migrated.err) == (0, "")
    assert "1 count corrected.\n" in migrated.out
    execute(application, "UPDATE photos SET cluster_id = NULL WHERE id = 60")
    assert library(application) == kept
    works(application, url)


CHANGED = {
    "photos was moved to the schema app": "CREATE SCHEMA app; ALTER TABLE photos SET SCHEMA app",
    "clusters.scope was renamed to owner_id": RENAME_SCOPE,
}


@pytest.mark.parametrize("said", CHANGED)
def test_what_migrate_can_follow_is_told_until_it_did(
    said: str, application: Application, command: Run
) -> None:
    execute(application, CHANGED[said])
    before = objects(application)
    for arguments in (("generate",), ("clusters",)):
        assert command(*arguments).refusal() == (
            f"{said} since this database was migrated; run: fluffy-sql migrate"
        )
    assert objects(application) == before
    assert command("migrate").code == 0
    assert command("clusters").code == 0


@pytest.mark.parametrize("detached", [True, False])
def test_the_column_of_the_scope_may_be_called_otherwise(
    detached: bool, application: Application, command: Run, url: str
) -> None:
    execute(application, "UPDATE clusters SET scope = 7 WHERE photos_count = 0")
    scopes = "SELECT id, scope FROM fluffy_sql.scoped_clusters ORDER BY id"
    before = asked(application, scopes)
    if detached:
        assert command("detach").code == 0
    execute(application, RENAME_SCOPE)
    assert command("migrate").code == 0
    assert asked(application, scopes) == before
    columns = (
        "SELECT attname::text FROM pg_attribute WHERE attrelid = 'clusters'::regclass"
        " AND attname IN ('scope', 'owner_id')"
    )
    assert asked(application, columns) == [("owner_id",)]
    works(application, url)


# Views that somebody dropped


def names(found: list[tuple[Any, ...]]) -> set[str]:
    """Of `objects`, without schema and arguments."""
    return {name.partition("(")[0].rpartition(".")[2] for name, *_ in found}


def test_views_that_were_dropped_are_made_again(
    application: Application, command: Run, url: str
) -> None:
    before, kept = objects(application), library(application)
    execute(application, "DROP VIEW fluffy_sql.usable_photos CASCADE")
    lost = sorted(names(before) - names(objects(application)))
    assert set(lost) <= set(NAMES)
    assert command("clusters").refusal() == (
        f"this database lost {', '.join(lost)}; make it again with: fluffy-sql migrate"
    )
    # nobody counts this one before migrate
    execute(application, "UPDATE photos SET cluster_id = 3 WHERE id = 1")
    assert json.loads(command("migrate", "--json").out)["made_again"] == lost
    assert objects(application) == before
    assert check(url).findings == ()
    execute(application, f"UPDATE photos SET cluster_id = {kept['photos'][0][2]} WHERE id = 1")
    assert library(application) == kept
    execute(application, "DROP VIEW fluffy_sql.usable_photos CASCADE")
    assert f"Made again: {', '.join(lost)}\n" in command("migrate").out
    works(application, url)


# A user's own view

OWN_VIEW = """
    CREATE TABLE hidden (photo_id bigint PRIMARY KEY);
    INSERT INTO hidden SELECT generate_series(1, 10);
    CREATE OR REPLACE VIEW fluffy_sql.usable_photos WITH (security_barrier) AS
    SELECT p.id, p.path, p.embedding, p.cluster_id, NULL::bigint AS scope, length(p.path) AS letters
    FROM photos AS p WHERE p.path LIKE 'p%' AND NOT EXISTS (
        SELECT FROM hidden WHERE hidden.photo_id = p.id
    );
"""
VIEW = (
    "SELECT pg_get_viewdef(oid), reloptions, relacl::text FROM pg_class"
    " WHERE oid = 'fluffy_sql.usable_photos'::regclass"
)
SHOWN = "SELECT count(*), max(letters) FROM fluffy_sql.usable_photos"


@pytest.fixture
def reader(application: Application) -> Iterator[str]:
    """A role that may look at some things of ours."""
    with new_role(application) as name:
        yield name


def grant(application: Application, *rights: str, to: str) -> None:
    for right in rights:
        application.execute(sql.SQL("GRANT {} TO {}").format(sql.SQL(right), sql.Identifier(to)))


@pytest.mark.parametrize(
    "options", ["(security_barrier)", "(security_invoker = true)", "(security_invoker = false)", ""]
)
@pytest.mark.parametrize("begun", ["detached", "dropped"])
def test_a_view_of_a_user_s_own_comes_back_as_it_was_written(
    begun: str, options: str, application: Application, command: Run, reader: str
) -> None:
    if "invoker" in options and application.info.server_version < 150_000:
        pytest.skip("it came with PostgreSQL 15")
    execute(application, OWN_VIEW.replace("WITH (security_barrier)", options and f"WITH {options}"))
    assert command("migrate").code == 0
    if begun == "detached":
        grant(
            application,
            "SELECT ON fluffy_sql.usable_photos",
            "SELECT (letters) ON fluffy_sql.usable_photos",
            to=reader,
        )
    before, shown = asked(application, VIEW), asked(application, SHOWN)
    assert shown == [(50, 3)]
    if begun == "detached":
        assert command("detach").code == 0
    else:
        execute(application, "DROP VIEW fluffy_sql.usable_photos CASCADE")
    assert command("migrate").code == 0
    assert asked(application, VIEW) == before
    assert asked(application, SHOWN) == shown
    # and once more, for it has to be remembered still
    assert command("detach").code == 0
    assert command("migrate").code == 0
    assert asked(application, VIEW) == before


def test_a_view_that_was_written_just_now_is_remembered_by_detach(
    application: Application, command: Run
) -> None:
    more = ", security_invoker = false" if application.info.server_version >= 150_000 else ""
    execute(application, OWN_VIEW.replace("(security_barrier)", f"(security_barrier{more})"))
    before = asked(application, VIEW)
    assert command("detach").code == 0
    assert command("migrate").code == 0
    assert asked(application, VIEW) == before
    execute(application, "ALTER VIEW fluffy_sql.usable_photos SET (security_barrier = false)")
    before = asked(application, VIEW)
    assert command("detach").code == 0
    assert command("migrate").code == 0
    assert asked(application, VIEW) == before


def test_a_view_of_a_user_s_own_follows_the_tables(application: Application, command: Run) -> None:
    execute(application, OWN_VIEW)
    shown = asked(application, SHOWN)
    assert command("detach").code == 0
    both = "ALTER TABLE photos SET SCHEMA app; ALTER TABLE clusters SET SCHEMA app"
    execute(application, "CREATE SCHEMA app", both, "SET search_path = app")
    assert command("migrate").code == 0
    assert asked(application, SHOWN) == shown


def test_a_view_that_can_not_be_made_any_more_is_told_in_a_line(
    application: Application, command: Run
) -> None:
    execute(application, OWN_VIEW)
    assert command("detach").code == 0
    execute(application, "DROP TABLE hidden")
    before = objects(application)
    assert command("migrate").refusal() == (
        "Postgres: the view usable_photos can not be made again as somebody wrote it:"
        ' relation "hidden" does not exist; create fluffy_sql.usable_photos as it is to be now, and'
        " migrate again"
    )
    assert objects(application) == before
    execute(
        application,
        "CREATE VIEW fluffy_sql.usable_photos AS SELECT id, path, embedding, cluster_id,"
        " NULL::bigint AS scope, 7 AS letters FROM photos",
    )
    assert command("migrate").code == 0
    assert asked(application, SHOWN) == [(60, 7)]


# Rights

GRANTS = (
    "SELECT ON fluffy_sql.cluster_overview",
    "SELECT (photo_id, distance) ON fluffy_sql.cluster_members",
    "EXECUTE ON FUNCTION fluffy_sql.assign_photo(bigint, double precision)",
    "EXECUTE ON FUNCTION fluffy_sql.vector_nearest_clusters(vector, bigint)",
    "EXECUTE ON FUNCTION fluffy_sql.make_clusters(bigint, vector[], bigint[])",
)
RIGHTS = """
    SELECT relname::text, NULL, relacl::text FROM pg_class
    WHERE relnamespace = 'fluffy_sql'::regnamespace AND relkind = 'v'
    UNION ALL
    SELECT attrelid::regclass::text, attname::text, attacl::text FROM pg_attribute
    WHERE attacl IS NOT NULL AND attrelid > 16383
    UNION ALL
    SELECT oid::regprocedure::text, NULL, proacl::text FROM pg_proc
    WHERE pronamespace = 'fluffy_sql'::regnamespace
    ORDER BY 1, 2
"""


@pytest.mark.parametrize("commands", [("migrate",), ("detach", "migrate"), ("detach",) * 2])
def test_rights_to_views_and_functions_are_kept(
    commands: tuple[str, ...], application: Application, command: Run, reader: str
) -> None:
    grant(application, *GRANTS, to=reader)
    execute(
        application,
        f"GRANT SELECT ON fluffy_sql.cluster_run_overview TO {reader} WITH GRANT OPTION",
        "GRANT SELECT ON fluffy_sql.cluster_moves TO PUBLIC",
    )
    before = asked(application, RIGHTS)
    for name in commands:
        assert command(name).code == 0
    assert command("migrate").code == 0
    assert asked(application, RIGHTS) == before


def test_a_role_that_is_gone_has_no_rights_to_be_kept(
    application: Application, command: Run, reader: str
) -> None:
    grant(application, *GRANTS, to=reader)
    execute(application, "CREATE ROLE fluffy_test_gone")
    try:
        grant(application, *GRANTS, to="fluffy_test_gone")
        before = asked(application, RIGHTS)
        assert command("detach").code == 0
    finally:
        execute(application, "DROP OWNED BY fluffy_test_gone", "DROP ROLE fluffy_test_gone")
    assert command("migrate").code == 0
    assert asked(application, RIGHTS) == [
        (name, column, acl.replace(",fluffy_test_gone=r/postgres", "").replace(
            ",fluffy_test_gone=X/postgres", "") if acl else acl)
        for name, column, acl in before
    ]  # fmt: skip


# What others made of ours


def test_what_somebody_else_made_of_a_view_of_ours_is_not_dropped(
    application: Application, command: Run
) -> None:
    execute(application, "CREATE VIEW dashboard AS SELECT id FROM fluffy_sql.cluster_overview")
    before, kept = objects(application), library(application)
    for arguments in (("detach",), ("migrate", "--rollback", "--yes")):
        assert command(*arguments).refusal() == (
            "Postgres: cannot drop view cluster_overview because other objects depend"
            " on it (view dashboard depends on view cluster_overview); drop or change what"
            " depends on it, which is not fluffy_sql's, and run again"
        )
        assert (objects(application), library(application)) == (before, kept)
    assert command("migrate").code == 0
    assert command("clusters").code == 0
    assert asked(application, "SELECT count(*) FROM dashboard") == [(3,)]


# What the application writes meanwhile

PLACES = """
    CREATE TRIGGER place_new_photo AFTER INSERT OR UPDATE OF embedding ON photos
    FOR EACH ROW EXECUTE FUNCTION fluffy_sql.place_new_photo(0.5)
"""
# {0}: the table photos, {1}: clusters, {2}: the id, {3}: the cluster, {4}: the path, {5}: the scope
WRITES = (
    "INSERT INTO {0} ({4}, embedding) SELECT 'new', embedding FROM {0} WHERE {2} = 1",
    "INSERT INTO {0} ({4}, {3}) SELECT 'more ' || n, 1 FROM generate_series(1, 2000) AS n",
    "UPDATE {0} SET {3} = 2 WHERE {2} < 20",
    "UPDATE {0} SET embedding = embedding WHERE {2} < 20",
    "UPDATE {0} SET {3} = NULL WHERE {2} < 5",
    "UPDATE {0} SET {2} = {2} + 100000 WHERE {2} < 5",
    "INSERT INTO {0} ({4}, {3}) VALUES ('upsert', 1)"
    " ON CONFLICT ({2}) DO UPDATE SET {3} = excluded.{3}",
    "DELETE FROM {0} WHERE {2} BETWEEN 5 AND 9",
    "INSERT INTO {1} (name) VALUES ('theirs')",
    "UPDATE {1} SET {5} = 7 WHERE name = 'theirs'",
    "UPDATE {1} SET name = 'mine' WHERE name = 'theirs'",
    "DELETE FROM {1} WHERE id = 3",
    "TRUNCATE {0}",
)
MOVE_PHOTOS = "CREATE SCHEMA app; ALTER TABLE photos SET SCHEMA app"
DROP_VIEW = "DROP VIEW fluffy_sql.usable_photos CASCADE"
# what is done before, and what is called otherwise then
SITUATIONS: dict[str, tuple[str, dict[int, str]]] = {
    "as migrated": ("", {}),
    "path": (rename("photos.path"), {4: "file_path"}),
    "cluster_id": (rename("photos.cluster_id"), {3: "group_id"}),
    "id": (rename("photos.id"), {2: "photo_id"}),
    "cluster_pinned": (rename("photos.cluster_pinned"), {}),
    "photos_count": (rename("clusters.photos_count"), {}),
    "centroid": (rename("clusters.centroid"), {}),
    "status": ("ALTER TABLE clusters RENAME COLUMN status TO state", {}),
    "updated_at": ("ALTER TABLE photos RENAME COLUMN updated_at TO changed_at", {}),
    "scope": (RENAME_SCOPE, {5: "owner_id"}),
    "photos": (rename("photos"), {0: "pictures"}),
    "clusters": (rename("clusters"), {1: "groups"}),
    "another photos": (
        f"{rename('photos')}; CREATE TABLE photos (id bigint, path text)",
        {0: "pictures"},
    ),
    "moved": (MOVE_PHOTOS, {0: "app.photos"}),
    "both moved": (
        f"{MOVE_PHOTOS}; ALTER TABLE clusters SET SCHEMA app",
        {0: "app.photos", 1: "app.clusters"},
    ),
    "usable_photos dropped": (DROP_VIEW, {}),
    "scoped_clusters dropped": ("DROP VIEW fluffy_sql.scoped_clusters CASCADE", {}),
    "usable_photos without a scope": (
        f"{DROP_VIEW}; CREATE VIEW fluffy_sql.usable_photos AS SELECT id, path FROM photos",
        {},
    ),
    "our schema renamed": ("ALTER SCHEMA fluffy_sql RENAME TO theirs", {}),
    "our schema dropped": (
        "DROP TRIGGER place_new_photo ON photos; DROP SCHEMA fluffy_sql CASCADE",
        {},
    ),
    "centroids dropped": ("ALTER TABLE clusters DROP COLUMN centroid CASCADE", {}),
    "vector moved": ("CREATE SCHEMA extensions; ALTER EXTENSION vector SET SCHEMA extensions", {}),
}


@pytest.mark.parametrize("detached", [True, False])
@pytest.mark.parametrize("case", SITUATIONS)
def test_what_the_application_writes_never_fails(
    case: str, detached: bool, application: Application, url: str
) -> None:
    execute(application, PLACES)
    if detached:
        schema.detach(url)
    done, names = SITUATIONS[case]
    if detached and "fluffy_sql." in done:
        pytest.skip("it is gone already")
    execute(application, done)
    usual = ["photos", "clusters", "id", "cluster_id", "path", "scope"]
    for write in WRITES:
        execute(application, write.format(*(names.get(n, name) for n, name in enumerate(usual))))


def test_what_was_written_meanwhile_is_counted_by_migrate(
    application: Application, url: str
) -> None:
    schema.detach(url)
    execute(application, "UPDATE photos SET cluster_id = 1 WHERE id < 40")
    with pytest.raises(SchemaError, match="was detached"):
        generate(url, k=2)
    assert schema.migrate(url).counter_cache.repaired > 0
    assert check(url).findings == ()
