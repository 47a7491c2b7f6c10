"""The application's own objects that have the names of ours: neither is in the other's way."""

from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from fluffy_sql.postgres import definitions, schema
from tests.guest.catalog import add_stamped_photos, catalog
from tests.guest.helpers import Run, ask, execute, is_refused, run_every_command

PHOTOS = (
    "CREATE TABLE photos (id bigserial PRIMARY KEY, path text NOT NULL, embedding vector(8),"
    " created_at timestamptz, updated_at timestamptz)"
)
# The names of all our tables and views, and those of yoyo's, Laravel's and Flyway's lists.
RELATIONS = sorted(
    {
        *schema._tables(),
        *definitions.NAMES,
        "make_clusters",
        "migrations",
        "migrations_log",
        "migrations_version",
        "_yoyo_migration",
        "_yoyo_version",
        "yoyo_lock",
    }
)
# Each with the arguments of ours, and another result.
FUNCTIONS = (
    "assign_photo(bigint, double precision)",
    "nearest_active_cluster(vector, double precision, bigint)",
    "vector_nearest_clusters(vector, bigint)",
    "centroid_distance(vector, vector, text)",
    "comparable_embedding(vector, boolean)",
    "nearest_candidate(vector, integer, integer[], integer, vector[], integer, integer)",
    "cluster_central_photos(bigint, bigint)",
    "make_clusters(bigint, vector[], bigint[])",
    "scope_clusters_by(text)",
    "count_photos()",
    "place_new_photo()",
    "library_is_whole()",
    "application_table(text)",
    "empty_work_tables(text[])",
    "remember_usable_photos()",
    "fold_photo_counts()",
)
COMMANDS = (
    ["migrate"],
    ["generate", "--k", "3"],
    ["generate", "--recluster", "--k", "2"],
    ["runs", "undo", "2"],
    ["assign", "--moved"],
    ["sweep", "--k", "2..3"],
    ["clusters"],
    ["runs"],
    ["runs", "show", "1"],
    ["runs", "diff", "1", "2"],
    ["check", "--repair"],
    ["import", "new.csv"],
    ["detach"],
    ["migrate"],
    ["check"],
    ["migrate", "--rollback", "--yes"],
)


def test_names_of_ours_may_be_taken_in_the_application_s_schema(
    bare_database_url: str, run_cli: Run
) -> None:
    execute(bare_database_url, "CREATE EXTENSION vector", 'CREATE SCHEMA "my app"')
    url = make_conninfo(bare_database_url, options=r'-csearch_path="my\ app",public')
    execute(
        url,
        PHOTOS,
        *(f"CREATE TABLE {name} AS SELECT 'own' AS own" for name in RELATIONS),
        *(
            f"CREATE FUNCTION {function} RETURNS text LANGUAGE sql AS $$SELECT 'own'$$"
            for function in FUNCTIONS
        ),
    )
    add_stamped_photos(url)
    before = catalog(url)
    run_every_command(run_cli, url, COMMANDS)
    assert catalog(url) == before
    for name in RELATIONS:
        assert ask(url, f"TABLE {name}") == [("own",)]


def test_its_own_functions_are_called_by_its_sessions_and_not_by_ours(
    bare_database_url: str,
) -> None:
    """Placing and counting in a session whose search_path finds the application's alone."""
    execute(
        bare_database_url,
        "CREATE EXTENSION vector",
        PHOTOS,
        *(
            f"CREATE FUNCTION {function} RETURNS text LANGUAGE plpgsql AS"
            " $$BEGIN RAISE 'the wrong function'; END$$"
            for function in FUNCTIONS
            if "()" not in function
        ),
    )
    schema.migrate(bare_database_url)
    add_stamped_photos(bare_database_url)
    execute(
        bare_database_url,
        "INSERT INTO clusters (centroid) SELECT embedding FROM photos WHERE id = 1",
        "CREATE TRIGGER place AFTER INSERT ON photos FOR EACH ROW"
        " EXECUTE FUNCTION fluffy_sql.place_new_photo()",
        "INSERT INTO photos (path, embedding) SELECT 'new', embedding FROM photos LIMIT 1",
        "SELECT fluffy_sql.assign_photo(1)",
    )
    assert ask(bare_database_url, "SELECT photos_count FROM clusters") == [(2,)]
    assert ask(bare_database_url, "SELECT photos_count FROM fluffy_sql.cluster_overview") == [(2,)]


def test_what_only_looks_like_a_name_of_ours_is_adopted(bare_database_url: str) -> None:
    """Names in other schemas, and names of another kind."""
    execute(
        bare_database_url,
        "CREATE EXTENSION vector",
        "CREATE SCHEMA other",
        "CREATE TYPE other.clusters AS ENUM ('a')",
        "CREATE TABLE other.photos (id uuid)",
        "CREATE TABLE other.application_tables (name text)",
        "CREATE SEQUENCE clusters_id_seq",
        "CREATE SEQUENCE photos_path_key",
        "CREATE TABLE clusters_pkey (id integer)",
        "CREATE FUNCTION clusters() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE TYPE work_drawn AS ENUM ('a')",
    )
    before = catalog(bare_database_url)
    result = schema.migrate(bare_database_url)
    assert result.adopted == ()
    assert set(before) <= set(catalog(bare_database_url))
    schema.uninstall(bare_database_url)
    assert catalog(bare_database_url) == before


def test_a_table_of_another_application_is_no_library(bare_database_url: str, run_cli: Run) -> None:
    execute(bare_database_url, "CREATE TABLE application_tables (name text)")
    assert is_refused(run_cli, bare_database_url, "clusters") == (
        "this database has not been migrated yet; run: fluffy-sql migrate"
    )


@pytest.mark.parametrize("place", ["select", "Photos_2"])
def test_a_schema_of_any_name_is_ours(place: str, bare_database_url: str, run_cli: Run) -> None:
    execute(bare_database_url, "CREATE EXTENSION vector", PHOTOS)
    add_stamped_photos(bare_database_url)
    before = catalog(bare_database_url)
    Path("image_embed.yml").write_text(f"database:\n  schema: {place}\n", encoding="utf-8")
    run_every_command(run_cli, bare_database_url, COMMANDS)
    assert catalog(bare_database_url) == before
