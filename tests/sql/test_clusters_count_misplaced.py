"""The check that every photo is at its nearest centroid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sql.helpers import (
    LARGEST_ID,
    add_with_ids,
    make_assignments,
    make_clusters,
    place,
)

if TYPE_CHECKING:
    from fluffy_sql.database.session import Session


def misplaced(
    session: Session,
    cluster_ids: list[int],
    *,
    photos: int = LARGEST_ID,
    normalize: bool = False,
    seed: int = 1,
    embedded_anew: bool = False,
) -> int:
    """Counts, with the work table as the run left it: each photo as far as its nearest centroid."""
    if not embedded_anew:
        session.connection.execute(
            "UPDATE fluffy_sql_assignments SET distance = coalesce(("
            " SELECT min(centroid <-> CASE WHEN %s THEN l2_normalize(embedding) ELSE embedding END)"
            " FROM clusters, photos WHERE photos.id = photo_id AND clusters.id = ANY(%s)"
            " AND vector_dims(centroid) = vector_dims(embedding)), distance)",
            (normalize, cluster_ids),
        )
    count: int = session.fetch_value(
        "clusters/count_misplaced",
        cluster_ids=cluster_ids,
        normalize=normalize,
        seed=seed,
        photos=photos,
    )
    return count


def test_nothing_is_misplaced_where_all_is_right(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [9, 0], 3: [5, 0]})
    make_assignments(session, {1: (0, 1.0), 2: (1, 1.0), 3: (1, 5.0)})
    a, b = make_clusters(session, [[0, 0], [10, 0]])
    place(session, a, 1)
    place(session, b, 2, 3)  # 3 lies in the middle: either is right
    assert misplaced(session, [a, b]) == 0


@pytest.mark.parametrize("normalize", [True, False])
def test_photos_nearer_to_another_centroid_are_counted(session: Session, normalize: bool) -> None:
    add_with_ids(session, {1: [9, 1], 2: [8, 1], 3: [1, 7]})
    make_assignments(session, {1: (0, 0.0), 2: (1, 0.0), 3: (0, 0.0)})
    a, b = make_clusters(session, [[1, 0], [0, 1]])
    place(session, a, 1, 3)
    place(session, b, 2)
    assert misplaced(session, [a, b], normalize=normalize) == 2


def test_only_so_many_photos_are_looked_at(session: Session) -> None:
    ids = range(1, 21)
    add_with_ids(session, {i: [9, 0] for i in ids})
    make_assignments(session, dict.fromkeys(ids, (0, 9.0)))
    a, b = make_clusters(session, [[0, 0], [10, 0]])
    place(session, a, *ids)
    assert misplaced(session, [a, b], photos=4) == 4


def test_another_seed_looks_at_other_photos(session: Session) -> None:
    add_with_ids(session, {1: [9, 0], 2: [1, 0]})
    make_assignments(session, {1: (0, 9.0), 2: (0, 1.0)})
    a, b = make_clusters(session, [[0, 0], [10, 0]])
    place(session, a, 1, 2)
    assert {misplaced(session, [a, b], photos=1, seed=seed) for seed in range(20)} == {0, 1}


def test_clusters_of_other_runs_do_not_matter(session: Session) -> None:
    add_with_ids(session, {1: [9, 0]})
    make_assignments(session, {1: (0, 9.0)})
    older, new = make_clusters(session, [[9, 0], [0, 0]])
    place(session, new, 1)
    assert misplaced(session, [new]) == 0
    assert misplaced(session, [older, new]) == 1


def test_photos_that_the_run_did_not_place_do_not_matter(session: Session) -> None:
    add_with_ids(session, {1: [9, 0], 2: [9, 0]})
    make_assignments(session, {2: (1, 1.0)})
    theirs, a, b = make_clusters(session, [[50, 0], [0, 0], [10, 0]])
    place(session, a, 1)  # not in the work table
    place(session, theirs, 2)  # somebody was faster
    assert misplaced(session, [a, b]) == 0


@pytest.mark.parametrize(("own", "expected"), [(1.0000005, 0), (1.00001, 1)])
def test_a_millionth_is_allowed_for_rounding(session: Session, own: float, expected: int) -> None:
    add_with_ids(session, {1: [0, 0]})
    make_assignments(session, {1: (0, own)})
    a, b = make_clusters(session, [[own, 0], [-1, 0]])
    place(session, a, 1)
    assert misplaced(session, [a, b]) == expected


def test_a_photo_that_was_embedded_anew_with_another_length_is_passed_over(
    session: Session,
) -> None:
    add_with_ids(session, {1: [1, 0, 0], 2: [9, 0]})
    make_assignments(session, {1: (0, 1.0), 2: (0, 9.0)})
    a, b = make_clusters(session, [[0, 0], [10, 0]])
    place(session, a, 1, 2)
    assert misplaced(session, [a, b]) == 1


def test_a_photo_that_was_embedded_anew_is_passed_over(session: Session) -> None:
    add_with_ids(session, {1: [9, 0]})
    make_assignments(session, {1: (0, 0.0)})  # it lay on the centroid when it was assigned
    a, b = make_clusters(session, [[1, 0], [10, 0]])
    place(session, a, 1)
    assert misplaced(session, [a, b]) == 1
    session.connection.execute("UPDATE fluffy_sql_assignments SET distance = 0")
    assert misplaced(session, [a, b], embedded_anew=True) == 0
