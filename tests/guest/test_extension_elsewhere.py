"""pgvector in a schema of its own, as Supabase has it, whoever has that in a search_path."""

from __future__ import annotations

import json
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from fluffy_sql.database import schema
from tests.guest.catalog import add_photos, ask, catalog, execute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Finished

PASSWORD = uuid.uuid4().hex
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
    ["clusters"],
    ["runs", "diff", "1", "2"],
    ["sweep", "--k", "2..3"],
    ["check"],
    ["detach"],
    ["migrate"],
    ["check"],
)


@contextmanager
def role(url: str, *, searches: str) -> Iterator[str]:
    """The address of a new role with a search_path of its own, that owns the database."""
    name = f"fluffy_guest_{uuid.uuid4().hex}"
    database = str(conninfo_to_dict(url)["dbname"])
    try:
        execute(
            url,
            f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'",
            f"ALTER ROLE {name} SET search_path TO {searches}",
            f"GRANT ALL ON DATABASE {database} TO {name}",
            f"GRANT ALL ON SCHEMA public TO {name}",
        )
    except psycopg.errors.InsufficientPrivilege:
        pytest.skip("the role of the tests may not make others")
    try:
        yield make_conninfo(url, user=name, password=PASSWORD)
    finally:
        with psycopg.connect(url, autocommit=True) as admin:
            for statement in ("DROP OWNED BY {} CASCADE", "DROP ROLE {}"):
                admin.execute(sql.SQL(statement).format(sql.Identifier(name)))


def every_command_works(
    run_cli: Callable[..., Finished], url: str, commands: tuple[list[str], ...] = COMMANDS
) -> None:
    for command in commands:
        done = run_cli(*command, "--database-url", url)
        assert done.code == 0, (command, done.out, done.err)


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
    searches: str, bare_database_url: str, run_cli: Callable[..., Finished]
) -> None:
    """The application's is that of the database: it does not have it in either case."""
    execute(bare_database_url, *EXTENSIONS)
    with role(bare_database_url, searches=searches) as owner:
        execute(bare_database_url, f"GRANT USAGE ON SCHEMA extensions TO {user(owner)}")
        execute(owner, PHOTOS)
        add_photos(bare_database_url, of_type="extensions.vector")
        every_command_works(run_cli, owner)
        triggers_work(bare_database_url)
        gone = run_cli("migrate", "--rollback", "--yes", "--database-url", owner)
        assert gone.code == 0, gone.err
        assert ask(bare_database_url, "SELECT to_regclass('clusters')") == [(None,)]


@pytest.mark.parametrize("adopted", [True, False])
def test_it_may_move_after_migrate(
    adopted: bool, bare_database_url: str, run_cli: Callable[..., Finished]
) -> None:
    execute(bare_database_url, "CREATE EXTENSION vector", "CREATE SCHEMA extensions")
    if adopted:
        execute(bare_database_url, PHOTOS.replace("extensions.", ""))
    schema.migrate(bare_database_url)
    add_photos(bare_database_url)
    execute(bare_database_url, "ALTER EXTENSION vector SET SCHEMA extensions")

    # before anybody migrates again
    every_command_works(run_cli, bare_database_url, COMMANDS[1:])
    assert run_cli("migrate", "--database-url", bare_database_url).code == 0
    triggers_work(bare_database_url)
    execute(bare_database_url, "ALTER EXTENSION vector SET SCHEMA public")
    checked = run_cli("check", "--json", "--database-url", bare_database_url)
    assert checked.code == 0, checked.out
    assert json.loads(checked.out)["photos_compared"] > 0


def test_who_may_not_use_its_schema_is_told_before_anything_is_made(
    bare_database_url: str, run_cli: Callable[..., Finished]
) -> None:
    execute(bare_database_url, *EXTENSIONS)
    with role(bare_database_url, searches="public") as owner:
        before = catalog(bare_database_url)
        refused = run_cli("migrate", "--database-url", owner)
        assert refused.code == 1
        assert refused.err == (
            "fluffy-sql: the extension vector is in the schema extensions, which this role may not"
            f" use: GRANT USAGE ON SCHEMA extensions TO {user(owner)}\n"
        )
        assert catalog(bare_database_url) == before


def test_a_role_that_works_needs_it_too_and_is_told(
    bare_database_url: str, run_cli: Callable[..., Finished]
) -> None:
    execute(bare_database_url, *EXTENSIONS, PHOTOS)
    schema.migrate(bare_database_url)
    add_photos(bare_database_url, of_type="extensions.vector")
    with role(bare_database_url, searches="public") as worker:
        execute(
            bare_database_url,
            f"GRANT USAGE ON SCHEMA fluffy_sql TO {user(worker)}",
            f"GRANT ALL ON ALL TABLES IN SCHEMA fluffy_sql, public TO {user(worker)}",
            f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA fluffy_sql TO {user(worker)}",
        )
        told = (
            "the extension vector is in the schema extensions, which this role may not use: grant"
            " it USAGE on that schema"
        )
        for command in (["clusters"], ["check"], ["generate", "--k", "2"], ["assign"]):
            done = run_cli(*command, "--database-url", worker)
            assert done.code == 1
            assert done.out + done.err in {f"fluffy-sql: {told}\n", f"schema: {told}\n1 thing wrong.\n"}
        execute(bare_database_url, f"GRANT USAGE ON SCHEMA extensions TO {user(worker)}")
        every_command_works(run_cli, worker, (["generate", "--k", "3"], ["check"], ["clusters"]))


def user(url: str) -> str:
    return str(conninfo_to_dict(url)["user"])
