"""What whole-run tests share: run a clustering, and read back what it left."""

from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from fluffy_sql.kmeans.kmeans import KMeans
from fluffy_sql.kmeans.tuning import Tuning
from fluffy_sql.postgres.session import Session
from fluffy_sql.runs.progress import Progress
from fluffy_sql.runs.record import RunResult
from tests import running


def generate(
    url: str,
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
        url,
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


def execute(connection: psycopg.Connection[Any], *statements: str) -> None:
    """What an application does, on a connection of its own."""
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
