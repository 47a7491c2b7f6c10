"""The list of clusters."""

from typing import Any

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import add_with_ids, make_clusters, open_run, place, query, record_quality


def listed(
    session: Session, *, run_id: int | None = None, most: int | None = None
) -> list[dict[str, Any]]:
    return session.fetch_all(
        "runs/list_clusters", run_id=run_id, every_scope=True, scope=None, most=most
    )


def three_clusters(session: Session) -> tuple[int, int, int]:
    """The middle one has most photos, the others equally few."""
    ids = make_clusters(session, [[0, 0], [10, 0], [20, 0]], open_run(session, metric="l2"))
    for cluster_id, count in zip(ids, (1, 5, 1), strict=True):
        session.connection.execute(
            "UPDATE clusters SET photos_count = %s WHERE id = %s", (count, cluster_id)
        )
    return ids[0], ids[1], ids[2]


def test_the_largest_comes_first_and_of_equals_the_oldest(session: Session) -> None:
    first, largest, last = three_clusters(session)
    assert [row["id"] for row in listed(session)] == [largest, first, last]


def test_no_more_are_listed_than_asked_for(session: Session) -> None:
    first, largest, _ = three_clusters(session)
    assert [row["id"] for row in listed(session, most=2)] == [largest, first]


def test_a_run_s_own_clusters_are_listed(session: Session) -> None:
    three_clusters(session)
    run_id = open_run(session)
    [own] = make_clusters(session, [[0, 0]], run_id)
    [of_none] = make_clusters(session, [[0, 0]])
    assert [row["id"] for row in listed(session, run_id=run_id)] == [own]
    assert {own, of_none} < {row["id"] for row in listed(session)}


def test_a_cluster_is_listed_once_with_its_most_central_photo(session: Session) -> None:
    _, largest, _ = three_clusters(session)
    add_with_ids(session, {1: [16, 0], 2: [11, 0], 3: [10, 2]})
    place(session, largest, 1, 2, 3)
    session.connection.execute(
        "UPDATE clusters SET name = 'cats', status = 1, photos_count = 5 WHERE id = %s", (largest,)
    )
    row = listed(session, most=1)[0]
    assert (row.pop("silhouette"), row.pop("davies_bouldin")) == (None, None)
    [(created_at, run_id)] = query(
        session, "SELECT created_at, run_id FROM clusters WHERE id = %s", largest
    )
    assert row == {
        "id": largest,
        "scope": None,
        "name": "cats",
        "status": 1,
        "retired_by": None,
        "photos_count": 5,
        "photos_not_compared": 0,
        "mean_distance": 3,
        "max_distance": 6,
        "central_photo": "p2",
        "run_id": run_id,
        "parent_ids": None,
        "created_at": created_at,
    }
    assert len(listed(session)) == 3


def test_the_quality_is_what_its_own_run_measured(session: Session) -> None:
    run_id, later_run_id = open_run(session), open_run(session)
    [first] = make_clusters(session, [[0, 0]], run_id)
    for measured_by, silhouette in ((run_id, 0.25), (later_run_id, 0.5)):
        record_quality(session, measured_by, first, silhouette)
    [row] = listed(session)
    assert (row["silhouette"], row["davies_bouldin"]) == (None, None)  # it has no photos
    add_with_ids(session, {1: [1, 0]})
    place(session, first, 1)
    [row] = listed(session)
    assert (row["silhouette"], row["davies_bouldin"]) == (0.25, 1.5)


def test_a_cluster_without_photos_is_listed(session: Session) -> None:
    make_clusters(session, [[0, 0]])
    [row] = listed(session)
    assert (row["central_photo"], row["mean_distance"], row["max_distance"]) == (None, None, None)


def test_members_are_listed_most_typical_first(session: Session) -> None:
    _, largest, other = three_clusters(session)
    add_with_ids(session, {1: [16, 0], 2: [11, 0], 3: [10, 2], 4: [20, 0]})
    place(session, largest, 1, 2, 3)
    place(session, other, 4)

    def members(most: int | None) -> list[tuple[Any, ...]]:
        rows = session.fetch_all("runs/list_members", cluster_id=largest, most=most)
        return [tuple(row.values()) for row in rows]

    assert members(None) == [(2, "p2", 1, 1.0), (3, "p3", 2, 2.0), (1, "p1", 3, 6.0)]
    assert members(2) == members(None)[:2]
    assert session.fetch_all("runs/list_members", cluster_id=-1, most=None) == []
