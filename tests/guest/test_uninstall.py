"""Uninstalling takes all of ours and nothing of theirs, or nothing at all."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from fluffy_sql.errors import BusyError
from fluffy_sql.postgres import schema
from fluffy_sql.postgres.session import Session
from tests.guest.catalog import add_stamped_photos, catalog
from tests.guest.helpers import Run, ask, execute, is_refused, succeeds
from tests.guest.roles import role, user
from tests.integration.helpers import generate

PHOTOS = (
    "CREATE TABLE photos (id bigserial PRIMARY KEY, path text NOT NULL, embedding vector(8),"
    " created_at timestamp DEFAULT now(), updated_at timestamp DEFAULT now())"
)
UNINSTALL = ("migrate", "--rollback", "--yes")
# What somebody made that uses ours, what it is called, and how it is taken away.
IN_THE_WAY = {
    "a trigger that places photos": (
        "CREATE TRIGGER place AFTER INSERT ON photos FOR EACH ROW"
        " EXECUTE FUNCTION fluffy_sql.place_new_photo(0.3)",
        "trigger place on table photos",
        "DROP TRIGGER place ON photos",
    ),
    "a trigger of another table": (
        "CREATE TABLE inbox (id bigint);; CREATE TRIGGER place AFTER INSERT ON inbox FOR EACH ROW"
        " EXECUTE FUNCTION fluffy_sql.place_new_photo()",
        "trigger place on table inbox",
        "DROP TABLE inbox",
    ),
    "a view of ours in a view": (
        "CREATE VIEW best AS SELECT id FROM fluffy_sql.cluster_overview WHERE photos_count > 9",
        "view best",
        "DROP VIEW best",
    ),
    "a materialized view of photos in clusters": (
        "CREATE MATERIALIZED VIEW sorted AS SELECT id, cluster_id FROM photos",
        "materialized view sorted",
        "DROP MATERIALIZED VIEW sorted",
    ),
    "a function": (
        "CREATE FUNCTION near(bigint) RETURNS SETOF text BEGIN ATOMIC"
        " SELECT path FROM fluffy_sql.cluster_central_photos($1); END",
        "function near(bigint)",
        "DROP FUNCTION near",
    ),
    "a key to clusters": (
        "CREATE TABLE albums (cover bigint CONSTRAINT of_cover REFERENCES clusters)",
        "constraint of_cover on table albums",
        "DROP TABLE albums",
    ),
    "a key to runs": (
        "CREATE TABLE notes (run bigint CONSTRAINT of_run REFERENCES fluffy_sql.cluster_runs)",
        "constraint of_run on table notes",
        "DROP TABLE notes",
    ),
    "an index on a column of ours": (
        "CREATE INDEX newest ON photos (cluster_id, created_at)",
        "index newest",
        "DROP INDEX newest",
    ),
    "an index of some rows": (
        "CREATE INDEX unsorted ON photos (path) WHERE cluster_id IS NULL",
        "index unsorted",
        "DROP INDEX unsorted",
    ),
    "statistics of a column of ours": (
        "CREATE STATISTICS together ON path, cluster_id FROM photos",
        "statistics object together",
        "DROP STATISTICS together",
    ),
    "a constraint on a column of ours": (
        "ALTER TABLE photos ADD CONSTRAINT pinned_ones CHECK (NOT cluster_pinned OR id > 0)",
        "constraint pinned_ones",
        "ALTER TABLE photos DROP CONSTRAINT pinned_ones",
    ),
    "a policy on a column of ours": (
        "CREATE POLICY of_clusters ON photos USING (cluster_id IS NOT NULL)",
        "policy of_clusters on table photos",
        "DROP POLICY of_clusters ON photos",
    ),
    "a column that is computed from ours": (
        "ALTER TABLE photos ADD COLUMN sorted boolean"
        " GENERATED ALWAYS AS (cluster_id IS NOT NULL) STORED",
        "column sorted of table photos",
        "ALTER TABLE photos DROP COLUMN sorted",
    ),
    "a table in our schema": (
        "CREATE TABLE fluffy_sql.notes (id bigint)",
        "table notes",
        "DROP TABLE fluffy_sql.notes",
    ),
    "a function in our schema": (
        "CREATE FUNCTION fluffy_sql.own() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "function own()",
        "DROP FUNCTION fluffy_sql.own()",
    ),
    "a type in our schema": (
        "CREATE TYPE fluffy_sql.mood AS ENUM ('a')",
        "type mood",
        "DROP TYPE fluffy_sql.mood",
    ),
}


@pytest.fixture
def adopted(bare_database_url: str) -> str:
    execute(bare_database_url, "CREATE EXTENSION vector", PHOTOS)
    return bare_database_url


@pytest.fixture(scope="module")
def migrated(empty_database: Callable[..., Any]) -> Iterator[tuple[str, list[Any]]]:
    """The name of such a database that was migrated, and its catalog before."""
    with empty_database() as url:
        execute(url, "CREATE EXTENSION vector", PHOTOS)
        before = catalog(url)
        schema.migrate(url)
        yield str(conninfo_to_dict(url)["dbname"]), before


@pytest.mark.parametrize("case", IN_THE_WAY)
def test_what_uses_ours_is_named_and_nothing_is_dropped(
    case: str, migrated: tuple[str, list[Any]], empty_database: Callable[..., Any], run_cli: Run
) -> None:
    made, name, taken_away = IN_THE_WAY[case]
    template, before = migrated
    with empty_database(template) as url:
        execute(url, *made.split(";; "))
        whole = catalog(url)
        assert name in is_refused(run_cli, url, *UNINSTALL)
        assert catalog(url) == whole
        execute(url, taken_away)
        assert schema.uninstall(url)
        assert catalog(url) == before


@pytest.mark.parametrize("detached", [False, True])
def test_after_runs_nothing_is_left_but_what_was_here(detached: bool, adopted: str) -> None:
    add_stamped_photos(adopted)
    before = catalog(adopted)
    rows = ask(adopted, "SELECT id, path, embedding::text FROM photos ORDER BY id")
    schema.migrate(adopted)
    generate(adopted, k=3)
    generate(adopted, k=2, recluster=True)
    with role(adopted) as somebody:
        execute(
            adopted,
            f"GRANT USAGE ON SCHEMA fluffy_sql TO {user(somebody)}",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA fluffy_sql TO {user(somebody)}",
        )
        if detached:
            schema.detach(adopted)
        schema.uninstall(adopted)
    assert catalog(adopted) == before
    assert ask(adopted, "SELECT id, path, embedding::text FROM photos ORDER BY id") == rows
    assert not schema.uninstall(adopted)


def test_a_table_of_ours_goes_with_what_somebody_added_to_it(bare_database_url: str) -> None:
    """The flag --yes was asked for that."""
    execute(bare_database_url, "CREATE EXTENSION vector")
    before = catalog(bare_database_url)
    schema.migrate(bare_database_url)
    execute(
        bare_database_url,
        "ALTER TABLE photos ADD COLUMN title text",
        "CREATE TRIGGER place AFTER INSERT ON photos FOR EACH ROW"
        " EXECUTE FUNCTION fluffy_sql.place_new_photo()",
        "CREATE INDEX ON clusters (name)",
    )
    schema.uninstall(bare_database_url)
    assert catalog(bare_database_url) == before


def test_a_column_of_the_application_s_keeps_its_key_and_index(bare_database_url: str) -> None:
    execute(
        bare_database_url,
        "CREATE EXTENSION vector",
        "CREATE TABLE clusters (id bigserial PRIMARY KEY, name text, photos_count integer)",
        "CREATE TABLE photos (id bigserial PRIMARY KEY, path text, embedding vector(8),"
        " cluster_id bigint CONSTRAINT of_cluster REFERENCES clusters)",
        "CREATE INDEX by_cluster ON photos (cluster_id)",
        "CREATE VIEW newest AS SELECT id, cluster_id FROM photos",
    )
    before = catalog(bare_database_url)
    schema.migrate(bare_database_url)
    schema.uninstall(bare_database_url)
    assert catalog(bare_database_url) == before


def test_a_run_at_work_is_not_disturbed(adopted: str, run_cli: Run) -> None:
    schema.migrate(adopted)
    before = catalog(adopted)
    with Session.open(adopted) as running:
        assert running.fetch_value("runs/try_lock")
        assert is_refused(run_cli, adopted, *UNINSTALL) == (
            "a run is at work in the schema fluffy_sql; try again when it is done"
        )
        with pytest.raises(BusyError):
            schema.detach(adopted)
        with pytest.raises(BusyError):
            schema.migrate(adopted)
    assert catalog(adopted) == before
    succeeds(run_cli, adopted, *UNINSTALL)


def test_who_does_not_own_it_is_refused(adopted: str, run_cli: Run) -> None:
    schema.migrate(adopted)
    with role(adopted) as somebody:
        execute(
            adopted,
            f"GRANT USAGE ON SCHEMA fluffy_sql TO {user(somebody)}",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA fluffy_sql, public TO {user(somebody)}",
        )
        before = catalog(adopted)
        refused = is_refused(run_cli, somebody, *UNINSTALL)
        assert "only its owner may take away what is in it" in refused
        assert catalog(adopted) == before


def test_a_schema_of_somebody_else_s_is_left_alone(bare_database_url: str, run_cli: Run) -> None:
    execute(bare_database_url, "CREATE SCHEMA fluffy_sql", "CREATE TABLE fluffy_sql.notes ()")
    before = catalog(bare_database_url)
    refused = is_refused(run_cli, bare_database_url, *UNINSTALL)
    assert "the schema fluffy_sql holds no library that fluffy_sql migrated" in refused
    assert catalog(bare_database_url) == before
