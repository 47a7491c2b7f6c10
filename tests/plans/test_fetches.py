"""An embedding that lies out of line is fetched once, whatever is computed from it."""

from typing import Any

import pytest

from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import fingerprint_vector
from tests.plans.helpers import (
    DIMENSIONS,
    LARGEST_ID,
    cells,
    draw_photos,
    draw_sample,
    explain,
    fill,
    in_cells,
    make_clusters,
    projection,
    random_centroids,
    toast_bytes,
)
from tests.sql.helpers import open_run, query

PHOTOS = 300
K = 20

both_metrics = pytest.mark.parametrize("normalize", [True, False])


@pytest.fixture(autouse=True)
def _library(session: Session) -> None:
    fill(session, PHOTOS)


def about(fetches: int) -> object:
    """Within a few per cent: the planner may look at a value or two."""
    return pytest.approx(fetches, rel=0.05, abs=2)


def final_pass(*, normalize: bool) -> dict[str, Any]:
    """Parameters that all its statements have."""
    return {
        "scope": None,
        "clustered": False,
        "fingerprint_vector": fingerprint_vector(DIMENSIONS),
        "normalize": normalize,
        "dimensions": DIMENSIONS,
    }


def of_all(session: Session, *, normalize: bool) -> dict[str, Any]:
    """Parameters of the final pass over all photos at once."""
    centroids = random_centroids(session, K)
    every_id = {"after_id": 0, "last_id": LARGEST_ID}
    return final_pass(normalize=normalize) | every_id | {"centroids": centroids}


def assign(session: Session, *, normalize: bool) -> None:
    session.execute("kmeans/assign_photos", **of_all(session, normalize=normalize))


def commit(session: Session, *, normalize: bool = True) -> list[int]:
    """Places every photo; returns the clusters."""
    assign(session, normalize=normalize)
    cluster_ids = make_clusters(session, K)
    session.execute("commit/move_photos", **moves(session, cluster_ids))
    return cluster_ids


def moves(session: Session, cluster_ids: list[int]) -> dict[str, Any]:
    """Parameters of move_photos for all clusters."""
    return {"run_id": open_run(session), "labels": list(range(K)), "cluster_ids": cluster_ids}


# The measure must be able to tell.


def test_embeddings_lie_out_of_line_here(session: Session) -> None:
    assert toast_bytes(session, "photos") > PHOTOS * DIMENSIONS * 4


def test_ordering_centroids_by_the_column_itself_fetches_it_for_each(session: Session) -> None:
    naive = explain(
        session,
        "SELECT nearest.place FROM photos AS photo CROSS JOIN LATERAL ("
        " SELECT c.place FROM unnest(%(centroids)b::vector[])"
        " WITH ORDINALITY AS c (centroid, place)"
        " ORDER BY c.centroid <-> photo.embedding LIMIT 1) AS nearest",
        centroids=random_centroids(session, K),
    )
    assert naive.fetches == about(K * PHOTOS)


def test_two_functions_of_the_column_itself_fetch_it_twice(session: Session) -> None:
    naive = explain(
        session,
        "SELECT vector_dims(embedding), count(*) FILTER (WHERE vector_norm(embedding) = 0)"
        " FROM usable_photos GROUP BY 1",
    )
    assert naive.fetches == about(2 * PHOTOS)


# What the statements promise.


def test_the_survey_fetches_one_embedding_for_each_length(session: Session) -> None:
    assert explain(session, "survey/count_photos").fetches <= 2


def test_looking_at_what_was_left_out_fetches_only_that_and_once(session: Session) -> None:
    session.connection.execute(
        "INSERT INTO work_assignments SELECT id, 0, 0, xmin FROM photos ORDER BY id LIMIT %s",
        (PHOTOS - 100,),
    )
    assert explain(session, "survey/count_unlabelled", clustered=False).fetches == about(100)


@both_metrics
def test_the_final_pass_fetches_each_embedding_once(session: Session, normalize: bool) -> None:
    parameters = of_all(session, normalize=normalize)
    assert explain(session, "kmeans/assign_photos", **parameters).fetches == about(PHOTOS)


@both_metrics
def test_moving_to_new_centroids_fetches_each_embedding_once(
    session: Session, normalize: bool
) -> None:
    assign(session, normalize=normalize)
    explained = explain(
        session,
        "kmeans/move_to_nearer",
        centroids=random_centroids(session, K),
        labels=list(range(K)),
        normalize=normalize,
        dimensions=DIMENSIONS,
    )
    assert explained.fetches == about(PHOTOS)


@both_metrics
def test_the_final_pass_by_cell_fetches_photos_that_are_not_of_the_sample_once(
    session: Session, normalize: bool
) -> None:
    draw_photos(session, 100)
    explained = explain(
        session,
        "kmeans/assign_photos_by_cell",
        **of_all(session, normalize=normalize) | cells(session, K),
        centers=random_centroids(session, 2),
        assigned=100,
    )
    assert explained.fetches == about(PHOTOS - 100)


@both_metrics
def test_the_final_pass_over_the_sample_fetches_each_embedding_once(
    session: Session, normalize: bool
) -> None:
    draw_sample(session, 100, normalize=normalize)
    explained = explain(
        session,
        "kmeans/assign_sample",
        **final_pass(normalize=normalize) | cells(session, K),
        cells=in_cells(100),
        after_row=0,
        last_row=100,
    )
    assert explained.fetches == about(100)


def test_drawing_photos_fetches_none(session: Session) -> None:
    explained = explain(
        session, "kmeans/draw_photos", seed=1, scope=None, clustered=False, sample_size=PHOTOS
    )
    assert explained.fetches == 0


@both_metrics
@pytest.mark.parametrize("axes", [0, 16])
def test_projecting_a_sample_of_all_fetches_each_embedding_once(
    session: Session, normalize: bool, axes: int
) -> None:
    draw_photos(session, PHOTOS)
    explained = explain(
        session, "kmeans/project_sample", **projection(session, normalize=normalize, axes=axes)
    )
    assert explained.fetches == about(PHOTOS)


@both_metrics
def test_fetching_photos_fetches_no_more_than_are_asked_for(
    session: Session, normalize: bool
) -> None:
    draw_photos(session, PHOTOS)
    explained = explain(
        session,
        "kmeans/fetch_photos",
        normalize=normalize,
        dimensions=DIMENSIONS,
        after_row=0,
        last_row=50,
    )
    assert explained.fetches == about(50)


@both_metrics
@pytest.mark.parametrize(
    "name", ["kmeans/full_dimension_means", "kmeans/full_dimension_means_by_cell"]
)
def test_lifting_fetches_each_embedding_once(session: Session, name: str, normalize: bool) -> None:
    draw_sample(session, PHOTOS)
    looked_up = cells(session, K) | {"cells": in_cells(PHOTOS)}
    if name == "kmeans/full_dimension_means":
        looked_up = {"centroids": random_centroids(session, K), "followed": True}
    explained = explain(
        session,
        name,
        **looked_up,
        normalize=normalize,
        dimensions=DIMENSIONS,
        after_row=0,
        last_row=PHOTOS,
    )
    assert explained.fetches == about(PHOTOS)


@both_metrics
def test_measuring_the_recall_fetches_each_photo_it_looks_at_once(
    session: Session, normalize: bool
) -> None:
    assign(session, normalize=normalize)
    explained = explain(
        session,
        "kmeans/count_far_from_nearest",
        centroids=random_centroids(session, K),
        normalize=normalize,
        dimensions=DIMENSIONS,
        seed=1,
        photos=100,
    )
    assert explained.fetches == about(100)


@both_metrics
def test_drawing_far_photos_fetches_no_more_than_are_drawn(
    session: Session, normalize: bool
) -> None:
    assign(session, normalize=normalize)
    explained = explain(
        session,
        "kmeans/draw_far_photos",
        normalize=normalize,
        dimensions=DIMENSIONS,
        seed=1,
        photos=10,
    )
    assert explained.fetches <= 10


def test_placing_photos_neither_fetches_nor_rewrites_an_embedding(session: Session) -> None:
    assign(session, normalize=True)
    parameters = moves(session, make_clusters(session, K))
    size = toast_bytes(session, "photos")
    assert explain(session, "commit/move_photos", **parameters).fetches == 0
    assert toast_bytes(session, "photos") == size


@both_metrics
def test_the_check_fetches_each_photo_it_looks_at_once(session: Session, normalize: bool) -> None:
    cluster_ids = commit(session, normalize=normalize)
    # fetches are only known outside of a transaction: as if the photos had been there before
    session.connection.execute(
        "UPDATE work_assignments SET row_version = photos.xmin"
        " FROM photos WHERE photos.id = photo_id"
    )
    explained = explain(
        session,
        "commit/count_misplaced",
        labels=list(range(K)),
        cluster_ids=cluster_ids,
        normalize=normalize,
        seed=1,
        photos=100,
    )
    assert explained.fetches == about(100)


def test_looking_at_one_cluster_fetches_only_its_own_photos(session: Session) -> None:
    commit(session)
    [(cluster_id, photos)] = query(
        session, "SELECT cluster_id, count(*) FROM photos GROUP BY 1 ORDER BY 2 DESC LIMIT 1"
    )
    explained = explain(
        session,
        "SELECT * FROM cluster_members WHERE cluster_id = %(id)s ORDER BY rank",
        id=cluster_id,
    )
    assert 50 < photos < PHOTOS - 50
    assert explained.fetches == about(photos)


@pytest.mark.parametrize("view", ["cluster_members", "cluster_overview"])
def test_looking_at_all_clusters_fetches_each_embedding_once(session: Session, view: str) -> None:
    commit(session)
    assert explain(session, f"SELECT * FROM {view}").fetches == about(PHOTOS)


def test_the_views_fetch_no_centroid(session: Session) -> None:
    commit(session)
    explained = explain(session, "SELECT * FROM cluster_members", watched="clusters")
    assert explained.fetches == 0


def test_a_report_fetches_each_photo_of_its_clusters_once(session: Session) -> None:
    cluster_ids = commit(session)
    measured = explain(
        session,
        "report/measure_and_pick",
        cluster_ids=cluster_ids,
        shown_ids=cluster_ids,
        photos=12,
    )
    assert measured.fetches == about(PHOTOS)


@both_metrics
def test_where_else_photos_could_be_fetches_each_once(session: Session, normalize: bool) -> None:
    cluster_ids = commit(session)
    compared = explain(
        session,
        "report/find_next_clusters",
        photo_ids=[photo_id for (photo_id,) in query(session, "SELECT id FROM photos LIMIT 100")],
        normalize=normalize,
        dimensions=DIMENSIONS,
        cluster_ids=cluster_ids,
        centroids=random_centroids(session, len(cluster_ids)),
    )
    assert compared.fetches == about(100)


def test_listing_clusters_for_a_report_fetches_no_photo(session: Session) -> None:
    commit(session)
    assert explain(
        session, "report/list_clusters", run_id=None, every_scope=True, scope=None
    ).fetches == about(0)
