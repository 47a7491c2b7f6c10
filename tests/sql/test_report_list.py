"""The clusters and runs that a report is about."""

from typing import Any

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import add_with_ids, hide, make_clusters, open_run, place, record_quality


def listed(session: Session, run_id: int | None = None) -> list[dict[str, Any]]:
    return session.fetch_all("report/list_clusters", run_id=run_id, every_scope=True, scope=None)


def test_the_one_with_most_usable_photos_comes_first(session: Session) -> None:
    first, second, third = make_clusters(session, [[1, 0], [0, 1], [1, 1]])
    add_with_ids(session, {1: [1, 0], 2: [0, 1], 3: [0, 2], 4: [0, 3], 5: [1, 1]})
    place(session, first, 1)
    place(session, second, 2, 3, 4)
    place(session, third, 5)
    assert [(row["id"], row["photos"]) for row in listed(session)] == [
        (second, 3),
        (first, 1),
        (third, 1),
    ]
    hide(session, 3, 4, 5)
    assert [(row["id"], row["photos"]) for row in listed(session)] == [
        (first, 1),
        (second, 1),
        (third, 0),
    ]


def test_what_is_told_of_a_cluster(session: Session) -> None:
    run_id = open_run(session, metric="l2")
    [measured] = make_clusters(session, [[1, 0, 0]], run_id)
    session.connection.execute("INSERT INTO clusters (id, name, status) VALUES (900, 'cats', 1)")
    record_quality(session, run_id, measured, 0.75)
    assert listed(session) == [
        {
            "id": measured,
            "scope": None,
            "name": None,
            "status": 0,
            "photos": 0,
            "run_id": run_id,
            "metric": "l2",
            "dimensions": 3,
            "silhouette": None,
            "retired": False,
            "parent_ids": [],
        },
        {
            "id": 900,
            "scope": None,
            "name": "cats",
            "status": 1,
            "photos": 0,
            "run_id": None,
            "metric": "cosine",
            "dimensions": None,
            "silhouette": None,
            "retired": False,
            "parent_ids": [],
        },
    ]


def test_another_run_s_quality_of_the_same_id_does_not_count(session: Session) -> None:
    earlier, run_id = open_run(session), open_run(session)
    [cluster_id] = make_clusters(session, [[1, 0]], run_id)
    record_quality(session, earlier, cluster_id, 0.75)
    assert [row["silhouette"] for row in listed(session)] == [None]


def test_clusters_of_one_run(session: Session) -> None:
    run_id, other = open_run(session), open_run(session)
    [wanted] = make_clusters(session, [[1, 0]], run_id)
    make_clusters(session, [[0, 1]], other)
    make_clusters(session, [[0, 1]])
    assert [row["id"] for row in listed(session, run_id)] == [wanted]
    assert len(listed(session)) == 3


def test_centroids_come_by_id(session: Session) -> None:
    ids = make_clusters(session, [[1, 2], [3, 4], [5, 6]])
    rows = session.fetch_all("report/fetch_centroids", cluster_ids=[ids[2], ids[0]])
    assert [(row["id"], row["centroid"].tolist()) for row in rows] == [
        (ids[0], [1, 2]),
        (ids[2], [5, 6]),
    ]


def test_groups_of_coarser_levels_come_in_the_order_of_levels(session: Session) -> None:
    run_id = open_run(session)
    one, other = make_clusters(session, [[1, 0], [0, 1]], run_id)
    session.connection.execute(
        "INSERT INTO cluster_levels (run_id, cluster_id, level, parent_id)"
        " VALUES (%(run)s, %(one)s, 2, 7), (%(run)s, %(one)s, 1, %(one)s)",
        {"run": run_id, "one": one},
    )
    assert {row["id"]: row["parent_ids"] for row in listed(session)} == {one: [one, 7], other: []}
