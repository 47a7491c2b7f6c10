"""pgvector in a schema of its own, as Supabase has it, whoever has that in a search_path."""

import json

import pytest

from fluffy_sql.postgres import schema
from tests.guest.catalog import add_stamped_photos, catalog
from tests.guest.helpers import Run, ask, execute, is_refused, run_every_command, succeeds
from tests.guest.roles import role, user

EXTENSIONS = ("CREATE SCHEMA extensions", "CREATE EXTENSION vector SCHEMA extensions")
PHOTOS = (
    "CREATE TABLE photos (id bigserial PRIMARY KEY, path text NOT NULL,"
    " embedding extensions.vector(8), created_at timestamptz, updated_at timestamptz)"
)
COMMANDS = (
    ["migrate"],
    ["generate", "--k", "3"],
    ["generate", "--recluster", "--k", "2"],
    ["runs", "undo", "2"],
    ["assign"],
    ["generate", "--explain"],
    ["import", "new.csv"],
    ["clusters"],
    ["runs", "diff", "1", "2"],
    ["sweep", "--k", "2..3"],
    ["check"],
    ["detach"],
    ["migrate"],
    ["check"],
)


def triggers_work(url: str) -> None:
    """Counting and placing, in sessions that find no type of pgvector by its name."""
    execute(
        url,
        "CREATE TRIGGER place AFTER INSERT ON photos FOR EACH ROW"
        " EXECUTE FUNCTION fluffy_sql.place_new_photo()",
        "INSERT INTO photos (path, embedding) SELECT 'new', embedding FROM photos LIMIT 1",
        "SELECT fluffy_sql.assign_photo(1)",
        "DELETE FROM photos WHERE id = 2",
    )
    assert ask(url, "SELECT cluster_id IS NOT NULL FROM photos WHERE path = 'new'") == [(True,)]
    assert ask(
        url,
        "SELECT count(*) FROM clusters WHERE photos_count <>"
        " (SELECT count(*) FROM photos WHERE photos.cluster_id = clusters.id)",
    ) == [(0,)]
    assert ask(url, "SELECT mean_distance FROM fluffy_sql.cluster_overview LIMIT 1") != []
    assert ask(url, "SELECT * FROM fluffy_sql.photo_nearest_clusters(1)") != []
    execute(url, "DROP TRIGGER place ON photos")


@pytest.mark.parametrize("searches", ["public, extensions", "public"])
def test_all_works_whether_or_not_its_schema_is_in_a_search_path(
    searches: str, bare_database_url: str, run_cli: Run
) -> None:
    """The application's is that of the database: it does not have it in either case."""
    execute(bare_database_url, *EXTENSIONS)
    with role(bare_database_url, searches=searches) as owner:
        execute(bare_database_url, f"GRANT USAGE ON SCHEMA extensions TO {user(owner)}")
        execute(owner, PHOTOS)
        add_stamped_photos(bare_database_url)
        run_every_command(run_cli, owner, COMMANDS)
        triggers_work(bare_database_url)
        succeeds(run_cli, owner, "migrate", "--rollback", "--yes")
        assert ask(bare_database_url, "SELECT to_regclass('clusters')") == [(None,)]


@pytest.mark.parametrize("adopted", [True, False])
def test_it_may_move_after_migrate(adopted: bool, bare_database_url: str, run_cli: Run) -> None:
    execute(bare_database_url, "CREATE EXTENSION vector", "CREATE SCHEMA extensions")
    if adopted:
        execute(bare_database_url, PHOTOS.replace("extensions.", ""))
    schema.migrate(bare_database_url)
    add_stamped_photos(bare_database_url)
    execute(bare_database_url, "ALTER EXTENSION vector SET SCHEMA extensions")

    # before anybody migrates again
    run_every_command(run_cli, bare_database_url, COMMANDS[1:])
    succeeds(run_cli, bare_database_url, "migrate")
    triggers_work(bare_database_url)
    execute(bare_database_url, "ALTER EXTENSION vector SET SCHEMA public")
    checked = succeeds(run_cli, bare_database_url, "check", "--json")
    assert json.loads(checked)["photos_compared"] > 0


def test_who_may_not_use_its_schema_is_told_before_anything_is_made(
    bare_database_url: str, run_cli: Run
) -> None:
    execute(bare_database_url, *EXTENSIONS)
    with role(bare_database_url, searches="public") as owner:
        before = catalog(bare_database_url)
        assert is_refused(run_cli, owner, "migrate") == (
            "the extension vector is in the schema extensions, which this role may not use: GRANT"
            f" USAGE ON SCHEMA extensions TO {user(owner)}"
        )
        assert catalog(bare_database_url) == before


def test_a_role_that_works_needs_it_too_and_is_told(bare_database_url: str, run_cli: Run) -> None:
    execute(bare_database_url, *EXTENSIONS, PHOTOS)
    schema.migrate(bare_database_url)
    add_stamped_photos(bare_database_url)
    with role(bare_database_url, searches="public") as worker:
        execute(
            bare_database_url,
            f"GRANT USAGE ON SCHEMA fluffy_sql TO {user(worker)}",
            f"GRANT ALL ON ALL TABLES IN SCHEMA fluffy_sql, public TO {user(worker)}",
            f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA fluffy_sql TO {user(worker)}",
        )
        told = (
            "the extension vector is in the schema extensions, which this role does not reach;"
            " grant it what docs/explanation/security.md says"
        )
        for command in (["clusters"], ["check"], ["generate", "--k", "2"], ["assign"]):
            done = run_cli(*command, "--database-url", worker)
            assert done.code == 1
            assert done.out + done.err in {
                f"fluffy-sql: {told}\n",
                f"schema: {told}\n1 thing wrong.\n",
            }
        execute(bare_database_url, f"GRANT USAGE ON SCHEMA extensions TO {user(worker)}")
        run_every_command(run_cli, worker, (["generate", "--k", "3"], ["check"], ["clusters"]))
