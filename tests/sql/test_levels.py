"""Coarser levels of clusters: written as groups, shown as parents, of the run that holds now."""

import pytest

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import make_clusters, open_run, query, record_quality


@pytest.fixture
def run_id(session: Session) -> int:
    return open_run(session)


def write_levels(session: Session, run_id: int, cluster_ids: list[int]) -> None:
    """Two levels: two pairs, and one group of both."""
    for level, numbers in enumerate(([7, 7, 9, 9, 7], [0, 0, 0, 0, 0]), start=1):
        written = session.execute(
            "commit/write_cluster_levels",
            run_id=run_id,
            cluster_ids=cluster_ids,
            level=level,
            numbers=numbers,
        )
        assert written == len(cluster_ids) - 1


def parents(session: Session) -> list[list[int] | None]:
    """Of all clusters, by their ids, as both lists of clusters have them."""
    overview = query(session, "SELECT id, parent_ids FROM cluster_overview ORDER BY id")
    asked = {"run_id": None, "every_scope": True, "scope": None, "most": None}
    listed = session.fetch_all("runs/list_clusters", **asked)
    assert {row["id"]: row["parent_ids"] for row in listed} == dict(overview)
    return [row[1] for row in overview]


@pytest.fixture
def clusters(session: Session, run_id: int) -> list[int]:
    """Four clusters of 3, 8, 8 and 5 photos in levels; a fifth got no photos, and is in none."""
    made = make_clusters(session, [[1, 0], [0, 1], [1, 1], [2, 1]], run_id)
    for cluster_id, photos in zip(made, (3, 8, 8, 5), strict=True):
        record_quality(session, run_id, cluster_id, 0.5)
        session.connection.execute(
            "UPDATE cluster_quality SET photos = %s WHERE cluster_id = %s", (photos, cluster_id)
        )
    write_levels(session, run_id, [*made, 999])
    return made


def test_a_group_has_the_id_of_its_largest_cluster(session: Session, clusters: list[int]) -> None:
    _, two, three, _ = clusters
    assert parents(session) == [[two, two], [two, two], [three, two], [three, two]]


def test_what_is_retired_or_of_another_run_has_no_parents(
    session: Session, clusters: list[int]
) -> None:
    one, two, three, four = clusters
    later = open_run(session)
    session.connection.execute("INSERT INTO retired_clusters VALUES (%s, %s)", (four, later))
    session.connection.execute("UPDATE clusters SET run_id = %s WHERE id = %s", (later, one))
    assert parents(session) == [None, [two, two], [three, two], None]


def test_levels_are_kept_as_long_as_they_hold(
    session: Session, run_id: int, clusters: list[int]
) -> None:
    later = open_run(session)
    session.connection.execute(
        "UPDATE clusters SET run_id = %s WHERE id = %s", (later, clusters[0])
    )
    session.connection.execute("UPDATE cluster_runs SET photos_moved = 1 WHERE id = %s", (run_id,))
    session.execute("commit/prune_moves", keep=0)
    left = query(session, "SELECT cluster_id, count(*) FROM cluster_levels GROUP BY 1 ORDER BY 1")
    assert left == [(cluster_id, 2) for cluster_id in clusters[1:]]
    session.connection.execute("UPDATE clusters SET run_id = NULL")
    session.connection.execute("DELETE FROM cluster_runs WHERE id = %s", (run_id,))
    assert query(session, "SELECT FROM cluster_levels") == []
