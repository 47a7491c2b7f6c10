"""Trainings for several k on one sample, for a sweep: each is measured and none labels a photo."""

from fluffy_sql.kmeans.sample import Sample
from fluffy_sql.kmeans.settings import KMeansTask
from fluffy_sql.kmeans.training import Training
from fluffy_sql.postgres.centroids import Matrix
from fluffy_sql.postgres.work_tables import work_tables
from fluffy_sql.runs.quality import Quality, compare, summarize_measured

# Rows of the sample that every k is measured on, and how many for each cluster of the largest k.
_MEASURED_ROWS = 8_192
_MEASURED_ROWS_PER_CLUSTER = 16


class Trainings:
    """What all trainings of a sweep share.

    Attributes:
        photos: how many each k is trained on.
    """

    def __init__(self, task: KMeansTask, sample: Sample, largest_k: int) -> None:
        self._task = task
        self._sample = sample
        self._measured_rows = max(_MEASURED_ROWS, _MEASURED_ROWS_PER_CLUSTER * largest_k)
        self.photos = sample.size

    def train(self, k: int, seed: int) -> Matrix:
        """Centroids of one training, shape (k, dimensions)."""
        training = Training(self._task, self._sample, k=k, seed=seed, photos=self.photos)
        return training.restore(training.train().centroids)

    def measure(self, first: Matrix, second: Matrix) -> tuple[Quality, float]:
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
