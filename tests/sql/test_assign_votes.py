"""Photos are placed by the votes of those nearest to them, if their clusters stand for no shape."""

import json
import math
from collections.abc import Sequence

import pytest

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import (
    LARGEST_ID,
    add_with_ids,
    clusters_with_ids,
    hide,
    labels,
    open_run,
    place,
    query,
    value,
    vectors,
)

CENTROIDS = {1: [0, 0], 2: [10, 0], 3: [20, 0]}


@pytest.fixture
def library(session: Session) -> Session:
    """Clusters 1, 2 and 3 on a line, two photos in each, which all vote."""
    clusters_with_ids(session, CENTROIDS, run_of_votes(session, 6))
    add_with_ids(
        session, {11: [0, 0], 12: [1, 0], 21: [9, 0], 22: [10, 0], 31: [19, 0], 32: [20, 0]}
    )
    for cluster_id in CENTROIDS:
        place(session, cluster_id, cluster_id * 10 + 1, cluster_id * 10 + 2)
    return session


def run_of_votes(session: Session, neighbours: int, metric: str = "l2") -> int:
    said = json.dumps({"algorithm": "leiden", "leiden": {"neighbours": neighbours}})
    return open_run(session, algorithm="leiden", metric=metric, settings=said)


def vote(
    session: Session,
    embeddings: Sequence[Sequence[float]],
    neighbours: int = 6,
    without: Sequence[int] = (),
    *,
    normalized: bool = False,
) -> dict[int, int]:
    """The cluster that each embedding gets, by its place."""
    rows = query(
        session,
        "SELECT voted.place, (%s::bigint[])[voted.chosen], voted.distance"
        " FROM voted_clusters(%b::vector[], %s::bigint[], %b::vector[], %s, %s, %s) AS voted",
        list(CENTROIDS),
        vectors(session, embeddings),
        list(CENTROIDS),
        vectors(session, list(CENTROIDS.values())),
        neighbours,
        normalized,
        list(without),
    )
    for number, cluster_id, distance in rows:
        away = math.dist(embeddings[number - 1], CENTROIDS[cluster_id])
        assert normalized or distance == pytest.approx(away)
    return {number: cluster_id for number, cluster_id, _ in rows}


def test_more_than_half_of_the_votes_decide_and_the_nth_neighbour_has_a_nth(
    library: Session,
) -> None:
    # 21 and 22 have 1 + 1/2 of 1 + 1/2 + 1/3 + 1/4 + 1/5 + 1/6 = 2.45
    assert vote(library, [[9.5, 0], [0.5, 0]]) == {1: 2, 2: 1}
    # 21 has 1 of 2.08, 12, 11 and 22 have 1/2, 1/3 and 1/4: neither 1 nor 2 has half
    library.connection.execute("UPDATE photos SET cluster_id = 3 WHERE id = 22")
    assert vote(library, [[5.1, 0]], 4) == {}
    assert vote(library, [[5.1, 0]], 3) == {1: 2}


def test_half_of_the_votes_is_not_enough(library: Session) -> None:
    """1 against 1/2, 1/3 and 1/6, where 1/4 and 1/5 are of photos that no longer vote."""
    add_with_ids(library, {13: [2, 0], 23: [8, 0]})
    place(library, 2, 11, 12, 23)
    library.connection.execute("UPDATE photos SET cluster_id = 1 WHERE id = 13")
    assert vote(library, [[1.4, 0]], 2) == {1: 2}  # 12, 13
    library.connection.execute("UPDATE photos SET embedding = '[1.3, 0]' WHERE id = 13")
    assert vote(library, [[1.4, 0]], 2) == {1: 1}  # 13, 12
    assert vote(library, [[1.4, 0]], 3) == {1: 1}  # 13, 12, 11: 1 against 0.83
    assert vote(library, [[1.4, 0]], 4) == {1: 2}  # and 23: 1 against 1.08


def test_who_has_no_vote(library: Session) -> None:
    near = [[9.5, 0]]
    place(library, 1, 21)
    assert vote(library, near, 1) == {1: 1}
    assert vote(library, near, 1, [21]) == {1: 2}
    library.connection.execute("UPDATE photos SET embedding = '[9, 0, 0]' WHERE id = 21")
    assert vote(library, near, 1) == {1: 2}
    library.connection.execute("UPDATE photos SET embedding = NULL WHERE id = 21")
    assert vote(library, near, 1) == {1: 2}
    hide(library, 22)
    assert vote(library, near, 1) == {1: 1}
    library.connection.execute("UPDATE photos SET cluster_id = NULL")
    assert vote(library, near) == {}


def test_directions_are_compared_under_cosine(library: Session) -> None:
    library.connection.execute("UPDATE photos SET embedding = '[0, 3]' WHERE cluster_id = 3")
    library.connection.execute("UPDATE photos SET embedding = '[0, 0]' WHERE cluster_id = 1")
    assert vote(library, [[0, 1], [1, 0]], 2, normalized=True) == {1: 3, 2: 2}


def nearest(session: Session, embedding: Sequence[float], limit: float | None = None) -> int | None:
    found: int | None = value(
        session, "SELECT nearest_active_cluster(%s, %s)", str(list(embedding)), limit
    )
    return found


def test_one_photo_is_voted_on_only_in_clusters_of_such_a_run(library: Session) -> None:
    place(library, 3, 21, 22)
    assert nearest(library, [9.5, 0]) == 3
    library.connection.execute("UPDATE cluster_runs SET algorithm = 'kmeans'")
    assert nearest(library, [9.5, 0]) == 2


def test_limits_and_status_are_those_of_the_cluster_that_was_voted_for(library: Session) -> None:
    place(library, 3, 21, 22)
    assert nearest(library, [9.5, 0], 10.5) == 3
    assert nearest(library, [9.5, 0], 10.4) is None
    library.connection.execute("UPDATE clusters SET status = 1 WHERE id = 3")
    assert nearest(library, [9.5, 0]) == 1


def test_neighbours_that_agree_on_no_cluster_give_none(library: Session) -> None:
    library.connection.execute(
        'UPDATE cluster_runs SET settings = \'{"leiden": {"neighbours": 4}}\''
    )
    library.connection.execute("UPDATE photos SET cluster_id = 3 WHERE id = 22")
    assert nearest(library, [5.1, 0]) is None


def test_each_kind_of_cluster_goes_its_own_way(library: Session) -> None:
    """The one with the nearest centroid decides, and photos of k-means have no vote."""
    clusters_with_ids(library, {4: [30, 0]}, open_run(library, metric="l2"))
    add_with_ids(library, {41: [21, 0]})
    place(library, 4, 41)
    assert nearest(library, [29, 0]) == 4
    assert nearest(library, [21, 0]) == 3


def test_what_was_found_by_centroids_is_voted_on(library: Session) -> None:
    add_with_ids(library, {1: [19.4, 0], 2: [5.1, 0], 3: [0, 0], 4: [20, 1], 5: [19, 1], 6: [1, 1]})
    place(library, 2, 5)  # it has changed since
    library.connection.execute("UPDATE photos SET cluster_id = 3 WHERE id = 22")
    library.connection.execute(
        "INSERT INTO work_candidates (position, photo_id, cluster_id)"
        " VALUES (1, 1, NULL), (2, 2, NULL), (3, 3, NULL), (4, 4, NULL), (5, 5, 2), (6, 6, NULL)"
    )
    library.connection.execute(
        "INSERT INTO work_assignments (photo_id, label, row_version)"
        " SELECT id, CASE id WHEN 3 THEN 9 ELSE 2 END, xmin FROM photos WHERE id < 7"
    )

    def let_vote(limits: Sequence[float | None], last_row: int = LARGEST_ID) -> dict[int, int]:
        library.execute(
            "assign/let_vote",
            scopes=[None],
            firsts=[1],
            lasts=[3],
            labels=[0, 1, 2],
            cluster_ids=list(CENTROIDS),
            centroids=vectors(library, list(CENTROIDS.values())),
            limits=limits,
            neighbours=4,
            within=None,
            core_of=None,
            normalize=False,
            after_row=0,
            last_row=last_row,
        )
        return labels(library)

    far = math.inf
    others = {2: 2, 3: 9, 4: 2, 5: 2, 6: 2}
    assert let_vote([far, far, 0.5], last_row=1) == {1: -1, **others}
    assert let_vote([far, far, None]) == {1: -1, 2: -3, 3: 9, 4: -2, 5: -2, 6: 0}


def test_the_nearest_core_photo_decides_in_clusters_of_dbscan(library: Session) -> None:
    said = {"algorithm": "dbscan", "dbscan": {"eps": 1.0, "min_samples": 3}}
    library.connection.execute(
        "UPDATE cluster_runs SET algorithm = 'dbscan', settings = %s", (json.dumps(said),)
    )
    # 12 is a core by 11, itself and 1, which is in no cluster; 21 and 22 are none
    add_with_ids(library, {1: [2, 0]})
    assert nearest(library, [1, 1]) == 1
    assert nearest(library, [1.1, 1]) is None
    assert nearest(library, [9.5, 0]) is None
    # 22 is a core now, 21 is one by its own cluster and another
    add_with_ids(library, {2: [10.5, 0]})
    assert nearest(library, [9.5, 0]) == 2
    place(library, 3, 22)
    assert nearest(library, [9.5, 0]) == 3
    hide(library, 2)
    assert nearest(library, [9.5, 0]) is None
