"""What tests of rights and of hostile names share: commands, and roles that are let in."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from PIL import Image
from psycopg.conninfo import make_conninfo

from fluffy_sql.cli.main import run
from fluffy_sql.postgres.session import Session
from tests.conftest import Finished, made_library
from tests.integration import helpers
from tests.integration.helpers import execute, generate, query

PASSWORD = uuid.uuid4().hex
GRANTS = Path(__file__).resolve().parents[2] / "docs" / "grants"

# Every way in is shut to others than those who are let in by name, pgvector's own functions aside.
HARDEN = """
DO $$
DECLARE
    place name;
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    FOREACH place IN ARRAY current_schemas(FALSE) LOOP
        EXECUTE format('REVOKE ALL ON SCHEMA %I FROM PUBLIC', place);
    END LOOP;
END
$$
"""
# What a role was granted in this database, as one would write it; of a work table all at once.
GRANTED = """
SELECT privilege_type || ' ON DATABASE' FROM pg_database, aclexplode(datacl)
WHERE grantee = %(role)s::regrole AND datname = current_database()
UNION ALL
SELECT privilege_type || ' ON SCHEMA ' || nspname FROM pg_namespace, aclexplode(nspacl)
WHERE grantee = %(role)s::regrole
UNION ALL
SELECT string_agg(privilege_type, ', ' ORDER BY privilege_type) || ' ON ' || relname
FROM pg_class, aclexplode(relacl)
WHERE grantee = %(role)s::regrole AND relkind <> 'S'
GROUP BY relname, CASE WHEN NOT starts_with(relname, 'work_') THEN privilege_type END
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
    "names": ["clusters", "--suggest-names"],
    "export": ["clusters", "export", "--format", "json"],
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
    "leiden": ["generate", "--recluster", "--algorithm", "leiden", "--config", "keep.yml"],
    "sweep": ["sweep", "--k", "2..4"],
    "check": ["check"],
    "repair": ["check", "--repair"],
    "undo": ["runs", "undo", "1"],
    "prune": ["clusters", "prune"],
    "duplicates": ["duplicates"],
}
# It takes the embeddings of photos whose files are not there.
EMBEDDING = ["embed", "pictures", "--replace"]
FUNCTIONS = {
    "centroid_distance": "SELECT centroid_distance('[1,2]', '[1,3]')",
    "comparable_embedding": "SELECT comparable_embedding('[1,2]', TRUE)",
    "cluster_central_photos": "SELECT * FROM cluster_central_photos(1)",
    "cluster_outermost_photos": "SELECT * FROM cluster_outermost_photos(1)",
    "cluster_random_photos": "SELECT * FROM cluster_random_photos(1)",
    "cluster_neighbors": "SELECT * FROM cluster_neighbors(1)",
    "photo_nearest_clusters": "SELECT * FROM photo_nearest_clusters(1)",
    "photo_neighbours": "SELECT * FROM photo_neighbours(1)",
    "vector_nearest_clusters": "SELECT * FROM vector_nearest_clusters('[1,0,0,0,0,0,0,0]')",
}
PLACING = {
    "nearest_active_cluster": "SELECT nearest_active_cluster('[1,0,0,0,0,0,0,0]')",
    "assign_photo": "SELECT assign_photo(1)",
    "clusters_by_neighbours": (
        "SELECT FROM clusters_by_neighbours('{}', '{}', '{}', 1, NULL, NULL, 'l2')"
    ),
    "nearest_cores": "SELECT FROM nearest_cores('{}', '{}', '{}', 1, 1, FALSE)",
    "voted_clusters": "SELECT FROM voted_clusters('{}', '{}', '{}', 1, FALSE)",
    "library_is_whole": "SELECT library_is_whole()",
}
OVERVIEW = "SELECT * FROM cluster_overview"


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
        execute(self.owner, f"{statement} {grant}{database} {whose} {quoted(self.role)}")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def new_role(admin: Session, what: str) -> Iterator[str]:
    """A role that may log in, with a name that no statement made of text would survive."""
    role = f"""o'neil "{what}" {uuid.uuid4().hex[:12]}'; DROP TABLE photos; --"""
    with helpers.new_role(admin, f"LOGIN PASSWORD '{PASSWORD}'", quoted(role)):
        yield role


@contextmanager
def let_in(url: str, grants: str) -> Iterator[Library]:
    """Lets a new role into a library that is shut to all others, with one file of docs/grants."""
    with Session.open(url) as owner, new_role(owner, grants) as role:
        if owner.connection.info.server_version < 150_000:
            pytest.skip("before version 15 nothing is granted")
        owner.connection.execute(HARDEN)
        apply_grants(url, grants, role)
        yield Library(owner, role, make_conninfo(url, user=role, password=PASSWORD))


def apply_grants(url: str, grants: str, role: str) -> None:
    """Applies a file of docs/grants, as it says."""
    file = str(GRANTS / f"{grants}.sql")
    assert run(["psql", "--database-url", url, "-qX", "-v", f"role={role}", "-f", file]) == 0


def add_photos(session: Session, first: int, last: int) -> None:
    rows, _ = made_library(1, photos=last, dimensions=8, themes=3)
    with session.connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO photos (path, embedding) VALUES (%s, %s)",
            [(f"p{place}.jpg", rows[place]) for place in range(first, last)],
        )


def make_clusters(owner: Session, url: str) -> None:
    """60 photos in 3 clusters, by two runs of whoever has this address."""
    add_photos(owner, 0, 60)
    generate(url, k=3)
    generate(url, k=3, recluster=True)


def cut_off_a_run(session: Session) -> None:
    """Leaves a run that was killed while it trained."""
    query(
        session,
        "WITH run AS (INSERT INTO cluster_runs (id, status, phase, algorithm, metric, seed,"
        " k_requested, settings, tool_version, postgres_version, pgvector_version,"
        " photos_eligible, dimensions) OVERRIDING SYSTEM VALUE"
        " SELECT (SELECT max(id) + 1 FROM cluster_runs), 'interrupted', 'train', algorithm, metric,"
        " seed, k_requested, settings, tool_version, postgres_version, pgvector_version,"
        " photos_eligible, dimensions FROM cluster_runs WHERE id = 1 RETURNING id)"
        " INSERT INTO cluster_run_checkpoints (run_id, step, batch_size, centroids)"
        " SELECT run.id, 1, 20, (SELECT array_agg(centroid) FROM clusters)"
        " FROM run RETURNING run_id",
    )


@contextmanager
def two_owners(session: Session) -> Iterator[None]:
    """Has photos belong to two owners meanwhile."""
    [(text,)] = query(session, "SELECT pg_get_viewdef('usable_photos'::regclass)")
    view = "CREATE OR REPLACE VIEW usable_photos WITH (security_invoker = true) AS"
    scoped = "SELECT id, path, embedding, cluster_id, mod(id, 2) AS scope FROM photos"
    execute(session, f"{view} {scoped}")
    try:
        yield
    finally:
        execute(session, f"{view} {text}")


def write_new_photos() -> None:
    """A photo, and a file of five new embeddings, and of five for photos that have another."""
    Path("pictures").mkdir(exist_ok=True)
    Image.new("RGB", (9, 9)).save("pictures/a.png")
    Path("keep.yml").write_text("clustering:\n  leiden:\n    keep: true\n", encoding="utf-8")
    rows, _ = made_library(2, photos=10, dimensions=8, themes=3)
    Path("new.csv").write_text(
        "path,embedding\n"
        + "".join(f'p{70 + place}.jpg,"{row.tolist()}"\n' for place, row in enumerate(rows, 5)),
        encoding="utf-8",
    )


def ask(library: Library, statement: str) -> None:
    """Runs a statement as the role, in a session like that of `fluffy-sql psql`."""
    with psycopg.connect(library.url, options="-c search_path=fluffy_sql,public") as connection:
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
