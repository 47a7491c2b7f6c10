"""Where else a photo could be, and which clusters are neighbours by what a run kept."""

from collections.abc import Sequence

import pytest

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import add_with_ids, hide, make_clusters, open_run, place, vectors


def elsewhere(
    session: Session,
    photo_ids: Sequence[int],
    clusters: dict[int, Sequence[float]],
    *,
    normalize: bool = False,
) -> list[tuple[int, int, float]]:
    rows = session.fetch_all(
        "report/find_next_clusters",
        photo_ids=list(photo_ids),
        normalize=normalize,
        dimensions=2,
        cluster_ids=list(clusters),
        centroids=vectors(session, list(clusters.values())),
    )
    return [(row["photo_id"], row["cluster_id"], row["distance"]) for row in rows]


def test_the_nearest_cluster_but_its_own(session: Session) -> None:
    centroids = [[0.0, 0.0], [4.0, 0.0], [9.0, 0.0]]
    ids = make_clusters(session, centroids)
    clusters: dict[int, Sequence[float]] = dict(zip(ids, centroids, strict=True))
    add_with_ids(session, {1: [1, 0], 2: [7, 0], 3: [3, 4], 4: [8, 0], 5: [2, 0], 6: [1, 0]})
    place(session, ids[0], 1, 2, 3, 5)
    place(session, ids[1], 4)
    hide(session, 5)
    # Photo 2 is nearest to the last; 3 could be in the second. 6 has no cluster, 5 is not usable.
    expected = [(1, ids[1], 3), (2, ids[2], 2), (3, ids[1], pytest.approx(17**0.5)), (4, ids[2], 1)]
    assert elsewhere(session, [1, 2, 3, 4, 5, 6], clusters) == expected
    assert elsewhere(session, [4], clusters) == [(4, ids[2], 1)]
    assert elsewhere(session, [1], {ids[0]: [0.0, 0.0]}) == []


def test_what_can_not_be_compared_is_left_out(session: Session) -> None:
    one, other = make_clusters(session, [[1, 0], [0, 1]])
    add_with_ids(session, {1: [3, 4], 2: [0, 0], 3: [1, 2, 3], 4: None})
    place(session, one, 1, 2, 3, 4)
    clusters: dict[int, Sequence[float]] = {one: [1.0, 0.0], other: [0.0, 1.0]}
    [(photo_id, cluster_id, distance)] = elsewhere(session, [1, 2, 3, 4], clusters, normalize=True)
    assert (photo_id, cluster_id) == (1, other)
    # Of unit vectors: (0.6, 0.8) to (0, 1).
    assert distance == pytest.approx(0.4**0.5)
    assert [row[0] for row in elsewhere(session, [1, 2, 3, 4], clusters)] == [1, 2]


def links(
    session: Session, cluster_ids: Sequence[int], *, most: int = 100, neighbours: int = 9
) -> list[tuple[int, int, int]]:
    rows = session.fetch_all(
        "report/count_links", cluster_ids=list(cluster_ids), most=most, neighbours=neighbours
    )
    return [(row["cluster_id"], row["other_id"], row["links"]) for row in rows]


def test_neighbours_in_other_clusters_are_counted(session: Session) -> None:
    one, other, third = make_clusters(session, [[1, 0], [0, 1], [1, 1]])
    add_with_ids(session, {photo_id: [photo_id, 1] for photo_id in range(1, 8)})
    place(session, one, 1, 2)
    place(session, other, 3, 4, 5)
    place(session, third, 6)
    hide(session, 5)
    assert links(session, [one, other, third]) == []
    open_run(session)
    session.connection.execute(
        "INSERT INTO photo_neighbour_lists VALUES (1, 1, NULL, 1, 0, '{2, 3, 4, 5, 6}', '{}'),"
        " (2, 1, NULL, 2, 0, '{3, 99}', '{}'), (3, 1, NULL, 3, 0, '{4, 1, 7}', '{}'),"
        " (5, 1, NULL, 5, 0, '{1}', '{}')"
    )
    assert links(session, [one, other, third]) == [
        (one, other, 3),
        (one, third, 1),
        (other, one, 1),
    ]
    assert links(session, [one, other]) == [(one, other, 3), (other, one, 1)]
    # The first of each list, and some of the lists.
    assert links(session, [one, other, third], neighbours=2) == [(one, other, 2), (other, one, 1)]
    assert sum(row[2] for row in links(session, [one, other, third], most=1)) in {1, 4}
