"""Error and utility of centroids by hand."""

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import make_sample, vectors

CENTROIDS = [[0, 0], [10, 0], [0, 100]]


def measure(
    session: Session, *, after_row: int = 0, last_row: int = 1_000
) -> dict[int, tuple[float, float]]:
    """Label to (error, utility)."""
    found = session.fetch_all(
        "kmeans/measure_clusters",
        centroids=vectors(session, CENTROIDS),
        after_row=after_row,
        last_row=last_row,
    )
    assert len(found) == len({row["label"] for row in found})
    return {row["label"]: (row["error"], row["utility"]) for row in found}


def test_utility_is_what_the_second_nearest_centroid_would_cost_more(session: Session) -> None:
    make_sample(session, [[1, 0], [4, 0], [8, 0]])
    assert measure(session) == {0: (1 + 16, (81 - 1) + (36 - 16)), 1: (4, 64 - 4)}


def test_a_row_between_two_centroids_counts_for_the_lower_label_and_adds_no_utility(
    session: Session,
) -> None:
    make_sample(session, [[5, 0]])
    assert measure(session) == {0: (25, 0)}


def test_a_centroid_without_rows_has_no_row(session: Session) -> None:
    make_sample(session, [[0, 99]])
    assert set(measure(session)) == {2}


def test_the_range_begins_after_its_first_number_and_ends_with_its_last(session: Session) -> None:
    make_sample(session, [[1, 0], [2, 0], [3, 0], [4, 0]])
    assert measure(session, after_row=1, last_row=3) == {0: (4 + 9, (64 - 4) + (49 - 9))}
