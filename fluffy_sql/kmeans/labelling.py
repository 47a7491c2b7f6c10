"""The final pass of k-means: every photo gets its centroid, and every centroid photos."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.algorithms import Fit
from fluffy_sql.kmeans.nearest.tracking import CandidateLists
from fluffy_sql.kmeans.numeric_limits import require_finite
from fluffy_sql.kmeans.settings import KMeansTask
from fluffy_sql.kmeans.tuning import LEAST_RECALL
from fluffy_sql.postgres.centroids import Matrix, candidate_params
from fluffy_sql.postgres.ranges import row_ranges
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import IntegerArray, encoded_bytes, fingerprint_vector
from fluffy_sql.postgres.work_tables import empty

# Ranges of the pass: more than connections, each of which takes the next when it is free. A range
# takes a second or so, and a round trip; and all centroids are sent for it, so of all together no
# more than this, if that makes enough of them.
_MOST_RANGES = 64
_RANGE_PHOTOS = 1_000
_RANGE_PHOTOS_BY_CELL = 6_000
_RANGE_MULTIPLICATIONS = 1_000_000_000
_RANGES_OF_A_CONNECTION = 2
_MOST_BYTES = 4_000_000
# If photos are distributed, all shards share a range, and each gets the centroids for it again.
_MOST_RANGES_OF_SHARDS = 8
_LARGEST_ID = 2**63 - 1
# Photos that are compared with every centroid to measure the recall, and again if it is too low,
# drawn in this many parts, for connections to share.
_CHECKED_PHOTOS = 2_000
_CHECKED_TWICE = 10_000
_CHECKS = 2


class Labeller:
    """Labels every photo of the task with one of k centroids."""

    def __init__(self, task: KMeansTask, k: int) -> None:
        self._task = task
        self._k = k
        self._normalize = task.normalize

    def assign(
        self,
        trained: Matrix,
        shortcuts: CandidateLists | None,
        *,
        iterations: int,
        converged: bool,
    ) -> Fit:
        """Labels every photo with its nearest centroid, and fills clusters that no photo chose.

        Args:
            trained: shape (up to k, dimensions).
            shortcuts: candidates that photos are compared with; None: all centroids.
            iterations: steps of training, for the result.
            converged: whether training ended by its tolerance, for the result.

        Raises:
            LibraryError: a photo is too far away to be measured.
        """
        recall = self._assign_all(trained, shortcuts)
        centroids = np.zeros((self._k, trained.shape[1]), dtype=np.float32)
        centroids[: len(trained)] = trained
        photos, inertia, digest = self._summarize()
        require_finite(inertia)
        # Each round puts a centroid onto a photo that lies off its own, so the inertia falls every
        # time and the rounds end: when k have photos, or when every photo lies on its centroid.
        while len(free := np.flatnonzero(photos == 0)):
            drawn = self._draw_far_photos(len(free), seed_offset=int(photos.max()))
            if not len(drawn):
                break
            labels = free[: len(drawn)]
            centroids[labels] = drawn
            self._move_to_nearer(drawn, labels)
            photos, inertia, digest = self._summarize()
        labels = np.argsort(-photos, kind="stable")[: np.count_nonzero(photos)]
        return Fit(
            labels=labels,
            scopes=(self._task.scope,) * len(labels),
            centroids=centroids[labels],
            photos=photos[labels],
            inertia=inertia,
            iterations=iterations,
            converged=converged,
            recall=recall,
            least_recall=1.0 if recall == 1.0 else LEAST_RECALL,
            digest=digest,
        )

    def _assign_all(self, centroids: Matrix, shortcuts: CandidateLists | None) -> float:
        """Returns the share of photos that have their nearest centroid: 1.0 if all were compared.

        If shortcuts find too few, all is done again without them.
        """
        if shortcuts is None:
            self._assign_exactly(centroids)
            return 1.0
        self._assign_sample(centroids, shortcuts)
        self._assign_by_cell(centroids, shortcuts)
        recall = self._measure_recall(centroids, _CHECKED_PHOTOS)
        if recall < LEAST_RECALL:  # by chance, or really?
            recall = self._measure_recall(centroids, _CHECKED_TWICE)
        if recall >= LEAST_RECALL:
            return recall
        empty(self._task.session, "work_assignments")
        self._assign_exactly(centroids)
        return 1.0

    def _assign_exactly(self, centroids: Matrix) -> None:
        """Compares every photo with every centroid."""
        parameters = {"centroids": self._task.session.vector_array(centroids)}
        photos = self._task.survey.eligible
        ranges = self._id_ranges(self._cut(photos, _RANGE_PHOTOS, centroids.size, parameters))
        self._assign_ids("kmeans/assign_photos", ranges, parameters)

    def _assign_sample(self, centroids: Matrix, shortcuts: CandidateLists) -> None:
        near = candidate_params(self._task.session, centroids, shortcuts.around)

        def assign(session: Session, rows: tuple[int, int]) -> int:
            return session.execute(
                "kmeans/assign_sample",
                **near,
                **self._which_photos(),
                cells=IntegerArray.of(shortcuts.labels[rows[0] : rows[1]]),
                after_row=rows[0],
                last_row=rows[1],
            )

        size = near["width"] * near["length"]
        ranges = self._cut(len(shortcuts.labels), _RANGE_PHOTOS_BY_CELL, size, near)
        for assigned in self._task.workers.map(assign, ranges):
            self._task.log.photos(assigned)

    def _assign_by_cell(self, centroids: Matrix, shortcuts: CandidateLists) -> None:
        """Assigns photos that are not of the sample."""
        if shortcuts.cells is None:
            return
        assigned = len(shortcuts.labels)
        left = max(0, self._task.survey.eligible - assigned)
        parameters = candidate_params(self._task.session, centroids, shortcuts.cells.candidates)
        parameters["centers"] = self._task.session.vector_array(shortcuts.cells.centers)
        parameters["assigned"] = assigned
        size = 2 * parameters["width"] * parameters["length"] + shortcuts.cells.centers.size
        ranges = self._id_ranges(self._cut(left, _RANGE_PHOTOS_BY_CELL, size, parameters))
        self._assign_ids("kmeans/assign_photos_by_cell", ranges, parameters)

    def _assign_ids(
        self, name: str, ranges: list[tuple[int, int]], parameters: dict[str, Any]
    ) -> None:
        def assign(session: Session, ids: tuple[int, int]) -> int:
            return session.execute(
                name, **parameters, **self._which_photos(), after_id=ids[0], last_id=ids[1]
            )

        for assigned in self._task.workers.map(assign, ranges):
            self._task.log.photos(assigned)

    def _which_photos(self) -> dict[str, Any]:
        """What every statement of the pass asks of a photo."""
        return {
            "normalize": self._normalize,
            "dimensions": self._task.survey.dimensions,
            "scope": self._task.scope,
            "clustered": self._task.reclusters,
            "fingerprint_vector": fingerprint_vector(self._task.survey.dimensions),
        }

    def _cut(
        self, photos: int, least: int, multiplications: int, parameters: dict[str, Any]
    ) -> list[tuple[int, int]]:
        """Cuts photos into ranges for connections to share.

        Args:
            photos: how many there are.
            least: of a range, unless there are fewer.
            multiplications: that a photo takes.
            parameters: that are sent with each range.
        """
        if self._task.session.distributed:
            return row_ranges(photos, _MOST_RANGES_OF_SHARDS, least)
        enough = _RANGES_OF_A_CONNECTION * self._task.workers.connections
        most = min(_MOST_RANGES, _MOST_BYTES // encoded_bytes(parameters))
        about = min(_RANGE_MULTIPLICATIONS // multiplications, photos // enough)
        return row_ranges(photos, max(most, enough), max(least, about))

    def _id_ranges(self, cut: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Ranges of ids (after, last] of about as many photos each as these, together all."""
        pieces = len(cut)
        fractions = [piece / pieces for piece in range(1, pieces)]
        found = self._task.session.fetch_value("kmeans/find_range_bounds", fractions=fractions)
        bounds = [-_LARGEST_ID, *sorted(set(found or [])), _LARGEST_ID]
        return list(pairwise(bounds))

    def _measure_recall(self, centroids: Matrix, photos: int) -> float:
        """Compares some photos with every centroid."""
        encoded = self._task.session.vector_array(centroids)

        def check(session: Session, seed: int) -> dict[str, Any]:
            [found] = session.fetch_all(
                "kmeans/count_far_from_nearest",
                centroids=encoded,
                normalize=self._normalize,
                dimensions=self._task.survey.dimensions,
                seed=seed,
                photos=photos // _CHECKS,
            )
            return found

        seeds = [(self._task.seed + number) % 2**63 for number in range(_CHECKS)]
        checks = list(self._task.workers.map(check, seeds))
        looked_at = sum(found["looked_at"] for found in checks)
        missed = sum(found["missed"] for found in checks)
        return 1 - float(missed) / float(looked_at) if looked_at else 1.0

    def _summarize(self) -> tuple[NDArray[np.int64], float, str]:
        """Photos by label, of shape (k,), the inertia of all, and a digest of them."""
        labels, [of_all] = self._task.session.fetch_each(
            ("runs/summarize_assignments", {}), ("runs/digest_assignments", {})
        )
        photos = np.zeros(self._k, dtype=np.int64)
        inertia = 0.0
        for row in labels:
            photos[row["label"]] = row["photos"]
            inertia += row["error"]
        return photos, inertia, of_all["embeddings_digest"]

    def _draw_far_photos(self, most: int, *, seed_offset: int) -> Matrix:
        """Up to `most` distinct embeddings that lie off their centroids; shape (m, dimensions)."""
        found = self._task.session.fetch_all(
            "kmeans/draw_far_photos",
            normalize=self._normalize,
            dimensions=self._task.survey.dimensions,
            seed=(self._task.seed + seed_offset) % 2**63,
            photos=most,
        )
        rows = [row["embedding"] for row in found]
        return np.unique(np.stack(rows), axis=0) if rows else np.empty((0, 0), dtype=np.float32)

    def _move_to_nearer(self, centroids: Matrix, labels: NDArray[np.intp]) -> None:
        self._task.session.execute(
            "kmeans/move_to_nearer",
            centroids=self._task.session.vector_array(centroids),
            labels=labels.tolist(),
            normalize=self._normalize,
            dimensions=self._task.survey.dimensions,
        )
