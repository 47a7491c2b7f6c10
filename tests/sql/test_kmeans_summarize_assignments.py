"""How the photos fell."""

from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.work_tables import empty
from tests.sql.helpers import make_assignments


def summary(session: Session) -> dict[int, tuple[int, float]]:
    found = session.fetch_all("runs/summarize_assignments")
    assert len(found) == len({row["label"] for row in found})
    return {row["label"]: (row["photos"], row["error"]) for row in found}


def test_photos_are_counted_and_squared_distances_summed_by_label(session: Session) -> None:
    make_assignments(session, {1: (0, 1.0), 2: (4, 3.0), 3: (0, 2.0), 4: (4, 0.0)})
    assert summary(session) == {0: (2, 1 + 4), 4: (2, 9)}


def test_the_order_on_disk_does_not_change_the_sum(session: Session) -> None:
    # Added to 1e16 one by one, each 1 is lost; added to each other first, they count.
    distances = dict(enumerate([1e8, *[1.0] * 8]))
    sums = []
    for order in (sorted(distances), sorted(distances, reverse=True)):
        empty(session, "work_assignments")
        make_assignments(session, {i: (0, distances[i]) for i in order})
        sums.append(summary(session)[0][1])
    assert sums == [1e16, 1e16]


def test_without_assignments_there_are_no_rows(session: Session) -> None:
    make_assignments(session, {})
    assert summary(session) == {}
