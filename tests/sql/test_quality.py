"""Measures of quality: small cases by hand, and scikit-learn's on made data."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score, calinski_harabasz_score, davies_bouldin_score

from fluffy_sql.postgres.centroids import candidate_params
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.work_tables import empty
from fluffy_sql.runs.quality import ClusterQuality, Quality, nearest_others
from tests.conftest import made_library
from tests.sql.helpers import (
    add_with_ids,
    hide,
    make_assignments,
    make_clusters,
    make_sample,
    open_run,
    query,
    vectors,
)

ALL = 2**63 - 1


def measured(session: Session) -> list[tuple[Any, ...]]:
    return query(
        session,
        "SELECT label, other_label, distance, silhouette, embedding::text"
        " FROM work_measured ORDER BY label, distance",
    )


def label_photos(
    session: Session,
    centroids: Sequence[Sequence[float]],
    others: Sequence[Sequence[float]],
    *,
    normalize: bool = False,
    after_row: int = 0,
    last_row: int = 1_000,
) -> int:
    return session.execute(
        "quality/label_photos",
        centroids=vectors(session, centroids),
        other_centroids=vectors(session, others),
        normalize=normalize,
        dimensions=2,
        after_row=after_row,
        last_row=last_row,
    )


def draw_photos(session: Session, rows: Sequence[Sequence[float]]) -> None:
    """Photos of these embeddings, drawn in this order; their rows in the sample do not matter."""
    add_with_ids(session, {i: list(row) for i, row in enumerate(rows, start=1)})
    make_sample(session, [[0]] * len(rows))


def add_measured(
    session: Session,
    rows: Sequence[Sequence[float]] | NDArray[np.float32],
    labels: Sequence[int] | NDArray[np.int64],
    other_labels: Sequence[int] | NDArray[np.int64] | None = None,
) -> None:
    others = [None] * len(rows) if other_labels is None else [int(label) for label in other_labels]
    for photo, (row, label, other) in enumerate(zip(rows, labels, others, strict=True)):
        session.connection.execute(
            "INSERT INTO work_measured VALUES (%s, %s, %s, 1, 0.5, %s)",
            (photo, int(label), other, str([float(number) for number in row])),
        )


def partition(session: Session) -> Quality:
    session.execute("quality/summarize_clusters")
    session.execute("quality/compare_clusters", labels=[], scopes=[])
    [found] = session.fetch_as(Quality, "quality/measure_partition")
    return found


def clusters(session: Session) -> list[ClusterQuality]:
    return session.fetch_as(ClusterQuality, "quality/list_measured_clusters")


# Labelling photos of a sample


def test_a_row_gets_the_label_of_both_trainings_and_its_silhouette(session: Session) -> None:
    draw_photos(session, [[1, 0], [9, 0], [5, 0]])
    assert label_photos(session, [[0, 0], [10, 0]], [[9, 0], [2, 0]]) == 3
    assert measured(session) == [
        (0, 1, 1.0, pytest.approx(1 - 1 / 9), "[1,0]"),
        (0, 1, 5.0, 0.0, "[5,0]"),
        (1, 0, 1.0, pytest.approx(1 - 1 / 9), "[9,0]"),
    ]


def test_only_the_second_nearest_counts_as_the_other(session: Session) -> None:
    draw_photos(session, [[1, 0]])
    label_photos(session, [[0, 0], [100, 0], [3, 0]], [[0, 0]])
    assert [row[3] for row in measured(session)] == [0.5]


def test_one_centroid_has_no_silhouette_and_a_copy_of_a_centroid_has_none_to_speak_of(
    session: Session,
) -> None:
    draw_photos(session, [[1, 0]])
    label_photos(session, [[0, 0]], [[0, 0]])
    label_photos(session, [[1, 0], [1, 0]], [[0, 0]])
    assert [row[3] for row in measured(session)] == [0.0, None]


def test_a_range_of_the_sample_is_labelled(session: Session) -> None:
    draw_photos(session, [[0, 0], [1, 0], [2, 0], [3, 0]])
    assert label_photos(session, [[0, 0]], [[0, 0]], after_row=1, last_row=3) == 2
    assert [row[4] for row in measured(session)] == ["[1,0]", "[2,0]"]


def test_under_cosine_unit_vectors_are_labelled(session: Session) -> None:
    draw_photos(session, [[3, 4], [0, 0]])
    assert label_photos(session, [[1, 0], [0, 1]], [[1, 0]], normalize=True) == 1
    [(label, _, distance, _, embedding)] = measured(session)
    assert (label, embedding) == (1, "[0.6,0.8]")
    assert distance == pytest.approx(np.sqrt(0.4))


def test_sampled_photos_that_changed_meanwhile_are_passed_over(session: Session) -> None:
    draw_photos(session, [[1, 0], [2, 0], [3, 0], [4, 0]])
    session.connection.execute("UPDATE photos SET embedding = NULL WHERE id = 1")
    session.connection.execute("UPDATE photos SET embedding = '[1, 2, 3]' WHERE id = 2")
    hide(session, 3)
    assert label_photos(session, [[0, 0]], [[0, 0]]) == 1
    assert [row[4] for row in measured(session)] == ["[4,0]"]


# Drawing from what was assigned


def draw_assigned(
    session: Session,
    labels: list[int],
    centroids: Sequence[Sequence[float]],
    *,
    scopes: list[int] | None = None,
    **changes: Any,
) -> int:
    matrix = np.array(centroids, dtype=np.float32)
    others = nearest_others(matrix, np.array(scopes or [0] * len(labels)))
    parameters: dict[str, Any] = {
        **candidate_params(session, matrix, others),
        "labels": labels,
        "normalize": False,
        "dimensions": 2,
        "seed": 0,
        "threshold": ALL,
        "after_place": 0,
        "last_place": len(labels),
    }
    return session.execute("quality/draw_assigned", **(parameters | changes))


def test_assigned_photos_are_measured_against_the_nearest_other_centroid(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [9, 0]})
    make_assignments(session, {1: (7, 1.0), 2: (3, 1.0)})
    assert draw_assigned(session, [3, 7], [[10, 0], [0, 0]]) == 2
    assert measured(session) == [
        (3, None, 1.0, pytest.approx(8 / 9), "[9,0]"),
        (7, None, 1.0, pytest.approx(8 / 9), "[1,0]"),
    ]


def test_a_photo_that_is_nearer_to_another_centroid_has_a_negative_silhouette(
    session: Session,
) -> None:
    add_with_ids(session, {1: [9, 0]})
    make_assignments(session, {1: (0, 9.0)})
    draw_assigned(session, [0, 1], [[0, 0], [10, 0]])
    assert [row[3] for row in measured(session)] == [pytest.approx(-8 / 9)]


def test_a_single_cluster_has_no_silhouette(session: Session) -> None:
    add_with_ids(session, {1: [1, 0]})
    make_assignments(session, {1: (0, 1.0)})
    draw_assigned(session, [0], [[0, 0]])
    assert [row[3] for row in measured(session)] == [None]


def test_the_other_centroid_is_one_of_the_same_scope(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [5, 0]})
    make_assignments(session, {1: (0, 1.0), 2: (2, 0.5)})
    centroids = [[0.0, 0.0], [9.0, 0.0], [5.5, 0.0], [2.0, 0.0]]
    assert draw_assigned(session, [0, 1, 2, 3], centroids, scopes=[7, 7, 8, 9]) == 2
    # 8 from the second, and not 1 from the last; the third is alone in its scope.
    assert [row[3] for row in measured(session)] == [pytest.approx(7 / 8), None]


def test_the_other_centroid_is_found_among_sixty_four_neighbours(session: Session) -> None:
    # The own cluster is at 0; the photo, away from it, is nearest to the last of 70 others.
    # Labels run the other way, so that only the distance tells who is near.
    add_with_ids(session, {1: [60.5, 0]})
    make_assignments(session, {1: (0, 60.5)})
    centroids = [[0.0, 0.0]] + [[float(71 - label), 0.0] for label in range(1, 71)]
    draw_assigned(session, list(range(71)), centroids)
    assert [row[3] for row in measured(session)] == [pytest.approx((0.5 - 60.5) / 60.5)]
    session.connection.execute("DELETE FROM work_measured")
    session.connection.execute("UPDATE photos SET embedding = '[70, 0]'")
    draw_assigned(session, list(range(71)), centroids)
    assert [row[3] for row in measured(session)] == [pytest.approx((6 - 60.5) / 60.5)]


def test_ranges_of_clusters_share_the_photos_out(session: Session) -> None:
    add_with_ids(session, {i: [float(i), 0] for i in range(1, 7)})
    make_assignments(session, {i: (i % 3, 1.0) for i in range(1, 7)})
    centroids = [[0, 0], [1, 0], [2, 0]]
    assert draw_assigned(session, [0, 1, 2], centroids, last_place=1) == 2
    assert draw_assigned(session, [0, 1, 2], centroids, after_place=1) == 4
    assert sorted(row[0] for row in measured(session)) == [0, 0, 1, 1, 2, 2]


def test_a_threshold_draws_its_share_and_the_same_photos_for_a_seed(session: Session) -> None:
    add_with_ids(session, {i: [float(i), 0] for i in range(1, 401)})
    make_assignments(session, dict.fromkeys(range(1, 401), (0, 1.0)))

    def drawn(**changes: Any) -> list[str]:
        session.connection.execute("DELETE FROM work_measured")
        draw_assigned(session, [0], [[0, 0]], **changes)
        return sorted(row[4] for row in measured(session))

    quarter = drawn(threshold=-(2**62))
    assert 70 < len(quarter) < 130
    assert quarter == drawn(threshold=-(2**62))
    assert quarter != drawn(threshold=-(2**62), seed=1)
    assert set(quarter) < set(drawn(threshold=0))
    assert drawn(threshold=-(2**63)) == []


def test_under_cosine_unit_vectors_are_measured(session: Session) -> None:
    add_with_ids(session, {1: [3, 4]})
    make_assignments(session, {1: (0, 0.5)})
    draw_assigned(session, [0, 1], [[1, 0], [0, 1]], normalize=True)
    [(_, _, _, silhouette, embedding)] = measured(session)
    assert embedding == "[0.6,0.8]"
    assert silhouette == pytest.approx((np.sqrt(0.4) - 0.5) / np.sqrt(0.4))


def test_photos_that_changed_meanwhile_are_passed_over(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [1, 0, 0], 3: None, 4: [2, 0]})
    make_assignments(session, dict.fromkeys((1, 2, 3, 4, 5), (0, 1.0)))
    assert draw_assigned(session, [0], [[0, 0]]) == 2


def test_what_was_assigned_and_is_no_longer_usable_is_not_measured(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [2, 0], 3: [2, 0]})
    make_assignments(session, {1: (0, 1.0), 2: (0, 1.0), 3: (0, 1.0)})
    hide(session, 1)
    session.connection.execute("UPDATE photos SET embedding = NULL WHERE id = 3")
    assert draw_assigned(session, [0], [[0, 0]]) == 1


# Measures


def test_measures_agree_with_scikit_learn(session: Session) -> None:
    rows, labels = made_library(4, photos=300, themes=6, spread=0.3)
    labels[:40] = 0  # some that do not belong there
    add_measured(session, rows, labels)
    found = partition(session)
    assert found.davies_bouldin == pytest.approx(davies_bouldin_score(rows, labels), rel=1e-5)
    assert found.calinski_harabasz == pytest.approx(calinski_harabasz_score(rows, labels), rel=1e-5)
    sizes = np.bincount(labels)
    assert (found.photos, found.clusters) == (300, 6)
    assert (found.smallest_cluster, found.largest_cluster) == (sizes.min(), sizes.max())


def test_two_clusters_by_hand(session: Session) -> None:
    add_measured(session, [[0, 0], [2, 0], [10, 0], [16, 0]], [5, 5, 2, 2])
    found = partition(session)
    # means 1 and 13, spreads 1 and 3; scatter 2 + 18 within, 4 * 36 between
    assert found.davies_bouldin == pytest.approx(4 / 12)
    assert found.calinski_harabasz == pytest.approx(144 / (20 / 2))
    assert found.inertia == 4
    assert found.silhouette == 0.5
    assert clusters(session) == [
        ClusterQuality(label=2, photos_measured=2, silhouette=0.5, davies_bouldin=0.333333),
        ClusterQuality(label=5, photos_measured=2, silhouette=0.5, davies_bouldin=0.333333),
    ]


def test_the_silhouette_is_that_of_photos_and_not_of_clusters(session: Session) -> None:
    add_measured(session, [[0], [1], [2], [9]], [0, 0, 0, 1])
    session.connection.execute("UPDATE work_measured SET silhouette = 0.1 WHERE label = 1")
    assert partition(session).silhouette == pytest.approx(0.4)


def test_a_single_cluster_can_not_be_compared(session: Session) -> None:
    add_measured(session, [[0, 0], [2, 0]], [0, 0])
    found = partition(session)
    assert (found.davies_bouldin, found.calinski_harabasz) == (None, None)
    assert clusters(session)[0].davies_bouldin is None


def test_as_many_clusters_as_photos_have_no_scatter(session: Session) -> None:
    add_measured(session, [[0, 0], [2, 0]], [0, 1])
    found = partition(session)
    assert (found.davies_bouldin, found.calinski_harabasz) == (0, None)


def test_copies_only_have_no_scatter(session: Session) -> None:
    add_measured(session, [[0, 0], [0, 0], [2, 0], [2, 0]], [0, 0, 1, 1])
    found = partition(session)
    assert (found.davies_bouldin, found.calinski_harabasz) == (0, None)


def test_means_that_coincide_are_passed_over(session: Session) -> None:
    rows = np.array([[0, 0], [2, 0], [1, 1], [1, -1], [9, 0], [11, 0]], np.float32)
    labels = np.array([0, 0, 1, 1, 2, 2])
    add_measured(session, rows, labels)
    assert partition(session).davies_bouldin == pytest.approx(
        davies_bouldin_score(rows, labels), rel=1e-6
    )


def test_two_clusters_that_coincide_have_no_ratio(session: Session) -> None:
    add_measured(session, [[0, 0], [2, 0], [1, 1], [1, -1]], [0, 0, 1, 1])
    assert partition(session).davies_bouldin is None
    assert [cluster.davies_bouldin for cluster in clusters(session)] == [None, None]


def test_nothing_measured_is_no_error(session: Session) -> None:
    session.execute("quality/summarize_clusters")
    assert session.execute("quality/compare_clusters", labels=[], scopes=[]) == 0
    assert clusters(session) == []


# Measures of all that a run assigned


def summarize_assigned(
    session: Session, rows: NDArray[np.float32], labels: NDArray[np.int64], *, normalize: bool
) -> Quality:
    """Measures photos assigned to their means, or to the directions of these."""
    means = np.stack([rows[labels == label].mean(axis=0) for label in np.unique(labels)])
    if normalize:
        means /= np.linalg.norm(means, axis=1, keepdims=True)
    distances = np.linalg.norm(rows - means[labels], axis=1)
    make_assignments(
        session, {i: (int(labels[i]), float(distances[i])) for i in range(len(labels))}
    )
    session.execute(
        "quality/summarize_assigned",
        labels=list(range(len(means))),
        centroids=vectors(session, means.tolist()),
        normalize=normalize,
    )
    session.execute("quality/add_silhouettes")
    session.execute("quality/compare_clusters", labels=[], scopes=[])
    [found] = session.fetch_as(Quality, "quality/measure_partition")
    return found


@pytest.mark.parametrize("normalize", [False, True])
def test_measures_without_fetching_a_photo_agree_with_scikit_learn(
    normalize: bool, session: Session
) -> None:
    rows, labels = made_library(4, photos=300, themes=6, spread=0.3)
    labels[:40] = 0
    found = summarize_assigned(session, rows, labels, normalize=normalize)
    assert found.davies_bouldin == pytest.approx(davies_bouldin_score(rows, labels), rel=1e-4)
    assert found.calinski_harabasz == pytest.approx(calinski_harabasz_score(rows, labels), rel=1e-4)
    sizes = np.bincount(labels)
    assert (found.photos, found.clusters) == (300, 6)
    assert (found.smallest_cluster, found.largest_cluster) == (sizes.min(), sizes.max())
    assert (found.photos_measured, found.silhouette) == (0, None)


def test_silhouettes_are_those_of_the_photos_measured(session: Session) -> None:
    add_measured(session, [[0], [0], [0]], [0, 0, 1])
    session.connection.execute("UPDATE work_measured SET silhouette = 0.2 WHERE label = 1")
    rows = np.array([[0], [1], [9], [8], [20]], np.float32)
    found = summarize_assigned(session, rows, np.array([0, 0, 1, 1, 2]), normalize=False)
    assert found.silhouette == pytest.approx(0.4)
    assert (found.photos, found.photos_measured) == (5, 3)
    assert [(c.photos_measured, c.silhouette) for c in clusters(session)] == [
        (2, 0.5),
        (1, 0.2),
        (0, None),
    ]


# Two partitions


@pytest.mark.parametrize(
    ("labels", "others"),
    [
        ([0, 0, 1, 1], [1, 1, 0, 0]),
        ([0, 0, 1, 1], [0, 1, 0, 1]),
        ([0, 0, 1, 2], [0, 0, 1, 1]),
        ([0, 1, 2, 3], [0, 1, 2, 3]),
        ([0, 0, 0, 0], [0, 0, 0, 0]),
        ([0, 0, 0, 0], [0, 1, 2, 3]),
        ([0], [3]),
    ],
)
def test_the_adjusted_rand_index_is_scikit_learn_s(
    labels: list[int], others: list[int], session: Session
) -> None:
    add_measured(session, [[0, 0]] * len(labels), labels, others)
    found = session.fetch_value("quality/adjusted_rand_index")
    assert found == pytest.approx(adjusted_rand_score(labels, others))


def test_the_adjusted_rand_index_of_random_partitions(session: Session) -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(5, size=200)
    others = np.where(generator.random(200) < 0.7, labels, generator.integers(7, size=200))
    add_measured(session, [[0]] * 200, labels, others)
    found = session.fetch_value("quality/adjusted_rand_index")
    assert found == pytest.approx(adjusted_rand_score(labels, others), abs=1e-12)
    assert 0.3 < found < 0.8


# Keeping it


def write_clusters(session: Session, run_id: int, cluster_ids: list[int], **changes: Any) -> int:
    parameters: dict[str, Any] = {
        "run_id": run_id,
        "metric": "l2",
        "labels": [4, 9],
        "cluster_ids": cluster_ids,
        "measured_labels": [9],
        "silhouettes": [0.25],
        "davies_bouldins": [1.5],
        "photos_measured": [1],
    }
    return session.execute("commit/write_cluster_quality", **(parameters | changes))


def two_clusters(session: Session) -> tuple[int, list[int]]:
    run_id = open_run(session, metric="l2")
    ids = make_clusters(session, [[0, 0], [9, 0]], run_id)
    session.connection.execute("UPDATE clusters SET photos_count = 2 WHERE id = %s", (ids[0],))
    make_assignments(session, {1: (4, 1.0), 2: (4, 3.0), 3: (9, 0.5)})
    return run_id, ids


KEPT = (
    "SELECT cluster_id, photos, mean_distance, max_distance, silhouette, davies_bouldin,"
    " photos_measured FROM cluster_quality WHERE run_id = %s ORDER BY cluster_id"
)


def test_quality_is_kept_by_cluster_also_of_those_not_measured(session: Session) -> None:
    run_id, ids = two_clusters(session)
    assert write_clusters(session, run_id, ids) == 2
    assert query(session, KEPT, run_id) == [
        (ids[0], 2, 2.0, 3.0, None, None, 0),
        (ids[1], 1, 0.5, 0.5, 0.25, 1.5, 1),
    ]


def test_under_cosine_distances_are_kept_as_cosine_distances(session: Session) -> None:
    run_id, ids = two_clusters(session)
    write_clusters(session, run_id, ids, metric="cosine")
    assert [row[2:4] for row in query(session, KEPT, run_id)] == [(2.5, 4.5), (0.125, 0.125)]


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_percentiles_of_the_distances_are_numpy_s(session: Session, metric: str) -> None:
    run_id, ids = two_clusters(session)
    distances = np.random.default_rng(1).uniform(size=150)
    empty(session, "work_assignments")
    session.connection.cursor().executemany(
        "INSERT INTO work_assignments VALUES (%s, %s, %s, '0')",
        [(place, 4, float(distance)) for place, distance in enumerate(distances)]
        + [(1_000, 9, 0.5)],
    )
    write_clusters(session, run_id, ids, metric=metric)
    kept = "SELECT distance_percentiles, max_distance FROM cluster_quality ORDER BY cluster_id"
    [(many, largest), (one, _)] = query(session, kept)
    own = distances if metric == "l2" else distances**2 / 2
    np.testing.assert_allclose(many, np.percentile(own, np.arange(101)), rtol=1e-12)
    assert many[100] == largest
    assert one == [0.5 if metric == "l2" else 0.125] * 101


def test_a_cluster_that_was_dropped_leaves_no_quality(session: Session) -> None:
    run_id, ids = two_clusters(session)
    session.connection.execute("DELETE FROM clusters WHERE id = %s", (ids[1],))
    assert write_clusters(session, run_id, ids) == 1


def test_quality_outlives_its_clusters_and_goes_with_its_run(session: Session) -> None:
    run_id, ids = two_clusters(session)
    write_clusters(session, run_id, ids)
    session.connection.execute("DELETE FROM clusters")
    assert len(query(session, KEPT, run_id)) == 2
    session.execute("runs/discard", run_id=run_id)
    assert query(session, KEPT, run_id) == []
