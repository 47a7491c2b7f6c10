"""Roles that own nothing: what docs/grants lists is enough, and each grant in it is needed."""

import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from fluffy_sql.postgres import schema
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.sources import Wanted
from tests import colours
from tests.conftest import Finished, Run
from tests.integration.helpers import execute, generate, query, snapshot, work_tables
from tests.security.helpers import (
    EMBEDDING,
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
    make_clusters,
    new_role,
    quoted,
    refuse,
    two_owners,
    write_new_photos,
)

FOR_OWNERS = "generate, where photos belong to owners"
RESUME = "resume"
OTHERS = {FOR_OWNERS: WORKING["generate"], "embed": EMBEDDING}
# Each grant of docs/grants/read.sql, and what fails without it: a command, or a statement.
NEEDED_TO_LOOK = {
    "CONNECT ON DATABASE": "runs",
    "USAGE ON SCHEMA fluffy_sql": "runs",
    "USAGE ON SCHEMA public": "clusters",
    "SELECT ON migrations": "runs",
    "SELECT ON definitions": "runs",
    "SELECT ON application_tables": "runs",
    "SELECT (id) ON photos": "report",
    "SELECT (path) ON photos": "report",
    "SELECT (embedding) ON photos": "clusters",
    "SELECT (cluster_id) ON photos": "clusters",
    "SELECT ON usable_photos": "report",
    "SELECT ON clusters": "clusters",
    "SELECT ON scoped_clusters": "clusters",
    "SELECT ON placing_rules": "SELECT FROM placing_rules",
    "SELECT ON photo_neighbour_lists": "SELECT FROM photo_neighbours(1)",
    "SELECT ON retired_clusters": "clusters",
    "SELECT ON cluster_levels": "clusters",
    "SELECT ON cluster_members": "clusters",
    "SELECT ON cluster_quality": "clusters",
    "SELECT ON cluster_runs": "show",
    "SELECT ON cluster_run_overview": "SELECT FROM cluster_run_overview",
    "SELECT ON cluster_run_steps": "show",
    "SELECT ON cluster_run_moves": "show",
    "SELECT ON cluster_run_clusters": "show",
    "SELECT ON cluster_moves": "diff",
    "SELECT ON photo_count_changes": OVERVIEW,
    "SELECT ON cluster_overview": OVERVIEW,
    "SELECT ON photo_files": "names",
    "SELECT ON source_keys": "export",
    "SELECT ON photo_duplicates": "SELECT FROM current_duplicates",
    "SELECT ON current_duplicates": "SELECT FROM current_duplicates",
    **{f"EXECUTE ON FUNCTION {name}": query for name, query in FUNCTIONS.items()},
}
# The same of what docs/grants/run.sql grants besides.
NEEDED_TO_WORK = {
    "TEMPORARY ON DATABASE": "import",
    "INSERT (path) ON photos": "import",
    "INSERT (embedding) ON photos": "import",
    "INSERT (created_at) ON photos": "import",
    "INSERT (updated_at) ON photos": "import",
    "UPDATE (embedding) ON photos": "import",
    "SELECT ON photos": "generate",
    "UPDATE (cluster_id) ON photos": "generate",
    "UPDATE (updated_at) ON photos": "generate",
    "EXECUTE ON FUNCTION make_clusters": "generate",
    "INSERT ON clusters": "generate",
    "DELETE ON clusters": "generate",
    "INSERT ON cluster_runs": "generate",
    "UPDATE ON cluster_runs": "generate",
    "DELETE ON cluster_runs": "dry run",
    "INSERT ON cluster_run_steps": "generate",
    "DELETE ON cluster_run_steps": RESUME,
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
    "DELETE ON cluster_quality": "generate",
    "INSERT ON photo_neighbour_lists": "leiden",
    "UPDATE ON photo_neighbour_lists": "leiden",
    "DELETE ON photo_neighbour_lists": "leiden",
    "INSERT ON retired_clusters": "recluster",
    "UPDATE ON retired_clusters": "recluster",
    "DELETE ON retired_clusters": "generate",
    "INSERT ON photo_duplicates": "duplicates",
    "DELETE ON photo_duplicates": "duplicates",
    "SELECT ON photo_files": "embed",
    "INSERT ON photo_files": "embed",
    "UPDATE ON photo_files": "embed",
    "DELETE ON photo_files": "embed",
    "SELECT ON photo_replacements": "embed",
    "INSERT ON photo_replacements": "embed",
    "UPDATE ON photo_replacements": "embed",
    "DELETE ON photo_replacements": "embed",
    "SELECT ON embedding_models": "embed",
    "INSERT ON embedding_models": "embed",
    "UPDATE ON embedding_models": "embed",
    "DELETE ON embedding_models": "embed",
    "INSERT ON cluster_levels": "INSERT INTO cluster_levels SELECT 1, 1, 1, 1 WHERE FALSE",
    "DELETE ON cluster_levels": "generate",
    "EXECUTE ON FUNCTION referenced_clusters": "prune",
    "UPDATE (photos_count) ON clusters": "repair",
    "EXECUTE ON FUNCTION empty_work_tables": "generate",
    "EXECUTE ON FUNCTION analyze_work_table": "generate",
    "EXECUTE ON FUNCTION list_filled_work_tables": "check",
    "EXECUTE ON FUNCTION fold_photo_counts": "generate",
    "EXECUTE ON FUNCTION nearest_candidate": (
        "SELECT FROM nearest_candidate('[1]', 0, ARRAY[0], 1, ARRAY['[1]'::vector], 1, 1)"
    ),
    "EXECUTE ON FUNCTION remember_usable_photos": "generate",
    **{
        f"DELETE, INSERT, SELECT, UPDATE ON work_{name}": command
        for name, command in {
            "assignments": "generate",
            "aside": FOR_OWNERS,
            "drawn": "generate",
            "sample": "generate",
            "measured": "generate",
            "measured_clusters": "generate",
            "candidates": "assign",
            "neighbours": "leiden",
            "duplicates": "generate",
        }.items()
    },
    **{f"EXECUTE ON FUNCTION {name}": query for name, query in PLACING.items()},
}


PLACE = "INSERT INTO photos (path, embedding) VALUES ('new', '[1,0,0,0,0,0,0,0]')"
PLACED = "DELETE FROM photos WHERE path = 'new' RETURNING cluster_id IS NOT NULL"
# Each grant of docs/grants/place.sql: photos are placed with it, and not without.
NEEDED_TO_PLACE = [
    "USAGE ON SCHEMA fluffy_sql",
    "SELECT (id) ON photos",
    "SELECT (path) ON photos",
    "SELECT (embedding) ON photos",
    "SELECT (cluster_id) ON photos",
    "SELECT (cluster_pinned) ON photos",
    "UPDATE (cluster_id) ON photos",
    "UPDATE (updated_at) ON photos",
    "SELECT ON clusters",
    "UPDATE (updated_at) ON clusters",
    "SELECT (id) ON cluster_runs",
    "SELECT (metric) ON cluster_runs",
    "SELECT (algorithm) ON cluster_runs",
    "SELECT (settings) ON cluster_runs",
    "SELECT ON usable_photos",
    "SELECT ON scoped_clusters",
    "SELECT ON placing_rules",
    "SELECT ON retired_clusters",
    "EXECUTE ON FUNCTION library_is_whole",
    "EXECUTE ON FUNCTION assign_photo",
    "EXECUTE ON FUNCTION nearest_active_cluster",
    "EXECUTE ON FUNCTION vector_nearest_clusters",
    "EXECUTE ON FUNCTION centroid_distance",
    "EXECUTE ON FUNCTION clusters_by_neighbours",
    "EXECUTE ON FUNCTION nearest_cores",
    "EXECUTE ON FUNCTION voted_clusters",
    "EXECUTE ON FUNCTION comparable_embedding",
]


OF_APPLICATIONS = {"USAGE ON SCHEMA public", "CONNECT ON DATABASE", "INSERT ON photos"}
# Whoever may not call these brings photos in all the same.
CALLED_BY_TRIGGER = (
    "vector_nearest_clusters",
    "library_is_whole",
    "assign_photo",
    "nearest_active_cluster",
    "clusters_by_neighbours",
)


@pytest.fixture(autouse=True)
def built_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from colours.use(monkeypatch)


@dataclass(frozen=True)
class Roles:
    """Two roles in a library of 60 photos in 3 clusters and 20 in none: one looks, one works."""

    viewer: Library
    worker: Library


@pytest.fixture(scope="module")
def roles(empty_database: Callable[..., Any], template: str) -> Iterator[Roles]:
    with (
        empty_database(template) as url,
        let_in(url, "read") as viewer,
        let_in(url, "run") as worker,
    ):
        make_clusters(worker.owner, worker.url)
        add_photos(worker.owner, 60, 80)
        execute(worker.owner, "UPDATE clusters SET photos_count = 7 WHERE id = 1")
        yield Roles(viewer, worker)


@pytest.fixture
def worker(roles: Roles) -> Library:
    return roles.worker


def test_nothing_is_granted_but_what_is_needed(roles: Roles) -> None:
    assert roles.viewer.granted() == set(NEEDED_TO_LOOK)
    assert roles.worker.granted() == set(NEEDED_TO_LOOK | NEEDED_TO_WORK)


@pytest.mark.parametrize("grant", NEEDED_TO_LOOK)
def test_is_needed_to_look(grant: str, roles: Roles, run_cli: Run) -> None:
    fails_without(grant, NEEDED_TO_LOOK[grant], roles.viewer, run_cli)


@pytest.mark.parametrize("grant", NEEDED_TO_WORK)
def test_is_needed_to_work(grant: str, roles: Roles, run_cli: Run) -> None:
    fails_without(grant, NEEDED_TO_WORK[grant], roles.worker, run_cli)


def fails_without(grant: str, what: str, library: Library, run_cli: Run) -> None:
    """Takes a right away meanwhile: what needs it fails as it should, and changes nothing."""
    write_new_photos()
    if what == RESUME:
        cut_off_a_run(library.owner)
    before = snapshot(library.owner)
    command = (LOOKING | WORKING | OTHERS).get(what)
    library.change("REVOKE", grant)
    try:
        if command is None:
            refuse(library, what)
        else:
            with two_owners(library.owner) if what == FOR_OWNERS else nullcontext():
                assert is_refused(run_cli(*command, "--database-url", library.url))
    finally:
        library.change("GRANT", grant)
    assert snapshot(library.owner) == before
    assert work_tables(library.owner) == []


def test_roles_can_look_at_an_attached_library_and_work_with_it(
    bare_database_url: str, run_cli: Run
) -> None:
    with Session.open(bare_database_url) as admin:
        execute(
            admin,
            "CREATE EXTENSION vector",
            "CREATE TABLE pictures (id text PRIMARY KEY, looks vector, owner text)",
            "INSERT INTO pictures SELECT n, ARRAY[1, n % 3, n % 7], n % 2"
            " FROM generate_series(1, 40) AS n",
        )
    columns = {"key": "id", "embedding": "looks", "owner": "owner"}
    schema.attach(bare_database_url, Wanted("pictures", table="pictures", columns=columns))
    with let_in(bare_database_url, "read") as viewer, let_in(bare_database_url, "run") as worker:
        for role in (viewer.role, worker.role):
            execute(viewer.owner, f"GRANT SELECT ON public.pictures TO {quoted(role)}")
        execute(viewer.owner, "INSERT INTO public.pictures VALUES ('new', '[1,1,1]', 'x')")
        assert run_cli("generate", "--k", "3", "--database-url", worker.url).code == 0
        assert run_cli("clusters", "--scope", "x", "--database-url", viewer.url).code == 0
        ask(viewer, "SELECT key, cluster_id FROM fluffy_sql.photo_clusters")


def test_a_role_that_may_run_can_do_all_but_migrate(database_url: str, run_cli: Run) -> None:
    write_new_photos()
    with let_in(database_url, "run") as library:
        make_clusters(library.owner, library.url)
        add_photos(library.owner, 60, 80)
        for arguments in [LOOKING, WORKING]:
            for name, command in arguments.items():
                if name == RESUME:
                    cut_off_a_run(library.owner)
                if name == "assign":
                    execute(library.owner, "UPDATE photos SET cluster_id = NULL WHERE id < 9")
                if name == "undo":
                    continue
                finished = run_cli(*command, "--database-url", library.url)
                assert (finished.code, name) == (0, name), finished.err
        newest = query(library.owner, "SELECT max(id) FROM cluster_runs")[0][0]
        assert run_cli("runs", "undo", str(newest), "--database-url", library.url).code == 0
        for statement in [*FUNCTIONS.values(), *PLACING.values(), OVERVIEW]:
            ask(library, statement)
        assert run_cli(*EMBEDDING, "--database-url", library.url).code == 0
        assert work_tables(library.owner) == []


@pytest.fixture(scope="module")
def writer(empty_database: Callable[..., Any], template: str) -> Iterator[Library]:
    """A role that may INSERT into photos, where a trigger places what comes in."""
    with empty_database(template) as url, let_in(url, "place") as library:
        add_photos(library.owner, 0, 60)
        generate(url, k=3)
        execute(
            library.owner,
            "UPDATE cluster_runs SET algorithm = 'leiden',"
            ' settings = \'{"leiden": {"neighbours": 1}}\'',
            "CREATE TRIGGER place AFTER INSERT ON photos"
            " FOR EACH ROW EXECUTE FUNCTION place_new_photo()",
        )
        for grant in OF_APPLICATIONS:
            library.change("GRANT", grant)
        yield library


def test_photos_are_placed_for_a_role_that_may_have_them_placed(writer: Library) -> None:
    assert writer.granted() - OF_APPLICATIONS == set(NEEDED_TO_PLACE)
    ask(writer, PLACE)
    assert query(writer.owner, PLACED) == [(True,)]


@pytest.mark.parametrize("grant", NEEDED_TO_PLACE)
def test_is_needed_to_place(grant: str, writer: Library) -> None:
    writer.change("REVOKE", grant)
    try:
        if "ON SCHEMA" in grant or grant.endswith(CALLED_BY_TRIGGER):
            ask(writer, PLACE)
            assert query(writer.owner, PLACED) == [(False,)]
        elif grant.endswith("nearest_cores"):  # for clusters of DBSCAN
            refuse(writer, PLACING["nearest_cores"])
        else:
            refuse(writer, PLACE)
    finally:
        writer.change("GRANT", grant)


def test_who_is_at_work_is_told_to_a_role_that_may_not_know_all_of_it(
    worker: Library, run_cli: Run
) -> None:
    worker.owner.fetch_value("runs/try_lock")
    try:
        finished = run_cli("generate", "--database-url", worker.url)
    finally:
        worker.owner.execute("runs/unlock")
    assert re.fullmatch(
        "another run or sweep is at work in the library of the schema fluffy_sql: .*,"
        " server process [0-9]+; try again when it is done",
        finished.refusal(),
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
        "CREATE OR REPLACE VIEW scoped_clusters AS SELECT id, NULL::bigint AS scope FROM clusters",
        "SELECT count_photos()",
        "SELECT scope_clusters_by('id')",
        "CREATE TRIGGER mine AFTER INSERT ON photos EXECUTE FUNCTION count_photos()",
        "TRUNCATE work_sample",
        "DELETE FROM migrations",
        # what migrate makes of it, it makes as the owner
        "UPDATE definitions SET usable_photos = 'SELECT 1'",
        "UPDATE application_tables SET relation = 'clusters'::regclass",
        "INSERT INTO saved_grants VALUES ('TABLE', 'usable_photos', 'PUBLIC', 'SELECT', false)",
        "INSERT INTO photo_count_changes (cluster_id, photos) VALUES (1, 1)",
    ):
        refuse(worker, statement)
    for command in (("migrate",), ("migrate", "--rollback", "--yes"), ("detach",)):
        run_cli(*command, "--database-url", worker.url).refusal()


def test_a_role_that_may_read_can_look_and_change_nothing(database_url: str, run_cli: Run) -> None:
    write_new_photos()
    with let_in(database_url, "read") as library:
        make_clusters(library.owner, database_url)
        before = snapshot(library.owner)
        for command in LOOKING.values():
            assert run_cli(*command, "--database-url", library.url).code == 0
        for statement in [*FUNCTIONS.values(), OVERVIEW]:
            ask(library, statement)
        for command in WORKING.values():
            assert is_refused(run_cli(*command, "--database-url", library.url)), command
        for statement in [
            *PLACING.values(),
            "SELECT cluster_pinned FROM photos",
            "SELECT photo_id FROM work_sample",
            "SELECT empty_work_tables(NULL)",
            "SELECT fold_photo_counts()",
        ]:
            refuse(library, statement)
        assert snapshot(library.owner) == before


def test_ids_of_an_adopted_table_may_come_from_a_sequence(
    bare_database_url: str, run_cli: Run
) -> None:
    write_new_photos()
    with Session.open(bare_database_url) as owner:
        execute(
            owner,
            "CREATE TABLE photos (id serial PRIMARY KEY, path text)",
            "CREATE TABLE clusters (id bigserial PRIMARY KEY, name text)",
        )
    schema.migrate(bare_database_url)
    with let_in(bare_database_url, "run") as library:
        for table, what in (("photos", "import"), ("clusters", "generate")):
            grant = f"USAGE ON SEQUENCE {table}_id_seq"
            assert grant in library.granted()
            library.change("REVOKE", grant)
            assert is_refused(run_cli(*WORKING[what], "--database-url", library.url))
            library.change("GRANT", grant)
            assert run_cli(*WORKING[what], "--database-url", library.url).code == 0


def test_schemas_of_the_application_and_of_pgvector_are_granted(
    bare_database_url: str, run_cli: Run
) -> None:
    write_new_photos()
    with Session.open(bare_database_url) as admin:
        execute(admin, "CREATE SCHEMA app", "CREATE SCHEMA extensions")
        execute(admin, "CREATE EXTENSION vector SCHEMA extensions")
    url = make_conninfo(bare_database_url, options="-c search_path=app")
    schema.migrate(url)
    with let_in(url, "run") as library:
        add_photos(library.owner, 0, 60)
        plain = make_conninfo(library.url, options="")
        for command in (WORKING["generate"], *LOOKING.values()):
            if command != LOOKING["diff"]:
                finished = run_cli(*command, "--database-url", plain)
                assert finished.code == 0, finished.err
        for place in ("app", "extensions"):
            grant = f"USAGE ON SCHEMA {place}"
            library.change("REVOKE", grant)
            finished = run_cli(*WORKING["generate"], "--database-url", plain)
            library.change("GRANT", grant)
            assert is_refused(finished), finished.err
            assert place in finished.err


def test_migrate_needs_no_superuser_but_the_extension_or_one_who_may_make_it(
    bare_database_url: str, run_cli: Run
) -> None:
    with Session.open(bare_database_url) as admin, new_role(admin, "owner") as role:
        name = admin.connection.info.dbname
        execute(admin, f"ALTER DATABASE {name} OWNER TO {quoted(role)}")
        url = make_conninfo(bare_database_url, user=role, password=PASSWORD)

        def run(*arguments: str) -> Finished:
            return run_cli(*arguments, "--database-url", url)

        assert "this role may not make the extension vector" in run("migrate").refusal()
        execute(admin, "CREATE EXTENSION vector")
        assert run("migrate").code == 0
        with Session.open(bare_database_url) as session:
            add_photos(session, 0, 20)
            # as a killed run of another role leaves it
            execute(session, "INSERT INTO work_drawn VALUES (1, 1)")
        assert run("generate", "--k", "2").code == 0
        assert run("migrate", "--rollback", "--yes").code == 0
        found = query(admin, "SELECT to_regnamespace('fluffy_sql'), to_regclass('photos')")
        assert found == [(None, None)]


def test_a_role_that_may_make_no_schema_migrates_into_one_that_was_made_for_it(
    bare_database_url: str, run_cli: Run
) -> None:
    with Session.open(bare_database_url) as admin, new_role(admin, "migrates") as role:
        execute(admin, "CREATE EXTENSION vector")
        execute(admin, f"GRANT CREATE ON SCHEMA public TO {quoted(role)}")
        url = make_conninfo(bare_database_url, user=role, password=PASSWORD)
        create = f"CREATE SCHEMA fluffy_sql AUTHORIZATION {quoted(role)}"
        assert create in run_cli("migrate", "--database-url", url).refusal()
        execute(admin, create)
        assert run_cli("migrate", "--database-url", url).code == 0
        assert run_cli("migrate", "--rollback", "--yes", "--database-url", url).code == 0
        assert query(admin, "SELECT to_regnamespace('fluffy_sql')") == [(None,)]


def test_a_schema_in_which_others_may_make_things_is_refused(
    bare_database_url: str, run_cli: Run
) -> None:
    with Session.open(bare_database_url) as admin, new_role(admin, "makes") as role:
        execute(admin, "CREATE SCHEMA fluffy_sql")
        for whose in (quoted(role), "PUBLIC"):
            execute(admin, f"GRANT CREATE ON SCHEMA fluffy_sql TO {whose}")
            revoke = f"REVOKE CREATE ON SCHEMA fluffy_sql FROM {whose}"
            refusal = run_cli("migrate", "--database-url", bare_database_url).refusal()
            assert refusal.endswith(revoke)
            execute(admin, revoke)
        assert query(admin, "SELECT FROM pg_class WHERE relname IN ('photos', 'migrations')") == []
        assert run_cli("migrate", "--database-url", bare_database_url).code == 0


def test_a_role_that_may_not_see_all_photos_is_refused(database_url: str, run_cli: Run) -> None:
    write_new_photos()
    with let_in(database_url, "run") as library:
        add_photos(library.owner, 0, 60)
        execute(
            library.owner,
            "ALTER TABLE photos ENABLE ROW LEVEL SECURITY",
            "CREATE POLICY half ON photos USING (id % 2 = 0)",
        )
        before = snapshot(library.owner)
        for name in ("generate", "recluster", "import", "check", "repair"):
            finished = run_cli(*WORKING[name], "--database-url", library.url)
            assert finished.code == 1
            assert "would be affected by row-level security" in finished.err.splitlines()[-1]
        assert snapshot(library.owner) == before
        execute(library.owner, f"ALTER ROLE {quoted(library.role)} BYPASSRLS")
        assert run_cli(*WORKING["generate"], "--database-url", library.url).code == 0
