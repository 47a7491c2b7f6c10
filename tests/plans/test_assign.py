"""A few new photos of a large library are found by an index, and each embedding is fetched once."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import fingerprint_vector
from fluffy_sql.postgres.work_tables import analyze
from tests.plans.helpers import (
    DIMENSIONS,
    LARGEST_ID,
    Explained,
    explain,
    fetches_so_far,
    fill,
    make_clusters,
    random_centroids,
    toast_bytes,
)
from tests.sql.helpers import open_run

PHOTOS = 300
K = 6

both_metrics = pytest.mark.parametrize("normalize", [True, False])


def nearest(session: Session, dimensions: int, *, normalize: bool = True) -> dict[str, Any]:
    """Parameters of find_nearest for all that was listed."""
    return {
        "scopes": [None],
        "firsts": [1],
        "lasts": [K],
        "labels": list(range(K)),
        "centroids": random_centroids(session, K, dimensions),
        "limits": [math.inf] * K,
        "normalize": normalize,
        "dimensions": dimensions,
        "fingerprint_vector": fingerprint_vector(dimensions),
        "after_row": 0,
        "last_row": LARGEST_ID,
    }


def wanted(session: Session) -> dict[str, Any]:
    """Parameters of move_photos for all clusters."""
    return {
        "run_id": open_run(session),
        "labels": list(range(K)),
        "cluster_ids": list(range(1, K + 1)),
    }


def ways_to(explained: Explained, table: str) -> set[str]:
    """The indexes by which a table was read, and "all of it" where it was."""
    return {
        str(node.get("Index Name", "by place" if node["Node Type"] == "Tid Scan" else "all of it"))
        for node in explained.nodes
        if node.get("Relation Name") == table and "Scan" in node["Node Type"]
    }


# Few among many


@pytest.fixture(scope="module")
def large(empty_database: Callable[..., Any], template: str) -> Iterator[Session]:
    """A session on many small photos, of which ten have no cluster; these have been listed."""
    with empty_database(template) as url, Session.open(url) as session:
        fill(session, 20_000, dimensions=3)
        make_clusters(session, K, 3)
        session.connection.execute("UPDATE photos SET cluster_id = 1 WHERE mod(id, 2000) <> 77")
        session.connection.execute("VACUUM ANALYZE photos, clusters")
        session.execute("assign/list_new_photos")
        analyze(session, "work_candidates")
        yield session


@pytest.mark.parametrize("name", ["assign/list_new_photos", "assign/count_left_out"])
def test_new_photos_are_found_by_the_index(large: Session, name: str) -> None:
    with large.connection.transaction(force_rollback=True):
        large.connection.execute("DELETE FROM work_candidates")
        explained = explain(large, name)
    ways = ways_to(explained, "photos")
    # PostgreSQL 18 sees that the view and the table are one; others look each photo up by its key
    assert "photos_cluster_id_idx" in ways
    assert ways <= {"photos_cluster_id_idx", "photos_pkey"}


def test_they_are_looked_up_and_placed_by_their_keys(large: Session) -> None:
    with large.connection.transaction(force_rollback=True):
        found = explain(large, "assign/find_nearest", **nearest(large, 3))
        assert ways_to(found, "photos") == {"photos_pkey"}
        analyze(large, "work_assignments")
        placed = explain(large, "commit/move_photos", **wanted(large))
        # by the key to lock it, by its place to write it
        assert ways_to(placed, "photos") == {"photos_pkey", "by place"}
        assert placed.nodes[0]["Actual Rows"] > 0


# Embeddings


@pytest.fixture
def listed(session: Session) -> Session:
    """Photos whose embeddings lie out of line, all of them listed."""
    fill(session, PHOTOS)
    make_clusters(session, K)
    assert explain(session, "assign/list_new_photos").fetches == 0
    return session


def test_embeddings_lie_out_of_line_here(listed: Session) -> None:
    assert toast_bytes(listed, "photos") > PHOTOS * DIMENSIONS * 4


@both_metrics
def test_each_embedding_is_fetched_once(listed: Session, normalize: bool) -> None:
    parameters = nearest(listed, DIMENSIONS, normalize=normalize)
    assert explain(listed, "assign/find_nearest", **parameters).fetches == PHOTOS


def test_placing_and_counting_fetch_none(listed: Session) -> None:
    listed.execute("assign/find_nearest", **nearest(listed, DIMENSIONS))
    counted = explain(
        listed, "assign/count_photos", normalize=True, scopes=[None], dimensions=[DIMENSIONS]
    )
    placed = explain(listed, "commit/move_photos", **wanted(listed))
    assert (counted.fetches, placed.fetches) == (0, 0)


def test_only_photos_that_no_cluster_was_found_for_are_fetched_to_say_why(listed: Session) -> None:
    listed.execute("assign/find_nearest", **{**nearest(listed, DIMENSIONS), "last_row": 250})
    counted = explain(
        listed, "assign/count_photos", normalize=True, scopes=[None], dimensions=[DIMENSIONS]
    )
    assert counted.fetches == PHOTOS - 250


def test_the_function_fetches_its_photo_once(listed: Session) -> None:
    before = fetches_so_far(listed, "photos")
    listed.connection.execute("SELECT assign_photo(1)")
    assert fetches_so_far(listed, "photos") == before + 1
