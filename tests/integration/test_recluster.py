"""Reclustering: who a cluster is survives, nothing is lost, and a dry run changes nothing."""

import json
from functools import partial
from typing import Any

import numpy as np
import pytest

from fluffy_sql.errors import DatabaseError, PostconditionError
from fluffy_sql.postgres.session import Session
from tests.conftest import Run, add_photos, made_library
from tests.integration.helpers import (
    FAULTS,
    centroids_by_cluster,
    clusters_by_photo,
    everything,
    execute,
    generate,
    inject,
    interrupt,
    nothing_changes,
    query,
    wrong_counts,
)
from tests.integration.test_generate import AtPhase
from tests.reference import unit_rows

recluster = partial(generate, recluster=True)


def name_clusters(session: Session) -> dict[int, str]:
    """Names every cluster, as a person does; returns the names by id."""
    return dict(query(session, "UPDATE clusters SET name = 'theme ' || id RETURNING id, name"))


def names(session: Session) -> dict[int, str]:
    return dict(query(session, "SELECT id, name FROM clusters WHERE name IS NOT NULL"))


@pytest.fixture
def rows(session: Session) -> Any:
    """600 photos of 8 themes."""
    rows, _ = made_library(5, spread=0.1)
    add_photos(session, rows)
    return rows


# What stays


@pytest.mark.parametrize("cold", [False, True])
@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_themes_keep_their_names_when_photos_come_to_them(
    metric: str, cold: bool, session: Session
) -> None:
    rows, themes = made_library(5, spread=0.1)
    add_photos(session, rows[:480])
    generate(session, k=8, metric=metric)
    named = name_clusters(session)
    before = clusters_by_photo(session)
    add_photos(session, rows[480:], [f"new{i}" for i in range(120)])
    result = recluster(session, k=8, metric=metric, seed=7, cold=cold)
    assert (result.kind, result.clusters_kept, result.clusters_created) == ("recluster", 8, 0)
    assert names(session) == named
    after = clusters_by_photo(session)
    assert (after[:480] == before).all()
    assert result.photos_moved == 120
    for cluster_id in named:
        assert len(set(themes[after == cluster_id])) == 1
    assert wrong_counts(session) == []


def test_every_photo_is_at_its_nearest_centroid_afterwards(rows: Any, session: Session) -> None:
    generate(session, k=5)
    recluster(session, k=13, seed=3)
    centroids = centroids_by_cluster(session)
    used = {int(i) for i in clusters_by_photo(session)}
    distances = np.stack([1 - unit_rows(rows) @ centroids[i] for i in sorted(used)], axis=1)
    nearest = np.array(sorted(used))[distances.argmin(axis=1)]
    assert (nearest == clusters_by_photo(session)).all()
    assert len(used) == 13


def test_an_old_cluster_without_a_successor_is_left_empty_with_its_name(
    rows: Any, session: Session
) -> None:
    generate(session, k=8)
    named = name_clusters(session)
    result = recluster(session, k=3)
    assert (result.clusters_kept, result.clusters_created, result.clusters_emptied) == (3, 0, 5)
    assert names(session) == named
    assert result.changes is not None
    emptied = [c for c in result.changes.clusters if c.change == "emptied"]
    assert {c.name for c in emptied} <= set(named.values())
    assert all(c.photos_before > 0 and c.photos == 0 for c in emptied)
    assert wrong_counts(session) == []


def test_rows_of_an_application_go_on_referring_to_a_cluster(rows: Any, session: Session) -> None:
    generate(session, k=8)
    execute(
        session,
        "CREATE TABLE posts (cluster_id bigint NOT NULL REFERENCES clusters ON DELETE CASCADE)",
        "INSERT INTO posts SELECT id FROM clusters",
    )
    recluster(session, k=4)
    assert query(session, "SELECT count(*) FROM posts") == [(8,)]


def test_the_status_a_person_gave_stays(rows: Any, session: Session) -> None:
    generate(session, k=8)
    execute(session, "UPDATE clusters SET status = 1 WHERE id = 3")
    recluster(session, k=8, cold=True, seed=9)
    assert query(session, "SELECT id FROM clusters WHERE status = 1") == [(3,)]


def test_a_photo_that_stays_is_not_written(rows: Any, session: Session) -> None:
    generate(session, k=8)
    where = "SELECT id, ctid::text FROM photos ORDER BY id"
    before = query(session, where)
    assert recluster(session, k=8).photos_moved == 0
    assert query(session, where) == before


def test_a_pinned_photo_is_moved_by_no_run(rows: Any, session: Session) -> None:
    execute(session, "UPDATE photos SET cluster_pinned = TRUE WHERE id = 5")
    assert generate(session, k=8).photos_processed == 599
    first = clusters_by_photo(session)
    assert first[4] == 0
    elsewhere = int(first[0] % 8) + 1
    query(
        session,
        "UPDATE photos SET cluster_id = %s, cluster_pinned = TRUE WHERE id = 1 RETURNING id",
        elsewhere,
    )
    recluster(session, k=8, cold=True, seed=4)
    after = clusters_by_photo(session)
    assert (after[0], after[4]) == (elsewhere, 0)
    assert (after[1:4] == first[1:4]).all()
    assert wrong_counts(session) == []


def test_a_library_without_clusters_is_clustered(rows: Any, session: Session) -> None:
    result = recluster(session, k=8)
    assert (result.clusters_created, result.clusters_kept, result.photos_moved) == (8, 0, 600)


def test_a_warm_start_takes_fewer_steps(rows: Any, session: Session) -> None:
    cold = generate(session, k=8)
    warm = recluster(session, k=8)
    assert (warm.iterations or 0) < (cold.iterations or 0) / 2
    assert warm.inertia == pytest.approx(cold.inertia, rel=1e-3)


@pytest.mark.parametrize("k", [3, 8, 20])
def test_a_warm_start_reaches_any_k(k: int, rows: Any, session: Session) -> None:
    generate(session, k=8)
    result = recluster(session, k=k)
    assert result.clusters_created + result.clusters_kept == k
    scratch = recluster(session, k=k, cold=True, dry_run=True)
    assert result.inertia is not None
    assert scratch.inertia is not None
    assert result.inertia <= 1.15 * scratch.inertia


def test_another_metric_starts_from_nothing_and_keeps_names(rows: Any, session: Session) -> None:
    generate(session, k=8, metric="l2")
    named = name_clusters(session)
    result = recluster(session, k=8, metric="cosine")
    assert result.clusters_kept == 8
    assert names(session) == named


# Dry runs


def test_a_dry_run_tells_what_a_run_then_does(rows: Any, session: Session) -> None:
    generate(session, k=8)
    with nothing_changes(session, everything):
        told = recluster(session, k=5, dry_run=True)
    assert (told.run_id, told.dry_run) == (None, True)
    done = recluster(session, k=5)
    assert done.run_id is not None
    assert told.changes == done.changes
    assert (told.photos_moved, told.clusters_emptied) == (done.photos_moved, done.clusters_emptied)


def test_a_dry_first_run(rows: Any, session: Session) -> None:
    with nothing_changes(session, everything):
        told = generate(session, dry_run=True, k=4)
    assert told.changes is not None
    assert [move.from_cluster_id for move in told.changes.moves] == [None] * 4
    assert sum(move.photos for move in told.changes.moves) == told.photos_moved == 600
    sizes = [move.photos for move in told.changes.moves]
    assert sizes == sorted(sizes, reverse=True)


def test_a_dry_run_that_fails_leaves_nothing(rows: Any, session: Session) -> None:
    def fail() -> None:
        raise PostconditionError("made up")

    with nothing_changes(session, everything), pytest.raises(PostconditionError):
        generate(session, k=4, progress=AtPhase("assign", fail), dry_run=True)


# History


def test_what_a_run_moved_is_kept(rows: Any, session: Session) -> None:
    generate(session, k=8)
    before = clusters_by_photo(session)
    result = recluster(session, k=5)
    after = clusters_by_photo(session)
    moves = query(
        session,
        "SELECT photo_id, from_cluster_id, to_cluster_id FROM cluster_moves WHERE run_id = %s"
        " ORDER BY photo_id",
        result.run_id,
    )
    changed = [(i + 1, int(before[i]), int(after[i])) for i in range(600) if before[i] != after[i]]
    assert moves == changed
    assert query(session, "SELECT kind, photos_moved FROM cluster_runs ORDER BY id") == [
        ("generate", 600),
        ("recluster", len(changed)),
    ]


def test_what_a_run_made_of_clusters_is_kept(rows: Any, session: Session) -> None:
    first = generate(session, k=8)
    centroids = centroids_by_cluster(session)
    sizes = dict(query(session, "SELECT id, photos_count FROM clusters"))
    result = recluster(session, k=12)
    kept = query(
        session,
        "SELECT cluster_id, change, photos_before, centroid_before, run_id_before"
        " FROM cluster_run_clusters WHERE run_id = %s ORDER BY cluster_id",
        result.run_id,
    )
    assert [row[1] for row in kept] == ["kept"] * 8 + ["created"] * 4
    for cluster_id, _, photos, centroid, run_id in kept[:8]:
        assert (photos, run_id) == (sizes[cluster_id], first.run_id)
        assert (centroid == centroids[cluster_id]).all()
    assert query(
        session, "SELECT count(*) FROM cluster_run_clusters WHERE run_id = %s", first.run_id
    ) == [(8,)]


# Trouble


@pytest.mark.parametrize("phase", ["sample", "train", "assign", "measure", "commit"])
def test_an_interrupted_recluster_changes_nothing(phase: str, rows: Any, session: Session) -> None:
    generate(session, k=8)
    with nothing_changes(session), pytest.raises(KeyboardInterrupt):
        recluster(session, k=5, progress=AtPhase(phase, interrupt))
    assert query(session, "SELECT status FROM cluster_runs ORDER BY id") == [
        ("succeeded",),
        ("interrupted",),
    ]


def test_a_failure_at_the_commit_leaves_the_old_clusters_as_they_were(
    rows: Any, session: Session
) -> None:
    generate(session, k=8)
    inject(session, FAULTS["at commit"])
    with nothing_changes(session), pytest.raises(DatabaseError, match="injected"):
        recluster(session, k=5)


def test_photos_that_somebody_moved_meanwhile_are_left_alone(rows: Any, session: Session) -> None:
    generate(session, k=8)
    first = clusters_by_photo(session)
    elsewhere = int(first[0] % 8) + 1

    def meanwhile() -> None:
        query(session, "UPDATE photos SET cluster_id = %s WHERE id = 1 RETURNING id", elsewhere)
        execute(session, "DELETE FROM photos WHERE id = 2")

    recluster(session, k=8, progress=AtPhase("commit", meanwhile))
    rows_now = dict(query(session, "SELECT id, cluster_id FROM photos"))
    assert 2 not in rows_now
    assert rows_now[1] == elsewhere != first[0]
    assert wrong_counts(session) == []


# The command


def test_a_recluster_for_people(rows: Any, on_database: Run) -> None:
    assert on_database("generate", "--k", "8").code == 0
    finished = on_database("generate", "--recluster", "--k", "5", "--dry-run")
    assert finished.code == 0
    lines = finished.out.splitlines()
    assert lines[0].startswith("Dry run, nothing was written: 600 photos in 5 clusters (kmeans,")
    assert lines[1].endswith("photos moved; 5 clusters kept, 0 created, 3 emptied and retired.")
    assert lines[3].split() == ["cluster", "name", "change", "photos", "before", "photos", "after"]
    assert any(line.split()[:2] == ["photos", "from"] for line in lines)
    finished = on_database("generate", "--recluster", "--k", "5")
    assert finished.out.startswith("Run 3: 600 photos in 5 clusters")


def test_a_recluster_with_json(rows: Any, on_database: Run) -> None:
    assert on_database("generate", "--k", "8").code == 0
    finished = on_database("generate", "--recluster", "--cold", "--k", "5", "--json")
    found = json.loads(finished.out)
    assert (found["run_id"], found["kind"], found["dry_run"]) == (2, "recluster", False)
    assert (found["clusters_kept"], found["clusters_created"], found["clusters_emptied"]) == (
        5,
        0,
        3,
    )
    assert found["photos_moved"] == sum(move["photos"] for move in found["changes"]["moves"])
    assert list(found["changes"]["clusters"][0]) == [
        *("cluster_id", "name", "change", "photos_before", "photos")
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--cold"], "cold needs recluster"),
        (["--explain", "--recluster"], "--explain explains an ordinary run"),
        (["--explain", "--dry-run"], "--explain explains an ordinary run"),
    ],
)
def test_options_that_do_not_go_together(arguments: list[str], expected: str, run_cli: Run) -> None:
    finished = run_cli("generate", *arguments)
    assert finished.code == 2
    assert expected in finished.err
