"""Photos are placed at clusters that are there, compared with NumPy; and nothing else changes."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fluffy_sql.algorithms import Survey
from fluffy_sql.errors import BusyError, DatabaseError, LibraryError
from fluffy_sql.operations import assign as assigning
from fluffy_sql.operations.assign import NamedMove
from fluffy_sql.operations.importing import find_file, import_photos
from fluffy_sql.postgres.session import Session
from fluffy_sql.runs.progress import Progress
from tests.conftest import add_photos, made_library
from tests.integration.helpers import (
    FAULTS,
    centroids_by_cluster,
    clusters_by_photo,
    cut_off_others,
    everything,
    execute,
    generate,
    inject,
    interrupt,
    nothing_changes,
    query,
    show,
    work_tables,
    wrong_counts,
)
from tests.integration.test_generate import AtPhase
from tests.running import assign

NOTHING_LEFT = {
    "undecided": 0,
    "noise": 0,
    "too_far": 0,
    "without_limit": 0,
    "zero_vector": 0,
    "no_cluster": 0,
    "changed_meanwhile": 0,
}


def release(session: Session, condition: str = "TRUE") -> None:
    """Takes photos out of their clusters and counts them."""
    execute(
        session,
        f"UPDATE photos SET cluster_id = NULL WHERE {condition}",
        "UPDATE clusters SET photos_count ="
        " (SELECT count(*) FROM photos WHERE cluster_id = clusters.id)",
    )


def distances(
    rows: NDArray[np.float32], centroids: NDArray[np.float32], metric: str
) -> NDArray[np.float64]:
    """Of each row to each centroid, as cluster_members has them."""
    a, b = rows.astype(np.float64), centroids.astype(np.float64)
    if metric == "l2":
        return np.asarray(np.linalg.norm(a[:, None] - b[None], axis=2))
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    b /= np.linalg.norm(b, axis=1, keepdims=True)
    return 1 - a @ b.T


def fill(session: Session) -> None:
    """600 photos in 8 clusters of run 1, of which every third was let go."""
    add_photos(session, made_library(1)[0])
    generate(session, k=8)
    release(session, "id % 3 = 0")


@pytest.fixture
def library(empty_database: Callable[..., Any], filled: Callable[..., str]) -> Iterator[Session]:
    with empty_database(filled(fill)) as url, Session.open(url) as session:
        yield session


# What is placed where


@pytest.fixture
def _small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assigning, "_RANGE_PHOTOS", 50)


@pytest.mark.usefixtures("_small_ranges")
@pytest.mark.parametrize("metric", ["cosine", "l2"])
@pytest.mark.parametrize("seed", range(6))
def test_every_photo_goes_to_its_nearest_active_cluster_within_the_limit_and_no_other_moves(
    seed: int, metric: str, session: Session
) -> None:
    generator = np.random.default_rng(seed)
    # no themes at all: every border between clusters is crowded
    rows = generator.normal(size=(700, 6)).astype(np.float32)
    add_photos(session, rows[:400])
    k = int(generator.integers(2, 40))
    generate(session, k=k, metric=metric)
    add_photos(session, rows[400:], [f"n{i}" for i in range(300)])
    release(session, "id % 5 = 0")
    unusable = generator.choice(k, size=k // 4, replace=False) + 1
    query(
        session, "UPDATE clusters SET status = 1 WHERE id = ANY(%s) RETURNING id", unusable.tolist()
    )
    execute(session, "UPDATE photos SET cluster_pinned = TRUE WHERE mod(id, 7) = 0")
    show(session, "id % 11 <> 0")
    ids = np.arange(1, 701)
    before = clusters_by_photo(session)
    stored = centroids_by_cluster(session)
    active = np.array([cluster for cluster in stored if cluster not in unusable])
    away = distances(rows, np.stack([stored[cluster] for cluster in active]), metric)
    share = min(1.0, generator.uniform(0.2, 1.1))
    limit = float(np.quantile(away.min(axis=1), share)) * (1 + 1e-6)

    result = assign(session, max_distance=limit)

    after = clusters_by_photo(session)
    looked_at = (before == 0) & (ids % 7 != 0) & (ids % 11 != 0)
    near = looked_at & (away.min(axis=1) <= limit)
    assert np.array_equal(after[~near], before[~near])
    assert np.isin(after[near], active).all()
    own = away[near, np.searchsorted(active, after[near])]
    np.testing.assert_allclose(own, away[near].min(axis=1), rtol=1e-5, atol=1e-6)
    assert result.photos_assigned == near.sum() > 0
    assert result.left == {**NOTHING_LEFT, "too_far": (looked_at & ~near).sum()}
    assert result.photos_left == (looked_at & ~near).sum()
    assert wrong_counts(session) == []
    moves = "SELECT photo_id, to_cluster_id FROM cluster_moves WHERE run_id = %s ORDER BY 1"
    assert query(session, moves, result.run_id) == list(
        zip(ids[near].tolist(), after[near].tolist(), strict=True)
    )


def test_the_number_of_connections_does_not_matter(
    library: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assigning, "_RANGE_PHOTOS", 7)
    assign(library, connections=1)
    first = clusters_by_photo(library)
    release(library, "id % 3 = 0")
    assign(library, connections=4)
    assert np.array_equal(clusters_by_photo(library), first)


def test_photos_that_were_let_go_come_back_and_the_run_is_recorded(session: Session) -> None:
    add_photos(session, made_library(1)[0])
    generate(session, k=8)
    before = clusters_by_photo(session)
    release(session, "id % 3 = 0")
    result = assign(session, within=100)
    assert np.array_equal(clusters_by_photo(session), before)
    assert (result.photos_assigned, result.photos_left, result.clusters) == (200, 0, 8)
    assert (result.run_id, result.metric, result.dry_run) == (2, "cosine", False)
    [record] = query(session, "SELECT to_jsonb(r) FROM cluster_runs AS r WHERE id = 2")[0]
    expected = {
        "kind": "assign",
        "status": "succeeded",
        "phase": "commit",
        "metric": "cosine",
        "photos_eligible": 200,
        "photos_processed": 200,
        "photos_moved": 200,
        "clusters_created": 0,
        "dimensions": 16,
    }
    assert {name: record[name] for name in expected} == expected
    assert record["settings"]["within"] == 100
    assert record["skipped"] == {**NOTHING_LEFT, "without_embedding": 0, "pinned": 0}
    assert set(record["seconds"]) == {"survey", "assign", "commit", "locked", "total"}
    assert query(
        session, "SELECT count(*), count(fingerprint) FROM cluster_moves WHERE run_id = 2"
    ) == [(200, 200)]
    assert work_tables(session) == []


@pytest.mark.parametrize("metric", ["cosine", "l2"])
@pytest.mark.parametrize("within", [0, 80, 99])
def test_within_goes_by_the_cluster_s_own_distances_at_training(
    within: int, metric: str, session: Session
) -> None:
    rows, _ = made_library(3)
    add_photos(session, rows)
    generate(session, k=8, metric=metric)
    placed = clusters_by_photo(session)
    centroids = np.stack(list(centroids_by_cluster(session).values()))
    own = distances(rows, centroids, metric)[np.arange(600), placed - 1]
    limits = np.array([np.percentile(own[placed == c], within) for c in range(1, 9)])
    # members of now do not matter
    release(session)
    assign(session, within=within)
    far = clusters_by_photo(session) == 0
    sure = np.abs(own - limits[placed - 1]) > 1e-6
    assert np.array_equal(far[sure], (own > limits[placed - 1])[sure])
    assert 0.1 * (100 - within) <= 100 * far.mean() <= 2 * (100 - within) + 2


def test_what_is_too_far_is_tried_again(library: Session) -> None:
    result = assign(library, max_distance=0.0)
    assert (result.run_id, result.photos_assigned, result.photos_left) == (None, 0, 200)
    assert result.left == {**NOTHING_LEFT, "too_far": 200}
    assert result.moves == ()
    assert query(library, "SELECT count(*) FROM cluster_runs") == [(1,)]
    assert assign(library).photos_assigned == 200


def test_nothing_to_do_is_no_run(session: Session) -> None:
    with nothing_changes(session, everything):
        result = assign(session)
    assert (result.run_id, result.metric, result.clusters, result.photos_left) == (None, None, 0, 0)


def test_without_clusters_photos_are_left(session: Session) -> None:
    add_photos(session, [[1, 0], None])
    with nothing_changes(session, everything):
        result = assign(session)
    assert result.left == {**NOTHING_LEFT, "no_cluster": 1}
    assert result.skipped == {"without_embedding": 1, "pinned": 0}


def test_what_can_not_be_compared_is_left_with_its_reason(library: Session) -> None:
    add_photos(
        library, [np.zeros(16), np.ones(5), None, np.ones(16)], ["zero", "short", "none", "pinned"]
    )
    execute(library, "UPDATE photos SET cluster_pinned = TRUE WHERE path = 'pinned'")
    result = assign(library)
    assert result.left == {**NOTHING_LEFT, "zero_vector": 1, "no_cluster": 1}
    assert result.skipped == {"without_embedding": 1, "pinned": 1}
    assert (result.photos_assigned, result.photos_left) == (200, 2)


def test_photos_of_two_lengths_go_to_clusters_of_theirs(session: Session) -> None:
    for dimensions in (16, 5):
        rows, _ = made_library(dimensions, photos=90, themes=3, dimensions=dimensions)
        add_photos(session, rows, [f"{dimensions}-{i}" for i in range(90)])
        generate(session, k=3)
    before = clusters_by_photo(session)
    release(session)
    result = assign(session)
    assert np.array_equal(clusters_by_photo(session), before)
    assert (result.clusters, result.photos_assigned) == (6, 180)
    assert query(session, "SELECT dimensions FROM cluster_runs WHERE kind = 'assign'") == [(None,)]


def test_two_metrics_have_to_be_told_apart(session: Session) -> None:
    rows, _ = made_library(1, photos=90)
    for part, metric in enumerate(("cosine", "l2")):
        add_photos(session, rows[part::3], [f"{metric}{i}" for i in range(30)])
        generate(session, k=3, metric=metric)
    add_photos(session, rows[2::3])
    message = r"cosine \(3\), l2 \(3\); name one with --metric"
    with nothing_changes(session, everything), pytest.raises(LibraryError, match=message):
        assign(session)
    result = assign(session, metric="l2")
    assert (result.metric, result.clusters, result.photos_assigned) == ("l2", 3, 30)
    assert {move.to_cluster_id for move in result.moves} <= {4, 5, 6}
    # clusters that take no photos do not count
    execute(session, "UPDATE clusters SET status = 1 WHERE id < 4")
    release(session, "path LIKE 'p%'")
    assert assign(session).metric == "l2"


def test_clusters_without_distances_at_training_take_none_by_them(library: Session) -> None:
    execute(library, "UPDATE clusters SET run_id = NULL WHERE id = 1")
    result = assign(library, within=100)
    assert result.left["without_limit"] > 0
    assert result.photos_assigned + result.left["without_limit"] == 200
    assert 1 not in {move.to_cluster_id for move in result.moves}
    execute(library, "UPDATE cluster_quality SET distance_percentiles = NULL")
    with pytest.raises(LibraryError, match="use --max-distance"):
        assign(library, within=100)
    assert assign(library, max_distance=2.0).photos_left == 0


# Photos that were embedded again


def embed_again(session: Session, folder: Path, embeddings: dict[str, NDArray[np.float32]]) -> None:
    """By an import."""
    file = folder / "again.csv"
    lines = [f'{path},"{row.tolist()}"' for path, row in embeddings.items()]
    file.write_text("\n".join(["path,embedding", *lines]))
    assert import_photos(session, find_file(file)).photos_updated == len(embeddings)


def test_photos_embedded_again_can_be_placed_again(library: Session, tmp_path: Path) -> None:
    assign(library)
    before = clusters_by_photo(library)
    rows = made_library(1)[0]
    # photo 3 now looks like one of another cluster, 6 like another one of its own, 9 like none;
    # 4 too, but no run is known to have placed it, and 12 is pinned
    strangers = [int(i) for i in np.flatnonzero(before != before[2])[:1]]
    like = rows[strangers[0]]
    same = rows[np.flatnonzero(before == before[5])[-1]]
    embed_again(
        library, tmp_path, {"p2": like, "p5": same, "p8": -rows[8], "p3": like, "p11": like}
    )
    execute(library, "UPDATE photos SET cluster_pinned = TRUE WHERE id = 12")
    execute(library, "UPDATE cluster_run_moves SET photo_ids = array_remove(photo_ids, 4)")
    assert assign(library, max_distance=0.5).run_id is None
    result = assign(library, max_distance=0.5, moved=True)
    target = int(before[strangers[0]])
    assert result.moves == (NamedMove(int(before[2]), None, target, None, 1),)
    assert (result.photos_assigned, result.photos_left) == (1, 0)
    expected = before.copy()
    expected[2] = target
    assert np.array_equal(clusters_by_photo(library), expected)
    assert wrong_counts(library) == []
    assert assign(library, max_distance=0.5, moved=True).run_id is None


def test_a_photo_that_a_person_placed_stays_though_it_changed(
    library: Session, tmp_path: Path
) -> None:
    assign(library)
    before = clusters_by_photo(library)
    other = 1 if before[2] != 1 else 2
    query(library, "UPDATE photos SET cluster_id = %s WHERE id = 3 RETURNING id", other)
    embed_again(library, tmp_path, {"p2": made_library(1)[0][5]})
    assert assign(library, moved=True).photos_assigned == 0


# Dry runs


def test_a_dry_run_says_what_a_run_would_do_and_changes_nothing(library: Session) -> None:
    with nothing_changes(library, everything):
        tried = assign(library, max_distance=0.08, dry_run=True)
    assert (tried.run_id, tried.dry_run) == (None, True)
    assert tried.photos_assigned > 0 < tried.photos_left
    done = assign(library, max_distance=0.08)
    assert replace(tried, run_id=done.run_id, dry_run=False, seconds=done.seconds) == done


def test_the_largest_moves_come_first_with_the_names_of_clusters(library: Session) -> None:
    execute(library, "UPDATE clusters SET name = 'cats'")
    result = assign(library, dry_run=True)
    photos = [move.photos for move in result.moves]
    assert photos == sorted(photos, reverse=True)
    assert len(photos) == 8
    assert sum(photos) == result.photos_assigned == 200
    assert {(m.from_cluster_id, m.from_name, m.to_name) for m in result.moves} == {
        (None, None, "cats")
    }


# Meanwhile


MEDDLING = {
    "placed": "UPDATE photos SET cluster_id = 1 WHERE id IN (3, 6)",
    "pinned": "UPDATE photos SET cluster_pinned = TRUE WHERE id IN (3, 6)",
    "embedded again": "UPDATE photos SET embedding = '[1]' WHERE id IN (3, 6)",
    "deleted": "DELETE FROM photos WHERE id IN (3, 6)",
}


@pytest.mark.parametrize("phase", ["assign", "commit"])
@pytest.mark.parametrize("what", MEDDLING)
def test_photos_that_somebody_changes_meanwhile_are_left_alone(
    what: str, phase: str, library: Session
) -> None:
    def meddle() -> None:
        execute(library, MEDDLING[what])
        changed.extend(query(library, "SELECT p::text FROM photos AS p WHERE id IN (3, 6)"))

    changed: list[tuple[Any, ...]] = []
    result = assign(library, progress=AtPhase(phase, meddle))
    assert query(library, "SELECT p::text FROM photos AS p WHERE id IN (3, 6)") == changed
    assert (result.photos_assigned, result.photos_left) == (198, 2)
    # one that is embedded again before it is looked at is looked at as it is then: too short
    too_short = (what, phase) == ("embedded again", "assign")
    reason = "no_cluster" if too_short else "changed_meanwhile"
    assert result.left == {**NOTHING_LEFT, reason: 2}


@pytest.mark.parametrize(
    "what", ["DELETE FROM clusters WHERE id = 1", "UPDATE clusters SET status = 1 WHERE id = 1"]
)
@pytest.mark.parametrize("phase", ["assign", "commit"])
def test_a_cluster_that_is_gone_or_unusable_meanwhile_takes_no_photo(
    what: str, phase: str, library: Session
) -> None:
    members = "SELECT id FROM photos WHERE cluster_id = 1 ORDER BY id"
    before = query(library, members)
    result = assign(
        library, progress=AtPhase(phase, lambda: library.connection.execute(what.encode()))
    )
    assert query(library, members) == (before if "UPDATE" in what else [])
    assert result.left["changed_meanwhile"] > 0
    assert result.photos_assigned == 200 - result.left["changed_meanwhile"]
    assert wrong_counts(library) == []


def test_whoever_moves_a_photo_meanwhile_is_not_in_the_way(library: Session) -> None:
    """Nor is the run in his: his move is counted when he commits, and nobody waits for that."""
    with library.connection.transaction():
        execute(library, "UPDATE photos SET cluster_id = 1 WHERE id = 3")
        assert assign(library).photos_assigned == 199
        execute(library, "UPDATE clusters SET name = 'theirs'")
    assert wrong_counts(library) == []


def test_where_all_of_it_changed_meanwhile_there_is_no_run(library: Session) -> None:
    meddle = AtPhase("commit", lambda: execute(library, "UPDATE clusters SET status = 1"))
    runs = "SELECT r::text FROM cluster_runs AS r"
    before = query(library, runs)
    result = assign(library, progress=meddle)
    assert (result.run_id, result.photos_assigned) == (None, 0)
    assert result.left == {**NOTHING_LEFT, "changed_meanwhile": 200}
    assert query(library, runs) == before


# What goes wrong


OF_MOVES = {
    "while moves are written": "TRIGGER fault AFTER INSERT ON cluster_run_moves FOR EACH ROW"
}


@pytest.mark.parametrize("moment", FAULTS | OF_MOVES)
def test_a_failure_in_the_final_transaction_leaves_only_the_record(
    moment: str, library: Session
) -> None:
    inject(library, (FAULTS | OF_MOVES)[moment])
    with nothing_changes(library), pytest.raises(DatabaseError, match="injected"):
        assign(library)
    failed = "SELECT kind, status, error LIKE '%%injected%%' FROM cluster_runs WHERE id = %s"
    assert query(library, failed, 2) == [("assign", "failed", True)]
    assert query(library, "SELECT DISTINCT run_id FROM cluster_run_moves") == [(1,)]
    execute(library, "DROP FUNCTION fault CASCADE")
    assert assign(library).photos_assigned == 200  # the lock is free again


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("phase", ["assign", "commit"])
def test_an_interrupted_run_leaves_only_its_record_and_a_dry_one_not_even_that(
    phase: str, library: Session, *, dry_run: bool
) -> None:
    with nothing_changes(library), pytest.raises(KeyboardInterrupt):
        assign(library, progress=AtPhase(phase, interrupt), dry_run=dry_run)
    record = query(library, "SELECT kind, status, phase FROM cluster_runs WHERE id > 1")
    assert record == ([] if dry_run else [("assign", "interrupted", phase)])
    assert assign(library).photos_assigned == 200


@pytest.mark.parametrize("phase", ["assign", "commit"])
def test_a_run_whose_connection_is_cut_is_closed_over_another(phase: str, library: Session) -> None:
    with nothing_changes(library), pytest.raises(DatabaseError):
        assign(library, progress=AtPhase(phase, lambda: cut_off_others(library)))
    assert query(library, "SELECT status FROM cluster_runs WHERE id > 1") == [("failed",)]
    assert assign(library).photos_assigned == 200


@pytest.mark.parametrize("dry_run", [False, True])
def test_one_run_at_a_time(library: Session, *, dry_run: bool) -> None:
    def try_others() -> None:
        for other in (lambda: assign(library), lambda: generate(library, k=3)):
            with pytest.raises(
                BusyError, match="run 2 is at work in the library of the schema fluffy_sql: "
            ):
                other()
        tried.append(True)

    tried: list[bool] = []
    assign(library, progress=AtPhase("commit", try_others), dry_run=dry_run)
    assert tried == [True]


def test_progress_is_heard(library: Session) -> None:
    class Heard(Progress):
        said: list[Any] = []  # noqa: RUF012 - of one test

        def phase(self, name: str) -> None:
            self.said.append(name)

        def surveyed(self, survey: Survey) -> None:
            self.said.append((survey.eligible, survey.dimensions))

        def photos(self, done: int) -> None:
            self.said.append(done)

    assign(library, progress=Heard())
    assert Heard.said == ["survey", (200, 16), "assign", 200, "commit"]


def test_clusters_of_one_photo_have_no_limit_of_their_own(session: Session) -> None:
    rows = np.eye(20)
    add_photos(session, rows)
    generate(session, k=20)
    add_photos(session, rows + 0.01 * np.roll(rows, 1, axis=1), [f"near{i}" for i in range(20)])
    with pytest.raises(LibraryError, match="no cluster of their run had 10 photos"):
        assign(session, within=100)
    many = np.repeat(-rows[:1], 30, axis=0) + 0.05 * np.random.default_rng(1).normal(size=(30, 20))
    add_photos(session, many, [f"many{i}" for i in range(30)])
    recluster = generate(session, k=21, recluster=True)
    assert recluster.clusters_kept == 20
    query(session, "UPDATE photos SET cluster_id = NULL WHERE path ~ '^near' RETURNING id")
    assert assign(session, within=100).photos_left == 0
