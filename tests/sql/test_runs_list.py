"""The list of runs."""

from datetime import timedelta
from typing import Any

import pytest

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import close_run, open_run, run_record


def listed(
    session: Session, run_ids: list[int] | None = None, most: int | None = None
) -> list[dict[str, Any]]:
    return session.fetch_all("runs/list", run_ids=run_ids, most=most)


def test_the_newest_comes_first(session: Session) -> None:
    ids = [open_run(session) for _ in range(3)]
    assert [row["id"] for row in listed(session)] == ids[::-1]


def test_no_more_are_listed_than_asked_for(session: Session) -> None:
    ids = [open_run(session) for _ in range(3)]
    assert [row["id"] for row in listed(session, most=2)] == [ids[2], ids[1]]


def test_only_those_asked_for_are_listed(session: Session) -> None:
    ids = [open_run(session) for _ in range(3)]
    assert [row["id"] for row in listed(session, [ids[0], ids[2], 99])] == [ids[2], ids[0]]


def test_a_run_is_listed_whole(session: Session) -> None:
    run_id = open_run(session)
    close_run(session, run_id, inertia=5.0, photos_processed=20)
    session.connection.execute("UPDATE cluster_runs SET finished_at = started_at + interval '90 s'")
    record = run_record(session, run_id)
    [row] = listed(session)
    assert (row["inertia_per_photo"], row["duration"]) == (0.25, timedelta(seconds=90))
    assert set(row) == {*record, "inertia_per_photo", "duration", "neighbours"}
    assert {name: row[name] for name in record if not name.endswith("_at")} == {
        name: value for name, value in record.items() if not name.endswith("_at")
    }


def test_a_run_that_goes_on_lasts_until_now(session: Session) -> None:
    open_run(session)
    session.connection.execute("UPDATE cluster_runs SET started_at = now() - interval '1 hour'")
    [row] = listed(session)
    assert row["duration"].total_seconds() == pytest.approx(3_600, abs=60)


def test_a_run_that_placed_no_photo_has_no_inertia_per_photo(session: Session) -> None:
    close_run(session, open_run(session), inertia=0.0, photos_processed=0)
    assert listed(session)[0]["inertia_per_photo"] is None
