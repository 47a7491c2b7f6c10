"""Where a run is, kept and found again."""

import pytest

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import open_run, query, record_step, run_record, vectors


def keep(session: Session, run_id: int, step: int, centroids: list[list[float]]) -> None:
    session.execute(
        "runs/write_checkpoint",
        run_id=run_id,
        step=step,
        batch_size=10 * step,
        centroids=vectors(session, centroids),
    )


def end(session: Session, run_id: int, status: str = "interrupted") -> None:
    session.execute("runs/fail", run_id=run_id, status=status, error="made up")


def test_the_last_step_is_kept(session: Session) -> None:
    run_id, other = open_run(session), open_run(session)
    keep(session, other, 9, [[9, 9]])
    keep(session, run_id, 1, [[1, 0], [2, 0]])
    keep(session, run_id, 2, [[3, 0], [1, 0], [2, 0]])
    rows = session.fetch_all("runs/fetch_checkpoint", run_id=run_id)
    assert [row["centroid"].tolist() for row in rows] == [[3, 0], [1, 0], [2, 0]]
    kept = "SELECT step, batch_size FROM cluster_run_checkpoints ORDER BY step"
    assert query(session, kept) == [(2, 20), (9, 90)]
    session.execute("commit/drop_checkpoint", run_id=run_id)
    assert query(session, kept) == [(9, 90)]


@pytest.mark.parametrize("status", ["interrupted", "failed"])
def test_the_newest_run_is_found_if_it_ended_while_it_trained(
    status: str, session: Session
) -> None:
    open_run(session)
    run_id = open_run(session, kind="recluster")
    keep(session, run_id, 4, [[1, 0]])
    assert session.fetch_all("runs/find_resumable") == []  # it is still running
    end(session, run_id, status)
    assert session.fetch_all("runs/find_resumable") == [
        {"id": run_id, "kind": "recluster", "settings": {"k": 3}, "step": 4, "batch_size": 40}
    ]
    open_run(session)
    assert session.fetch_all("runs/find_resumable") == []


def test_a_run_that_ended_before_it_trained_is_not_found(session: Session) -> None:
    end(session, open_run(session))
    assert session.fetch_all("runs/find_resumable") == []


def test_a_run_is_opened_again_and_forgets_the_steps_it_takes_again(session: Session) -> None:
    run_id = open_run(session)
    for step in (1, 2, 3):
        record_step(session, run_id, step)
    end(session, run_id)
    session.execute("runs/reopen", run_id=run_id, photos_eligible=77, dimensions=2)
    record = run_record(session, run_id)
    assert (record["status"], record["error"], record["finished_at"]) == ("running", None, None)
    assert (record["photos_eligible"], record["phase"]) == (77, "survey")
    session.execute("runs/forget_steps", run_id=run_id, after_step=1)
    assert query(session, "SELECT step FROM cluster_run_steps") == [(1,)]
