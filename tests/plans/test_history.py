"""What undo looks up takes as long as there are photos, whatever the planner believes of them."""

import pytest

from fluffy_sql.postgres.session import Session
from tests.plans.helpers import Explained, explain, fill, make_clusters
from tests.sql.helpers import open_run, place, record_move

PHOTOS, CLUSTERS = 2_000, 20


@pytest.fixture
def placed(session: Session) -> int:
    """A run that put all photos into clusters after ANALYZE ran: it knows an undone run."""
    fill(session, PHOTOS, dimensions=2)
    undone, run_id = open_run(session), open_run(session)
    ids = [row[0] for row in session.connection.execute("SELECT id FROM photos ORDER BY id")]
    clusters = make_clusters(session, CLUSTERS, dimensions=2)
    for number, cluster in enumerate(clusters):
        record_move(session, undone, ids[number::CLUSTERS], None, cluster)
    session.connection.execute("ANALYZE cluster_run_moves")
    for number, cluster in enumerate(clusters):
        record_move(session, run_id, ids[number::CLUSTERS], None, cluster)
        place(session, cluster, *ids[number::CLUSTERS])
    return run_id


def test_photos_to_move_back_are_found_in_one_pass(session: Session, placed: int) -> None:
    explained = explain(
        session, "runs/list_photos_to_move_back", run_id=placed, labels=[], cluster_ids=[]
    )
    assert rows_looked_at(explained) < 10 * PHOTOS


def test_photos_left_in_no_cluster_are_counted_in_one_pass(session: Session, placed: int) -> None:
    session.connection.execute("ANALYZE photos")
    session.execute("runs/list_photos_to_move_back", run_id=placed, labels=[], cluster_ids=[])
    session.connection.execute("UPDATE photos SET cluster_id = NULL")
    explained = explain(session, "runs/count_unplaced")
    assert rows_looked_at(explained) < 10 * PHOTOS


def test_runs_without_a_photo_in_common_are_compared_in_one_pass(
    session: Session, placed: int
) -> None:
    later = open_run(session)
    record_move(session, later, list(range(10**6, 10**6 + PHOTOS)), None, None)
    session.connection.execute("UPDATE cluster_runs SET status = 'succeeded'")
    for statistics in ("none of the later run", "of both"):
        explained = explain(session, "runs/find_dependent", run_id=placed)
        assert rows_looked_at(explained) < 60 * PHOTOS, statistics
        session.connection.execute("ANALYZE cluster_run_moves")


def rows_looked_at(explained: Explained) -> int:
    """Rows that the nodes of a plan returned, or threw away, each time they were begun anew."""
    return sum(
        node["Actual Loops"]
        * (
            node["Actual Rows"]
            + node.get("Rows Removed by Join Filter", 0)
            + node.get("Rows Removed by Filter", 0)
        )
        for node in explained.nodes
    )
