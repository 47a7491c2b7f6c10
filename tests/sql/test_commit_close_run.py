"""How the record of a run is closed: by success, by failure, or by the next run; or taken back."""

import pytest

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import close_run, open_run, query, record_step, run_record


def fail(session: Session, run_id: int, status: str = "failed") -> None:
    session.execute("runs/fail", run_id=run_id, status=status, error="no room")


def test_success_is_recorded_with_its_outcome(session: Session) -> None:
    run_id, other = open_run(session), open_run(session)
    close_run(session, run_id)
    record = run_record(session, run_id)
    outcome = {
        "status": "succeeded",
        "photos_processed": 10,
        "skipped": {"zero_vector": 1},
        "clusters_created": 3,
        "inertia": 5.0,
        "iterations": 7,
        "converged": True,
        "silhouette": 0.25,
        "davies_bouldin": 2.5,
        "calinski_harabasz": 40.0,
        "smallest_cluster": 2,
        "largest_cluster": 5,
        "photos_measured": 10,
        "seconds": {"total": 1.5},
        "error": None,
    }
    assert {name: record[name] for name in outcome} == outcome
    assert record["finished_at"] >= record["started_at"]
    assert run_record(session, other)["status"] == "running"


def test_an_algorithm_that_knows_no_convergence_closes_with_null(session: Session) -> None:
    run_id = open_run(session)
    close_run(session, run_id, converged=None, inertia=None)
    record = run_record(session, run_id)
    assert (record["status"], record["converged"], record["inertia"]) == ("succeeded", None, None)


@pytest.mark.parametrize("status", ["failed", "interrupted"])
def test_failure_is_recorded_with_its_reason(session: Session, status: str) -> None:
    run_id, other = open_run(session), open_run(session)
    fail(session, run_id, status)
    record = run_record(session, run_id)
    assert (record["status"], record["error"]) == (status, "no room")
    assert record["finished_at"] >= record["started_at"]
    assert run_record(session, other)["status"] == "running"


def test_failure_does_not_overwrite_a_closed_record(session: Session) -> None:
    run_id = open_run(session)
    close_run(session, run_id)
    before = run_record(session, run_id)
    fail(session, run_id)
    assert run_record(session, run_id) == before


def close_left_open(session: Session, status: str) -> int:
    return session.execute("runs/fail", run_id=None, status=status, error="it ended")


def test_every_run_that_was_killed_is_marked_interrupted_and_no_other(session: Session) -> None:
    closed, failed, killed, killed_too = (open_run(session) for _ in range(4))
    close_run(session, closed)
    fail(session, failed)
    before = [run_record(session, run_id) for run_id in (closed, failed)]
    assert close_left_open(session, "interrupted") == 2
    for run_id in (killed, killed_too):
        record = run_record(session, run_id)
        assert record["status"] == "interrupted"
        assert record["error"] == "it ended"
        assert record["finished_at"] >= record["started_at"]
    assert [run_record(session, run_id) for run_id in (closed, failed)] == before
    assert close_left_open(session, "failed") == 0


def test_a_record_is_taken_back_alone_with_its_steps(session: Session) -> None:
    run_id, other = open_run(session), open_run(session)
    for run in (run_id, other):
        record_step(session, run, 1)
    assert session.execute("runs/discard", run_id=run_id) == 1
    assert query(session, "SELECT id FROM cluster_runs") == [(other,)]
    assert query(session, "SELECT run_id FROM cluster_run_steps") == [(other,)]
