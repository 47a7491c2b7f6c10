"""Runs statements under EXPLAIN ANALYZE and counts the out-of-line values they fetch."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from fluffy_sql.kmeans.numeric_limits import LONGEST
from fluffy_sql.postgres.centroids import candidate_params
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.statements import statement
from fluffy_sql.postgres.vectors import IntegerArray, VectorArray
from fluffy_sql.postgres.work_tables import analyze
from tests.sql.helpers import value

LARGEST_ID = 2**63 - 1
# 3,076 bytes: more than a row may hold before Postgres moves it out of line.
DIMENSIONS = 768


@dataclass(frozen=True)
class Explained:
    """What a statement did.

    Attributes:
        nodes: its plan, with what was measured, parents before children.
        fetches: out-of-line values fetched from the table that was watched.
    """

    nodes: list[dict[str, Any]]
    fetches: int

    def scans(self) -> list[tuple[str, str]]:
        """Kind of scan, and what it reads: a table, or a function."""
        return [
            (node["Node Type"], node.get("Relation Name") or node.get("Function Name") or "")
            for node in self.nodes
            if "Scan" in node["Node Type"] and node["Node Type"] != "Subquery Scan"
        ]


def explain(
    session: Session, text: str, /, *, watched: str = "photos", **parameters: object
) -> Explained:
    """Runs a statement, of `sql/` by name or any other by text, and watches one table."""
    if not text.startswith("SELECT"):
        text = statement(text).text
    before = fetches_so_far(session, watched)
    row = session.connection.execute(
        "EXPLAIN (ANALYZE, VERBOSE, BUFFERS, FORMAT JSON) " + text, parameters
    ).fetchone()
    assert row is not None
    return Explained(list(_flat(row[0][0]["Plan"])), fetches_so_far(session, watched) - before)


def index_of(explained: Explained, table: str) -> str | None:
    """The index by which the table was read; None where all of it was."""
    for node in explained.nodes:
        if node.get("Relation Name") == table and "Index Name" in node:
            return str(node["Index Name"])
        if node["Node Type"] == "Bitmap Index Scan":
            return str(node["Index Name"])
    return None


def fetches_so_far(session: Session, table: str) -> int:
    """How many values were fetched from a table's TOAST: each is one scan of its index."""
    if session.connection.info.server_version < 150_000:
        pytest.skip("before version 15, a server tells what was fetched when it likes to")
    session.connection.execute("SELECT pg_stat_force_next_flush()")
    fetches: int = value(
        session,
        "SELECT toast.idx_scan FROM pg_class AS owner"
        " INNER JOIN pg_stat_all_tables AS toast ON owner.reltoastrelid = toast.relid"
        " WHERE owner.oid = to_regclass(%s)",
        table,
    )
    return fetches


def toast_bytes(session: Session, table: str) -> int:
    """How much of a table lies out of line."""
    asked = "SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE oid = %s::regclass"
    size: int = value(session, asked, table)
    return size


def fill(session: Session, photos: int, dimensions: int = DIMENSIONS) -> None:
    """Adds photos with random embeddings and lets the planner know of them."""
    # Autovacuum would fetch embeddings too, and at any time.
    session.connection.execute("ALTER TABLE photos SET (autovacuum_enabled = FALSE)")
    embeddings = random_rows(photos, dimensions)
    with (
        session.connection.cursor() as cursor,
        cursor.copy("COPY photos (path, embedding) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(["text", "vector"])
        for number, embedding in enumerate(embeddings):
            copy.write_row((f"p{number}", embedding))
    session.connection.execute("ANALYZE photos")


def random_rows(rows: int, dimensions: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(rows).normal(size=(rows, dimensions)).astype(np.float32)


def random_centroids(session: Session, k: int, dimensions: int = DIMENSIONS) -> VectorArray:
    return session.vector_array(random_rows(k, dimensions))


def make_clusters(session: Session, k: int, dimensions: int = DIMENSIONS) -> list[int]:
    """Clusters with random centroids; returns their ids."""
    made = session.fetch_all(
        "commit/insert_clusters",
        run_id=None,
        centroids=random_centroids(session, k, dimensions),
        scopes=[None] * k,
    )
    return sorted(row["id"] for row in made)


def draw_sample(
    session: Session, size: int, *, normalize: bool = True, dimensions: int = DIMENSIONS
) -> None:
    """Fills the sample as a run does, but for the projection: rows are as long as embeddings."""
    draw_photos(session, size)
    session.execute(
        "kmeans/project_sample", **projection(session, normalize=normalize, dimensions=dimensions)
    )
    analyze(session, "work_sample", "position")


def draw_photos(session: Session, size: int) -> None:
    """Draws photos."""
    session.execute("kmeans/draw_photos", seed=1, scope=None, clustered=False, sample_size=size)
    analyze(session, "work_drawn", "position")


def projection(
    session: Session, *, normalize: bool, dimensions: int = DIMENSIONS, axes: int = 0
) -> dict[str, Any]:
    """The parameters of project_sample for all that was drawn; without axes, rows stay whole."""
    directions = np.linalg.qr(random_rows(dimensions, axes))[0].T if axes else np.empty((0, 1))
    return {
        "axes": session.vector_array(directions.astype(np.float32)),
        "origin": np.zeros(dimensions, dtype=np.float32),
        "normalize": normalize,
        "longest": LONGEST,
        "dimensions": dimensions,
        "after_row": 0,
        "last_row": LARGEST_ID,
    }


def cells(session: Session, k: int, dimensions: int = DIMENSIONS) -> dict[str, Any]:
    """Parameters of a statement that looks in cells: two of them, k - 2 candidates in each."""
    candidates = np.stack([np.arange(k - 2), np.arange(2, k)]).astype(np.int32)
    return candidate_params(session, random_rows(k, dimensions), candidates)


def in_cells(rows: int) -> IntegerArray:
    """Puts so many rows into two cells."""
    return IntegerArray.of(np.arange(rows, dtype=np.int32) % 2)


def _flat(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _flat(child)
