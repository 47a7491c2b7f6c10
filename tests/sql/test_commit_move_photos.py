"""Photos are put into the new clusters; what others do meanwhile is in test_assign.py."""

from collections import Counter

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import (
    add_with_ids,
    make_assignments,
    make_clusters,
    open_run,
    pin,
    placed,
    query,
)


def write(session: Session, labels: list[int], cluster_ids: list[int]) -> int:
    """Writes; returns how many photos were placed, having checked how many in each cluster."""
    before = placed(session)
    run_id = open_run(session)
    rows = session.fetch_all(
        "commit/move_photos", run_id=run_id, labels=labels, cluster_ids=cluster_ids
    )
    changed = [
        cluster
        for photo, cluster in placed(session).items()
        if cluster in cluster_ids and cluster != before[photo]
    ]
    assert {row["to_cluster_id"]: row["photos"] for row in rows} == Counter(changed)
    moves = query(
        session,
        "SELECT photo_id, to_cluster_id FROM cluster_moves WHERE run_id = %s"
        " AND from_cluster_id IS NULL",
        run_id,
    )
    assert sorted(moves) == sorted(
        (photo, cluster)
        for photo, cluster in placed(session).items()
        if cluster in cluster_ids and before[photo] != cluster
    )
    return len(changed)


def test_each_photo_gets_the_cluster_of_its_label(session: Session) -> None:
    add_with_ids(session, {i: [i, 0] for i in (1, 2, 3)})
    make_assignments(session, {1: (5, 0.0), 2: (0, 0.0), 3: (5, 0.0)})
    a, b = make_clusters(session, [[1, 0], [2, 0]])
    assert write(session, [5, 0], [a, b]) == 3
    assert placed(session) == {1: a, 2: b, 3: a}


def test_photos_of_other_labels_or_without_a_label_stay(session: Session) -> None:
    add_with_ids(session, {i: [i, 0] for i in (1, 2, 3)})
    make_assignments(session, {1: (0, 0.0), 2: (-1, 0.0)})
    [a] = make_clusters(session, [[1, 0]])
    assert write(session, [0], [a]) == 1
    assert placed(session) == {1: a, 2: None, 3: None}


def test_a_photo_that_is_pinned_outside_stays_there(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [2, 0]})
    pin(session, 1)
    make_assignments(session, {1: (0, 0.0), 2: (0, 0.0)})
    [ours] = make_clusters(session, [[1, 0]])
    assert write(session, [0], [ours]) == 1
    assert placed(session) == {1: None, 2: ours}


def test_updated_at_is_set_on_photos_that_are_placed_and_on_no_others(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [2, 0]})
    session.connection.execute(
        "UPDATE photos SET created_at = '2001-01-01', updated_at = '2001-01-01'"
    )
    make_assignments(session, {1: (0, 0.0)})
    write(session, [0], make_clusters(session, [[1, 0]]))
    found = "SELECT id, updated_at = now(), created_at < '2002-01-01' FROM photos ORDER BY id"
    assert query(session, found) == [(1, True, True), (2, False, True)]
