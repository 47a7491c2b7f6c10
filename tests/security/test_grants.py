"""Roles that own nothing: what docs/grants lists is enough, and each grant in it is needed."""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from fluffy_sql.database import schema
from fluffy_sql.database.embedded import find_psql
from fluffy_sql.database.session import Session, libpq_environment
from fluffy_sql.service import ClusteringService
from fluffy_sql.settings import ClusteringSettings
from tests.conftest import made_library
from tests.integration.helpers import generate, query, snapshot, work_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Finished

    Run = Callable[..., Finished]

PASSWORD = uuid.uuid4().hex
GRANTS = Path(__file__).resolve().parents[2] / "docs" / "grants"

# Every way in is shut to others than those who are let in by name, pgvector's own functions aside.
HARDEN = """
DO $$
DECLARE
    ours regprocedure;
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    REVOKE ALL ON SCHEMA public FROM PUBLIC;
    FOR ours IN
        SELECT oid FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace
            AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', ours);
    END LOOP;
END
$$
"""
# What a role was granted in this database, as one would write it.
GRANTED = """
SELECT privilege_type || ' ON DATABASE' FROM pg_database, aclexplode(datacl)
WHERE grantee = %(role)s::regrole AND datname = current_database()
UNION ALL
SELECT privilege_type || ' ON SCHEMA ' || nspname FROM pg_namespace, aclexplode(nspacl)
WHERE grantee = %(role)s::regrole
UNION ALL
SELECT privilege_type || ' ON ' || relname FROM pg_class, aclexplode(relacl)
WHERE grantee = %(role)s::regrole AND relkind <> 'S'
UNION ALL
SELECT privilege_type || ' ON SEQUENCE ' || relname FROM pg_class, aclexplode(relacl)
WHERE grantee = %(role)s::regrole AND relkind = 'S'
UNION ALL
SELECT format('%%s (%%s) ON %%s', privilege_type, attname, attrelid::regclass)
FROM pg_attribute, aclexplode(attacl)
WHERE grantee = %(role)s::regrole
UNION ALL
SELECT privilege_type || ' ON FUNCTION ' || proname FROM pg_proc, aclexplode(proacl)
WHERE grantee = %(role)s::regrole
"""

LOOKING = {
    "clusters": ["clusters"],
    "runs": ["runs"],
    "show": ["runs", "show", "1"],
    "diff": ["runs", "diff", "1", "2"],
    "report": ["report", "--out", "report"],
}
WORKING = {
    "generate": ["generate", "--k", "2"],
    "dry run": ["generate", "--k", "2", "--dry-run"],
    "explain": ["generate", "--k", "2", "--explain"],
    "recluster": ["generate", "--recluster", "--k", "3"],
    "resume": ["generate", "--resume"],
    "import": ["import", "new.csv"],
    "assign": ["assign", "--moved"],
    "sweep": ["sweep", "--k", "2..4"],
    "check": ["check"],
    "repair": ["check", "--repair"],
    "undo": ["runs", "undo", "1"],
}
FUNCTIONS = {
    "centroid_distance": "SELECT centroid_distance('[1,2]', '[1,3]')",
    "cluster_central_photos": "SELECT * FROM cluster_central_photos(1)",
    "cluster_outermost_photos": "SELECT * FROM cluster_outermost_photos(1)",
    "cluster_random_photos": "SELECT * FROM cluster_random_photos(1)",
    "cluster_neighbors": "SELECT * FROM cluster_neighbors(1)",
    "photo_nearest_clusters": "SELECT * FROM photo_nearest_clusters(1)",
    "vector_nearest_clusters": "SELECT * FROM vector_nearest_clusters('[1,0,0,0,0,0,0,0]')",
}
PLACING = {
    "nearest_active_cluster": "SELECT nearest_active_cluster('[1,0,0,0,0,0,0,0]')",
    "assign_photo": "SELECT assign_photo(1)",
}
OVERVIEW = "SELECT * FROM cluster_overview"

# Each grant of docs/grants/run.sql, and what fails without it: a command, or a statement.
NEEDED = {
    "CONNECT ON DATABASE": "runs",
    "USAGE ON SCHEMA public": "runs",
    "SELECT ON fluffy_sql_migrations": "runs",
    "SELECT ON cluster_run_overview": "runs",
    "SELECT ON clusters": "clusters",
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
    "INSERT (status) ON clusters": "generate",
    "INSERT (photos_count) ON clusters": "generate",
    "INSERT (centroid) ON clusters": "generate",
    "INSERT (run_id) ON clusters": "generate",
    "INSERT (created_at) ON clusters": "generate",
    "INSERT (updated_at) ON clusters": "generate",
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


@dataclass(frozen=True)
class Library:
    """A library whose owner let a role in.

    Attributes:
        owner: a session of its owner.
        role: the name of the role.
        url: the address with which the role comes.
    """

    owner: Session
    role: str
    url: str

    def granted(self) -> set[str]:
        """What the role was granted."""
        found = self.owner.connection.execute(GRANTED, {"role": f"{quoted(self.role)}"})
        return {grant for (grant,) in found}

    def change(self, statement: str, grant: str) -> None:
        """Grants or revokes."""
        database = f" {self.owner.connection.info.dbname}" if grant.endswith("DATABASE") else ""
        whose = {"GRANT": "TO", "REVOKE": "FROM"}[statement]
        self.owner.connection.execute(
            f"{statement} {grant}{database} {whose} {quoted(self.role)}".encode()
        )


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def new_role(admin: Session, what: str) -> Iterator[str]:
    """A role that may log in, with a name that no statement made of text would survive."""
    role = f"""o'neil "{what}" {uuid.uuid4().hex}'; DROP TABLE photos; --"""
    name = sql.Identifier(role)
    try:
        admin.connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, PASSWORD))
    except psycopg.errors.InsufficientPrivilege:
        pytest.skip("the role of the tests may not make others")
    try:
        yield role
    finally:
        admin.connection.execute(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(name))
        admin.connection.execute(sql.SQL("DROP OWNED BY {}").format(name))
        admin.connection.execute(sql.SQL("DROP ROLE {}").format(name))


@contextmanager
def let_in(url: str, grants: str) -> Iterator[Library]:
    """Lets a new role into a library that is shut to all others, with one file of docs/grants."""
    with Session.open(url) as owner, new_role(owner, grants) as role:
        owner.connection.execute(HARDEN)
        apply_grants(url, grants, role)
        yield Library(owner, role, make_conninfo(url, user=role, password=PASSWORD))


def apply_grants(url: str, grants: str, role: str) -> None:
    psql = find_psql(prefer_embedded=True)
    subprocess.run(
        [psql, "-qX", "-v", f"role={role}", "-f", GRANTS / f"{grants}.sql"],
        env={**os.environ, **libpq_environment(url)},
        check=True,
    )


def add_photos(session: Session, first: int, last: int) -> None:
    rows, _ = made_library(1, photos=last, dimensions=8, themes=3)
    with session.connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO photos (path, embedding) VALUES (%s, %s)",
            [(f"p{place}.jpg", rows[place]) for place in range(first, last)],
        )


def cut_off_a_run(session: Session) -> None:
    """Leaves a run that was killed while it trained."""
    query(
        session,
        "WITH run AS (INSERT INTO cluster_runs (status, phase, algorithm, metric, seed,"
        " k_requested, settings, tool_version, postgres_version, pgvector_version,"
        " photos_eligible, dimensions) SELECT 'interrupted', 'train', algorithm, metric, seed,"
        " k_requested, settings, tool_version, postgres_version, pgvector_version,"
        " photos_eligible, dimensions FROM cluster_runs WHERE id = 1 RETURNING id)"
        " INSERT INTO cluster_run_checkpoints (run_id, step, batch_size, centroids)"
        " SELECT run.id, 1, 20, (SELECT array_agg(centroid) FROM clusters)"
        " FROM run RETURNING run_id",
    )


def write_new_photos() -> None:
    """A file of five new photos, and five that are there with another embedding."""
    rows, _ = made_library(2, photos=10, dimensions=8, themes=3)
    Path("new.csv").write_text(
        "path,embedding\n"
        + "".join(f'p{70 + place}.jpg,"{row.tolist()}"\n' for place, row in enumerate(rows, 5)),
        encoding="utf-8",
    )


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


def ask(library: Library, statement: str) -> None:
    with psycopg.connect(library.url) as connection:
        connection.execute(statement.encode())


def refuse(library: Library, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(library, statement)


def is_refused(finished: Finished) -> bool:
    """Whether a command ended as it should for a role that may not do this."""
    *_, last = finished.err.splitlines()
    return (
        finished.code == 1
        and last.startswith("fluffy-sql: ")
        and ("permission denied" in last or "does not reach" in last)
        and "Traceback" not in finished.err
    )


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
