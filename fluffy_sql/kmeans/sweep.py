"""The sweep of k-means: many k, each trained twice on one sample, and none labels a photo."""

import time
from collections.abc import Sequence

from fluffy_sql.algorithms import Suggestion
from fluffy_sql.errors import LibraryError
from fluffy_sql.kmeans.k_selection import Candidate, suggest
from fluffy_sql.kmeans.sample import Sample
from fluffy_sql.kmeans.settings import KMeansTask
from fluffy_sql.kmeans.training import Training
from fluffy_sql.postgres.centroids import Matrix
from fluffy_sql.postgres.work_tables import work_tables
from fluffy_sql.runs.quality import Quality, compare, summarize_measured
from fluffy_sql.words import count

# Rows of the sample that every k is measured on, and how many for each cluster of the largest k.
_MEASURED_ROWS = 8_192
_MEASURED_ROWS_PER_CLUSTER = 16
_LARGEST_SEED = 2**63 - 1


def require_smaller(ks: Sequence[float], photos: int) -> list[int]:
    """The k that are smaller than the library.

    Raises:
        LibraryError: none is.
    """
    tried = [int(k) for k in ks if k < photos]
    if not tried:
        raise LibraryError(
            f"only {count(photos, 'photo')} with an embedding, too few for"
            f" k = {min(ks):,}; sweep smaller k, or add photos"
        )
    return tried


class KSweep:
    """Trains twice for each k, on one sample, and measures the first training.

    Attributes:
        values: the k that are tried.
        left_out: those that are not.
        photos: how many each is trained on.
    """

    def __init__(
        self, task: KMeansTask, sample: Sample, values: Sequence[int], left_out: Sequence[float]
    ) -> None:
        self.values: Sequence[float] = values
        self.left_out = left_out
        self.photos = sample.size
        self._task = task
        self._sample = sample
        self._measured_rows = max(_MEASURED_ROWS, _MEASURED_ROWS_PER_CLUSTER * values[-1])

    def try_value(self, value: float) -> Candidate:
        """Trains and measures one k."""
        begun, k, seed = time.perf_counter(), int(value), self._task.seed
        first = self._train(k, seed)
        quality, alike = self._measure(first, self._train(k, (seed + 1) % _LARGEST_SEED))
        return Candidate(
            k=k,
            clusters=quality.clusters,
            inertia=round(quality.inertia, 6),
            **quality.measures(),
            stability=round(alike, 6),
            seconds=round(time.perf_counter() - begun, 3),
        )

    def suggest(self, candidates: Sequence[Candidate]) -> Suggestion:
        """The k that the measures like best between them."""
        return suggest(candidates, self.photos)

    def basis(self, candidates: Sequence[Candidate]) -> str:
        """How they were tried."""
        return (
            f"each trained twice on {self.photos:,} of"
            f" {count(self._task.survey.eligible, 'photo')}"
            f" and measured on {candidates[-1].photos_measured:,}"
        )

    def _train(self, k: int, seed: int) -> Matrix:
        """Centroids of one training, shape (k, dimensions)."""
        training = Training(self._task, self._sample, k=k, seed=seed, photos=self.photos)
        return training.restore(training.train().centroids)

    def _measure(self, first: Matrix, second: Matrix) -> tuple[Quality, float]:
        """The quality of a training, and how alike it is to a second one.

        Args:
            first: shape (k, dimensions), the centroids that are measured.
            second: those of the other training.

        Returns:
            The quality, and the adjusted Rand index of the two partitions.
        """
        task, sample = self._task, self._sample
        with work_tables(task.session, "work_measured", "work_measured_clusters"):
            sample.write_ranges(
                "quality/label_photos",
                sample.ranges(0, min(self._measured_rows, sample.size)),
                centroids=task.session.vector_array(first),
                other_centroids=task.session.vector_array(second),
                normalize=task.normalize,
                dimensions=task.survey.dimensions,
            )
            summarize_measured(task.session)
            quality = compare(task.session, None)
            alike: float = task.session.fetch_value("quality/adjusted_rand_index")
        return quality, alike
