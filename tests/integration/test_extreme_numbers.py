"""Embeddings at the ends of what pgvector's type holds: clustered, or refused in one line."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fluffy_sql.errors import LibraryError
from fluffy_sql.kmeans.kmeans import KMeans
from fluffy_sql.kmeans.tuning import Tuning
from fluffy_sql.postgres.session import Session
from tests import running
from tests.conftest import add_photos, made_library
from tests.integration.helpers import (
    centroids_by_cluster,
    clusters_by_photo,
    execute,
    generate,
    nothing_changes,
    query,
    show,
)
from tests.reference import same_partition

AddPhotos = Callable[..., list[int]]

ADVICE = (
    ", which Postgres can't measure under l2, only lengths from 1e-15 to 1e+17;"
    " embed these photos again, or use --metric cosine"
)


def library(scale: float, dimensions: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Photos of four themes, of about this length."""
    rows, themes = made_library(
        3, photos=80, themes=4, dimensions=dimensions, spread=0.3 / dimensions**0.5
    )
    return rows.astype(np.float64) * scale, themes


# The longer are projected on main directions.
@pytest.mark.parametrize("dimensions", [8, 300])
@pytest.mark.parametrize(
    ("metric", "scale"),
    [
        ("cosine", 1e-42),
        ("cosine", 1e-30),
        ("cosine", 1e30),
        ("cosine", 3e38),
        ("l2", 1e-14),
        ("l2", 1e16),
    ],
)
def test_the_scale_of_embeddings_does_not_matter(
    metric: str, scale: float, dimensions: int, session: Session
) -> None:
    rows, themes = library(scale, dimensions)
    add_photos(session, rows)
    result = generate(session, k=4, metric=metric)
    assert same_partition(clusters_by_photo(session), themes)
    assert result.inertia is not None
    assert np.isfinite(result.inertia)
    assert result.inertia > 0
    assert np.isfinite(list(centroids_by_cluster(session).values())).all()


@pytest.mark.parametrize("dimensions", [8, 300])
@pytest.mark.parametrize(
    ("scale", "length"), [(1e-42, "1e-42"), (1e-30, "1e-30"), (1e19, "1e+19"), (1e30, "1e+30")]
)
def test_what_has_no_distance_under_l2_is_refused(
    scale: float, length: str, dimensions: int, session: Session
) -> None:
    rows, _ = library(scale, dimensions)
    add_photos(session, rows / np.linalg.norm(rows, axis=1, keepdims=True).max() * scale)
    message = f"there are embeddings of length {length}{ADVICE}"
    assert refusal(session) == message
    with pytest.raises(LibraryError) as refused:
        running.sweep(session, [2, 3], running.settings(metric="l2"))
    assert str(refused.value) == message


@pytest.mark.parametrize("dimensions", [8, 300])
def test_one_such_photo_is_found_wherever_it_is(dimensions: int, session: Session) -> None:
    """In what seeds are drawn from, in the rest of the sample, and in the rest of the library."""
    rows, _ = library(1, dimensions)
    rows[7] *= 1e30
    add_photos(session, rows)
    assert refusal(session).startswith("there are embeddings of length 1e+30, which")
    late = f"there are embeddings infinitely far from any other{ADVICE}"
    assert refusal(session, tuning=Tuning(most_photos=4)) == late
    small = Tuning(most_photos=4, least_sample=1)
    assert refusal(session, tuning=small, sample_per_cluster=2) == late


def test_such_a_photo_of_one_of_many_owners_is_found(session: Session) -> None:
    show(session, scope="id % 4")
    rows, _ = library(1, 8)
    rows[-1] *= 1e30
    add_photos(session, rows)
    assert refusal(session).startswith("there are embeddings of length 1e+30, which")
    late = f"there are embeddings infinitely far from any other{ADVICE}"
    assert refusal(session, tuning=Tuning(most_photos=4)) == late


def refusal(session: Session, **settings: Any) -> str:
    """What a run under l2 is refused with; it is the record's reason, and all that is left."""
    with nothing_changes(session), pytest.raises(LibraryError) as refused:
        generate(session, k=4, metric="l2", **settings)
    [run] = query(session, "SELECT status, error FROM cluster_runs ORDER BY id DESC LIMIT 1")
    assert run == ("failed", str(refused.value))
    return str(refused.value)


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_a_photo_that_is_next_to_nothing_among_others_has_a_distance(
    metric: str, session: Session
) -> None:
    rows, themes = library(1, 8)
    rows[7] *= 1e-30
    add_photos(session, rows)
    generate(session, k=4, metric=metric)
    found = clusters_by_photo(session)
    assert found.min() > 0
    assert same_partition(np.delete(found, 7), np.delete(themes, 7))


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_the_longest_vectors_that_pgvector_takes(metric: str, session: Session) -> None:
    rows, themes = made_library(3, photos=12, themes=2, dimensions=16_000, spread=0.001)
    add_photos(session, rows)
    generate(session, k=2, metric=metric)
    assert same_partition(clusters_by_photo(session), themes)


def test_more_centroids_than_postgres_takes_at_once_are_refused(session: Session) -> None:
    add_photos(session, library(1, 8)[0])
    narrow = Tuning(most_bytes=10 * (8 * 4 + 8))
    assert generate(session, k=10, metric="l2", tuning=narrow).clusters_created == 10
    execute(session, "DELETE FROM clusters")
    with nothing_changes(session):
        message = (
            "11 centroids of 8 dimensions are more than the 400 bytes that Postgres takes at once;"
            " choose a k of at most 10"
        )
        for refused in (
            lambda: generate(session, k=11, tuning=narrow),
            lambda: running.sweep(session, [2, 11], algorithm=KMeans(narrow)),
        ):
            with pytest.raises(LibraryError) as error:
                refused()
            assert str(error.value) == message
