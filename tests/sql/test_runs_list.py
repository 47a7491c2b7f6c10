"""The list of runs."""

from typing import Any

import pytest

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import close_run, open_run


def listed(session: Session, most: int | None = None) -> list[dict[str, Any]]:
    return session.fetch_all("runs/list", most=most)


def test_the_newest_comes_first(session: Session) -> None:
    ids = [open_run(session) for _ in range(3)]
    assert [row["id"] for row in listed(session)] == ids[::-1]


def test_no_more_are_listed_than_asked_for(session: Session) -> None:
    ids = [open_run(session) for _ in range(3)]
    assert [row["id"] for row in listed(session, most=2)] == [ids[2], ids[1]]


def test_a_run_is_listed_with_its_settings_and_outcome(session: Session) -> None:
    run_id = open_run(session)
    close_run(session, run_id, inertia=5.0, photos_processed=20)
    session.connection.execute("UPDATE cluster_runs SET finished_at = started_at + interval '90 s'")
    [row] = listed(session)
    expected = {
        "id": run_id,
        "kind": "generate",
        "status": "succeeded",
        "phase": "survey",
        "algorithm": "kmeans",
        "metric": "cosine",
        "seed": 42,
        "k_requested": 3,
        "clusters_created": 3,
        "photos_eligible": 10,
        "photos_processed": 20,
        "photos_moved": 10,
        "inertia": 5.0,
        "inertia_per_photo": 0.25,
        "undone_by": None,
        "clusters_kept": 1,
        "silhouette": 0.25,
        "davies_bouldin": 2.5,
        "calinski_harabasz": 40.0,
        "smallest_cluster": 2,
        "largest_cluster": 5,
        "iterations": 7,
        "converged": True,
        "seconds": 90.0,
        "started_by": session.connection.info.user,
        "error": None,
    }
    assert {name: found for name, found in row.items() if name != "started_at"} == expected


def test_a_run_that_goes_on_lasts_until_now(session: Session) -> None:
    open_run(session)
    session.connection.execute("UPDATE cluster_runs SET started_at = now() - interval '1 hour'")
    [row] = listed(session)
    assert row["seconds"] == pytest.approx(3_600, abs=60)
