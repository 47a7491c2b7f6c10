"""How wide clusters are, and which of their photos are looked at."""

from collections.abc import Sequence
from typing import Any

import pytest

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import add_with_ids, hide, make_clusters, open_run, place


def pick(
    session: Session, ids: Sequence[int], *, shown: Sequence[int] | None = None, photos: int = 2
) -> list[dict[str, Any]]:
    return session.fetch_all(
        "report/measure_and_pick",
        cluster_ids=list(ids),
        shown_ids=list(ids if shown is None else shown),
        photos=photos,
    )


def on_a_line(session: Session, *distances: float, first_id: int = 1) -> int:
    """A cluster under l2 whose photos, by id, lie so far from its centroid."""
    [cluster_id] = make_clusters(session, [[0, 0]], open_run(session, metric="l2"))
    ids = range(first_id, first_id + len(distances))
    add_with_ids(session, {i: [d, 0] for i, d in zip(ids, distances, strict=True)})
    place(session, cluster_id, *ids)
    return cluster_id


def sections(rows: Sequence[dict[str, Any]]) -> dict[str, list[int]]:
    """Photos that are to be looked at, in the order they come."""
    found: dict[str, list[int]] = {}
    for row in rows:
        if row["picked"]:
            found.setdefault(row["section"], []).append(row["photo_id"])
    return found


def test_distances_are_summed_up_for_each_cluster(session: Session) -> None:
    cluster_id = on_a_line(session, 8, 1, 2, 3, 4, 5, 6, 7)
    rows = pick(session, [cluster_id], photos=1)
    told = {
        (
            row["cluster_id"],
            row["measured"],
            row["mean_distance"],
            row["max_distance"],
            row["lower_quartile"],
            row["upper_quartile"],
        )
        for row in rows
    }
    assert told == {(cluster_id, 8, 4.5, 8, 2, 6)}


def test_a_cluster_of_one_photo_is_measured(session: Session) -> None:
    [row] = pick(session, [on_a_line(session, 3)])
    assert row == {
        "cluster_id": row["cluster_id"],
        "measured": 1,
        "mean_distance": 3,
        "max_distance": 3,
        "lower_quartile": 3,
        "upper_quartile": 3,
        "picked": True,
        "section": "central",
        "rank": 1,
        "distance": 3,
        "photo_id": 1,
        "path": "p1",
    }


def test_the_nearest_the_farthest_and_some_between(session: Session) -> None:
    cluster_id = on_a_line(session, 7, 6, 5, 4, 3, 2, 1)
    found = sections(pick(session, [cluster_id], photos=2))
    assert found["central"] == [7, 6]
    assert found["outermost"] == [2, 1]
    assert len(found["between"]) == 2
    assert set(found["between"]) < {3, 4, 5}


@pytest.mark.parametrize(
    ("photos_in_it", "expected"),
    [
        (1, {"central": [1]}),
        (2, {"central": [1], "outermost": [2]}),
        (3, {"central": [1, 2], "outermost": [3]}),
        (4, {"central": [1, 2], "outermost": [3, 4]}),
        (5, {"central": [1, 2], "between": [3], "outermost": [4, 5]}),
    ],
)
def test_a_small_cluster_is_shown_whole_and_each_photo_once(
    session: Session, photos_in_it: int, expected: dict[str, list[int]]
) -> None:
    cluster_id = on_a_line(session, *range(1, photos_in_it + 1))
    assert sections(pick(session, [cluster_id], photos=2)) == expected


def test_the_same_photos_are_drawn_again_in_whatever_order_they_lie(session: Session) -> None:
    cluster_id = on_a_line(session, *range(1, 61))
    drawn = sections(pick(session, [cluster_id], photos=5))["between"]
    session.connection.execute("UPDATE photos SET path = path || 'x' WHERE id % 3 = 0")
    assert sections(pick(session, [cluster_id], photos=5))["between"] == drawn
    # Drawn from all over, and told by rank.
    assert drawn == sorted(drawn)
    assert max(drawn) - min(drawn) > 10


def test_of_a_cluster_that_is_not_shown_one_row_tells_how_wide_it_is(session: Session) -> None:
    shown, other = on_a_line(session, 1, 2, 3), on_a_line(session, 4, 5, 6, first_id=11)
    rows = pick(session, [shown, other], shown=[shown])
    of_other = [row for row in rows if row["cluster_id"] == other]
    assert [(row["picked"], row["photo_id"], row["mean_distance"]) for row in of_other] == [
        (False, 11, 5)
    ]
    assert sections(rows) == {"central": [1, 2], "outermost": [3]}


def test_clusters_not_asked_for_are_left_out(session: Session) -> None:
    wanted, unwanted = on_a_line(session, 1), on_a_line(session, 1, first_id=11)
    assert {row["cluster_id"] for row in pick(session, [wanted])} == {wanted}
    assert unwanted != wanted
    assert pick(session, []) == []


def test_without_a_centroid_photos_are_drawn_and_have_no_distance(session: Session) -> None:
    session.connection.execute("INSERT INTO clusters (id) VALUES (900)")
    add_with_ids(session, {i: [i, 1] for i in range(1, 10)})
    place(session, 900, *range(1, 10))
    rows = [row for row in pick(session, [900], photos=3) if row["picked"]]
    assert len(rows) == 3
    assert {row["section"] for row in rows} == {"between"}
    assert {(row["measured"], row["mean_distance"], row["distance"]) for row in rows} == {
        (0, None, None)
    }


def test_photos_that_can_not_be_compared_are_neither_central_nor_outermost(
    session: Session,
) -> None:
    [cluster_id] = make_clusters(session, [[1, 0]], open_run(session))
    add_with_ids(session, {1: [1, 0], 2: [1, 1], 3: [1, 0, 0], 4: [0, 0], 5: None})
    place(session, cluster_id, 1, 2, 3, 4, 5)
    rows = pick(session, [cluster_id], photos=3)
    assert sections(rows) == {"central": [1], "outermost": [2], "between": [3, 4, 5]}
    assert {row["measured"] for row in rows} == {2}
    assert rows[0]["max_distance"] == pytest.approx(1 - 2**-0.5)


def test_only_usable_photos_count(session: Session) -> None:
    cluster_id = on_a_line(session, 1, 2, 9)
    hide(session, 3)
    rows = pick(session, [cluster_id])
    assert {row["photo_id"] for row in rows} == {1, 2}
    assert {row["max_distance"] for row in rows} == {2}


def test_photos_without_a_path_are_picked(session: Session) -> None:
    cluster_id = on_a_line(session, 1)
    session.connection.execute("ALTER TABLE photos ALTER COLUMN path DROP NOT NULL")
    session.connection.execute("UPDATE photos SET path = NULL")
    assert [row["path"] for row in pick(session, [cluster_id])] == [None]
