"""A database from a dump: what is ours in it is recognised, and what is missing is made."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fluffy_sql.postgres import schema
from tests.guest.catalog import add_stamped_photos, catalog
from tests.guest.helpers import Run, ask, execute, is_refused, succeeds
from tests.guest.programs import dump, load
from tests.integration.helpers import generate

VECTOR = "CREATE EXTENSION vector"
# All of our tables, and nothing that has no data.
TABLES = [*schema._tables(), "migrations", "migrations_log", "migrations_version"]
TABLES_ALONE = [f"--table=fluffy_sql.{name}" for name in TABLES]
TABLES_ALONE += ["--table=public.photos", "--table=public.clusters"]
LABELS = "SELECT id, cluster_id, cluster_pinned FROM photos ORDER BY id"
CLUSTERS = "SELECT id, name, photos_count, centroid::text FROM clusters ORDER BY id"


@pytest.fixture(scope="module")
def library(empty_database: Callable[..., Any]) -> Iterator[str]:
    """What is dumped: photos in clusters, one of which has a name, and one photo is pinned."""
    with empty_database() as url:
        execute(url, VECTOR)
        schema.migrate(url)
        add_stamped_photos(url)
        generate(url, k=2)
        generate(url, k=3, recluster=True)
        execute(
            url,
            "UPDATE clusters SET name = 'sea' WHERE id = 1",
            "UPDATE photos SET cluster_pinned = TRUE WHERE id = 7",
        )
        yield url


def restore(url: str, written: str) -> None:
    """Loads a dump; what it refers to and does not hold is an error that people pass over."""
    if "CREATE EXTENSION" not in written:
        execute(url, VECTOR)
    if "CREATE SCHEMA fluffy_sql" not in written and "TABLE fluffy_sql." in written:
        execute(url, "CREATE SCHEMA fluffy_sql")
    load(url, written)


def run_of(url: str) -> list[tuple[Any, ...]]:
    return ask(url, "SELECT DISTINCT run_id FROM clusters ORDER BY run_id")


def goes_on(run_cli: Run, url: str) -> None:
    """Every command works, or says in one line what to do first."""
    checked = run_cli("check", "--database-url", url)
    assert checked.code in {0, 1}
    assert checked.code == 0 or "fluffy-sql migrate" in checked.out
    succeeds(run_cli, url, "migrate")
    if not ask(url, "SELECT 1 FROM photos LIMIT 1"):
        add_stamped_photos(url)
    execute(url, "UPDATE photos SET cluster_id = NULL WHERE id % 2 = 0 AND NOT cluster_pinned")
    ran = succeeds(run_cli, url, "generate", "--k", "2", "--json")
    assert json.loads(ran)["photos_processed"] >= 29
    succeeds(run_cli, url, "check")
    numbers = ask(url, "SELECT count(*), count(DISTINCT id) FROM fluffy_sql.cluster_runs")
    assert numbers[0][0] == numbers[0][1]


def is_uninstalled(run_cli: Run, url: str) -> None:
    succeeds(run_cli, url, "migrate", "--rollback", "--yes")
    assert ask(url, "SELECT 1 FROM pg_namespace WHERE nspname = 'fluffy_sql'") == []


@pytest.mark.parametrize(
    "flags",
    [
        pytest.param(["--schema-only"], id="schema"),
        pytest.param(["--schema-only", *TABLES_ALONE], id="tables alone"),
        pytest.param(["--schema-only", "--schema=public"], id="schema of the application"),
        pytest.param(["--schema-only", "--table=photos", "--table=clusters"], id="two tables"),
    ],
)
def test_a_dump_without_data_is_completed(
    flags: list[str], library: str, bare_database_url: str, run_cli: Run
) -> None:
    restore(bare_database_url, dump(library, *flags))
    goes_on(run_cli, bare_database_url)
    assert run_of(bare_database_url) == [(1,)]
    is_uninstalled(run_cli, bare_database_url)
    assert ask(bare_database_url, "SELECT to_regclass('photos'), to_regclass('clusters')") == [
        (None, None)
    ]


def test_a_dump_without_data_can_be_uninstalled_at_once(
    library: str, bare_database_url: str, run_cli: Run
) -> None:
    execute(bare_database_url, VECTOR)
    before = catalog(bare_database_url)
    restore(bare_database_url, dump(library, "--schema-only"))
    is_uninstalled(run_cli, bare_database_url)
    assert catalog(bare_database_url) == before


def test_a_dump_of_everything_is_whole(library: str, bare_database_url: str, run_cli: Run) -> None:
    assert load(bare_database_url, dump(library)) == []
    assert catalog(bare_database_url) == catalog(library)
    checked = succeeds(run_cli, bare_database_url, "check", "--json")
    assert json.loads(checked)["photos_compared"] > 0
    assert schema.migrate(bare_database_url).changed == ()
    assert ask(bare_database_url, LABELS) == ask(library, LABELS)
    goes_on(run_cli, bare_database_url)
    is_uninstalled(run_cli, bare_database_url)


@pytest.mark.parametrize(
    "flags", [["--schema=public"], ["--table=photos", "--table=clusters"]], ids=" ".join
)
def test_a_dump_without_our_schema_keeps_labels_and_forgets_runs(
    flags: list[str], library: str, bare_database_url: str, run_cli: Run
) -> None:
    restore(bare_database_url, dump(library, *flags))
    assert run_of(bare_database_url) == [(2,)]
    result = schema.migrate(bare_database_url)
    [note] = result.notes
    assert note.startswith("3 clusters came from a run that is not on record here")
    assert result.adopted == ()
    assert ask(bare_database_url, LABELS) == ask(library, LABELS)
    assert ask(bare_database_url, CLUSTERS) == ask(library, CLUSTERS)
    assert run_of(bare_database_url) == [(None,)]
    assert schema.migrate(bare_database_url).notes == ()
    goes_on(run_cli, bare_database_url)
    is_uninstalled(run_cli, bare_database_url)


def test_data_alone_goes_into_a_migrated_database(
    library: str, database_url: str, run_cli: Run
) -> None:
    """Tables come in the order of their keys, so that triggers count each photo once."""
    execute(
        database_url,
        "TRUNCATE fluffy_sql.application_tables, fluffy_sql.definitions, fluffy_sql.migrations,"
        " fluffy_sql.migrations_log, fluffy_sql.migrations_version",
    )
    assert load(database_url, dump(library, "--data-only")) == []
    assert ask(database_url, LABELS) == ask(library, LABELS)
    assert ask(database_url, CLUSTERS) == ask(library, CLUSTERS)
    goes_on(run_cli, database_url)


def test_our_schema_alone_keeps_the_record_of_runs(
    library: str, bare_database_url: str, run_cli: Run
) -> None:
    """Its photos come from somewhere else, or from nowhere."""
    restore(bare_database_url, dump(library, "--schema=fluffy_sql"))
    goes_on(run_cli, bare_database_url)
    assert ask(bare_database_url, "SELECT max(id) FROM fluffy_sql.cluster_runs") == [(3,)]
    is_uninstalled(run_cli, bare_database_url)


def test_without_comments_the_record_says_what_is_ours(
    library: str, bare_database_url: str, run_cli: Run
) -> None:
    restore(bare_database_url, dump(library, "--no-comments"))
    assert schema.migrate(bare_database_url).counter_cache.kept_by == "triggers"
    goes_on(run_cli, bare_database_url)
    is_uninstalled(run_cli, bare_database_url)
    assert ask(bare_database_url, "SELECT to_regclass('photos'), to_regclass('clusters')") == [
        (None, None)
    ]


@pytest.mark.parametrize("flags", [["--schema-only"], ["--schema=public"]], ids=" ".join)
def test_without_comments_and_record_all_is_the_application_s(
    flags: list[str], library: str, bare_database_url: str, run_cli: Run
) -> None:
    """Uninstalling leaves it, with its labels; but for that, all goes on."""
    restore(bare_database_url, dump(library, "--no-comments", *flags))
    assert schema.migrate(bare_database_url).counter_cache.kept_by == "triggers"
    goes_on(run_cli, bare_database_url)
    before = ask(bare_database_url, LABELS)
    is_uninstalled(run_cli, bare_database_url)
    assert ask(bare_database_url, LABELS) == before
    assert not [row for row in catalog(bare_database_url) if "fluffy_sql" in row[1]]


# What Rails keeps of a library in schema.rb, and makes of it: tables with comments, indexes and
# keys, and the schemas that are there, empty; no view, function or trigger.
SCHEMA_RB = """
    CREATE SCHEMA fluffy_sql;
    CREATE EXTENSION vector;
    CREATE TABLE clusters (
        id bigserial PRIMARY KEY,
        name text,
        status integer DEFAULT 0 NOT NULL,
        photos_count integer DEFAULT 0 NOT NULL,
        created_at timestamptz DEFAULT now() NOT NULL,
        updated_at timestamptz DEFAULT now() NOT NULL,
        centroid vector,
        run_id bigint,
        scope bigint,
        CONSTRAINT clusters_status_check CHECK (status = ANY (ARRAY[0, 1]))
    );
    COMMENT ON TABLE clusters IS 'Groups of photos. Made by fluffy_sql.';
    CREATE INDEX clusters_run_id_idx ON clusters USING btree (run_id);
    COMMENT ON INDEX clusters_run_id_idx IS 'The clusters of a run. Made by fluffy_sql.';
    CREATE TABLE photos (
        id bigserial PRIMARY KEY,
        path varchar NOT NULL,
        embedding vector(8),
        cluster_id bigint,
        cluster_pinned boolean DEFAULT false NOT NULL,
        created_at timestamp(6) NOT NULL,
        updated_at timestamp(6) NOT NULL
    );
    COMMENT ON COLUMN photos.cluster_pinned IS 'Whether the photo stays. Made by fluffy_sql.';
    CREATE INDEX index_photos_on_cluster_id ON photos USING btree (cluster_id);
    ALTER TABLE photos ADD CONSTRAINT photos_cluster_id_fkey
        FOREIGN KEY (cluster_id) REFERENCES clusters (id) ON DELETE SET NULL;
"""


def test_a_schema_of_rails_is_completed(bare_database_url: str, run_cli: Run) -> None:
    assert load(bare_database_url, SCHEMA_RB) == []
    goes_on(run_cli, bare_database_url)
    assert schema.migrate(bare_database_url).adopted == ("photos",)
    is_uninstalled(run_cli, bare_database_url)
    columns = "SELECT attname::text FROM pg_attribute WHERE attrelid = 'photos'::regclass"
    assert ask(bare_database_url, f"{columns} AND attnum > 0 AND NOT attisdropped") == [
        ("id",),
        ("path",),
        ("embedding",),
        ("cluster_id",),
        ("created_at",),
        ("updated_at",),
    ]
    assert ask(bare_database_url, "SELECT to_regclass('clusters')") == [(None,)]


@pytest.mark.parametrize(
    "lost",
    [
        "DELETE FROM fluffy_sql.migrations",
        "DROP TABLE fluffy_sql.migrations_log, fluffy_sql.migrations_version",
        "DELETE FROM fluffy_sql.definitions",
        "DROP TABLE fluffy_sql.application_tables, fluffy_sql.saved_grants",
        "DROP TABLE fluffy_sql.work_drawn, fluffy_sql.work_sample",
        "DROP TABLE clusters CASCADE; CREATE TABLE clusters (id bigserial PRIMARY KEY)",
        "DROP TABLE photos CASCADE; CREATE TABLE photos (id serial PRIMARY KEY, path text)",
    ],
)
def test_what_is_lost_is_told_and_made_again(lost: str, database_url: str, run_cli: Run) -> None:
    add_stamped_photos(database_url)
    execute(database_url, *lost.split("; "))
    for command in ("check", "clusters", "generate"):
        told = run_cli(command, "--database-url", database_url)
        assert told.code == 1
        assert "fluffy-sql migrate" in told.out + told.err
    goes_on(run_cli, database_url)
    is_uninstalled(run_cli, database_url)


@pytest.mark.parametrize(
    "lost", ["fluffy_sql.cluster_runs CASCADE", "photos, clusters CASCADE", "clusters CASCADE"]
)
def test_what_only_a_backup_has_is_told_and_the_rest_can_be_uninstalled(
    lost: str, database_url: str, run_cli: Run
) -> None:
    execute(database_url, f"DROP TABLE {lost}")
    for command in ("migrate", "check", "generate"):
        told = run_cli(command, "--database-url", database_url)
        assert told.code == 1
        assert "restore it from a backup" in told.out + told.err
    is_uninstalled(run_cli, database_url)


def test_a_library_without_its_record_is_uninstalled_after_migrate(
    database_url: str, run_cli: Run
) -> None:
    execute(database_url, "DROP TABLE fluffy_sql.definitions")
    before = catalog(database_url)
    refused = is_refused(run_cli, database_url, "migrate", "--rollback", "--yes")
    assert "if it comes from a dump, run fluffy-sql migrate first" in refused
    assert catalog(database_url) == before
    succeeds(run_cli, database_url, "migrate")
    is_uninstalled(run_cli, database_url)
