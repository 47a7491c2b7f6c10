"""Training: a search for a start, then Lloyd steps in growing batches of the sample."""

import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.algorithms import Checkpoint, StepReport
from fluffy_sql.kmeans.minibatch import first_batch_size, has_converged, has_settled
from fluffy_sql.kmeans.nearest.tracking import AssignmentTracker, StatementPair
from fluffy_sql.kmeans.sample import Sample
from fluffy_sql.kmeans.search import Found, Search
from fluffy_sql.kmeans.settings import KMeansTask
from fluffy_sql.postgres.centroids import Matrix, centroids_of

_LLOYD_STEP = StatementPair("kmeans/lloyd_step", "kmeans/lloyd_step_by_cell")
_LIFT_MEANS = StatementPair(
    "kmeans/full_dimension_means",
    "kmeans/full_dimension_means_by_cell",
    in_all_dimensions=True,
)
_LIFTED_AT_ONCE = 256
# Restarts and refinement may compare as many rows with centroids as the final pass, and no fewer
# than this: under half a second.
_LEAST_SEARCH_PAIRS = 100_000_000
# Row-centroid comparisons in about one second on two cores.
_PAIRS_OF_A_LONG_STEP = 20_000_000
# RNG streams; streams 0 and up are the restarts.
_SEARCH = 1_000_002
_REFILL = 1_000_003


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
        steps: recorded so far: of the search the end of each restart and of the refinement, and
            Lloyd steps in SQL.
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
        self._batch_size = min(
            first_batch_size(k, task.settings.batch_size, sample.size), sample.most_rows(k)
        )
        self.following = AssignmentTracker(task, sample)
        self.steps = 0

    def train(self, start: Matrix | None = None) -> Trained:
        """Seeds, refines and trains; on the whole sample in the end.

        Args:
            start: shape (any, dimensions), centroids to start from. They are not refined: that
                would move some of them elsewhere.
        """
        self._task.log.phase("seed")
        best = self._best_of_restarts() if start is None else self._resize(start)
        if self._settings.refine and start is None:
            self._task.log.phase("refine")
            begun = time.perf_counter()
            best = self._search.refine(best, self._most_pairs)
            self._report("refine", best, begun)
        self._task.log.phase("train")
        if self._batch_size == self._sample.size:
            return self._train(best.centroids, self._batch_size, best.inertia)
        # They have settled among these rows.
        return self._train(best.centroids, min(2 * self._batch_size, self._sample.size))

    def resume(self, checkpoint: Checkpoint) -> Trained:
        """Continues training from the point an earlier run reached."""
        self.steps = checkpoint.step
        centroids = self._sample.directions.project_centroids(checkpoint.centroids)
        self._task.log.phase("train")
        return self._train(centroids, min(checkpoint.batch_size, self._sample.size))

    # The search for a start

    @cached_property
    def _search(self) -> Search:
        """Over the rows of the first mini-batch."""
        return Search(
            self._sample.fetch_rows(self._batch_size),
            self._sample.directions,
            self._settings,
            normalize=self._normalize,
            generator=np.random.default_rng([self._seed, _SEARCH]),
        )

    @property
    def _most_pairs(self) -> int:
        """Pairs of row and centroid that restarts and refinement together may compare."""
        return max(self._photos * self._k, _LEAST_SEARCH_PAIRS)

    def _best_of_restarts(self) -> Found:
        search = self._search
        descents = []
        for restart in range(self._settings.restarts):
            begun = time.perf_counter()
            generator = np.random.default_rng([self._seed, restart])
            seeds = search.seed(self._k, generator, apart=self._task.tuning.seeds_apart)
            descents.append(search.rank(seeds))
            self._report(f"seed {restart + 1}", descents[-1], begun)
            if search.pairs > self._most_pairs // 2:
                break
        return min(descents, key=lambda descent: descent.inertia)

    def _resize(self, start: Matrix) -> Found:
        begun = time.perf_counter()
        centroids = self._sample.directions.project_centroids(start)
        found = self._search.resize(centroids, self._k)
        self._report("warm start", found, begun)
        return found

    def _report(self, phase: str, found: Found, begun: float) -> None:
        self.steps += 1
        self._task.log.step(
            StepReport(
                step=self.steps,
                phase=phase,
                batch_size=self._batch_size,
                inertia=found.inertia,
                centroid_movement=found.movement,
                seconds=time.perf_counter() - begun,
            )
        )

    # Lloyd steps

    def _train(self, centroids: Matrix, batch_size: int, previous: float = np.inf) -> Trained:
        """Nested mini-batches: Lloyd steps on a batch that doubles whenever it has settled.

        `previous` is the inertia of the whole sample in the step before, if there was one.

        A sample that has settled is the end: more steps would fit the sample, not the library. The
        whole library is followed down to the tolerance, unless each step is long.
        """
        sample_size = self._sample.size
        steps_are_long = sample_size * self._k > _PAIRS_OF_A_LONG_STEP
        settling_is_enough = steps_are_long or not self._sample.whole
        self._keep(centroids, batch_size)
        for _ in range(self._settings.iterations):
            measured, centroids, movement = self._step(centroids, batch_size)
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
        vars(self).pop(
            "_search", None
        )  # makes room: its rows and these means are the peak of a run
        restored = self._sample.directions.restore(centroids)
        self._task.log.checkpoint(Checkpoint(self.steps, batch_size, restored))

    def _step(self, centroids: Matrix, rows: int) -> tuple[_Measured, Matrix, NDArray[np.float64]]:
        """One Lloyd step: what it measured, the centroids that follow, how far each moved."""
        begun = time.perf_counter()
        measured = self._measure_step(centroids, rows)
        self.steps += 1
        moved = self._refill_empty(measured, centroids)
        movement: NDArray[np.float64] = np.linalg.norm(moved.astype(np.float64) - centroids, axis=1)
        self._task.log.step(
            StepReport(
                step=self.steps,
                phase="train",
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
        vars(self).pop(
            "_search", None
        )  # makes room: its rows and these means are the peak of a run
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

    def _refill_empty(self, measured: _Measured, centroids: Matrix) -> Matrix:
        """Gives each centroid without rows a row of one of the clusters with the largest errors."""
        empty = np.flatnonzero(measured.rows == 0)
        if not len(empty):
            return measured.means
        splits = self._search.draw_splits(
            centroids,
            measured.errors,
            measured.rows,
            len(empty),
            np.random.default_rng([self._seed, _REFILL, self.steps]),
        )
        moved = measured.means.copy()
        moved[empty[: len(splits)]] = splits
        return moved


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
