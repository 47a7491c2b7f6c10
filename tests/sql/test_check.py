"""What check asks; the command as a whole is tested in tests/integration/test_check.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sql.helpers import (
    PROBE,
    add_with_ids,
    close_run,
    make_clusters,
    open_run,
    place,
    placed,
    query,
    record_move,
)

if TYPE_CHECKING:
    from fluffy_sql.database.session import Session


def test_nothing_is_found_where_nothing_is_wrong(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [0, 1]})
    place(session, make_clusters(session, [[1, 0]])[0], 1)
    close_run(session, open_run(session))
    assert session.fetch_all("check/find_lost_photos") == []
    assert session.fetch_all("check/find_other_lengths") == []
    assert session.fetch_all("check/count_misplaced", photos=100, probe=PROBE) == []
    assert session.fetch_all("check/find_idle_holders", seconds=0) == []
    assert session.fetch_all("check/find_blocked", seconds=0) == []
    assert session.fetch_all("check/find_abandoned_runs") == []
    assert session.execute("check/free_lost_photos") == 0


def test_runs_recorded_as_running_are_found(session: Session) -> None:
    run_id = open_run(session)
    [run] = session.fetch_all("check/find_abandoned_runs")
    assert (run["run_id"], run["phase"]) == (run_id, "survey")


def test_lengths_are_told_apart_within_a_cluster(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [1], 3: [1, 0, 0], 4: [2, 0, 0], 5: [1, 0, 0]})
    [a], [b] = make_clusters(session, [[1, 0]]), make_clusters(session, [[1, 0, 0]])
    place(session, a, 1, 2, 3, 4)
    place(session, b, 5)
    assert session.fetch_all("check/find_other_lengths") == [
        {"cluster_id": a, "expected": 2, "dimensions": 1, "photos": 1},
        {"cluster_id": a, "expected": 2, "dimensions": 3, "photos": 2},
    ]


@pytest.mark.parametrize(("pinned", "counted"), [(False, 2), (True, 1)])
def test_photos_are_compared_with_the_centroids_of_the_run_that_moved_them(
    pinned: bool, counted: int, session: Session
) -> None:
    add_with_ids(session, {1: [1, 0], 2: [1, 0]})
    run_id, other = open_run(session), open_run(session)
    [own, nearer] = make_clusters(session, [[0, 1], [1, 1]], run_id)
    make_clusters(session, [[1, 0]], other)
    place(session, own, 1, 2)
    close_run(session, run_id)
    if pinned:
        session.connection.execute("UPDATE photos SET cluster_pinned = TRUE WHERE id = 1")
    record_move(session, run_id, [1, 2], None, own)
    found = session.fetch_all("check/count_misplaced", photos=50, probe=PROBE)
    assert found == [
        {"run_id": run_id, "looked_at": counted, "misplaced": counted, "recall": 0.995}
    ]
    session.connection.execute("DELETE FROM clusters WHERE id = %s", (nearer,))
    assert session.fetch_all("check/count_misplaced", photos=50, probe=PROBE)[0]["misplaced"] == 0
    assert placed(session) == {1: own, 2: own}
    assert query(session, "SELECT count(*) FROM clusters") == [(2,)]
