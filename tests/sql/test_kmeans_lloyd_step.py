"""One Lloyd step: labels, averages and errors by hand."""

from collections.abc import Sequence
from typing import Any

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import make_sample, vectors


def step(
    session: Session,
    centroids: Sequence[Sequence[float]],
    *,
    after_row: int = 0,
    last_row: int = 1_000,
) -> dict[int, Any]:
    """Label to (rows, mean, error)."""
    found = session.fetch_all(
        "kmeans/lloyd_step",
        centroids=vectors(session, centroids),
        after_row=after_row,
        last_row=last_row,
        starts=[1],
        followed=False,
    )
    assert len(found) == len({row["label"] for row in found})
    assert all(row["places"] is None for row in found)
    return {row["label"]: (row["rows"], row["mean"].tolist(), row["error"]) for row in found}


def test_rows_are_counted_averaged_and_their_squared_distances_summed(session: Session) -> None:
    make_sample(session, [[1, 0], [3, 4], [9, 0], [10, 2]])
    assert step(session, [[0, 0], [10, 0]]) == {0: (2, [2, 2], 1 + 25), 1: (2, [9.5, 1], 1 + 4)}


def test_the_lowest_label_wins_a_tie(session: Session) -> None:
    make_sample(session, [[5, 0]])
    assert step(session, [[99, 99], [10, 0], [0, 0]]) == {1: (1, [5, 0], 25)}
    assert step(session, [[10, 0], [10, 0]]) == {0: (1, [5, 0], 25)}


def test_a_centroid_without_rows_has_no_row(session: Session) -> None:
    make_sample(session, [[1, 1]])
    assert set(step(session, [[50, 50], [1, 1], [70, 70]])) == {1}


def test_the_range_begins_after_its_first_number_and_ends_with_its_last(session: Session) -> None:
    make_sample(session, [[1, 0], [2, 0], [4, 0], [8, 0]])
    assert step(session, [[0, 0]], after_row=1, last_row=3) == {0: (2, [3, 0], 4 + 16)}


def test_adjoining_ranges_share_no_row_and_miss_none(session: Session) -> None:
    make_sample(session, [[1, 0], [2, 0], [4, 0], [8, 0], [16, 0]])
    parts = [step(session, [[0, 0]], after_row=a, last_row=b)[0] for a, b in [(0, 2), (2, 5)]]
    assert [rows for rows, _, _ in parts] == [2, 3]
    assert sum(error for _, _, error in parts) == 1 + 4 + 16 + 64 + 256


def test_pieces_of_a_range_are_averaged_by_themselves(session: Session) -> None:
    make_sample(session, [[1, 0], [2, 0], [4, 0], [8, 0], [16, 0]])
    found = session.fetch_all(
        "kmeans/lloyd_step",
        centroids=vectors(session, [[0, 0]]),
        after_row=1,
        last_row=5,
        starts=[2, 4],
        followed=False,
    )
    parts = {row["piece"]: (row["rows"], row["mean"].tolist(), row["error"]) for row in found}
    assert parts == {1: (2, [3, 0], 4 + 16), 2: (2, [12, 0], 64 + 256)}


def test_an_empty_range_has_no_rows(session: Session) -> None:
    make_sample(session, [[1, 0]])
    assert step(session, [[0, 0]], after_row=1, last_row=9) == {}


def test_where_rows_are_followed_their_places_in_the_range_are_told(session: Session) -> None:
    make_sample(session, [[9, 0], [1, 0], [8, 0], [2, 0]])
    found = session.fetch_all(
        "kmeans/lloyd_step",
        centroids=vectors(session, [[0, 0], [10, 0]]),
        after_row=1,
        last_row=4,
        starts=[2],
        followed=True,
    )
    assert {row["label"]: sorted(row["places"]) for row in found} == {0: [1, 3], 1: [2]}
