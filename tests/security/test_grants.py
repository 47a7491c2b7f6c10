"""Roles that own nothing: what docs/grants lists is enough, and each grant in it is needed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.conninfo import make_conninfo

from fluffy_sql.database import schema
from fluffy_sql.database.session import Session
from fluffy_sql.service import ClusteringService
from fluffy_sql.settings import ClusteringSettings
from tests.integration.helpers import generate, query, snapshot, work_tables
from tests.security.helpers import (
    FUNCTIONS,
    LOOKING,
    OVERVIEW,
    PASSWORD,
    PLACING,
    WORKING,
    Library,
    add_photos,
    ask,
    cut_off_a_run,
    is_refused,
    let_in,
    new_role,
    quoted,
    refuse,
    write_new_photos,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Finished

    Run = Callable[..., Finished]


# Each grant of docs/grants/run.sql, and what fails without it: a command, or a statement.
NEEDED = {
    "CONNECT ON DATABASE": "runs",
    "USAGE ON SCHEMA public": "runs",
    "SELECT ON fluffy_sql_migrations": "runs",
    "SELECT ON cluster_run_overview": "runs",
    "SELECT ON clusters": "report",
    "SELECT ON cluster_members": "clusters",
    "SELECT ON cluster_quality": "clusters",
    "SELECT ON cluster_runs": "show",
    "SELECT ON cluster_run_steps": "show",
    "SELECT ON cluster_run_moves": "show",
    "SELECT ON cluster_run_clusters": "show",
    "SELECT ON cluster_moves": "diff",
    "SELECT ON usable_photos": "report",
    "SELECT ON cluster_overview": OVERVIEW,
    "TEMPORARY ON DATABASE": "import",
    "INSERT (path) ON photos": "import",
    "INSERT (embedding) ON photos": "import",
    "INSERT (created_at) ON photos": "import",
    "INSERT (updated_at) ON photos": "import",
    "UPDATE (embedding) ON photos": "import",
    "SELECT ON photos": "generate",
    "UPDATE (cluster_id) ON photos": "generate",
    "UPDATE (updated_at) ON photos": "generate",
    "USAGE ON SCHEMA fluffy_sql_work": "generate",
    "CREATE ON SCHEMA fluffy_sql_work": "generate",
    "EXECUTE ON FUNCTION make_clusters": "generate",
    "INSERT ON clusters": "generate",
    "SELECT ON scoped_clusters": "clusters",
    "DELETE ON clusters": "generate",
    "INSERT ON cluster_runs": "generate",
    "UPDATE ON cluster_runs": "generate",
    "DELETE ON cluster_runs": "dry run",
    "INSERT ON cluster_run_steps": "generate",
    "DELETE ON cluster_run_steps": "resume",
    "INSERT ON cluster_run_moves": "generate",
    "DELETE ON cluster_run_moves": "generate",
    "INSERT ON cluster_run_clusters": "generate",
    "DELETE ON cluster_run_clusters": "generate",
    "INSERT ON cluster_quality": "generate",
    "SELECT ON cluster_run_checkpoints": "generate",
    "INSERT ON cluster_run_checkpoints": "generate",
    "UPDATE ON cluster_run_checkpoints": "generate",
    "DELETE ON cluster_run_checkpoints": "generate",
    "UPDATE (centroid) ON clusters": "recluster",
    "UPDATE (run_id) ON clusters": "recluster",
    "UPDATE (updated_at) ON clusters": "recluster",
    "UPDATE ON cluster_run_clusters": "recluster",
    "UPDATE (photos_count) ON clusters": "repair",
    **{f"EXECUTE ON FUNCTION {name}": query for name, query in (FUNCTIONS | PLACING).items()},
}


@pytest.fixture(scope="module")
def worker(empty_database: Callable[..., Any], template: str) -> Iterator[Library]:
    """A role that works with a library of 60 photos in 3 clusters and 20 in none."""
    with empty_database(template) as url, let_in(url, "run") as library:
        add_photos(library.owner, 0, 60)
        generate(library.url, k=3)
        ClusteringService(library.url, ClusteringSettings(k=3)).generate(recluster=True)
        add_photos(library.owner, 60, 80)
        library.owner.connection.execute("UPDATE clusters SET photos_count = 7 WHERE id = 1")
        yield library


def test_nothing_is_granted_but_what_is_needed(worker: Library) -> None:
    assert worker.granted() == set(NEEDED)


@pytest.mark.parametrize("grant", NEEDED)
def test_is_needed(grant: str, worker: Library, run_cli: Run) -> None:
    what = NEEDED[grant]
    write_new_photos()
    if what == "resume":
        cut_off_a_run(worker.owner)
    before = snapshot(worker.owner)
    worker.change("REVOKE", grant)
    try:
        if what in (LOOKING | WORKING):
            assert is_refused(run_cli(*(LOOKING | WORKING)[what], "--database-url", worker.url))
        else:
            refuse(worker, what)
    finally:
        worker.change("GRANT", grant)
    assert snapshot(worker.owner) == before
    assert work_tables(worker.owner) == []


def test_a_role_that_may_run_can_do_all_but_migrate(
    empty_database: Callable[..., Any], template: str, run_cli: Run
) -> None:
    write_new_photos()
    with empty_database(template) as url, let_in(url, "run") as library:
        add_photos(library.owner, 0, 60)
        generate(library.url, k=3)
        ClusteringService(library.url, ClusteringSettings(k=3)).generate(recluster=True)
        add_photos(library.owner, 60, 80)
        for arguments in [LOOKING, WORKING]:
            for name, command in arguments.items():
                if name == "resume":
                    cut_off_a_run(library.owner)
                if name == "assign":
                    library.owner.connection.execute(
                        "UPDATE photos SET cluster_id = NULL WHERE id < 9"
                    )
                if name == "undo":
                    continue
                finished = run_cli(*command, "--database-url", library.url)
                assert (finished.code, name) == (0, name), finished.err
        newest = query(library.owner, "SELECT max(id) FROM cluster_runs")[0][0]
        assert run_cli("runs", "undo", str(newest), "--database-url", library.url).code == 0
        for statement in [*FUNCTIONS.values(), *PLACING.values(), OVERVIEW]:
            ask(library, statement)
        assert work_tables(library.owner) == []


def test_who_is_at_work_is_told_to_a_role_that_may_not_know_all_of_it(
    worker: Library, run_cli: Run
) -> None:
    worker.owner.fetch_value("runs/try_lock")
    try:
        finished = run_cli("generate", "--database-url", worker.url)
    finally:
        worker.owner.execute("runs/unlock")
    assert finished.code == 1
    assert re.fullmatch(
        "fluffy-sql: another run or sweep is at work in this database: .*, server process [0-9]+;"
        " try again when it is done\n",
        finished.err,
    )


def test_a_role_that_may_run_can_not_do_more(worker: Library, run_cli: Run) -> None:
    for statement in (
        "CREATE TABLE mine (id integer)",
        "CREATE FUNCTION now(integer) RETURNS integer LANGUAGE sql RETURN 1",
        "UPDATE photos SET path = 'x'",
        "DELETE FROM photos",
        "TRUNCATE photos",
        "UPDATE clusters SET name = 'x'",
        "CREATE OR REPLACE VIEW usable_photos AS SELECT * FROM photos",
        "SELECT fluffy_sql_count_photos()",
        "CREATE TRIGGER mine AFTER INSERT ON photos EXECUTE FUNCTION fluffy_sql_count_photos()",
        "DELETE FROM fluffy_sql_migrations",
    ):
        refuse(worker, statement)
    assert is_refused(run_cli("migrate", "--rollback", "--yes", "--database-url", worker.url))


def test_a_role_that_may_read_can_look_and_change_nothing(
    empty_database: Callable[..., Any], template: str, run_cli: Run
) -> None:
    write_new_photos()
    with empty_database(template) as url, let_in(url, "read") as library:
        add_photos(library.owner, 0, 60)
        generate(url, k=3)
        ClusteringService(url, ClusteringSettings(k=3)).generate(recluster=True)
        before = snapshot(library.owner)
        for command in LOOKING.values():
            assert run_cli(*command, "--database-url", library.url).code == 0
        for statement in [*FUNCTIONS.values(), OVERVIEW]:
            ask(library, statement)
        for command in WORKING.values():
            assert is_refused(run_cli(*command, "--database-url", library.url)), command
        for statement in [*PLACING.values(), "SELECT path FROM photos"]:
            refuse(library, statement)
        assert snapshot(library.owner) == before


def test_ids_of_an_adopted_table_may_come_from_a_sequence(
    bare_database_url: str, run_cli: Run
) -> None:
    write_new_photos()
    with Session.open(bare_database_url) as owner:
        for table in (
            "photos (id serial PRIMARY KEY, path text)",
            "clusters (id bigserial PRIMARY KEY, name text)",
        ):
            owner.connection.execute(f"CREATE TABLE {table}".encode())
    schema.migrate(bare_database_url)
    with let_in(bare_database_url, "run") as library:
        for table, what in (("photos", "import"), ("clusters", "generate")):
            grant = f"USAGE ON SEQUENCE {table}_id_seq"
            assert grant in library.granted()
            library.change("REVOKE", grant)
            assert is_refused(run_cli(*WORKING[what], "--database-url", library.url))
            library.change("GRANT", grant)
            assert run_cli(*WORKING[what], "--database-url", library.url).code == 0


def test_migrate_needs_no_superuser_but_the_extension_or_one_who_may_make_it(
    bare_database_url: str, run_cli: Run
) -> None:
    with Session.open(bare_database_url) as admin, new_role(admin, "owner") as role:
        name = admin.connection.info.dbname
        admin.connection.execute(f"ALTER DATABASE {name} OWNER TO {quoted(role)}".encode())
        url = make_conninfo(bare_database_url, user=role, password=PASSWORD)

        def run(*arguments: str) -> Finished:
            return run_cli(*arguments, "--database-url", url)

        assert is_refused(run("migrate"))
        admin.connection.execute("CREATE EXTENSION vector")
        assert run("migrate").code == 0
        with Session.open(bare_database_url) as session:
            add_photos(session, 0, 20)
        assert run("generate", "--k", "2").code == 0
        admin.execute("work_tables/create_sample")  # as a killed run of another role leaves it
        assert run("migrate", "--rollback", "--yes").code == 0
        found = query(admin, "SELECT to_regnamespace('fluffy_sql_work'), to_regclass('photos')")
        assert found == [(None, None)]


def test_a_schema_for_work_tables_that_was_made_before_is_used_and_kept(
    bare_database_url: str, run_cli: Run
) -> None:
    with Session.open(bare_database_url) as admin, new_role(admin, "migrates") as role:
        admin.connection.execute("CREATE EXTENSION vector")
        admin.connection.execute(f"GRANT CREATE ON SCHEMA public TO {quoted(role)}".encode())
        url = make_conninfo(bare_database_url, user=role, password=PASSWORD)
        assert is_refused(run_cli("migrate", "--database-url", url))
        admin.connection.execute(
            f"CREATE SCHEMA fluffy_sql_work AUTHORIZATION {quoted(role)}".encode()
        )
        assert run_cli("migrate", "--database-url", url).code == 0
        assert run_cli("migrate", "--rollback", "--yes", "--database-url", url).code == 0
        assert query(admin, "SELECT to_regnamespace('fluffy_sql_work') IS NOT NULL") == [(True,)]


def test_a_role_that_may_not_see_all_photos_is_refused(
    empty_database: Callable[..., Any], template: str, run_cli: Run
) -> None:
    write_new_photos()
    with empty_database(template) as url, let_in(url, "run") as library:
        add_photos(library.owner, 0, 60)
        library.owner.connection.execute("ALTER TABLE photos ENABLE ROW LEVEL SECURITY")
        library.owner.connection.execute("CREATE POLICY half ON photos USING (id % 2 = 0)")
        before = snapshot(library.owner)
        for name in ("generate", "recluster", "import", "check", "repair"):
            finished = run_cli(*WORKING[name], "--database-url", library.url)
            assert finished.code == 1
            assert "would be affected by row-level security" in finished.err.splitlines()[-1]
        assert snapshot(library.owner) == before
        library.owner.connection.execute(f"ALTER ROLE {quoted(library.role)} BYPASSRLS".encode())
        assert run_cli(*WORKING["generate"], "--database-url", library.url).code == 0
