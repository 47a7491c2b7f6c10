"""Photos are placed by their neighbours' votes in clusters of Leiden, compared with NumPy."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import make_moons

from fluffy_sql.operations.history import show_run
from fluffy_sql.postgres.session import Session
from fluffy_sql.settings import clustering_settings
from tests import running
from tests.conftest import Run, add_photos, made_library
from tests.integration.helpers import (
    centroids_by_cluster,
    clusters_by_photo,
    execute,
    query,
    show,
    wrong_counts,
)
from tests.integration.test_assign import distances


def generate(session: Session, metric: str = "cosine", **own: Any) -> None:
    running.generate(session, clustering_settings(algorithm="leiden", metric=metric, leiden=own))


def voted(
    row: NDArray[Any],
    rows: NDArray[Any],
    clusters: NDArray[Any],
    centroids: Mapping[int, NDArray[Any]],
    *,
    metric: str,
    neighbours: int,
) -> int:
    """Where a photo goes; 0: nowhere."""
    known = np.array(sorted(centroids))
    away = distances(row[None], np.stack([centroids[cluster] for cluster in known]), metric)[0]
    looked_into = known[np.argsort(away, kind="stable")[:16]]
    voters = np.flatnonzero(np.isin(clusters, looked_into))
    near = distances(row[None], rows[voters], metric)[0]
    elected = clusters[voters[np.argsort(near, kind="stable")[:neighbours]]]
    votes = np.bincount(elected, weights=1 / np.arange(1, len(elected) + 1))
    return int(votes.argmax()) if votes.max() > votes.sum() / 2 else 0


def one_by_one(session: Session, ids: list[int]) -> list[int]:
    """Where the function would place each, if the others had not come."""
    found = []
    for photo_id in ids:
        with session.connection.transaction(force_rollback=True):
            [(cluster,)] = query(session, f"SELECT assign_photo({photo_id})")
            found.append(cluster or 0)
    return found


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_every_photo_goes_where_its_neighbours_vote(metric: str, session: Session) -> None:
    generator = np.random.default_rng(0)
    # no themes at all: every border between clusters is crowded
    rows = generator.normal(size=(460, 5)).astype(np.float32)
    add_photos(session, rows[:400])
    generate(session, metric, neighbours=8, granularity=60)
    execute(
        session,
        "UPDATE clusters SET status = 1 WHERE id % 6 = 0",
        "UPDATE photos SET cluster_pinned = TRUE, cluster_id = 1 WHERE id % 50 = 0",
    )
    show(session, "id % 11 <> 0")
    before = clusters_by_photo(session)
    new = add_photos(session, rows[400:], [f"n{place}" for place in range(60)])
    centroids = {
        cluster: centroid
        for cluster, centroid in centroids_by_cluster(session).items()
        if cluster % 6
    }
    assert len(centroids) > 20
    shown = [photo_id for photo_id in new if photo_id % 11]
    voters = np.where(np.arange(1, 401) % 11, before, 0)
    expected = [
        voted(rows[photo_id - 1], rows[:400], voters, centroids, metric=metric, neighbours=8)
        for photo_id in shown
    ]
    assert one_by_one(session, shown) == expected

    result = running.assign(session)

    after = clusters_by_photo(session)
    assert after[np.array(shown) - 1].tolist() == expected
    assert np.array_equal(after[:400], before)
    assert result.left["undecided"] == expected.count(0) > 0
    assert result.photos_assigned == len(shown) - expected.count(0)
    assert result.voting == result.clusters == len(centroids)
    assert wrong_counts(session) == []
    assert show_run(session, 2).run["algorithm"] == "votes"


def test_clusters_of_each_scope_take_photos_in_their_own_way(session: Session) -> None:
    generator = np.random.default_rng(1)
    rows = generator.normal(size=(360, 4)).astype(np.float32)
    execute(
        session,
        "CREATE OR REPLACE VIEW usable_photos AS SELECT id, path, embedding, cluster_id,"
        " CASE WHEN id % 3 > 0 THEN id % 3 END AS scope FROM photos",
    )
    add_photos(session, rows[:100])
    running.generate(session, running.settings(k=6))  # in all scopes
    execute(session, "UPDATE photos SET cluster_id = NULL WHERE id % 3 = 1")
    execute(session, "DELETE FROM clusters WHERE scope = 1")
    add_photos(session, rows[100:300], [f"m{place}" for place in range(200)])
    execute(session, "UPDATE photos SET embedding = NULL WHERE id > 100 AND id % 3 <> 1")
    generate(session, granularity=60, neighbours=5)
    before = clusters_by_photo(session)
    new = add_photos(session, rows[300:], [f"n{place}" for place in range(60)])
    one = one_by_one(session, new)

    result = running.assign(session)

    after = clusters_by_photo(session)
    assert after[300:].tolist() == one
    centroids = centroids_by_cluster(session)
    scopes = dict(query(session, "SELECT id, scope FROM clusters"))
    for photo_id in new:
        row, own = rows[photo_id - 1], photo_id % 3 or None
        of_scope = {cluster: centroids[cluster] for cluster in scopes if scopes[cluster] == own}
        if own == 1:
            expected = voted(row, rows[:300], before, of_scope, metric="cosine", neighbours=5)
        else:
            known = np.array(sorted(of_scope))
            away = distances(
                row[None], np.stack([of_scope[cluster] for cluster in known]), "cosine"
            )
            expected = int(known[away[0].argmin()])
        assert after[photo_id - 1] == expected
    assert 0 < result.voting < result.clusters
    assert show_run(session, 3).run["algorithm"] == "nearest and votes"


def test_photos_that_changed_do_not_vote_for_where_they_were(session: Session) -> None:
    rows, themes = made_library(2, photos=300, themes=3, spread=0.05)
    ids = np.array(add_photos(session, rows))
    generate(session, granularity=10)
    before = clusters_by_photo(session)
    ours, theirs = np.flatnonzero(themes == 0), np.flatnonzero(themes == 1)
    assert not {*before[ours]} & {*before[theirs]}
    for place in ours[:40]:
        changed = (rows[theirs[0]] + 0.001 * rows[place]).tolist()
        execute(session, f"UPDATE photos SET embedding = '{changed}' WHERE id = {ids[place]}")
    assert running.assign(session, moved=True).photos_assigned == 40
    assert {*clusters_by_photo(session)[ours[:40]]} <= {*before[theirs]}


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_photos_near_a_core_photo_get_into_clusters_of_dbscan(
    metric: str, session: Session
) -> None:
    flat = make_moons(360, noise=0.08, random_state=0)[0]
    rows = (flat if metric == "l2" else np.column_stack([flat, np.ones(360)])).astype(np.float32)
    eps = 0.14 if metric == "l2" else 0.004
    settings = clustering_settings(
        algorithm="dbscan", metric=metric, dbscan={"eps": eps, "min_samples": 4}
    )
    add_photos(session, rows[:300])
    assert running.generate(session, settings).skipped["noise"] > 0
    assert running.assign(session).photos_assigned == 0  # noise is noise
    add_photos(session, rows[300:], [f"n{place}" for place in range(60)])
    before = clusters_by_photo(session)
    away = distances(rows, rows, metric)
    cores = (before > 0) & ((away <= eps).sum(axis=1) >= 4)
    near = np.where(cores[None] & (away <= eps), away, np.inf)
    expected = np.where(np.isinf(near.min(axis=1)), 0, before[near.argmin(axis=1)])
    free = np.flatnonzero(before == 0)
    assert one_by_one(session, (free[:20] + 1).tolist()) == expected[free[:20]].tolist()

    result = running.assign(session)

    assert np.array_equal(clusters_by_photo(session)[free], expected[free])
    assert result.left["noise"] == (expected[free] == 0).sum() > 0
    assert result.photos_assigned == (expected[free] > 0).sum() > 30


def test_what_people_are_told(session: Session, on_database: Run) -> None:
    rows, _ = made_library(3, photos=200, themes=4, spread=0.05)
    add_photos(session, rows)
    generate(session, granularity=20)
    add_photos(session, [*rows[:5] + 0.001, -rows[0]], [f"n{place}" for place in range(6)])
    told = on_database("assign", "--max-distance", "0.5", "--dry-run").out
    assert "would place 5 photos in" in told
    assert "Into these clusters photos get by the votes of those most alike.\n" in told
    assert "Left without a cluster: 1 photo " in told
    assert "would place 5 photos" in on_database("assign", "--within", "100", "--dry-run").out
