"""The functions look at what they are asked about, by an index, and fetch it once."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.statements import statement, statement_names
from tests.plans.helpers import (
    DIMENSIONS,
    Explained,
    explain,
    fetches_so_far,
    fill,
    index_of,
    random_rows,
    toast_bytes,
)
from tests.sql.helpers import to_be_prepared, value

PHOTOS = 300
K = 6

CENTRAL = "SELECT * FROM cluster_central_photos({}, 5)"
OUTERMOST = "SELECT * FROM cluster_outermost_photos({}, 5)"
RANDOM = "SELECT * FROM cluster_random_photos({}, 5)"
NEIGHBORS = "SELECT * FROM cluster_neighbors({}, 5)"
OF_A_PHOTO = "SELECT * FROM photo_nearest_clusters({}, 5)"
OF_A_VECTOR = "SELECT * FROM vector_nearest_clusters({}, 5)"

INLINED = ("comparable_embedding(", "nearest_candidate(")
CALLING = [
    (name, function)
    for name in statement_names()
    for function in INLINED
    if function in statement(name).text
]

# A constant lets the planner put the body in the place of the call; a subquery does not.
both_ways = pytest.mark.parametrize("given", ["1", "(SELECT 1::bigint)"])


@pytest.fixture
def clustered(session: Session) -> Session:
    """Photos and centroids that lie out of line; a sixth of the photos is in each cluster."""
    fill(session, PHOTOS)
    session.connection.execute("ALTER TABLE clusters ALTER COLUMN centroid SET STORAGE EXTERNAL")
    add_clusters(session, DIMENSIONS)
    return session


@pytest.fixture(scope="module")
def large(empty_database: Callable[..., Any], template: str) -> Iterator[Session]:
    """A session on many small photos; a sixth of them is in each cluster."""
    with empty_database(template) as url, Session.open(url) as session:
        fill(session, 20_000, dimensions=3)
        add_clusters(session, 3)
        yield session


def add_clusters(session: Session, dimensions: int) -> None:
    """Clusters 1, 2, ...; photos are dealt out to them in turn."""
    session.connection.execute("ALTER TABLE clusters SET (autovacuum_enabled = FALSE)")
    for number, centroid in enumerate(random_rows(K, dimensions), start=1):
        session.connection.execute(
            "INSERT INTO clusters (id, centroid) VALUES (%s, %s)", (number, centroid)
        )
    session.connection.execute("UPDATE photos SET cluster_id = 1 + mod(id, %s)", (K,))
    session.connection.execute("VACUUM ANALYZE photos, clusters")


def one_vector(session: Session) -> str:
    found = "SELECT quote_literal(embedding::text) FROM photos WHERE id = 1"
    return str(value(session, found))


def scans_of(explained: Explained, table: str) -> int:
    """How often a table was read."""
    return sum(
        node["Actual Loops"] for node in explained.nodes if node.get("Relation Name") == table
    )


# Embeddings


def test_embeddings_and_centroids_lie_out_of_line_here(clustered: Session) -> None:
    assert toast_bytes(clustered, "photos") > PHOTOS * DIMENSIONS * 4
    assert toast_bytes(clustered, "clusters") > K * DIMENSIONS * 4


@both_ways
@pytest.mark.parametrize("asked", [CENTRAL, OUTERMOST])
def test_each_photo_of_the_cluster_is_fetched_once_and_no_other(
    clustered: Session, asked: str, given: str
) -> None:
    assert explain(clustered, asked.format(given)).fetches == PHOTOS // K


@both_ways
def test_only_the_photos_drawn_are_fetched(clustered: Session, given: str) -> None:
    assert explain(clustered, RANDOM.format(given)).fetches == 5


@both_ways
def test_a_photo_is_fetched_once_for_all_clusters(clustered: Session, given: str) -> None:
    assert explain(clustered, OF_A_PHOTO.format(given)).fetches == 1


def test_so_is_a_vector_that_lies_in_a_table(clustered: Session) -> None:
    given = "(SELECT embedding FROM photos WHERE id = 1)"
    assert explain(clustered, OF_A_VECTOR.format(given)).fetches == 1


def test_so_is_each_of_many(clustered: Session) -> None:
    explained = explain(
        clustered,
        "SELECT nearest.cluster_id FROM photos AS photo"
        " CROSS JOIN LATERAL vector_nearest_clusters(photo.embedding) AS nearest",
    )
    assert explained.fetches == PHOTOS


@both_ways
def test_neighbors_fetch_no_photo_and_each_centroid_once(clustered: Session, given: str) -> None:
    before = fetches_so_far(clustered, "photos")
    explained = explain(clustered, NEIGHBORS.format(given), watched="clusters")
    # and its own once more: as what the others are compared with, and as one of all
    assert explained.fetches == K + 1
    assert fetches_so_far(clustered, "photos") == before


@both_ways
def test_the_nearest_clusters_of_a_photo_fetch_each_centroid_once(
    clustered: Session, given: str
) -> None:
    assert explain(clustered, OF_A_PHOTO.format(given), watched="clusters").fetches == K


# Plans


@pytest.mark.parametrize("asked", [CENTRAL, OUTERMOST, RANDOM, NEIGHBORS, OF_A_PHOTO, OF_A_VECTOR])
def test_the_planner_puts_the_body_in_the_place_of_the_call(large: Session, asked: str) -> None:
    given = one_vector(large) if asked == OF_A_VECTOR else "1"
    explained = explain(large, asked.format(given))
    assert {node.get("Function Name", "unnest") for node in explained.nodes} == {"unnest"}
    assert "centroid_distance(" not in json.dumps(explained.nodes)


@pytest.mark.parametrize(("name", "function"), CALLING)
def test_so_it_does_in_statements_of_runs(session: Session, name: str, function: str) -> None:
    numbered, names = to_be_prepared(name)
    with session.connection.transaction(force_rollback=True):
        session.connection.execute("SET LOCAL plan_cache_mode TO force_generic_plan")
        session.connection.execute(f"PREPARE comparing AS {numbered}".encode())
        called = f"EXECUTE comparing ({', '.join('NULL' for _ in names)})"
        [[plan]] = session.connection.execute(
            f"EXPLAIN (VERBOSE, FORMAT JSON) {called}".encode()
        ).fetchall()
        session.connection.execute("DEALLOCATE comparing")
    assert function not in json.dumps(plan)
    assert "l2_normalize(" in json.dumps(plan) or "subvector(" in json.dumps(plan)


@pytest.mark.parametrize("asked", [NEIGHBORS, OF_A_PHOTO])
def test_no_distance_is_computed_for_the_filter_and_again_for_the_order(
    large: Session, asked: str
) -> None:
    explained = explain(large, asked.format(1))
    conditions = [node["Filter"] for node in explained.nodes if "Filter" in node]
    assert "(measured.distance IS NOT NULL)" in conditions
    assert not any("<=>" in condition for condition in conditions)


@pytest.mark.parametrize("asked", [CENTRAL, OUTERMOST, RANDOM])
def test_photos_of_one_cluster_are_found_by_the_index(large: Session, asked: str) -> None:
    assert index_of(explain(large, asked.format(1)), "photos") == "photos_cluster_id_idx"


def test_a_photo_is_found_by_its_key_and_clusters_are_scanned_once(large: Session) -> None:
    explained = explain(large, OF_A_PHOTO.format(1))
    assert index_of(explained, "photos") == "photos_pkey"
    assert scans_of(explained, "photos") == 1
    assert scans_of(explained, "clusters") == 1


def test_a_vector_has_the_clusters_scanned_once_and_no_photo(large: Session) -> None:
    explained = explain(large, OF_A_VECTOR.format(one_vector(large)))
    assert scans_of(explained, "clusters") == 1
    assert scans_of(explained, "photos") == 0


def test_neighbors_look_at_no_photo(large: Session) -> None:
    explained = explain(large, NEIGHBORS.format(1))
    assert scans_of(explained, "clusters") == 2
    assert scans_of(explained, "photos") == 0
