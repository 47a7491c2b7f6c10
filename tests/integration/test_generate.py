"""Whole runs on libraries whose answer is known."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import psycopg
import pytest
from sklearn import cluster as peers

from fluffy_sql.algorithms import Fit, StepReport
from fluffy_sql.errors import BusyError, DatabaseError, LibraryError, PostconditionError
from fluffy_sql.kmeans.kmeans import KMeans
from fluffy_sql.kmeans.nearest.tracking import AssignmentTracker
from fluffy_sql.kmeans.tuning import LEAST_RECALL, Tuning
from fluffy_sql.postgres.session import Session
from fluffy_sql.runs.progress import Progress
from tests import running
from tests.conftest import add_photos, made_library
from tests.integration.helpers import (
    FAULTS,
    centroids_by_cluster,
    clusters_by_photo,
    cut_off_others,
    execute,
    generate,
    inject,
    interrupt,
    nothing_changes,
    query,
    show,
    wrong_counts,
)
from tests.reference import inertia_of_partition, lloyd, nearest, same_partition, unit_rows


def scaled_library(seed: int) -> tuple[Any, Any]:
    """Rows of different lengths, for which cosine and l2 differ."""
    rows, themes = made_library(seed)
    lengths = np.random.default_rng(seed).uniform(0.5, 2.0, size=(len(rows), 1))
    return (rows * lengths).astype(np.float32), themes


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_agrees_with_numpy_up_to_the_names_of_clusters(metric: str, session: Session) -> None:
    rows, themes = made_library(1) if metric == "l2" else scaled_library(1)
    add_photos(session, rows)
    result = generate(session, k=8, metric=metric, tolerance=0.0)

    spherical = metric == "cosine"
    exact = unit_rows(rows.astype(np.float64)) if spherical else rows.astype(np.float64)
    start = np.stack([exact[themes == theme].mean(axis=0) for theme in range(8)])
    labels, centroids, inertia = lloyd(exact, start, spherical=spherical)
    ours = clusters_by_photo(session)
    assert same_partition(ours, labels)
    assert result.inertia == pytest.approx(inertia, rel=1e-4)
    for cluster, centroid in centroids_by_cluster(session).items():
        expected = centroids[labels[np.flatnonzero(ours == cluster)[0]]]
        np.testing.assert_allclose(centroid, expected, atol=1e-4)


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_every_photo_is_at_its_nearest_stored_centroid(metric: str, session: Session) -> None:
    # no themes at all: every border between clusters is crowded
    rows = np.random.default_rng(3).normal(size=(3_000, 8)).astype(np.float32)
    add_photos(session, rows)
    generate(session, k=40, metric=metric, batch_size=256, sample_per_cluster=16)
    exact = unit_rows(rows.astype(np.float64)) if metric == "cosine" else rows.astype(np.float64)
    centroids = centroids_by_cluster(session)
    own = np.stack([centroids[cluster] for cluster in clusters_by_photo(session)])
    _, least = nearest(exact, np.stack(list(centroids.values())).astype(np.float64))
    np.testing.assert_allclose(np.linalg.norm(exact - own, axis=1), least, rtol=1e-5, atol=1e-6)
    if metric == "cosine":
        lengths = np.linalg.norm(np.stack(list(centroids.values())), axis=1)
        np.testing.assert_allclose(lengths, 1, atol=1e-6)


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_long_embeddings_are_trained_short_and_end_as_low(metric: str, session: Session) -> None:
    rows, _ = made_library(5, photos=2_000, themes=30, dimensions=400, spread=0.08)
    if metric == "l2":
        rows = (10 * rows + 30).astype(np.float32)
    add_photos(session, rows)
    generate(session, k=30, metric=metric)
    exact = unit_rows(rows.astype(np.float64)) if metric == "cosine" else rows.astype(np.float64)
    peer = peers.KMeans(30, n_init=10, random_state=0).fit(exact)
    ours = clusters_by_photo(session)
    # Trained in all 400 dimensions, seeds 0 to 2 ended up to 1.1 % above the best of ten, too.
    assert inertia_of_partition(exact, ours) <= 1.015 * inertia_of_partition(exact, peer.labels_)
    for cluster, centroid in centroids_by_cluster(session).items():
        mean = exact[ours == cluster].mean(axis=0)
        mean = mean / np.linalg.norm(mean) if metric == "cosine" else mean
        # The centroid is the mean of the partition before the last one, which is nearly the same.
        assert np.linalg.norm(centroid - mean) < 0.05 * np.linalg.norm(exact.std(axis=0))


@pytest.mark.parametrize("dimensions", [16, 200])
def test_a_few_photos_among_many_zero_vectors_are_found(dimensions: int, session: Session) -> None:
    rows = np.zeros((12_000, dimensions), dtype=np.float32)
    rows[7_000:7_030], _ = made_library(1, photos=30, themes=3, dimensions=dimensions)
    add_photos(session, rows)
    result = generate(session, k=3)
    assert (result.photos_processed, result.clusters_created) == (30, 3)
    assert result.skipped["zero_vector"] == 11_970


# Looks centroids up by cell, though they are fewer than 300.
BY_CELL = Tuning(least_sample=100, least_centroids=150)


def many_clusters(session: Session, k: int = 320) -> None:
    rows, _ = made_library(9, photos=15 * k, themes=k, dimensions=160, spread=0.04)
    add_photos(session, rows)


def test_many_clusters_are_looked_up_by_cell_with_the_recall_that_is_reported(
    session: Session,
) -> None:
    """One seed gives one result, whatever the connections."""
    many_clusters(session)
    result = generate(session, k=320, restarts=1, connections=3)
    assert result.clusters_created == 320
    assert result.recall is not None
    assert LEAST_RECALL <= result.recall <= 1
    labelled = "SELECT recall FROM cluster_runs"
    assert query(session, labelled) == [(result.recall,)]
    rows, first = exact_and_clusters(session)
    execute(session, "DELETE FROM clusters")
    generate(session, k=320, restarts=1, connections=1)
    again = clusters_by_photo(session)
    assert np.array_equal(first - first.min(), again - again.min())
    execute(session, "DELETE FROM clusters")
    exact = generate(session, k=320, restarts=1, tuning=Tuning(least_centroids=321))
    assert exact.recall == 1.0
    # Themes of 15 photos: other seeds alone end up to 3 % apart.
    least = inertia_of_partition(*exact_and_clusters(session))
    assert inertia_of_partition(rows, first) <= 1.03 * least


def exact_and_clusters(session: Session) -> tuple[Any, Any]:
    rows = query(session, "SELECT embedding FROM photos ORDER BY id")
    exact = np.stack([row[0] for row in rows]).astype(np.float64)
    return unit_rows(exact), clusters_by_photo(session)


def test_where_rows_would_not_find_theirs_every_centroid_is_looked_at(session: Session) -> None:
    add_photos(session, np.random.default_rng(0).normal(size=(2_000, 100)).astype(np.float32))
    settings = running.settings(k=300, restarts=1, refine=False)
    never = Tuning(least_recall_of_rows=1.1, least_recall_at_first=1.1, least_recall_of_photos=1.1)
    explained = running.explain(session, settings, algorithm=KMeans(never))
    used = {found.name for found in explained}
    assert {"kmeans/lloyd_step", "kmeans/full_dimension_means", "kmeans/assign_photos"} <= used
    assert not any(name.endswith("_by_cell") for name in used)


@pytest.mark.parametrize("sample_per_cluster", [128, 10])
def test_rows_are_followed_and_photos_sought_around_the_centroids_of_theirs(
    session: Session, sample_per_cluster: int
) -> None:
    """Of a sample that is the library, all are; else others are sought in cells."""
    many_clusters(session, 200)
    algorithm = KMeans(BY_CELL)
    settings = running.settings(
        k=200, restarts=1, refine=False, sample_per_cluster=sample_per_cluster
    )
    explained = running.explain(session, settings, algorithm=algorithm)
    used = {found.name for found in explained}
    assert {"kmeans/find_labels", "kmeans/lloyd_step_by_cell", "kmeans/assign_sample"} <= used
    assert ("kmeans/assign_photos_by_cell" in used) == (sample_per_cluster == 10)
    assert "kmeans/assign_photos" not in used
    result = running.generate(session, settings, algorithm=algorithm)
    assert result.photos_processed == 3_000
    placed = query(session, "SELECT count(*), count(DISTINCT cluster_id) FROM photos")
    assert placed == [(3_000, 200)]
    exact, ours = exact_and_clusters(session)
    centroids = centroids_by_cluster(session)
    own = np.linalg.norm(exact - np.stack([centroids[cluster] for cluster in ours]), axis=1)
    _, least = nearest(exact, np.stack(list(centroids.values())).astype(np.float64))
    assert np.mean(own <= least * 1.00001) == pytest.approx(result.recall, abs=0.005)


def test_below_the_recall_that_is_promised_every_centroid_is_looked_at(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    many_clusters(session, 200)
    honest = AssignmentTracker.shortcuts

    def too_narrow(*arguments: Any) -> Any:
        found = honest(*arguments)
        assert found is not None
        return replace(found, around=np.roll(found.around, 1, axis=0)[:, :1])

    monkeypatch.setattr(AssignmentTracker, "shortcuts", too_narrow)
    result = generate(session, k=200, restarts=1, tuning=BY_CELL)
    assert result.recall == 1.0
    exact, ours = exact_and_clusters(session)
    centroids = centroids_by_cluster(session)
    own = np.stack([centroids[cluster] for cluster in ours])
    _, least = nearest(exact, np.stack(list(centroids.values())).astype(np.float64))
    np.testing.assert_allclose(np.linalg.norm(exact - own, axis=1), least, rtol=1e-5, atol=1e-6)


def test_inertia_is_near_that_of_scikit_learn(session: Session) -> None:
    rows, _ = made_library(5, photos=2_000, themes=40, dimensions=24, spread=0.15)
    add_photos(session, rows)
    generate(session, k=40)
    peer = peers.KMeans(40, n_init=10, random_state=0).fit(rows)
    ours = inertia_of_partition(rows.astype(np.float64), clusters_by_photo(session))
    assert ours <= 1.01 * inertia_of_partition(rows.astype(np.float64), peer.labels_)


def test_nested_batches_grow_and_end_near_full_batches(session: Session) -> None:
    rows, _ = made_library(7, photos=6_000, themes=12, spread=0.2)
    add_photos(session, rows)
    small = Tuning(least_sample=1)
    result = generate(session, k=12, batch_size=200, sample_per_cluster=200, tuning=small)
    batches = "SELECT batch_size FROM cluster_run_steps WHERE phase = 'train' ORDER BY step"
    sizes = [row[0] for row in query(session, batches)]
    assert sizes == sorted(sizes)
    assert sizes[0] == 400  # it has settled among 200 in the search
    assert sizes[-1] == 2_400  # the whole sample: 12 clusters of 200 photos
    assert {later / earlier for earlier, later in pairwise(sizes)} <= {1, 1.5, 2}
    assert result.converged
    full = generate_again(session, k=12)
    assert result.inertia is not None
    assert result.inertia <= 1.02 * full


def generate_again(session: Session, **settings: Any) -> float:
    execute(session, "DELETE FROM clusters")
    inertia = generate(session, **settings).inertia
    assert inertia is not None
    return inertia


def test_one_seed_gives_one_result_whatever_the_order_of_rows_and_connections(
    session: Session,
) -> None:
    rows = np.random.default_rng(11).normal(size=(1_500, 12)).astype(np.float32)
    add_photos(session, rows)
    generate(session, k=20, seed=4, connections=1)
    first = clusters_by_photo(session), centroids_by_cluster(session)
    # UPDATE in another order moves every row to another place in the table
    execute(session, "DELETE FROM clusters")
    for place in np.random.default_rng(0).permutation(1_500) + 1:
        query(session, "UPDATE photos SET path = path WHERE id = %s RETURNING id", int(place))
    generate(session, k=20, seed=4, connections=3)
    second = clusters_by_photo(session), centroids_by_cluster(session)
    assert np.array_equal(first[0] - first[0].min(), second[0] - second[0].min())
    for one, other in zip(first[1].values(), second[1].values(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_seed_may_give_another_result(session: Session) -> None:
    add_photos(session, np.random.default_rng(11).normal(size=(500, 12)).astype(np.float32))
    inertias = {generate_again(session, k=20, seed=seed) for seed in range(3)}
    assert len(inertias) == 3


UNIT = np.eye(4, dtype=np.float32)
DISTINCT_CASES = {
    "k above the photos": (UNIT[[0, 1, 2]], 5, "cosine", 3),
    "one photo": (UNIT[[0]], 20, "cosine", 1),
    "one photo, one cluster": (UNIT[[0]], 1, "l2", 1),
    "all alike": (np.tile(UNIT[0], (50, 1)), 5, "cosine", 1),
    "all alike, not unit vectors": (np.full((50, 3), 0.3, np.float32), 5, "cosine", 1),
    "all alike under l2": (np.full((50, 3), 0.3, np.float32), 5, "l2", 1),
    "three distinct": (UNIT[[0, 1, 2] * 20], 5, "l2", 3),
    "lengths differ, directions do not": (
        np.outer([1, 2, 4, 8], UNIT[0]).astype(np.float32), 4, "cosine", 1,
    ),
    "lengths differ under l2": (np.outer([1, 2, 4, 8], UNIT[0]).astype(np.float32), 4, "l2", 4),
    "one dimension": (np.arange(1, 31, dtype=np.float32)[:, None], 6, "l2", 6),
    "one dimension has two directions": (
        np.arange(-15.5, 15.5, dtype=np.float32)[:, None], 6, "cosine", 2,
    ),
    "zero vectors count under l2": (np.zeros((9, 3), np.float32), 3, "l2", 1),
    "opposite directions": (np.array([[1, 0], [-1, 0]] * 9, np.float32), 1, "cosine", 1),
}  # fmt: skip


@pytest.mark.parametrize("case", DISTINCT_CASES)
def test_makes_as_many_clusters_as_there_are_photos_or_distinct_embeddings(
    case: str, session: Session
) -> None:
    rows, k, metric, expected = DISTINCT_CASES[case]
    add_photos(session, rows)
    result = generate(session, k=k, metric=metric)
    assert result.clusters_created == expected
    assert result.photos_processed == len(rows)
    counts = query(session, "SELECT photos_count FROM clusters ORDER BY id")
    assert [row[0] for row in counts] == sorted((row[0] for row in counts), reverse=True)
    assert sum(row[0] for row in counts) == len(rows)
    assert min(row[0] for row in counts) > 0


@pytest.mark.parametrize("seed", range(3))
def test_finds_the_rare_among_thousands_of_copies(seed: int, session: Session) -> None:
    # a sample of 60 sees next to none of the 12 others, and yet each must get its cluster
    small = Tuning(least_sample=1)
    rare = np.random.default_rng(seed).normal(size=(12, 6)).astype(np.float32)
    add_photos(session, np.concatenate([np.tile(UNIT[0, [0, 1, 2, 3, 3, 3]], (3_000, 1)), rare]))
    result = generate(session, k=13, seed=seed, sample_per_cluster=5, tuning=small)
    assert result.clusters_created == 13
    assert query(session, "SELECT count(DISTINCT cluster_id) FROM photos") == [(13,)]


def test_leaves_out_what_can_not_be_clustered_and_says_so(session: Session) -> None:
    rows, _ = made_library(2, photos=40)
    embeddings = [*rows, None, None, np.zeros(16)]
    add_photos(session, embeddings)
    result = generate(session, k=4)
    assert result.skipped == {"without_embedding": 2, "zero_vector": 1, "already_clustered": 0}
    assert result.photos_processed == 40
    unplaced = query(session, "SELECT path FROM photos WHERE cluster_id IS NULL ORDER BY id")
    assert [row[0] for row in unplaced] == ["p40", "p41", "p42"]
    again = generate(session, k=4)
    assert again.run_id is None
    assert again.skipped == {"without_embedding": 2, "zero_vector": 1, "already_clustered": 40}


def test_new_photos_get_clusters_of_their_own_and_the_old_are_left_alone(session: Session) -> None:
    rows, _ = made_library(2, photos=60)
    add_photos(session, rows[:40])
    generate(session, k=4)
    before = clusters_by_photo(session)
    add_photos(session, rows[40:], [f"new{i}" for i in range(20)])
    result = generate(session, k=2)
    assert result.photos_processed == 20
    after = clusters_by_photo(session)
    assert np.array_equal(after[:40], before)
    assert not set(after[40:]) & set(before)


def test_mixed_dimensions_stop_with_their_numbers_and_a_record(session: Session) -> None:
    add_photos(session, [[1, 2, 3], [4, 5, 6], [1, 2]])
    with (
        nothing_changes(session),
        pytest.raises(LibraryError, match=r"3 \(2 photos\), 2 \(1 photo\)"),
    ):
        generate(session, k=2)
    [(status, error)] = query(session, "SELECT status, error FROM cluster_runs")
    assert status == "failed"
    assert "3 (2 photos)" in error


def test_only_usable_photos_are_clustered(session: Session) -> None:
    rows, _ = made_library(2, photos=40)
    add_photos(session, rows)
    show(session, "id % 2 = 0")
    result = generate(session, k=4)
    assert result.photos_processed == 20
    placed = query(session, "SELECT id FROM photos WHERE cluster_id IS NOT NULL")
    assert {row[0] % 2 for row in placed} == {0}


@pytest.mark.parametrize("dimensions", [512, 1_024, 2_000, 2_001, 4_000])
def test_embeddings_that_do_not_fit_a_row_are_clustered_too(
    dimensions: int, session: Session
) -> None:
    rows, themes = made_library(4, photos=60, themes=3, dimensions=dimensions, spread=0.01)
    add_photos(session, rows)
    assert generate(session, k=3).clusters_created == 3
    assert same_partition(clusters_by_photo(session), themes)


def test_the_run_is_recorded_step_by_step(session: Session) -> None:
    class Watch(Progress):
        """Looks at the record from outside while the run goes on."""

        def __init__(self) -> None:
            self.seen: list[tuple[str, str, int]] = []

        def step(self, report: StepReport) -> None:
            with session.reconnected() as other:
                found = query(
                    other,
                    "SELECT r.status, r.phase, (SELECT count(*) FROM cluster_run_steps)"
                    " FROM cluster_runs AS r",
                )
            self.seen.append(found[0])
            assert found[0][2] == report.step

    add_photos(session, made_library(2)[0])
    watch = Watch()
    result = generate(session, k=5, seed=9, progress=watch)
    assert {status for status, _, _ in watch.seen} == {"running"}
    assert {"seed", "refine", "train"} == {phase for _, phase, _ in watch.seen}
    [run] = session.fetch_all("runs/list", run_ids=None, most=None)
    assert run["status"] == "succeeded"
    assert run["phase"] == "commit"
    assert (run["seed"], run["k_requested"], run["clusters_created"]) == (9, 5, 5)
    assert run["inertia"] == result.inertia
    assert query(session, "SELECT postgres_version, pgvector_version FROM cluster_runs") == query(
        session,
        "SELECT current_setting('server_version'), installed_version"
        " FROM pg_available_extensions WHERE name = 'vector'",
    )
    assert run["iterations"] == len(watch.seen) == result.iterations
    assert set(result.seconds) == {
        "survey", "sample", "seed", "refine", "train", "assign", "measure", "commit", "locked",
        "total",
    }  # fmt: skip
    assert sum(result.seconds.values()) == pytest.approx(
        2 * result.seconds["total"] + result.seconds["locked"], abs=0.02
    )
    assert 0 < result.seconds["locked"] <= result.seconds["commit"]


class AtPhase(Progress):
    """Does something when a phase begins."""

    def __init__(self, phase: str, act: Callable[[], object]) -> None:
        self._phase, self._act = phase, act

    def phase(self, name: str) -> None:
        if name == self._phase:
            self._act()


INSERTED = {
    "while clusters are inserted": "TRIGGER fault BEFORE INSERT ON clusters FOR EACH STATEMENT"
}


@pytest.mark.parametrize("moment", FAULTS | INSERTED)
def test_a_failure_in_the_final_transaction_leaves_no_trace(moment: str, session: Session) -> None:
    add_photos(session, made_library(2)[0])
    inject(session, (FAULTS | INSERTED)[moment])
    with nothing_changes(session), pytest.raises(DatabaseError, match="injected"):
        generate(session, k=5)
    [(status, error)] = query(session, "SELECT status, error FROM cluster_runs")
    assert (status, "injected" in error) == ("failed", True)
    execute(session, "DROP FUNCTION fault CASCADE")
    assert generate(session, k=5).clusters_created == 5  # the lock is free again


def test_a_result_that_breaks_its_promise_is_not_committed(session: Session) -> None:
    class Swapped(KMeans):
        def fit(self, task: Any) -> Fit:
            fit = super().fit(task)
            fit.centroids[:] = fit.centroids[::-1].copy()
            return fit

    add_photos(session, made_library(2)[0])
    with nothing_changes(session), pytest.raises(PostconditionError, match="not at the nearest"):
        running.generate(session, running.settings(k=5), algorithm=Swapped())


@pytest.mark.parametrize(
    "phase", ["sample", "seed", "refine", "train", "assign", "measure", "commit"]
)
def test_an_interrupted_run_leaves_only_its_record(phase: str, session: Session) -> None:
    add_photos(session, made_library(2)[0])
    with nothing_changes(session), pytest.raises(KeyboardInterrupt):
        generate(session, k=5, progress=AtPhase(phase, interrupt))
    assert query(session, "SELECT status, phase FROM cluster_runs") == [("interrupted", phase)]
    assert generate(session, k=5).clusters_created == 5


@pytest.mark.parametrize("phase", ["seed", "train", "assign", "measure", "commit"])
def test_a_run_whose_connection_is_cut_is_closed_over_another(phase: str, session: Session) -> None:
    add_photos(session, made_library(2)[0])
    with nothing_changes(session), pytest.raises(DatabaseError):
        generate(session, k=5, progress=AtPhase(phase, lambda: cut_off_others(session)))
    assert query(session, "SELECT status FROM cluster_runs") == [("failed",)]
    assert generate(session, k=5).clusters_created == 5


def test_a_second_run_says_who_is_at_work_since_when(session: Session) -> None:
    add_photos(session, made_library(2)[0])
    said: list[str] = []

    def try_second() -> None:
        with pytest.raises(BusyError) as refused:
            generate(session, k=3)
        said.append(str(refused.value))

    result = generate(session, k=5, progress=AtPhase("train", try_second))
    assert result.clusters_created == 5
    [(started, role)] = query(session, "SELECT started_at, started_by FROM cluster_runs")
    assert f"run {result.run_id} is at work" in said[0]
    assert role in said[0]
    assert f"since {started:%Y-%m-%d %H:%M:%S} UTC" in said[0]


def test_photos_that_change_hands_meanwhile_are_left_alone(session: Session) -> None:
    ids = add_photos(session, made_library(2)[0])

    def meddle() -> None:
        execute(session, "INSERT INTO clusters (name) VALUES ('by hand')")
        query(
            session,
            "UPDATE photos SET cluster_id = (SELECT id FROM clusters WHERE name = 'by hand')"
            " WHERE id = %s RETURNING id",
            ids[0],
        )
        query(session, "DELETE FROM photos WHERE id = %s RETURNING id", ids[1])

    result = generate(session, k=5, progress=AtPhase("commit", meddle))
    assert result.photos_processed == len(ids) - 2
    [(name,)] = query(
        session,
        "SELECT name FROM clusters JOIN photos ON cluster_id = clusters.id WHERE photos.id = %s",
        ids[0],
    )
    assert name == "by hand"
    assert wrong_counts(session) == []


def test_a_cluster_whose_photos_are_all_gone_is_not_made(session: Session) -> None:
    ids = add_photos(session, [[1, 0], [1, 0.01], [0, 1], [0.01, 1]])

    def delete() -> None:
        query(session, "DELETE FROM photos WHERE id = ANY(%s) RETURNING id", ids[2:])

    result = generate(session, k=2, progress=AtPhase("commit", delete))
    assert (result.clusters_created, result.photos_processed) == (1, 2)
    assert query(session, "SELECT photos_count FROM clusters") == [(2,)]


def test_embeddings_do_not_travel_to_the_client_in_bulk(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_all: Counter[str] = Counter()
    at_once: Counter[str] = Counter()
    honest = Session.fetch_all

    def counted(self: Session, name: str, /, **parameters: object) -> list[dict[str, Any]]:
        rows = honest(self, name, **parameters)
        vectors = sum(isinstance(v, np.ndarray) for row in rows for v in row.values())
        in_all[name] += vectors
        at_once[name] = max(at_once[name], vectors)
        return rows

    monkeypatch.setattr(Session, "fetch_all", counted)
    add_photos(session, made_library(2, photos=5_000)[0])
    generate(session, k=5, tuning=Tuning(seeding_bytes=100 * 16 * 4, fetched_bytes=30 * 16 * 4))
    for name in ("kmeans/fetch_photos", "kmeans/fetch_rows"):
        assert 100 <= in_all[name] < 100 + 30
    assert at_once["kmeans/fetch_photos"] == 30
    assert at_once["kmeans/fetch_rows"] == 30
    # a step brings k averages for each of its pieces
    assert at_once["kmeans/lloyd_step"] <= 3 * 5
    assert max(at_once.values()) == 30


def test_no_cluster_is_named_and_all_are_active(session: Session) -> None:
    add_photos(session, made_library(2)[0])
    result = generate(session, k=5)
    found = query(session, "SELECT DISTINCT name, status, run_id FROM clusters")
    assert found == [(None, 0, result.run_id)]


def test_a_status_that_means_nothing_is_refused(session: Session) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        execute(session, "INSERT INTO clusters (status) VALUES (7)")
