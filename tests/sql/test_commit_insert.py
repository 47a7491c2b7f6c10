"""The clusters of a run."""

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import make_clusters, open_run, query, vectors


def test_ids_rise_in_the_order_of_the_centroids(session: Session) -> None:
    centroids = [[(7 * i) % 50, i] for i in range(50)]
    made = session.fetch_all(
        "commit/insert_clusters",
        run_id=None,
        centroids=vectors(session, centroids),
        scopes=[None] * len(centroids),
    )
    stored = query(session, "SELECT id, centroid FROM clusters ORDER BY id")
    assert sorted(row["id"] for row in made) == [cluster_id for cluster_id, _ in stored]
    assert [centroid.tolist() for _, centroid in stored] == centroids


def test_a_cluster_begins_active_empty_unnamed_and_of_its_run(session: Session) -> None:
    run_id = open_run(session)
    make_clusters(session, [[1, 0]], run_id)
    stored = "SELECT status, photos_count, name, run_id, created_at = now() AND updated_at = now()"
    assert query(session, stored + " FROM clusters") == [(0, 0, None, run_id, True)]


def test_a_table_without_defaults_will_do(session: Session) -> None:
    for column in ("status", "photos_count", "created_at", "updated_at"):
        session.connection.execute(f"ALTER TABLE clusters ALTER {column} DROP DEFAULT")
    assert len(make_clusters(session, [[1, 0], [0, 1]])) == 2
