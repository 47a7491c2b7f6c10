"""The quality of whole runs, against scikit-learn and NumPy."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score

from fluffy_sql.postgres.session import Session
from fluffy_sql.runs.quality import QualitySample
from tests import running
from tests.conftest import add_photos, made_library
from tests.integration.helpers import (
    centroids_by_cluster,
    clusters_by_photo,
    execute,
    generate,
    query,
)
from tests.reference import unit_rows


def silhouettes(
    rows: NDArray[np.float64], labels: NDArray[np.int64], centroids: dict[int, NDArray[np.float32]]
) -> NDArray[np.float64]:
    """The simplified silhouette of each row, by its definition."""
    places = np.array([list(centroids).index(label) for label in labels])
    distances = np.linalg.norm(rows[:, None] - np.stack(list(centroids.values())), axis=2)
    own = distances[np.arange(len(rows)), places]
    distances[np.arange(len(rows)), places] = np.inf
    other = distances.min(axis=1)
    found: NDArray[np.float64] = (other - own) / np.maximum(other, own)
    return found


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_the_quality_of_a_run_is_scikit_learn_s(metric: str, session: Session) -> None:
    rows = made_library(3, spread=0.3)[0] * np.float32(3)
    add_photos(session, rows)
    # One step: centroids are not yet the means of their photos.
    found = generate(session, k=9, metric=metric, iterations=1, restarts=1, refine=False).quality
    assert found is not None
    labels = clusters_by_photo(session)
    compared = unit_rows(rows.astype(np.float64)) if metric == "cosine" else rows.astype(np.float64)
    assert found.davies_bouldin == pytest.approx(davies_bouldin_score(compared, labels), rel=1e-4)
    assert found.calinski_harabasz == pytest.approx(
        calinski_harabasz_score(compared, labels), rel=1e-4
    )
    each = silhouettes(compared, labels, centroids_by_cluster(session))
    assert found.silhouette == pytest.approx(each.mean(), abs=1e-5)
    sizes = np.unique(labels, return_counts=True)[1]
    assert (found.smallest_cluster, found.largest_cluster) == (sizes.min(), sizes.max())
    assert found.photos_measured == 600
    kept = query(
        session,
        "SELECT silhouette, davies_bouldin, calinski_harabasz, smallest_cluster, largest_cluster,"
        " photos_measured FROM cluster_runs",
    )
    assert kept == [tuple(vars(found).values())]
    by_cluster = query(
        session,
        "SELECT q.photos, q.silhouette, q.mean_distance - o.mean_distance,"
        " q.max_distance - o.max_distance, q.photos_measured"
        " FROM cluster_quality AS q JOIN cluster_overview AS o ON o.id = q.cluster_id"
        " WHERE q.run_id = o.run_id ORDER BY q.cluster_id",
    )
    assert len(by_cluster) == 9
    for cluster_id, (photos, silhouette, mean, largest, measured) in zip(
        np.unique(labels), by_cluster, strict=True
    ):
        of_cluster = each[labels == cluster_id]
        assert (photos, measured) == (len(of_cluster), len(of_cluster))
        assert silhouette == pytest.approx(of_cluster.mean(), abs=1e-5)
        assert (mean, largest) == (pytest.approx(0, abs=1e-6), pytest.approx(0, abs=1e-6))


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_a_large_run_is_measured_on_some_of_its_photos(metric: str, session: Session) -> None:
    rows = made_library(3, photos=4_000, spread=0.3)[0]
    add_photos(session, rows)
    settings = running.settings(k=12, metric=metric)
    sample = QualitySample(few=1_000, photos=1_000)
    found = running.generate(session, settings, quality_sample=sample).quality
    assert found is not None
    assert 850 < found.photos_measured < 1_150
    labels = clusters_by_photo(session)
    compared = rows.astype(np.float64)
    each = silhouettes(compared, labels, centroids_by_cluster(session))
    assert found.silhouette == pytest.approx(each.mean(), abs=0.02)
    # of all photos, with centroids for means
    assert found.davies_bouldin == pytest.approx(davies_bouldin_score(compared, labels), rel=0.03)
    assert found.calinski_harabasz == pytest.approx(
        calinski_harabasz_score(compared, labels), rel=0.03
    )


def test_the_quality_does_not_depend_on_the_number_of_connections(session: Session) -> None:
    add_photos(session, made_library(3)[0])
    found = []
    for connections in (1, 3):
        found.append(generate(session, k=7, connections=connections).quality)
        execute(session, "DELETE FROM clusters")
    assert found[0] == found[1]


def test_one_cluster_has_no_others_to_be_measured_against(session: Session) -> None:
    add_photos(session, made_library(3)[0])
    found = generate(session, k=1).quality
    assert found is not None
    assert (found.silhouette, found.davies_bouldin, found.calinski_harabasz) == (None, None, None)
    assert (found.smallest_cluster, found.largest_cluster) == (600, 600)


def test_as_many_clusters_as_photos(session: Session) -> None:
    add_photos(session, made_library(3, photos=5)[0])
    found = generate(session, k=5).quality
    assert found is not None
    assert (found.silhouette, found.davies_bouldin, found.calinski_harabasz) == (1, 0, None)


def test_two_runs_can_be_compared_in_sql_after_their_clusters_are_gone(session: Session) -> None:
    add_photos(session, made_library(3, spread=0.2)[0])
    generate(session, k=8)
    execute(session, "DELETE FROM clusters")
    generate(session, k=30)
    runs = query(
        session, "SELECT k_requested, silhouette FROM cluster_run_overview ORDER BY silhouette DESC"
    )
    assert [k for k, _ in runs] == [8, 30]
    clusters = query(
        session, "SELECT count(*) FROM cluster_quality GROUP BY run_id ORDER BY run_id"
    )
    assert clusters == [(8,), (30,)]
