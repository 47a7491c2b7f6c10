"""Workers compare what was drawn with many clusters, however many photos a shard has."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from fluffy_sql.operations.distribute import distribute
from fluffy_sql.postgres import schema
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.statements import on_citus, statement
from fluffy_sql.postgres.vectors import fingerprint_vector
from fluffy_sql.postgres.work_tables import analyze
from fluffy_sql.runs.moves import move_photos
from tests.citus.conftest import database_on
from tests.plans.helpers import LARGEST_ID, draw_sample, fill, random_centroids
from tests.sql.helpers import open_run

SHARDS, PHOTOS, K, DIMENSIONS = 4, 20_000, 400, 64
DRAWN = 200
NEW = f"photos.id <= {DRAWN}"


@dataclass(frozen=True)
class Library:
    """A library whose run has moved its photos, and is not closed yet.

    Attributes:
        session: outside of any transaction.
        cluster_ids: the run's clusters; all but the new photos are at their nearest.
    """

    session: Session
    cluster_ids: list[int]

    def parameters(self) -> dict[str, Any]:
        """Those of all statements here, by name."""
        centroids = random_centroids(self.session, K, DIMENSIONS)
        return {
            "after_row": 0,
            "axes": random_centroids(self.session, 2, DIMENSIONS),
            "centroids": centroids,
            "cluster_ids": self.cluster_ids,
            "dimensions": DIMENSIONS,
            "fingerprint_vector": fingerprint_vector(DIMENSIONS),
            "firsts": [1],
            "labels": list(range(K)),
            "last_row": LARGEST_ID,
            "lasts": [K],
            "limits": [math.inf] * K,
            "most": DRAWN,
            "normalize": True,
            "other_centroids": centroids,
            "photos": DRAWN,
            "scopes": [None],
            "seed": 7,
        }


@pytest.fixture(scope="module")
def library(nodes: list[str]) -> Iterator[Library]:
    with database_on(nodes) as url:
        schema.migrate(url)
        with Session.open(url) as session:
            distribute(session, shards=SHARDS)
        with Session.open(url) as session:
            yield made(session)


def made(session: Session) -> Library:
    fill(session, PHOTOS, DIMENSIONS)
    draw_sample(session, DRAWN, dimensions=DIMENSIONS)
    session.execute(
        "kmeans/assign_photos",
        centroids=random_centroids(session, K, DIMENSIONS),
        fingerprint_vector=fingerprint_vector(DIMENSIONS),
        normalize=True,
        dimensions=DIMENSIONS,
        scope=None,
        clustered=True,
        after_id=DRAWN,
        last_id=LARGEST_ID,
    )
    analyze(session, "work_assignments")
    run_id = open_run(session)
    cluster_ids = sorted(
        row["id"]
        for row in session.fetch_all(
            "commit/insert_clusters",
            run_id=run_id,
            centroids=random_centroids(session, K, DIMENSIONS),
            scopes=[None] * K,
        )
    )
    session.connection.execute("UPDATE cluster_runs SET recall = 1")  # what `check` looks for
    with session.transaction():
        move_photos(session, run_id, list(range(K)), cluster_ids)
    session.connection.execute(
        "INSERT INTO work_candidates (position, photo_id) SELECT id, id FROM photos"
        f" WHERE {NEW}".encode()
    )
    analyze(session, "work_candidates")
    session.connection.execute("SET citus.explain_all_tasks = on")
    return Library(session, cluster_ids)


def work_of(plan: Any) -> int:
    """How many rows the busiest inner node has, of all workers together."""
    return sum(
        max(
            (
                max(node["Actual Rows"], 1) * node["Actual Loops"]
                for node in nodes_of(task["Remote Plan"])
                if node["Actual Loops"] > 1
            ),
            default=0,
        )
        for task in tasks_of(plan)
    )


def tasks_of(plan: Any) -> Iterator[dict[str, Any]]:
    return (each for each in parts_of(plan) if "Remote Plan" in each)


def nodes_of(plan: Any) -> Iterator[dict[str, Any]]:
    return (each for each in parts_of(plan) if "Node Type" in each)


def parts_of(plan: Any) -> Iterator[dict[str, Any]]:
    if isinstance(plan, dict):
        yield plan
        plan = list(plan.values())
    if isinstance(plan, list):
        for each in plan:
            yield from parts_of(each)


# How many rows each may look at, for each photo that was drawn. A shard may go through all drawn.
STATEMENTS = {
    "assign/find_nearest": K,
    "check/count_misplaced": K,
    "commit/count_misplaced": K,
    "kmeans/draw_far_photos": 1,
    "kmeans/fetch_photos": 1,
    "quality/label_photos": K,
}


@pytest.mark.parametrize(("name", "rows"), STATEMENTS.items())
def test_only_what_was_drawn_is_compared(library: Library, name: str, rows: int) -> None:
    explained = "EXPLAIN (ANALYZE, FORMAT JSON) " + statement(on_citus(name)).text
    with library.session.connection.transaction(force_rollback=True):
        [(plan,)] = library.session.connection.execute(
            explained, library.parameters(), binary=False
        ).fetchall()
    assert len(list(tasks_of(plan))) >= SHARDS
    assert 0 < work_of(plan) <= SHARDS * DRAWN * rows


@pytest.mark.parametrize("photos", [DRAWN, PHOTOS])
def test_a_misplaced_photo_is_found(library: Library, photos: int) -> None:
    session = library.session

    def misplaced() -> int:
        parameters = library.parameters() | {"photos": photos}
        names = ("labels", "cluster_ids", "normalize", "seed", "photos")
        found: int = session.fetch_value(
            "commit/count_misplaced", **{name: parameters[name] for name in names}
        )
        return found

    assert misplaced() == 0
    with session.transaction(force_rollback=True):
        session.connection.execute(
            "UPDATE photos SET cluster_id = %s WHERE id IN ("
            " SELECT photo_id FROM work_assignments WHERE label <> 0"
            " ORDER BY hashint8extended(photo_id, 7) LIMIT 3)",
            (library.cluster_ids[0],),
        )
        assert misplaced() == 3
