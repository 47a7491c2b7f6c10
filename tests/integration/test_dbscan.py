"""DBSCAN from end to end: pairs found in SQL, clusters where photos are dense, the rest noise."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.cluster
from numpy.typing import NDArray
from sklearn.datasets import make_moons
from sklearn.metrics import adjusted_rand_score

from fluffy_sql.errors import LibraryError
from fluffy_sql.graph.dbscan import DBSCAN
from fluffy_sql.graph.tuning import Tuning
from fluffy_sql.operations.history import show_run
from fluffy_sql.postgres.session import Session
from fluffy_sql.runs.record import RunResult
from fluffy_sql.settings import clustering_settings
from tests import running
from tests.conftest import Run, add_photos, made_library
from tests.integration.helpers import (
    clusters_by_photo,
    execute,
    kill,
    nothing_changes,
    query,
    snapshot,
    work_tables,
)

# As if a library of a few hundred photos were a large one.
BY_CELLS = Tuning(few=50, rows_of_pairs=40)


def generate(
    session: Session, *, tuning: Tuning | None = None, metric: str = "cosine", **given: Any
) -> RunResult:
    request = {
        name: given.pop(name) for name in ("connections", "dry_run", "recluster") if name in given
    }
    return running.generate(
        session,
        clustering_settings(algorithm="dbscan", metric=metric, dbscan=given),
        algorithm=DBSCAN(tuning or Tuning()),
        **request,
    )


def with_noise(seed: int, photos: int = 300) -> NDArray[np.float32]:
    """Six themes, and a photo in six that is of none."""
    rows, _ = made_library(seed, photos=photos, themes=6, dimensions=24, spread=0.05)
    noise = np.random.default_rng(seed).normal(size=(photos // 6, 24))
    return np.concatenate([rows, noise]).astype(np.float32)


@pytest.mark.parametrize("tuning", [Tuning(), BY_CELLS], ids=["all", "by cells"])
@pytest.mark.parametrize("eps", [0.02, 0.05, 0.2])
def test_it_agrees_with_scikit_learn(eps: float, tuning: Tuning, session: Session) -> None:
    rows = with_noise(1)
    add_photos(session, rows)
    result = generate(session, tuning=tuning, eps=eps)
    theirs = sklearn.cluster.DBSCAN(eps=eps, metric="cosine").fit(rows.astype(np.float64))
    found, core = clusters_by_photo(session), theirs.core_sample_indices_
    assert np.array_equal(found > 0, theirs.labels_ >= 0)
    assert adjusted_rand_score(found[core], theirs.labels_[core]) == 1
    assert result.skipped["noise"] == (theirs.labels_ < 0).sum() > 0
    assert result.clusters_created == theirs.labels_.max() + 1


def test_shapes_that_are_not_round(session: Session) -> None:
    rows, moons = make_moons(400, noise=0.05, random_state=0)
    axes = np.linalg.qr(np.random.default_rng(5).normal(size=(64, 2)))[0]
    add_photos(session, rows @ axes.T)
    assert generate(session, metric="l2", eps=0.2).clusters_created == 2
    found = clusters_by_photo(session)
    assert adjusted_rand_score(moons[found > 0], found[found > 0]) == 1


def test_the_same_on_any_number_of_connections(session: Session) -> None:
    add_photos(session, with_noise(2))
    results = []
    for connections in (1, 4):
        generate(session, tuning=BY_CELLS, connections=connections, recluster=True, eps=0.05)
        results.append(clusters_by_photo(session))
    assert adjusted_rand_score(*results) == 1


def test_few_photos_none_and_equal_ones(session: Session) -> None:
    assert generate(session).run_id is None
    add_photos(session, [None, np.zeros(3), [0, 0, 1]])
    result = generate(session)
    assert result.clusters_created == 0
    assert {reason: photos for reason, photos in result.skipped.items() if photos} == {
        "without_embedding": 1,
        "zero_vector": 1,
        "noise": 1,
    }
    add_photos(session, np.tile([[0.3, 0.1, 0.2]], (90, 1)), [f"equal{n}" for n in range(90)])
    assert generate(session, tuning=BY_CELLS).clusters_created == 1


def test_scopes_are_clustered_by_themselves(session: Session) -> None:
    add_photos(session, with_noise(3))
    execute(
        session,
        "CREATE OR REPLACE VIEW usable_photos AS SELECT id, path, embedding, cluster_id,"
        " CASE WHEN id <= 130 THEN 7 WHEN id <= 160 THEN 8 WHEN id <= 161 THEN 9 END::bigint"
        " AS scope FROM photos",
    )
    result = generate(session, tuning=BY_CELLS, eps=0.05)
    assert result.scopes >= 2
    of_scopes = query(
        session,
        "SELECT bool_and(scoped.scope IS NOT DISTINCT FROM usable.scope)"
        " FROM usable_photos AS usable"
        " JOIN scoped_clusters AS scoped ON usable.cluster_id = scoped.id",
    )
    assert of_scopes == [(True,)]
    assert running.check(session).ok


def test_dry_run_recluster_pins_and_undo(session: Session) -> None:
    rows = with_noise(4)
    add_photos(session, rows)
    empty = snapshot(session)
    assert generate(session, dry_run=True, eps=0.05).clusters_created == 6
    assert snapshot(session) == empty
    generate(session, eps=0.05)
    assert work_tables(session) == []
    noise = query(session, "SELECT min(id) FROM photos WHERE cluster_id IS NULL")[0][0]
    execute(
        session,
        "UPDATE photos SET cluster_id = (SELECT min(id) FROM clusters), cluster_pinned = TRUE"
        f" WHERE id = {noise}",
    )
    before = clusters_by_photo(session)
    again = generate(session, recluster=True, eps=0.05)
    assert (again.clusters_kept, again.clusters_created) == (6, 0)
    assert np.array_equal(clusters_by_photo(session), before)
    finer = generate(session, recluster=True, eps=0.025)
    assert finer.skipped["noise"] > again.skipped["noise"]
    assert (clusters_by_photo(session) > 0).sum() == finer.photos_processed + 1
    running.undo(session, finer.run_id)
    assert np.array_equal(clusters_by_photo(session), before)
    assert running.check(session).ok
    like_members = rows[before[: len(rows)] > 0][:5] + 0.001
    new = add_photos(session, like_members, [f"new{place}" for place in range(5)])
    assert 0 < running.assign(session).photos_assigned <= len(new)  # none votes at some borders


def test_commands_for_people(run_cli: Run, session: Session, database_url: str) -> None:
    add_photos(session, with_noise(5))
    Path("image_embed.yml").write_text(
        f"database:\n  url: {database_url!r}\nclustering:\n  algorithm: dbscan\n"
        "  dbscan: {eps: 0.05}\n"
    )
    assert "-- sql/graph/find_pairs.sql, " in run_cli("generate", "--explain").out
    made = run_cli("generate")
    assert made.code == 0, made.err
    assert "305 photos in 6 clusters (dbscan, cosine, seed 0)" in made.out
    assert "Left out: 45 photos as noise." in made.out
    again = run_cli("generate").out
    assert again.startswith("No cluster was made.\n")
    assert again.endswith("Left out: 45 photos as noise.\n")
    assert show_run(session, 1).run["settings"]["dbscan"] == {"eps": 0.05, "min_samples": 5}
    assert run_cli("runs", "show", "1").code == run_cli("check").code == 0
    assert run_cli("report", "--out", "page").code == 0


def test_a_recluster_that_finds_noise_alone_empties_clusters(
    session: Session, on_database: Run
) -> None:
    """Near-duplicates leave with the best of their group; an undo puts all back."""
    add_photos(session, with_noise(9))
    generate(session, eps=0.05)
    before = clusters_by_photo(session)
    assert on_database("duplicates", "--within", "0.02").code == 0
    Path("image_embed.yml").write_text(
        "clustering:\n  algorithm: dbscan\n  duplicates: once\n  dbscan: {eps: 1.0e-6}\n"
    )
    with nothing_changes(session):
        tried = json.loads(on_database("generate", "--recluster", "--dry-run", "--json").out)
    told = on_database("generate", "--recluster").out
    made = show_run(session, 2).run
    assert made["skipped"] == tried["skipped"]
    assert made["skipped"]["duplicate"] > 0
    assert made["skipped"]["noise"] + made["skipped"]["duplicate"] == len(before)
    assert made["photos_moved"] == tried["photos_moved"] == (before > 0).sum()
    assert "Run 2: no cluster was made (dbscan, cosine, seed 0)" in told
    assert "; 0 clusters kept, 0 created, 6 emptied and retired." in told
    assert f"{made['skipped']['noise']} photos as noise" in told
    assert not clusters_by_photo(session).any()
    assert running.check(session).ok
    told = on_database("runs", "undo", "2").out
    assert "photos moved back, 6 old clusters restored, 0 new deleted." in told
    assert np.array_equal(clusters_by_photo(session), before)
    assert running.check(session).ok


def test_too_many_pairs_and_distributed_photos_are_refused(session: Session) -> None:
    add_photos(session, made_library(7, photos=60)[0])
    with pytest.raises(LibraryError, match="choose a smaller"):
        generate(session, tuning=Tuning(most_pairs=1_000), eps=2)
    task: Any = type("T", (), {"session": type("S", (), {"distributed": True})()})
    with pytest.raises(LibraryError, match="dbscan can't cluster photos that are distributed over"):
        DBSCAN().fit(task)


def test_a_killed_run_leaves_nothing(session: Session, database_url: str) -> None:
    add_photos(session, with_noise(6))
    before = snapshot(session)
    asked = ("generate", "--algorithm", "dbscan")
    kill(session, database_url, "fluffy_sql.graph.density", "label", *asked)
    assert snapshot(session) == before
    assert generate(session, eps=0.05).clusters_created == 6
    assert work_tables(session) == []


def test_a_sweep_finds_eps_in_the_photos(run_cli: Run, session: Session, database_url: str) -> None:
    sizes = [200, 60, 60, 40, 40, 40]
    centers = np.random.default_rng(8).normal(size=(6, 24)).repeat(sizes, axis=0)
    add_photos(session, centers + 0.2 * np.random.default_rng(9).normal(size=centers.shape))
    before = snapshot(session)
    asked = ("sweep", "--algorithm", "dbscan", "--database-url", database_url)
    found = json.loads(run_cli(*asked, "--json", "--out", "sweep.html").out)
    eps = found["suggested_eps"]
    [at_knee] = [row for row in found["candidates"] if row["eps"] == eps]
    assert at_knee["clusters"] == 6
    assert f"Suggested eps: {eps}" in Path("sweep.html").read_text()
    assert found["candidates"][-1]["eps"] > 1.2 * eps
    assert found["candidates"][-1]["core_share"] > 0.9
    told = run_cli(*asked, "--values", "0.001,2")
    assert told.out.splitlines()[-3] == "Suggested eps: none."
    assert told.out.splitlines()[-2].endswith("and no eps near it was tried")
    told = run_cli(*asked, "--values", f"0.01,{eps}")
    assert told.code == 0, told.err
    assert f"Suggested eps: {eps}. The measures agree." in told.out
    assert snapshot(session) == before
    assert work_tables(session) == []
    made = generate(session, dry_run=True, eps=eps)
    assert made.clusters_created == 6
    assert made.skipped["noise"] == round(at_knee["noise_share"] * found["photos"])


def test_equal_photos_have_no_eps(session: Session, on_database: Run) -> None:
    add_photos(session, np.tile([[0.3, 0.1, 0.2]], (20, 1)))
    refused = on_database("sweep", "--algorithm", "dbscan")
    assert refused.code == 1
    assert "too few photos differ to find an eps by their distances" in refused.err
