"""The record of a run from its opening to its last step."""

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import make_clusters, open_run, query, run_record


def test_a_record_is_opened_with_what_was_given(session: Session) -> None:
    record = run_record(session, open_run(session))
    given = {
        "algorithm": "kmeans",
        "metric": "cosine",
        "seed": 42,
        "k_requested": 3,
        "settings": {"k": 3},
        "tool_version": "0.1",
        "postgres_version": "17.0",
        "pgvector_version": "0.8",
        "photos_eligible": 10,
        "dimensions": 2,
    }
    assert {name: record[name] for name in given} == given


def test_a_new_record_is_running_on_this_connection_and_has_no_outcome(session: Session) -> None:
    record = run_record(session, open_run(session))
    assert (record["status"], record["phase"]) == ("running", "survey")
    assert record["backend_pid"] == session.connection.info.backend_pid
    assert record["started_by"] == session.connection.info.user
    outcome = (
        "photos_processed",
        "skipped",
        "clusters_created",
        "inertia",
        "iterations",
        "converged",
        "seconds",
        "error",
        "finished_at",
    )
    assert {name: record[name] for name in outcome} == dict.fromkeys(outcome)


def test_runs_are_numbered_without_gaps(session: Session) -> None:
    first, discarded = open_run(session), open_run(session)
    session.execute("runs/discard", run_id=discarded)
    assert (first, discarded, open_run(session)) == (1, 2, 2)


def test_a_number_that_a_cluster_still_names_is_not_given_again(session: Session) -> None:
    run_id = open_run(session)
    make_clusters(session, [[0, 0]], run_id)
    session.execute("runs/discard", run_id=run_id)
    assert open_run(session) == run_id + 1


def test_a_seed_may_be_as_large_as_a_bigint(session: Session) -> None:
    run_id = open_run(session, seed=2**63 - 1)
    assert query(session, "SELECT seed FROM cluster_runs WHERE id = %s", run_id) == [(2**63 - 1,)]


def test_a_phase_is_entered_by_its_run_alone(session: Session) -> None:
    run_id, other = open_run(session), open_run(session)
    session.execute("runs/enter_phase", run_id=run_id, phase="train")
    assert run_record(session, run_id)["phase"] == "train"
    assert run_record(session, other)["phase"] == "survey"
