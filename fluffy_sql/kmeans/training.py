"""Training: restarts, refinement and Lloyd steps in growing batches of the sample."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.algorithms import Checkpoint, StepReport
from fluffy_sql.kmeans.minibatch import first_batch_size, has_converged, has_settled
from fluffy_sql.kmeans.nearest.tracking import AssignmentTracker, StatementPair
from fluffy_sql.kmeans.refine import centroids_to_remove
from fluffy_sql.kmeans.sample import Sample
from fluffy_sql.kmeans.seeding import draw_centroids, enough_rows, seed_centroids
from fluffy_sql.kmeans.settings import KMeansTask
from fluffy_sql.postgres.centroids import Matrix, centroids_of

_LLOYD_STEP = StatementPair("kmeans/lloyd_step", "kmeans/lloyd_step_by_cell")
_LIFT_MEANS = StatementPair("kmeans/full_dimension_means", "kmeans/full_dimension_means_by_cell")
_LIFTED_AT_ONCE = 256
# Searching for a good start (restarts, refinement) may compare a quarter as many rows with
# centroids as the final pass will: 100,000 photos at k=20 end 0.43 % above the best, and with four
# times as many 0.38 %, in 3.5 s in place of 3.1. A library that is its own sample is small, and can
# afford a better result (4,114 photos at k=100: 1.2 % below the best of ten in 1.6 s, 1.4 % in
# 2.6 s).
_LEAST_SEARCH_PAIRS = 500_000
_LEAST_SEARCH_PAIRS_OF_A_SMALL_LIBRARY = 10_000_000
# Row-centroid comparisons in about one second on two cores.
_PAIRS_OF_A_LONG_STEP = 20_000_000
# Centroids that breathing k-means adds and takes away at once, at first (Fritzke 2020).
BREATH = 5
# Restarts are only ranked, and refined centroids descend again in training, so neither runs to
# the last digit: with these, 105 steps end as low as 150 at the tolerance of the settings.
COARSE_TOLERANCE = 1e-2
FINE_TOLERANCE = 1e-3
# A split is drawn from this many rows: one connection compares each of them with every centroid.
_SPLIT_ROWS_PER_CLUSTER = 4
_LEAST_SPLIT_ROWS = 2_048
# Below this share of the mean squared norm, an error is float4 rounding: nothing to split.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Trained:
    """The end of a training.

    Attributes:
        centroids: shape (up to k, width of the sample), on its span.
        inertia: of the batch, to the centroids the last step began with.
        converged: whether it ended by the tolerance and not by the limit on iterations.
    """

    centroids: Matrix
    inertia: float
    converged: bool


@dataclass(frozen=True)
class _Measured:
    """One Lloyd step's outcome.

    Attributes:
        means: shape (k, dimensions); an empty cluster keeps its centroid.
        rows: shape (k,).
        errors: shape (k,), squared distances to the centroids the step began with, summed.
    """

    means: Matrix
    rows: NDArray[np.int64]
    errors: NDArray[np.float64]

    @property
    def inertia(self) -> float:
        return float(self.errors.sum())


class Training:
    """Trains k centroids on a sample.

    `photos` is how many photos they are for: a long final pass allows a long search.

    Attributes:
        steps: Lloyd steps so far, restarts included.
        following: which centroids rows of the sample had at the last step.
    """

    def __init__(self, task: KMeansTask, sample: Sample, *, k: int, seed: int, photos: int) -> None:
        self._task = task
        self._settings = task.settings
        self._normalize = task.normalize
        self._sample = sample
        self._k = k
        self._seed = seed
        self._photos = photos
        self._pairs = 0
        self.following = AssignmentTracker(task, sample)
        self.steps = 0

    def train(self, start: Matrix | None = None) -> Trained:
        """Seeds, refines and trains; on the whole sample in the end.

        Args:
            start: shape (any, dimensions), centroids to start from. They are not refined: that
                would move some of them elsewhere.
        """
        batch_size = first_batch_size(self._k, self._settings.batch_size, self._sample.size)
        self._task.log.phase("seed")
        if start is not None and len(start):
            best = self._from_centroids(start, batch_size)
        else:
            best = self._best_of_restarts(batch_size)
        if self._settings.refine and start is None:
            self._task.log.phase("refine")
            best = self._breathe(best, batch_size)
        self._task.log.phase("train")
        return self._train(best, batch_size)

    def _best_of_restarts(self, batch_size: int) -> Trained:
        rows = self._sample.fetch_rows(min(batch_size, enough_rows(self._k)), self._k)
        descents = []
        for restart in range(self._settings.restarts):
            generator = np.random.default_rng([self._seed, restart])
            apart = self._task.tuning.seeds_apart
            seeds = (seed_centroids if apart else draw_centroids)(rows, self._k, generator)
            self.following.forget()
            phase = f"seed {restart + 1}"
            descents.append(self._descend(seeds, batch_size, phase, COARSE_TOLERANCE))
            if self._pairs > self._search_budget() // 2:
                break
        return min(descents, key=lambda descent: descent.inertia)

    def resume(self, checkpoint: Checkpoint) -> Trained:
        """Continues training from the point an earlier run reached."""
        self.steps = checkpoint.step
        centroids = self._sample.directions.project_centroids(checkpoint.centroids)
        self._task.log.phase("train")
        batch_size = min(checkpoint.batch_size, self._sample.size)
        return self._train(Trained(centroids, np.inf, converged=False), batch_size)

    def _from_centroids(self, start: Matrix, batch_size: int) -> Trained:
        """As many as wanted: the least useful of too many go, too few are split."""
        centroids = self._sample.directions.project_centroids(start)
        while len(centroids) > self._k:
            _, utilities = self._measure_clusters(centroids, batch_size)
            most = min(len(centroids) - self._k, len(centroids) // 2)
            centroids = np.delete(
                centroids, centroids_to_remove(centroids, utilities, most), axis=0
            )
        while len(centroids) < self._k:
            errors, _ = self._measure_clusters(centroids, batch_size)
            most = min(self._k - len(centroids), len(centroids))
            added = self._draw_splits(centroids, errors, 1, most, batch_size)
            if not len(added):
                break
            centroids = np.concatenate([centroids, added])
        return self._descend(centroids, batch_size, "warm start", COARSE_TOLERANCE)

    def _search_budget(self) -> int:
        """Pairs of row and centroid that restarts and refinement together may compare."""
        least = _LEAST_SEARCH_PAIRS
        if self._sample.whole:
            least = _LEAST_SEARCH_PAIRS_OF_A_SMALL_LIBRARY
        return max(self._photos * self._k // 4, least)

    # Lloyd steps

    def _descend(self, centroids: Matrix, rows: int, phase: str, tolerance: float) -> Trained:
        """Lloyd steps over the same rows until they gain too little."""
        tolerance = max(tolerance, self._settings.tolerance)
        previous = np.inf
        for _ in range(self._settings.iterations):
            measured, centroids, _ = self._step(centroids, rows, phase)
            if has_converged(previous, measured.inertia, tolerance):
                return Trained(centroids, measured.inertia, converged=True)
            previous = measured.inertia
        return Trained(centroids, previous, converged=False)

    def _train(self, start: Trained, batch_size: int) -> Trained:
        """Nested mini-batches: Lloyd steps on a batch that doubles whenever it has settled.

        A sample that has settled is the end: more steps would fit the sample, not the library. The
        whole library is followed down to the tolerance, unless each step is long.
        """
        sample_size = self._sample.size
        steps_are_long = sample_size * self._k > _PAIRS_OF_A_LONG_STEP
        settling_is_enough = steps_are_long or not self._sample.whole
        centroids, previous = start.centroids, np.inf
        self._keep(centroids, batch_size)
        for _ in range(self._settings.iterations):
            measured, centroids, movement = self._step(centroids, batch_size, "train")
            settled = has_settled(movement, measured.errors, measured.rows)
            if batch_size == sample_size:
                gained_little = has_converged(previous, measured.inertia, self._settings.tolerance)
                if gained_little or (settled and settling_is_enough):
                    return Trained(centroids, measured.inertia, converged=True)
                previous = measured.inertia
            elif settled:
                batch_size = min(2 * batch_size, sample_size)
            self._keep(centroids, batch_size)
        return Trained(centroids, measured.inertia, converged=False)

    def _keep(self, centroids: Matrix, batch_size: int) -> None:
        """Logs the state of training, in all dimensions: a later sample has other directions."""
        restored = self._sample.directions.restore(centroids)
        self._task.log.checkpoint(Checkpoint(self.steps, batch_size, restored))

    def _step(
        self, centroids: Matrix, rows: int, phase: str
    ) -> tuple[_Measured, Matrix, NDArray[np.float64]]:
        """One Lloyd step: what it measured, the centroids that follow, how far each moved."""
        begun = time.perf_counter()
        measured = self._measure_step(centroids, rows)
        moved = self._refill_empty(measured, centroids, rows)
        self.steps += 1
        self._pairs += rows * len(centroids)
        movement: NDArray[np.float64] = np.linalg.norm(moved.astype(np.float64) - centroids, axis=1)
        self._task.log.step(
            StepReport(
                step=self.steps,
                phase=phase,
                batch_size=rows,
                inertia=measured.inertia,
                centroid_movement=float(np.sqrt(np.mean(movement**2))),
                seconds=time.perf_counter() - begun,
            )
        )
        return measured, moved, movement

    def _measure_step(self, centroids: Matrix, rows: int) -> _Measured:
        sums = np.zeros(centroids.shape, dtype=np.float64)
        counts = np.zeros(len(centroids), dtype=np.int64)
        errors = np.zeros(len(centroids), dtype=np.float64)
        for part in self.following.look(_LLOYD_STEP, centroids, rows):
            labels = _add_means(part, sums, counts)
            errors[labels] += [row["error"] for row in part]
        filled = counts > 0
        means = centroids.copy()
        averages = self._sample.directions.onto_span(sums[filled] / counts[filled, None])
        means[filled] = centroids_of(averages, centroids[filled], normalize=self._normalize)
        return _Measured(means, counts, errors)

    def restore(self, centroids: Matrix) -> Matrix:
        """Trained centroids in all dimensions: means of the photos that are nearest to each."""
        restored = self._sample.directions.restore(centroids)
        sums = np.zeros(restored.shape, dtype=np.float64)
        counts = np.zeros(len(restored), dtype=np.int64)
        for part in self.following.look(
            _LIFT_MEANS,
            centroids,
            self._sample.size,
            normalize=self._normalize,
            dimensions=self._task.survey.dimensions,
        ):
            _add_means(part, sums, counts)
        filled = np.flatnonzero(counts)
        # A few at a time: all of them as float8, several times over, would be the peak of a run.
        for start in range(0, len(filled), _LIFTED_AT_ONCE):
            labels = filled[start : start + _LIFTED_AT_ONCE]
            means = sums[labels] / counts[labels, None]
            restored[labels] = centroids_of(means, restored[labels], normalize=self._normalize)
        return restored

    def _refill_empty(self, measured: _Measured, centroids: Matrix, rows: int) -> Matrix:
        """Gives each centroid without rows a row of one of the clusters with the largest errors."""
        empty = np.flatnonzero(measured.rows == 0)
        if not len(empty):
            return measured.means
        splits = self._draw_splits(centroids, measured.errors, measured.rows, len(empty), rows)
        moved = measured.means.copy()
        moved[empty[: len(splits)]] = splits
        return moved

    def _draw_splits(
        self,
        centroids: Matrix,
        errors: NDArray[np.float64],
        counts: NDArray[np.int64] | int,
        most: int,
        rows: int,
    ) -> Matrix:
        """A row from each of the `most` clusters with the largest errors; shape (m, dimensions)."""
        scale = float(np.mean(np.einsum("ij,ij->i", centroids, centroids, dtype=np.float64)))
        worst = np.argsort(-errors, kind="stable")[:most]
        worst = worst[(errors > ROUNDING * scale * counts)[worst]]
        seed = (self._seed + self.steps) % 2**63
        rows = min(rows, max(_LEAST_SPLIT_ROWS, _SPLIT_ROWS_PER_CLUSTER * len(centroids)))
        followed = self.following.at(centroids, rows)
        if followed is None:
            found = self._task.session.fetch_all(
                "kmeans/draw_splits",
                centroids=self._task.session.vector_array(centroids),
                labels=worst.tolist(),
                seed=seed,
                rows=rows,
            )
        else:
            found = self._task.session.fetch_all(
                "kmeans/draw_splits_by_cell", **followed, chosen=worst.tolist(), seed=seed
            )
        if not found:
            return np.empty((0, centroids.shape[1]), dtype=np.float32)
        return self._sample.directions.onto_span(np.stack([row["embedding"] for row in found]))

    # Refinement

    def _breathe(self, start: Trained, rows: int) -> Trained:
        """Moves centroids from where they are least useful to where they are most useful.

        Breathing k-means (Fritzke 2020, arXiv 2006.15666): add m centroids where the error is
        largest, descend, take away the m of least utility, descend; keep the result if it is
        better, else try with a smaller m. On 4,114 CLIP embeddings at k=100 it ends 1 % below the
        inertia of the best of ten plain descents, in half as many steps.
        """
        best, breath = start, min(BREATH, len(start.centroids) - 1)
        while breath > 0 and self._pairs < self._search_budget():
            tried = self._breathe_once(best.centroids, breath, rows)
            if tried.inertia < best.inertia * (1 - self._settings.tolerance):
                best = tried
            else:
                breath -= 1
        return best

    def _breathe_once(self, centroids: Matrix, breath: int, rows: int) -> Trained:
        errors, _ = self._measure_clusters(centroids, rows)
        added = self._draw_splits(centroids, errors, 1, breath, rows)
        if not len(added):
            return Trained(centroids, float(errors.sum()), converged=True)
        wider = np.concatenate([centroids, added])
        wider = self._descend(wider, rows, "refine", FINE_TOLERANCE).centroids
        _, utilities = self._measure_clusters(wider, rows)
        kept = np.delete(wider, centroids_to_remove(wider, utilities, len(added)), axis=0)
        return self._descend(kept, rows, "refine", FINE_TOLERANCE)

    def _measure_clusters(
        self, centroids: Matrix, rows: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Error and utility of each centroid, both of shape (k,)."""
        errors = np.zeros(len(centroids), dtype=np.float64)
        utilities = np.zeros(len(centroids), dtype=np.float64)
        for part in self._sample.over_ranges(
            "kmeans/measure_clusters",
            self._sample.ranges(0, rows),
            centroids=self._task.session.vector_array(centroids),
        ):
            labels = [row["label"] for row in part]
            errors[labels] += [row["error"] for row in part]
            utilities[labels] += [row["utility"] for row in part]
        return errors, utilities


def _add_means(
    part: list[dict[str, Any]], sums: NDArray[np.float64], counts: NDArray[np.int64]
) -> list[int]:
    """Adds the means of a range to the sums, weighted by their rows; returns the labels it had."""
    labels = [row["label"] for row in part]
    rows = np.array([row["rows"] for row in part], dtype=np.int64)
    for row, label in zip(part, labels, strict=True):
        sums[label] += row["rows"] * row["mean"].astype(np.float64)
    counts[labels] += rows
    return labels
