"""A small range of a large table is found by the index of its primary key."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import fingerprint_vector
from tests.plans.helpers import (
    Explained,
    draw_sample,
    explain,
    fill,
    index_of,
    projection,
    random_centroids,
)

PHOTOS = 20_000
K = 5


@pytest.fixture(scope="module")
def large(empty_database: Callable[..., Any], template: str) -> Iterator[Session]:
    """A session on many photos, and a sample of all of them."""
    with empty_database(template) as url, Session.open(url) as session:
        fill(session, PHOTOS, dimensions=3)
        draw_sample(session, PHOTOS, dimensions=3)
        yield session


def assign(session: Session, after_id: int, last_id: int) -> Explained:
    return explain(
        session,
        "kmeans/assign_photos",
        scope=None,
        clustered=False,
        fingerprint_vector=fingerprint_vector(3),
        centroids=random_centroids(session, K, 3),
        normalize=True,
        dimensions=3,
        after_id=after_id,
        last_id=last_id,
    )


def step(session: Session, name: str, after_row: int, last_row: int) -> Explained:
    return explain(
        session,
        name,
        centroids=random_centroids(session, K, 3),
        after_row=after_row,
        last_row=last_row,
        starts=[after_row + 1],
        followed=False,
    )


def test_a_range_of_photos_is_read_by_the_primary_key(large: Session) -> None:
    assert index_of(assign(large, 5_000, 5_300), "photos") == "photos_pkey"


def test_a_pass_over_everything_reads_the_table_from_end_to_end(large: Session) -> None:
    assert index_of(assign(large, 0, PHOTOS), "photos") is None


def test_a_range_of_the_sample_is_read_by_its_primary_key(large: Session) -> None:
    explained = step(large, "kmeans/lloyd_step", 5_000, 5_300)
    assert index_of(explained, "work_sample") == "work_sample_pkey"


def test_a_step_over_everything_reads_the_sample_from_end_to_end(large: Session) -> None:
    explained = step(large, "kmeans/lloyd_step", 0, PHOTOS)
    assert index_of(explained, "work_sample") is None


def test_the_first_rows_are_read_by_the_primary_key(large: Session) -> None:
    explained = explain(large, "kmeans/fetch_rows", after_row=0, last_row=300)
    assert index_of(explained, "work_sample") == "work_sample_pkey"


@pytest.mark.parametrize("name", ["kmeans/project_sample", "kmeans/full_dimension_means"])
def test_photos_of_a_range_of_the_sample_are_looked_up_by_their_keys(
    large: Session, name: str
) -> None:
    """A join would read all photos for each range."""
    if name == "kmeans/project_sample":  # writes what it reads
        large.connection.execute(
            "DELETE FROM work_sample WHERE position > 5000 AND position <= 7000"
        )
    explained = explain(
        large,
        name,
        centroids=random_centroids(large, K, 3),
        **projection(large, normalize=True, dimensions=3)
        | {"after_row": 5_000, "last_row": 7_000, "starts": [5_001], "followed": False},
    )
    [photos] = [node for node in explained.nodes if node.get("Relation Name") == "photos"]
    assert (photos["Index Name"], photos["Actual Loops"]) == ("photos_pkey", 2_000)
