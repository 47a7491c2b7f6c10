"""New clusters are counted, empty ones taken back."""

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import counts, make_clusters, open_run, record_move


def test_each_cluster_gets_its_count_and_others_are_left_alone(session: Session) -> None:
    two, three, not_given = make_clusters(session, [[1, 0]] * 3)
    assert session.execute("commit/write_counts", cluster_ids=[three, two], photos=[3, 2]) == 2
    assert counts(session) == {two: 2, three: 3, not_given: 0}


def test_empty_clusters_are_dropped_as_far_as_they_are_given(session: Session) -> None:
    empty, full, not_given = make_clusters(session, [[1, 0]] * 3)
    run_id = open_run(session)
    record_move(session, run_id, [1], None, full)
    record_move(session, open_run(session), [2], None, empty)
    dropped = session.execute(
        "commit/drop_empty_clusters", run_id=run_id, cluster_ids=[empty, full]
    )
    assert dropped == 1
    assert set(counts(session)) == {full, not_given}
