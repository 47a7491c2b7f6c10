"""Where photos lie along the axes of the map."""

from collections.abc import Sequence

import pytest

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import add_with_ids, hide, make_clusters, place, vectors

ACROSS_AND_UP = [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]


def project(
    session: Session,
    cluster_ids: Sequence[int],
    *,
    axes: Sequence[Sequence[float]] = ACROSS_AND_UP,
    most: int = 100,
    normalize: bool = False,
) -> list[tuple[int, list[float]]]:
    rows = session.fetch_all(
        "report/project_photos",
        cluster_ids=list(cluster_ids),
        most=most,
        normalize=normalize,
        dimensions=len(axes[0]),
        axes=vectors(session, axes),
    )
    return sorted((row["cluster_id"], row["coordinates"]) for row in rows)


def test_coordinates_are_inner_products_in_the_order_of_the_axes(session: Session) -> None:
    one, other = make_clusters(session, [[1, 0, 0], [0, 1, 0]])
    add_with_ids(session, {1: [3, 9, 4], 2: [-5, 9, 6]})
    place(session, one, 1)
    place(session, other, 2)
    assert project(session, [one, other]) == [(one, [3, 4]), (other, [-5, 6])]
    assert project(session, [other]) == [(other, [-5, 6])]


def test_along_one_axis(session: Session) -> None:
    [cluster_id] = make_clusters(session, [[1]])
    add_with_ids(session, {1: [7]})
    place(session, cluster_id, 1)
    assert project(session, [cluster_id], axes=[[1.0]]) == [(cluster_id, [7])]


def test_under_cosine_photos_are_unit_vectors_and_zeros_are_left_out(session: Session) -> None:
    [cluster_id] = make_clusters(session, [[1, 0, 0]])
    add_with_ids(session, {1: [3, 0, 4], 2: [0, 0, 0]})
    place(session, cluster_id, 1, 2)
    [(_, coordinates)] = project(session, [cluster_id], normalize=True)
    assert coordinates == pytest.approx([0.6, 0.8])
    assert len(project(session, [cluster_id])) == 2


def test_what_can_not_be_compared_is_left_out(session: Session) -> None:
    [cluster_id] = make_clusters(session, [[1, 0, 0]])
    add_with_ids(session, {1: [1, 2, 3], 2: [1, 2], 3: [1, 2, 3], 4: None})
    place(session, cluster_id, 1, 2, 3, 4)
    hide(session, 3)
    assert project(session, [cluster_id]) == [(cluster_id, [1, 3])]


def test_a_sample_is_the_same_in_whatever_order_photos_lie(session: Session) -> None:
    [cluster_id] = make_clusters(session, [[1, 0, 0]])
    add_with_ids(session, {i: [i, 0, 0] for i in range(1, 51)})
    place(session, cluster_id, *range(1, 51))
    drawn = project(session, [cluster_id], most=10)
    assert len(drawn) == 10
    session.connection.execute("UPDATE photos SET path = path || 'x' WHERE id % 3 = 0")
    assert project(session, [cluster_id], most=10) == drawn
    assert drawn != [(cluster_id, [i, 0]) for i in range(1, 11)]
