"""The views people look at, by hand-computed answers."""

import pytest

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import (
    add_with_ids,
    close_run,
    hide,
    make_clusters,
    open_run,
    place,
    query,
    value,
)


def members(session: Session, cluster_id: int) -> list[tuple[int, int, float | None]]:
    """(rank, photo, distance) by rank."""
    return query(
        session,
        "SELECT rank, photo_id, distance FROM cluster_members WHERE cluster_id = %s ORDER BY rank",
        cluster_id,
    )


# usable_photos


def test_every_photo_is_usable_until_a_user_says_otherwise(session: Session) -> None:
    add_with_ids(session, {1: None, 2: [0, 0], 3: [1, 2, 3], 4: [1, 0]})
    place(session, make_clusters(session, [[1, 0]])[0], 4)
    rows = query(session, "SELECT id, path, cluster_id FROM usable_photos ORDER BY id")
    assert rows == query(session, "SELECT id, path, cluster_id FROM photos ORDER BY id")
    hide(session, 2, 3, 4)
    assert query(session, "SELECT id FROM usable_photos") == [(1,)]


# cluster_members


def test_members_are_ranked_by_euclidean_distance_under_l2(session: Session) -> None:
    add_with_ids(session, {1: [3, 4], 2: [0, 2], 3: [1, 0]})
    [cluster] = make_clusters(session, [[0, 0]], open_run(session, metric="l2"))
    place(session, cluster, 1, 2, 3)
    assert members(session, cluster) == [(1, 3, 1), (2, 2, 2), (3, 1, 5)]


@pytest.mark.parametrize("made_by_a_run", [True, False])
def test_members_are_ranked_by_cosine_distance_otherwise(
    session: Session, made_by_a_run: bool
) -> None:
    add_with_ids(session, {1: [-5, 0], 2: [0, 0.1], 3: [700, 0]})
    run_id = open_run(session, metric="cosine") if made_by_a_run else None
    [cluster] = make_clusters(session, [[1, 0]], run_id)
    place(session, cluster, 1, 2, 3)
    assert members(session, cluster) == [(1, 3, 0), (2, 2, 1), (3, 1, 2)]


def test_each_cluster_ranks_its_own_members_and_photos_without_one_are_not_shown(
    session: Session,
) -> None:
    add_with_ids(session, {1: [1, 0], 2: [2, 0], 3: [12, 0], 4: [11, 0], 5: [0, 0]})
    a, b = make_clusters(session, [[0, 0], [10, 0]], open_run(session, metric="l2"))
    place(session, a, 1, 2)
    place(session, b, 3, 4)
    assert members(session, a) == [(1, 1, 1), (2, 2, 2)]
    assert members(session, b) == [(1, 4, 1), (2, 3, 2)]
    assert value(session, "SELECT count(*) FROM cluster_members") == 4


def test_equally_near_members_rank_by_id(session: Session) -> None:
    add_with_ids(session, {3: [1, 0], 1: [0, 1], 2: [-1, 0]})
    [cluster] = make_clusters(session, [[0, 0]], open_run(session, metric="l2"))
    place(session, cluster, 1, 2, 3)
    assert [photo for _, photo, _ in members(session, cluster)] == [1, 2, 3]


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_distance_is_null_and_rank_last_where_nothing_can_be_measured(
    session: Session, metric: str
) -> None:
    add_with_ids(session, {1: [1], 2: None, 3: [1, 0], 4: [1, 0, 0]})
    [cluster] = make_clusters(session, [[1, 0]], open_run(session, metric=metric))
    place(session, cluster, 1, 2, 3, 4)
    assert members(session, cluster) == [(1, 3, 0), (2, 1, None), (3, 2, None), (4, 4, None)]


def test_a_zero_vector_has_no_cosine_distance_rather_than_nan(session: Session) -> None:
    add_with_ids(session, {1: [0, 0], 2: [0, 1]})
    [cluster] = make_clusters(session, [[1, 0]])
    place(session, cluster, 1, 2)
    assert members(session, cluster) == [(1, 2, 1), (2, 1, None)]


def test_a_cluster_without_centroid_has_members_without_distance(session: Session) -> None:
    add_with_ids(session, {1: [0, 1]})
    [cluster] = make_clusters(session, [[1, 0]])
    session.connection.execute("UPDATE clusters SET centroid = NULL")
    place(session, cluster, 1)
    assert members(session, cluster) == [(1, 1, None)]


def test_only_usable_photos_are_members(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [2, 0]})
    [cluster] = make_clusters(session, [[0, 0]], open_run(session, metric="l2"))
    place(session, cluster, 1, 2)
    hide(session, 1)
    assert members(session, cluster) == [(1, 2, 2)]


def test_members_have_their_paths(session: Session) -> None:
    add_with_ids(session, {1: [1, 0]})
    place(session, make_clusters(session, [[1, 0]])[0], 1)
    assert query(session, "SELECT photo_id, path FROM cluster_members") == [(1, "p1")]


# cluster_overview


def test_a_cluster_is_shown_with_mean_and_largest_distance(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [0, 5], 3: [0, 0, 0]})
    run_id = open_run(session, metric="l2")
    full, empty = make_clusters(session, [[0, 0], [9, 9]], run_id)
    place(session, full, 1, 2, 3)  # 3 can't be measured
    session.connection.execute("UPDATE clusters SET name = 'a' WHERE id = %s", (full,))
    session.connection.execute("UPDATE clusters SET status = 1 WHERE id = %s", (empty,))
    assert query(
        session,
        "SELECT id, name, status, photos_count, mean_distance, max_distance, run_id"
        " FROM cluster_overview ORDER BY id",
    ) == [(full, "a", 0, 3, 3, 5, run_id), (empty, None, 1, 0, None, None, run_id)]


# cluster_run_overview


def test_a_run_is_shown_with_inertia_per_photo_and_duration(session: Session) -> None:
    run_id = open_run(session)
    close_run(session, run_id, inertia=5.0, photos_processed=20)
    session.connection.execute("UPDATE cluster_runs SET finished_at = started_at + interval '90 s'")
    shown = "SELECT id, inertia_per_photo, extract(EPOCH FROM duration)::integer, largest_cluster"
    assert query(session, f"{shown} FROM cluster_run_overview") == [(run_id, 0.25, 90, 5)]


def test_a_run_that_placed_no_photo_has_no_inertia_per_photo(session: Session) -> None:
    close_run(session, open_run(session), inertia=0.0, photos_processed=0)
    assert query(session, "SELECT inertia_per_photo FROM cluster_run_overview") == [(None,)]


def test_the_duration_of_a_run_that_goes_on_grows(session: Session) -> None:
    open_run(session)
    shown = "SELECT duration FROM cluster_run_overview"
    assert value(session, shown) < value(session, shown)
