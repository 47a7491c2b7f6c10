"""The functions people look closer with, by hand-computed answers."""

import re
from typing import Any

import psycopg
import pytest

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import (
    add_with_ids,
    clusters_with_ids,
    hide,
    make_clusters,
    make_hostile,
    open_run,
    place,
    query,
    value,
)

of_one_cluster = pytest.mark.parametrize(
    "function", ["cluster_central_photos", "cluster_outermost_photos", "cluster_random_photos"]
)
# A call of each function by the names of its arguments, and what it gives for `library`.
CALLS: dict[str, list[tuple[Any, ...]]] = {
    "SELECT * FROM fluffy_sql.centroid_distance("
    "embedding => '[3, 4]', centroid => '[0, 0]', metric => 'l2')": [(5,)],
    "SELECT * FROM fluffy_sql.cluster_central_photos(cluster_id => 1, n => 2)": [
        (1, 1, 3, "p3"),
        (2, 2, 2, "p2"),
    ],
    "SELECT * FROM fluffy_sql.cluster_outermost_photos(cluster_id => 1, n => 2)": [
        (3, 5, 1, "p1"),
        (2, 2, 2, "p2"),
    ],
    "SELECT * FROM fluffy_sql.cluster_random_photos(cluster_id => 1, n => 3, seed => 7)"
    " ORDER BY photo_id": [(5, 1, "p1"), (2, 2, "p2"), (1, 3, "p3")],
    "SELECT * FROM fluffy_sql.cluster_neighbors(cluster_id => 1, n => 2)": [
        (3, 5, "c3"),
        (2, 10, "c2"),
    ],
    "SELECT * FROM fluffy_sql.vector_nearest_clusters(embedding => '[0, 4]', n => 2)": [
        (3, 3, "l2", "c3"),
        (1, 4, "l2", "c1"),
    ],
    "SELECT * FROM fluffy_sql.photo_nearest_clusters(photo_id => 1, n => 2)": [
        (3, 0, "l2", "c3", False),
        (1, 5, "l2", "c1", True),
    ],
}
every_call = pytest.mark.parametrize("call", CALLS)
calls_with_n = pytest.mark.parametrize("call", [call for call in CALLS if "n => " in call])


@pytest.fixture
def library(session: Session) -> None:
    """Three clusters of a run under l2, all photos in the first."""
    add_with_ids(session, {1: [3, 4], 2: [0, 2], 3: [1, 0]})
    clusters_with_ids(session, {1: [0, 0], 2: [0, 10], 3: [3, 4]}, open_run(session, metric="l2"))
    place(session, 1, 1, 2, 3)


def photos(session: Session, call: str) -> list[int]:
    """The photos that a function gives, in its order."""
    return [photo for (photo,) in query(session, f"SELECT photo_id FROM {call}")]


def clusters(session: Session, call: str) -> list[tuple[int, float]]:
    """The clusters that a function gives, with their distances, in its order."""
    column = "neighbor_id" if "neighbors" in call else "cluster_id"
    return query(session, f"SELECT {column}, distance FROM {call}")


# All of them


@every_call
@pytest.mark.usefixtures("library")
def test_every_function_takes_its_arguments_by_name(session: Session, call: str) -> None:
    assert query(session, call) == CALLS[call]


@every_call
@pytest.mark.usefixtures("library")
def test_names_mean_the_same_whatever_the_search_path(session: Session, call: str) -> None:
    make_hostile(session)
    assert query(session, call) == CALLS[call]


@every_call
@pytest.mark.usefixtures("library")
def test_every_function_runs_in_a_parallel_worker(session: Session, call: str) -> None:
    # the setting has had its second name since PostgreSQL 16
    session.connection.execute(
        "SELECT set_config(name, 'on', TRUE) FROM pg_settings"
        " WHERE name IN ('force_parallel_mode', 'debug_parallel_query')"
    )
    # called from the list, where its body can't take the place of the call
    call_alone = call.replace("* FROM ", "").removesuffix(" ORDER BY photo_id")
    [[plan]] = query(session, "EXPLAIN (ANALYZE, FORMAT JSON) " + call_alone)
    assert plan[0]["Plan"]["Node Type"] == "Gather"
    assert plan[0]["Plan"]["Workers Launched"] == 1
    given = [row if isinstance(row, tuple) else (row,) for (row,) in query(session, call_alone)]
    assert sorted(given) == sorted(CALLS[call])


def test_the_planner_may_trust_that_none_changes_anything(session: Session) -> None:
    for call in CALLS:
        function = call.partition("fluffy_sql.")[2].partition("(")[0]
        [found] = query(
            session,
            "SELECT provolatile::text, proparallel::text FROM pg_proc WHERE oid = to_regproc(%s)",
            function,
        )
        assert found == ("i" if function == "centroid_distance" else "s", "s")


@calls_with_n
@pytest.mark.usefixtures("library")
def test_what_is_not_there_or_null_gives_nothing(session: Session, call: str) -> None:
    asked = re.compile(r"\((\w+) => [^,]+(?:, \d+\]')?")
    assert query(session, asked.sub(r"(\1 => NULL", call, count=1)) == []
    if "embedding" not in call:
        assert query(session, asked.sub(r"(\1 => 4711", call, count=1)) == []


@calls_with_n
@pytest.mark.usefixtures("library")
def test_n_may_be_nought_or_null_or_more_than_there_is_but_not_negative(
    session: Session, call: str
) -> None:
    def ask(n: str) -> list[tuple[Any, ...]]:
        return query(session, re.sub(r"n => \d", f"n => {n}", call))

    assert ask("0") == []
    everything = ask(str(2**62))
    assert len(everything) == (2 if "neighbors" in call else 3)
    assert everything[: len(CALLS[call])] == CALLS[call]
    assert ask("NULL") == everything
    with (
        pytest.raises(psycopg.errors.InvalidRowCountInLimitClause, match="must not be negative"),
        session.connection.transaction(),
    ):
        ask("-1")


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        ("cluster_central_photos(1)", 10),
        ("cluster_outermost_photos(1)", 10),
        ("cluster_random_photos(1)", 10),
        ("cluster_neighbors(1)", 10),
        ("photo_nearest_clusters(1)", 1),
        ("vector_nearest_clusters('[1, 1]')", 1),
    ],
)
def test_ten_are_given_by_default_but_one_nearest_cluster(
    session: Session, call: str, shown: int
) -> None:
    ids = range(1, 13)
    add_with_ids(session, {i: [i, 1] for i in ids})
    clusters_with_ids(session, {i: [i, 1] for i in ids})
    place(session, 1, *ids)
    assert value(session, f"SELECT count(*) FROM {call}") == shown


@of_one_cluster
@pytest.mark.usefixtures("library")
def test_photos_are_those_of_the_view_as_it_is_now(session: Session, function: str) -> None:
    assert sorted(photos(session, f"{function}(1)")) == [1, 2, 3]
    hide(session, 2)
    assert sorted(photos(session, f"{function}(1)")) == [1, 3]


@pytest.mark.usefixtures("library")
def test_a_photo_that_is_not_usable_goes_nowhere(session: Session) -> None:
    hide(session, 1)
    assert clusters(session, "photo_nearest_clusters(1)") == []
    assert clusters(session, "photo_nearest_clusters(2)") == [(1, 2)]


@of_one_cluster
@pytest.mark.parametrize("metric", ["cosine", "l2", None])
def test_distances_are_those_of_the_view(
    session: Session, function: str, metric: str | None
) -> None:
    add_with_ids(session, {1: [3, 4], 2: [0, 2], 3: [1, 0], 4: [-7, 1]})
    run_id = None if metric is None else open_run(session, metric=metric)
    clusters_with_ids(session, {1: [1, 0.5], 2: [0, 1]}, run_id)
    place(session, 1, 1, 2, 3)
    place(session, 2, 4)
    assert query(
        session, f"SELECT photo_id, path, distance FROM {function}(1) ORDER BY 1"
    ) == query(
        session,
        "SELECT photo_id, path, distance FROM cluster_members WHERE cluster_id = 1 ORDER BY 1",
    )


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_a_photo_is_as_far_from_its_cluster_as_the_view_says(session: Session, metric: str) -> None:
    add_with_ids(session, {1: [3, 4]})
    clusters_with_ids(session, {1: [1, 0.5]}, open_run(session, metric=metric))
    place(session, 1, 1)
    assert query(session, "SELECT distance, is_member FROM photo_nearest_clusters(1)") == query(
        session, "SELECT distance, TRUE FROM cluster_members"
    )


@of_one_cluster
def test_an_unusable_cluster_can_be_looked_at(session: Session, function: str) -> None:
    add_with_ids(session, {1: [1, 0]})
    clusters_with_ids(session, {1: [1, 0]})
    place(session, 1, 1)
    session.connection.execute("UPDATE clusters SET status = 1")
    assert photos(session, f"{function}(1)") == [1]


# centroid_distance


@pytest.mark.parametrize(
    ("embedding", "centroid", "metric", "distance"),
    [
        ([3, 4], [0, 0], "l2", 5),
        ([0, 5], [1, 0], "cosine", 1),
        ([-5, 0], [1, 0], None, 2),
        ([0, 0], [1, 0], "cosine", None),
        ([1, 0], [1, 0, 0], "cosine", None),
        ([1, 0], [1, 0, 0], "l2", None),
        (None, [1, 0], "l2", None),
        ([1, 0], None, "cosine", None),
    ],
)
def test_a_distance_is_null_rather_than_nan_or_an_error(
    session: Session,
    embedding: list[float] | None,
    centroid: list[float] | None,
    metric: str | None,
    distance: float | None,
) -> None:
    given = [None if vector is None else str(vector) for vector in (embedding, centroid)]
    asked = "SELECT centroid_distance(%s::vector, %s::vector, %s::text)"
    assert value(session, asked, *given, metric) == distance


# cluster_central_photos, cluster_outermost_photos


def test_photos_without_a_distance_are_neither_central_nor_outermost(session: Session) -> None:
    add_with_ids(session, {1: [0, 0], 2: [1, 0], 3: [1], 4: [0, 1], 5: None})
    clusters_with_ids(session, {1: [1, 0]})
    place(session, 1, 1, 2, 3, 4, 5)
    assert photos(session, "cluster_central_photos(1)") == [2, 4]
    assert photos(session, "cluster_outermost_photos(1)") == [4, 2]
    session.connection.execute("UPDATE clusters SET centroid = NULL")
    assert photos(session, "cluster_central_photos(1)") == []
    assert photos(session, "cluster_outermost_photos(1)") == []


def test_equally_far_photos_are_told_apart_by_id_and_one_end_is_the_other_turned_round(
    session: Session,
) -> None:
    add_with_ids(session, {3: [1, 0], 1: [0, 1], 2: [-1, 0], 4: [0, 3]})
    clusters_with_ids(session, {1: [0, 0]}, open_run(session, metric="l2"))
    place(session, 1, 1, 2, 3, 4)
    assert photos(session, "cluster_central_photos(1, 2)") == [1, 2]
    assert photos(session, "cluster_outermost_photos(1, 2)") == [4, 3]


# cluster_random_photos


@pytest.fixture
def crowd(session: Session) -> None:
    """100 photos in cluster 1 and one in cluster 2."""
    add_with_ids(session, {i: [i, 1] for i in range(1, 102)})
    clusters_with_ids(session, {1: [1, 0], 2: [0, 1]})
    place(session, 1, *range(1, 101))
    place(session, 2, 101)


@pytest.mark.usefixtures("crowd")
def test_one_seed_draws_the_same_photos_and_another_others(session: Session) -> None:
    drawn = photos(session, "cluster_random_photos(1, 20, seed => 1)")
    assert len(set(drawn)) == 20
    assert photos(session, "cluster_random_photos(1, 20, seed => 1)") == drawn
    assert len(set(drawn) & set(photos(session, "cluster_random_photos(1, 20, seed => 2)"))) < 15
    # fewer are the first of more
    assert photos(session, "cluster_random_photos(1, 5, seed => 1)") == drawn[:5]


@pytest.mark.usefixtures("crowd")
def test_who_is_drawn_does_not_depend_on_where_rows_lie(session: Session) -> None:
    drawn = photos(session, "cluster_random_photos(1, 20)")
    session.connection.execute("UPDATE photos SET path = path || '' WHERE mod(id, 3) = 0")
    session.connection.execute("SET LOCAL enable_indexscan = off")
    assert photos(session, "cluster_random_photos(1, 20)") == drawn


@pytest.mark.usefixtures("crowd")
def test_every_photo_of_the_cluster_may_be_drawn_and_no_other(session: Session) -> None:
    counts = query(
        session,
        "SELECT drawn.photo_id, count(*) FROM generate_series(1, 200) AS s (seed)"
        " CROSS JOIN LATERAL cluster_random_photos(1, 10, s.seed) AS drawn GROUP BY 1",
    )
    assert {photo for photo, _ in counts} == set(range(1, 101))
    # 20 times each on average, with a standard deviation of 4
    assert min(count for _, count in counts) > 5
    assert max(count for _, count in counts) < 40


@pytest.mark.usefixtures("crowd")
def test_no_seed_is_seed_nought_and_not_the_order_of_ids(session: Session) -> None:
    by_default = photos(session, "cluster_random_photos(1)")
    assert photos(session, "cluster_random_photos(1, seed => NULL)") == by_default
    assert by_default != sorted(by_default)


def test_photos_without_a_distance_are_drawn_too(session: Session) -> None:
    add_with_ids(session, {1: [0, 0], 2: [1], 3: [1, 0], 4: None})
    clusters_with_ids(session, {1: [1, 0]})
    place(session, 1, 1, 2, 3, 4)
    asked = "SELECT photo_id, distance FROM cluster_random_photos(1) ORDER BY 1"
    assert query(session, asked) == [(1, None), (2, None), (3, 0), (4, None)]
    session.connection.execute("UPDATE clusters SET centroid = NULL")
    assert query(session, asked) == [(i, None) for i in (1, 2, 3, 4)]


# cluster_neighbors


@pytest.mark.parametrize(("metric", "nearest"), [("l2", 2), ("cosine", 3)])
def test_neighbors_are_measured_in_the_metric_of_the_cluster_asked_about(
    session: Session, metric: str, nearest: int
) -> None:
    other_run = open_run(session, metric="cosine" if metric == "l2" else "l2")
    clusters_with_ids(session, {1: [1, 0]}, open_run(session, metric=metric))
    clusters_with_ids(session, {2: [1, 1], 3: [9, 0]}, other_run)
    assert clusters(session, "cluster_neighbors(1, 1)")[0][0] == nearest


def test_without_a_run_neighbors_are_measured_by_cosine(session: Session) -> None:
    clusters_with_ids(session, {1: [1, 0], 2: [-1, 0], 3: [0, 7]})
    assert clusters(session, "cluster_neighbors(1)") == [(3, 1), (2, 2)]


def test_neighbors_of_any_status_are_shown_but_not_those_without_a_distance(
    session: Session,
) -> None:
    clusters_with_ids(session, {1: [1, 0], 2: [0, 1], 3: [0, 0], 4: [1, 0, 0], 5: None})
    session.connection.execute("UPDATE clusters SET status = 1 WHERE id = 2")
    assert clusters(session, "cluster_neighbors(1)") == [(2, 1)]
    assert clusters(session, "cluster_neighbors(3)") == []
    assert clusters(session, "cluster_neighbors(5)") == []


def test_equally_near_neighbors_come_by_id_and_no_cluster_is_its_own(session: Session) -> None:
    clusters_with_ids(session, {4: [1, 0], 1: [0, 1], 3: [0, 2], 2: [0, 3]})
    assert clusters(session, "cluster_neighbors(4)") == [(1, 1), (2, 1), (3, 1)]


# vector_nearest_clusters, photo_nearest_clusters


def test_only_active_clusters_take_photos(session: Session) -> None:
    session.connection.execute(
        "ALTER TABLE clusters DROP CONSTRAINT clusters_status_check,"
        " ALTER COLUMN status DROP NOT NULL"
    )
    clusters_with_ids(session, {i: [i, 1] for i in (1, 2, 3, 4)})
    add_with_ids(session, {1: [1, 1]})
    place(session, 1, 1)
    for cluster_id, status in {1: 1, 2: 2, 3: None}.items():
        session.connection.execute(
            "UPDATE clusters SET status = %s WHERE id = %s", (status, cluster_id)
        )
    for call in ("vector_nearest_clusters('[1, 1]', 9)", "photo_nearest_clusters(1, 9)"):
        assert [cluster for cluster, _ in clusters(session, call)] == [4]


def test_a_photo_may_go_elsewhere_than_where_it_is_or_be_in_none(session: Session) -> None:
    clusters_with_ids(session, {1: [1, 0], 2: [0, 1]})
    add_with_ids(session, {1: [1, 0], 2: [1, 0], 3: [1, 0]})
    place(session, 1, 1)
    place(session, 2, 2)
    asked = "SELECT cluster_id, is_member FROM photo_nearest_clusters(%s, 2)"
    assert query(session, asked, 1) == [(1, True), (2, False)]
    assert query(session, asked, 2) == [(1, False), (2, True)]
    assert query(session, asked, 3) == [(1, False), (2, False)]


def test_each_cluster_is_measured_in_the_metric_of_its_run(session: Session) -> None:
    clusters_with_ids(session, {1: [0, 4]}, open_run(session, metric="l2"))
    clusters_with_ids(session, {2: [0, 4]}, open_run(session, metric="cosine"))
    clusters_with_ids(session, {3: [-1, 0]})
    assert query(
        session, "SELECT cluster_id, distance, metric FROM vector_nearest_clusters('[3, 0]', 3)"
    ) == [(2, 1, "cosine"), (3, 2, "cosine"), (1, 5, "l2")]


def test_where_nothing_can_be_measured_a_vector_goes_nowhere(session: Session) -> None:
    clusters_with_ids(session, {1: [1, 0], 2: [0, 0], 3: [1, 0, 0], 4: None})
    assert clusters(session, "vector_nearest_clusters('[0, 1]', 9)") == [(1, 1)]
    assert clusters(session, "vector_nearest_clusters('[0, 0]', 9)") == []
    assert clusters(session, "vector_nearest_clusters('[1]', 9)") == []
    add_with_ids(session, {1: [0, 0], 2: [1], 3: None})
    for photo in (1, 2, 3):
        assert clusters(session, f"photo_nearest_clusters({photo}, 9)") == []


def test_a_zero_vector_has_a_place_under_l2(session: Session) -> None:
    clusters_with_ids(session, {1: [3, 4], 2: [0, 0]}, open_run(session, metric="l2"))
    assert clusters(session, "vector_nearest_clusters('[0, 0]', 9)") == [(2, 0), (1, 5)]


def test_equally_near_clusters_come_by_id(session: Session) -> None:
    clusters_with_ids(session, {3: [0, 1], 1: [0, 2], 2: [0, -1]})
    add_with_ids(session, {1: [1, 0]})
    assert clusters(session, "vector_nearest_clusters('[1, 0]', 2)") == [(1, 1), (2, 1)]
    assert clusters(session, "photo_nearest_clusters(1, 2)") == [(1, 1), (2, 1)]


def test_a_run_s_own_clusters_can_be_asked_about_at_once(session: Session) -> None:
    """Each function stands in FROM beside a table whose columns are its arguments."""
    made = make_clusters(session, [[1, 0], [0, 1]])
    add_with_ids(session, {1: [1, 0.1], 2: [0.1, 1]})
    for photo, cluster in enumerate(made, start=1):
        place(session, cluster, photo)
    assert query(
        session,
        "SELECT photo.id, nearest.cluster_id, central.photo_id FROM photos AS photo"
        " CROSS JOIN LATERAL photo_nearest_clusters(photo.id) AS nearest"
        " CROSS JOIN LATERAL cluster_central_photos(nearest.cluster_id, 1) AS central ORDER BY 1",
    ) == [(1, made[0], 1), (2, made[1], 2)]
