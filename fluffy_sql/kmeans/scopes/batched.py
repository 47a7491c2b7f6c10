"""Many small scopes, each clustered by itself, in lock step: one statement is a step of hundreds.

What `training` does for one library, over whole scopes: no batches, since a small scope is no more
than one, and in all dimensions, since what differs most among all scopes need not differ in one. A
scope that has converged takes no part in later steps.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.algorithms import Fit, Scope, StepReport
from fluffy_sql.kmeans.minibatch import has_converged
from fluffy_sql.kmeans.numeric_limits import require_finite, require_measurable
from fluffy_sql.kmeans.refine import centroids_to_remove
from fluffy_sql.kmeans.sample import Sample
from fluffy_sql.kmeans.seeding import enough_rows, seed_centroids
from fluffy_sql.kmeans.settings import KMeansTask
from fluffy_sql.kmeans.training import BREATH, FINE_TOLERANCE, ROUNDING
from fluffy_sql.postgres.centroids import Matrix, centroids_of
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import fingerprint_vector

# Scopes of one statement together have about this many rows, as a range of the final pass has.
_GROUP_ROWS = 2_048
# RNG stream of the unscoped photos.
_UNSCOPED = 2**63


@dataclass(frozen=True)
class _Trained:
    """The state of one scope's training.

    Attributes:
        centroids: shape (k, dimensions).
        errors: shape (k,), squared distances to the centroids the last step began with, summed.
    """

    centroids: Matrix
    errors: NDArray[np.float64]

    @property
    def inertia(self) -> float:
        return float(self.errors.sum())


@dataclass(frozen=True)
class _StackedCentroids:
    """The centroids of several scopes, one below the other.

    Attributes:
        places: shape (scopes,), which scopes, rising.
        starts: shape (scopes + 1,), first centroid of each scope; the last is their number.
        centroids: shape (all, dimensions).
    """

    places: NDArray[np.intp]
    starts: NDArray[np.intp]
    centroids: Matrix

    @classmethod
    def of(cls, by_place: Mapping[int, Matrix]) -> Self:
        places = sorted(by_place)
        counts = [len(by_place[place]) for place in places]
        return cls(
            np.array(places, dtype=np.intp),
            np.concatenate([[0], np.cumsum(counts)]).astype(np.intp),
            np.concatenate([by_place[place] for place in places]),
        )

    def split(self, values: NDArray[Any]) -> dict[int, NDArray[Any]]:
        """One value for each centroid, by scope."""
        parts = np.split(values, self.starts[1:-1])
        return dict(zip(self.places.tolist(), parts, strict=True))

    def labels(self) -> dict[int, NDArray[np.intp]]:
        """The places of the centroids here, by scope."""
        return self.split(np.arange(len(self.centroids)))


def fit_small_scopes(task: KMeansTask) -> tuple[Fit, list[Scope]]:
    """Clusters each of the scopes of a task.

    Returns:
        What was found, and the scopes that got fewer clusters than they could have: nothing of
        them is in the fit or in the work table.
    """
    task.log.phase("sample")
    with Sample.of_whole_scopes(task) as (sample, extents):
        if not sample.size:
            return Fit.of_nothing(task.survey.dimensions), []
        scopes = _SmallScopes(task, sample, extents)
        trained = scopes.train()
        task.log.phase("assign")
        return scopes.assign(trained)


class _SmallScopes:
    """Trains and assigns; scopes are known by their places in `extents`."""

    def __init__(self, task: KMeansTask, sample: Sample, extents: list[dict[str, Any]]) -> None:
        self._task = task
        self._settings = task.settings
        self._normalize = task.normalize
        self._sample = sample
        self._scopes: list[int | None] = [extent["scope"] for extent in extents]
        self._after = np.array([extent["after_row"] for extent in extents], dtype=np.int64)
        self._last = np.array([extent["last_row"] for extent in extents], dtype=np.int64)
        self._steps = 0

    def train(self) -> dict[int, Matrix]:
        """The best centroids of each scope, by its place; none of one without usable photos."""
        self._task.log.phase("seed")
        warm = self._from_start()
        seeds = self._seed([at for at in range(len(self._scopes)) if at not in warm])
        best = self._descend(seeds, "seed", FINE_TOLERANCE)
        if self._settings.refine:
            self._task.log.phase("refine")
            best = self._breathe(best)
        centroids = _centroids(warm | best)
        if self._settings.tolerance < FINE_TOLERANCE:
            self._task.log.phase("train")
            centroids = _centroids(self._descend(centroids, "train", self._settings.tolerance))
        return centroids

    def _from_start(self) -> dict[int, _Trained]:
        """Scopes that have clusters: as many as wanted of the largest; too few are split."""
        centroids = {
            place: self._task.start[scope][: self._most(place)]
            for place, scope in enumerate(self._scopes)
            if scope in self._task.start
        }
        reached = self._descend(centroids, "warm start", FINE_TOLERANCE)
        short = dict(reached)
        while short := {
            place: now for place, now in short.items() if len(now.centroids) < self._most(place)
        }:
            missing = {
                place: self._most(place) - len(now.centroids) for place, now in short.items()
            }
            stack = _StackedCentroids.of(_centroids(short))
            added = self._draw_splits(stack, _errors(short), missing)
            wider = {
                place: np.concatenate([short[place].centroids, rows])
                for place, rows in added.items()
            }
            short = self._descend(wider, "warm start", FINE_TOLERANCE)
            reached |= short
        return reached

    def _most(self, place: int) -> int:
        """As many clusters as the scope at a place can have."""
        rows = int(self._last[place] - self._after[place])
        return min(self._settings.k_for(self._scopes[place]), rows)

    def _seed(self, places: list[int]) -> dict[int, Matrix]:
        """The best of several seedings of each scope: a descent from each would cost too much."""
        seeds = {}
        for group in self._groups(np.array(places, dtype=np.intp)):
            positions, rows = self._sample.fetch_rows_of(
                int(self._after[group[0]]), int(self._last[group[-1]])
            )
            firsts = np.searchsorted(positions, self._after[group], side="right")
            lasts = np.searchsorted(positions, self._last[group], side="right")
            for place, first, last in zip(group.tolist(), firsts, lasts, strict=True):
                if not self._normalize:
                    require_measurable(rows[first:last])
                if last > first:
                    seeds[place] = self._seed_one(self._scopes[place], rows[first:last])
        return seeds

    def _seed_one(self, scope: int | None, rows: Matrix) -> Matrix:
        k = self._settings.k_for(scope)
        number = _UNSCOPED if scope is None else scope % _UNSCOPED
        generators = (
            np.random.default_rng([self._task.seed, restart, number])
            for restart in range(self._settings.restarts)
        )
        return seed_centroids(rows[: enough_rows(k)], k, *generators)

    # Lloyd steps

    def _descend(
        self, centroids: Mapping[int, Matrix], phase: str, tolerance: float
    ) -> dict[int, _Trained]:
        """Lloyd steps until each scope gains too little."""
        tolerance = max(tolerance, self._settings.tolerance)
        reached: dict[int, _Trained] = {}
        active = dict(centroids)
        for _ in range(self._settings.iterations):
            if not active:
                break
            moved = self._step(active, phase)
            before = {place: reached[place].inertia for place in moved if place in reached}
            active = {
                place: now.centroids
                for place, now in moved.items()
                if now.inertia
                and not has_converged(before.get(place, np.inf), now.inertia, tolerance)
            }
            reached |= moved
        return reached

    def _step(self, centroids: Mapping[int, Matrix], phase: str) -> dict[int, _Trained]:
        begun = time.perf_counter()
        stack = _StackedCentroids.of(centroids)
        means = stack.centroids.copy()
        rows = np.zeros(len(means), dtype=np.int64)
        errors = np.zeros(len(means), dtype=np.float64)
        for at, found in self._over_groups("kmeans/lloyd_step_by_scope", stack):
            rows[at] = [row["rows"] for row in found]
            errors[at] = [row["error"] for row in found]
            averages = np.stack([row["mean"] for row in found]).astype(np.float64)
            means[at] = centroids_of(averages, stack.centroids[at], normalize=self._normalize)
        self._refill_empty(stack, means, rows, errors)
        self._steps += 1
        movement = np.linalg.norm(means.astype(np.float64) - stack.centroids, axis=1)
        self._task.log.step(
            StepReport(
                step=self._steps,
                phase=phase,
                batch_size=int(rows.sum()),
                inertia=float(errors.sum()),
                centroid_movement=float(np.sqrt(np.mean(movement**2))),
                seconds=time.perf_counter() - begun,
            )
        )
        by_place = stack.split(means)
        errors_by_place = stack.split(errors)
        return {place: _Trained(by_place[place], errors_by_place[place]) for place in by_place}

    def _refill_empty(
        self,
        stack: _StackedCentroids,
        means: Matrix,
        rows: NDArray[np.int64],
        errors: NDArray[np.float64],
    ) -> None:
        """Gives each centroid without rows a row of one of the worst clusters of its scope."""
        empty = {
            place: labels[rows[labels] == 0]
            for place, labels in stack.labels().items()
            if not rows[labels].all()
        }
        if not empty:
            return
        most = {place: len(labels) for place, labels in empty.items()}
        for place, splits in self._draw_splits(stack, errors, most).items():
            means[empty[place][: len(splits)]] = splits

    def _draw_splits(
        self, stack: _StackedCentroids, errors: NDArray[np.float64], most: Mapping[int, int]
    ) -> dict[int, Matrix]:
        """A row from each of the worst clusters of scopes, as many of each as asked for."""
        wanted = {
            place: _worst(of_scope, most[place])
            for place, of_scope in stack.split(errors).items()
            if place in most
        }
        by_place = stack.split(stack.centroids)
        narrowed = _StackedCentroids.of({place: by_place[place] for place in wanted})
        splits: dict[int, list[Matrix]] = {}
        for group in self._groups(narrowed.places):
            found = self._task.session.fetch_all(
                "kmeans/draw_splits_by_scope",
                **self._where(narrowed, group),
                split_scopes=[i for i, at in enumerate(group.tolist()) for _ in wanted[at]],
                split_labels=[label for at in group.tolist() for label in wanted[at]],
                seed=(self._task.seed + self._steps) % 2**63,
            )
            for row in found:
                splits.setdefault(int(group[row["scope"]]), []).append(row["embedding"])
        return {place: np.stack(rows) for place, rows in splits.items()}

    # Refinement

    def _breathe(self, best: dict[int, _Trained]) -> dict[int, _Trained]:
        """Breathing k-means (see training), one round of it in all scopes.

        200 scopes of 50 photos, k=5, ended this far above scikit-learn's best of ten in each: 1.0 %
        without any round, 0.7 % with one, 0.3 % with two, 0.2 % with four. Each takes as long as
        all that comes before.
        """
        trying = {
            place: now for place, now in best.items() if now.inertia and len(now.centroids) > 1
        }
        if not trying:
            return best
        breath = {place: min(BREATH, len(now.centroids) - 1) for place, now in trying.items()}
        stack = _StackedCentroids.of(_centroids(trying))
        added = self._draw_splits(stack, _errors(trying), breath)
        if not added:
            return best
        wider = {
            place: np.concatenate([best[place].centroids, rows]) for place, rows in added.items()
        }
        wider = _centroids(self._descend(wider, "refine", FINE_TOLERANCE))
        utilities = self._measure_utilities(_StackedCentroids.of(wider))
        kept = {
            place: np.delete(
                rows, centroids_to_remove(rows, utilities[place], len(added[place])), axis=0
            )
            for place, rows in wider.items()
        }
        tried = self._descend(kept, "refine", FINE_TOLERANCE)
        factor = 1 - self._settings.tolerance
        return best | {
            place: now for place, now in tried.items() if now.inertia < best[place].inertia * factor
        }

    def _measure_utilities(self, stack: _StackedCentroids) -> dict[int, NDArray[np.float64]]:
        utilities = np.zeros(len(stack.centroids), dtype=np.float64)
        for at, found in self._over_groups("kmeans/measure_clusters_by_scope", stack):
            utilities[at] = [row["utility"] for row in found]
        return stack.split(utilities)

    # All photos

    def assign(self, trained: Mapping[int, Matrix]) -> tuple[Fit, list[Scope]]:
        """Labels every photo; see `fit_small_scopes`."""
        stack = _StackedCentroids.of(trained)

        def work(session: Session, group: NDArray[np.intp]) -> int:
            return session.execute(
                "kmeans/assign_photos_by_scope",
                **self._where(stack, group),
                scopes=[self._scopes[place] for place in group.tolist()],
                first_label=int(stack.starts[np.searchsorted(stack.places, group[0])]),
                fingerprint_vector=fingerprint_vector(self._task.survey.dimensions),
                normalize=self._normalize,
                dimensions=self._task.survey.dimensions,
                clustered=self._task.reclusters,
            )

        for photos in self._task.workers.map(work, self._groups(stack.places)):
            self._task.log.photos(photos)
        return self._summarize(stack)

    def _summarize(self, stack: _StackedCentroids) -> tuple[Fit, list[Scope]]:
        photos = np.zeros(len(stack.centroids), dtype=np.int64)
        errors = np.zeros(len(stack.centroids), dtype=np.float64)
        for row in self._task.session.fetch_all("runs/summarize_assignments"):
            photos[row["label"]] = row["photos"]
            errors[row["label"]] = row["error"]
        require_finite(errors)
        kept: list[int] = []
        scopes: list[int | None] = []
        forgotten: list[int] = []
        again = set()
        for place, labels in stack.labels().items():
            of_scope = photos[labels]
            if self._is_incomplete(place, of_scope, errors[labels]):
                forgotten += labels.tolist()
                again.add(self._scopes[place])
                continue
            filled = np.argsort(-of_scope, kind="stable")[: np.count_nonzero(of_scope)]
            kept += labels[filled].tolist()
            scopes += [self._scopes[place]] * len(filled)
        if forgotten:
            self._task.session.execute("work_tables/forget_labels", labels=forgotten)
        labels = np.array(kept, dtype=np.intp)
        fit = Fit(
            labels=labels,
            scopes=tuple(scopes),
            centroids=stack.centroids[labels],
            photos=photos[labels],
            inertia=float(errors[labels].sum()),
            iterations=self._steps,
            converged=True,
            recall=1.0,
            least_recall=1.0,
        )
        return fit, [found for found in self._task.survey.scopes if found.scope in again]

    def _is_incomplete(
        self, place: int, photos: NDArray[np.int64], errors: NDArray[np.float64]
    ) -> bool:
        """Whether a scope could have more clusters: it has distinct photos in one of its few."""
        few = np.count_nonzero(photos) < min(self._most(place), int(photos.sum()))
        return bool(few and errors.sum() > ROUNDING * photos.sum())

    # Statements over groups of scopes

    def _groups(self, places: NDArray[np.intp]) -> list[NDArray[np.intp]]:
        """Cuts scopes into groups of enough rows for a statement."""
        if not len(places):
            return []
        rows = np.cumsum(self._last[places] - self._after[places])
        cuts = np.flatnonzero(np.diff(rows // _GROUP_ROWS)) + 1
        return np.split(places, cuts)

    def _where(self, stack: _StackedCentroids, group: NDArray[np.intp]) -> dict[str, Any]:
        """What a statement has to know of a group of scopes that are side by side in a stack."""
        at = np.searchsorted(stack.places, group)
        starts, ends = stack.starts[at], stack.starts[at + 1]
        return {
            "after_rows": self._after[group].tolist(),
            "last_rows": self._last[group].tolist(),
            "firsts": (starts - starts[0] + 1).tolist(),
            "lasts": (ends - starts[0]).tolist(),
            "centroids": self._task.session.vector_array(
                stack.centroids[int(starts[0]) : int(ends[-1])]
            ),
        }

    def _over_groups(
        self, name: str, stack: _StackedCentroids
    ) -> Iterator[tuple[NDArray[np.intp], list[dict[str, Any]]]]:
        """Runs a statement over all scopes of a stack.

        Yields:
            Places in the stack, and the row that was found for each of them.
        """
        groups = self._groups(stack.places)

        def run(session: Session, group: NDArray[np.intp]) -> list[dict[str, Any]]:
            return session.fetch_all(name, **self._where(stack, group))

        for group, found in zip(groups, self._task.workers.map(run, groups), strict=True):
            if found:
                starts = stack.starts[np.searchsorted(stack.places, group)]
                yield np.array([starts[row["scope"]] + row["label"] for row in found]), found


def _centroids(by_place: Mapping[int, _Trained]) -> dict[int, Matrix]:
    return {place: now.centroids for place, now in by_place.items()}


def _errors(by_place: Mapping[int, _Trained]) -> NDArray[np.float64]:
    """Of all clusters, in the order of a stack."""
    return np.concatenate([by_place[place].errors for place in sorted(by_place)])


def _worst(errors: NDArray[np.float64], most: int) -> list[int]:
    """Labels of the clusters with the largest errors, those without any left out."""
    worst = np.argsort(-errors, kind="stable")[:most]
    return [label for label in worst.tolist() if errors[label] > 0]
