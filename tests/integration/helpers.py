"""What whole-run tests share: run a clustering, and read back what it left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray
from psycopg import sql

from fluffy_sql.kmeans.kmeans import KMeans
from fluffy_sql.kmeans.tuning import Tuning
from fluffy_sql.postgres.session import Session
from fluffy_sql.runs.progress import Progress
from fluffy_sql.runs.record import RunResult
from tests import running


def generate(
    at: str | Session,
    *,
    recluster: bool = False,
    cold: bool = False,
    dry_run: bool = False,
    connections: int = 2,
    progress: Progress | None = None,
    tuning: Tuning | None = None,
    **settings: Any,
) -> RunResult:
    return running.generate(
        at,
        running.settings(**settings),
        recluster=recluster,
        cold=cold,
        dry_run=dry_run,
        connections=connections,
        progress=progress,
        algorithm=KMeans(tuning) if tuning else None,
    )


def query(session: Session, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    """For questions that only tests ask."""
    return session.connection.execute(statement, parameters, binary=True).fetchall()


def execute(at: Session | psycopg.Connection[Any], *statements: str) -> None:
    """What an application does."""
    connection = at.connection if isinstance(at, Session) else at
    for statement in statements:
        connection.execute(statement.encode())


def asked(
    connection: psycopg.Connection[Any], question: str, *parameters: object
) -> list[tuple[Any, ...]]:
    """What an application sees, on a connection of its own."""
    return connection.execute(question.encode(), parameters or None).fetchall()


def clusters_by_photo(session: Session) -> NDArray[np.int64]:
    """The cluster of each photo in order of id, 0 for none."""
    rows = query(session, "SELECT coalesce(cluster_id, 0) FROM photos ORDER BY id")
    return np.array([row[0] for row in rows], dtype=np.int64)


def centroids_by_cluster(session: Session) -> dict[int, NDArray[np.float32]]:
    return dict(query(session, "SELECT id, centroid FROM clusters ORDER BY id"))


def work_tables(session: Session) -> list[str]:
    """Work tables that hold rows."""
    return [row["name"] for row in session.fetch_all("work_tables/list_filled")]


def snapshot(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in the tables that a run writes to, as text, to be compared whole."""
    return {
        "photos": query(session, "SELECT p::text FROM photos AS p ORDER BY id"),
        "clusters": query(session, "SELECT c::text FROM clusters AS c ORDER BY id"),
    }


def everything(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, as text."""
    tables = query(
        session,
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'fluffy_sql')",
    )
    rows = sql.SQL("SELECT t::text FROM {} AS t ORDER BY 1")
    return {
        name: session.connection.execute(rows.format(sql.Identifier(place, name))).fetchall()
        for place, name in tables
    }


@contextmanager
def nothing_changes(session: Session, look: Callable[[Session], Any] = snapshot) -> Iterator[None]:
    """What happens meanwhile leaves rows as they are, and work tables empty."""
    before = look(session)
    yield
    assert look(session) == before
    assert work_tables(session) == []


def wrong_counts(session: Session) -> list[tuple[Any, ...]]:
    """Clusters, the number of photos that each is said to have, and how many are in it."""
    return query(
        session,
        "SELECT c.id, c.photos_count, count(p.id) FROM clusters AS c"
        " LEFT JOIN photos AS p ON p.cluster_id = c.id"
        " GROUP BY c.id HAVING c.photos_count <> count(p.id) ORDER BY c.id",
    )


def show(session: Session, photos: str = "TRUE", *, scope: str = "NULL::bigint") -> None:
    """Has runs see some photos only, or says whose they are."""
    execute(
        session,
        "CREATE OR REPLACE VIEW usable_photos AS SELECT id, path, embedding, cluster_id,"
        f" {scope} AS scope FROM photos WHERE {photos}",
    )


# What can go wrong in the final transaction of any run.
FAULTS = {
    "while photos are written": "TRIGGER fault AFTER UPDATE ON photos FOR EACH STATEMENT",
    "while one of the photos is written": (
        "TRIGGER fault BEFORE UPDATE ON photos FOR EACH ROW WHEN (OLD.id = 81)"
    ),
    "while counts are written": "TRIGGER fault AFTER UPDATE ON clusters FOR EACH STATEMENT",
    "while the run is closed": (
        "TRIGGER fault AFTER UPDATE ON cluster_runs FOR EACH ROW WHEN (NEW.status = 'succeeded')"
    ),
    "at commit": (
        "CONSTRAINT TRIGGER fault AFTER UPDATE ON photos DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
    ),
}


def inject(session: Session, fault: str) -> None:
    """Has a statement fail with the message `injected` when this trigger fires."""
    execute(
        session,
        "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'injected'; END $$",
        f"CREATE {fault} EXECUTE FUNCTION fault()",
    )


def wait_for(session: Session, question: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Waits until a question has an answer."""
    deadline = time.monotonic() + 20
    while not (found := query(session, question, *parameters)):
        assert time.monotonic() < deadline, question
        time.sleep(0.01)
    return found


def kill(session: Session, url: str, module: str, function: str, *command: str) -> None:
    """Runs a command that is killed when it calls a function, and waits until its lock is gone."""
    program = (
        f"import os, signal, {module} as module\n"
        f"module.{function} = lambda *given: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from fluffy_sql.cli.main import main; main()"
    )
    killed = subprocess.run(
        [sys.executable, "-c", program, *command],
        env={**os.environ, "DATABASE_URL": url, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    # the server notices a moment later
    of_this = "JOIN pg_database d ON d.oid = database AND datname = current_database()"
    locked = f"SELECT FROM pg_locks {of_this} WHERE locktype = 'advisory'"
    wait_for(session, f"SELECT WHERE NOT EXISTS ({locked})")


@contextmanager
def new_role(
    at: Session | psycopg.Connection[Any],
    options: str = "",
    name: str = f"fluffy_test_{os.getpid()}",
) -> Iterator[str]:
    """A role that owns nothing and was granted nothing; its name is as one writes it in SQL."""
    try:
        execute(at, f"CREATE ROLE {name} {options}")
    except psycopg.errors.InsufficientPrivilege:
        pytest.skip("the role of the tests may not make others")
    try:
        yield name
    finally:
        execute(at, f"REASSIGN OWNED BY {name} TO CURRENT_USER")
        execute(at, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def interrupt() -> None:
    raise KeyboardInterrupt


def cut_off_others(session: Session) -> None:
    """Ends all connections to the database but this one."""
    query(
        session,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
