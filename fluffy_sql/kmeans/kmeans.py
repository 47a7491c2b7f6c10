"""k-means in the database: nested mini-batches over a sample, then one pass over all photos.

Python sends k centroids and receives k averages a step. Of the embeddings themselves it sees a
few megabytes to seed from, whatever the size of the library.

The sample holds each photo's coordinates in the main directions; training uses these. Its last
step averages the photos themselves, and the final pass compares these.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fluffy_sql.algorithms import Algorithm, Fit, Task
from fluffy_sql.kmeans.settings import KMeansSettings, KMeansTask
from fluffy_sql.kmeans.tuning import LEAST_RECALL, Tuning

if TYPE_CHECKING:
    from fluffy_sql.kmeans.trainings import Trainings


@dataclass(frozen=True)
class KMeans(Algorithm[KMeansSettings]):
    """k-means with the metric of the settings; under cosine spherical k-means.

    Dhillon and Modha 2001: rows are unit vectors and each mean is made one. `<->` between unit
    vectors ranks as cosine distance does, being the square root of twice that.
    """

    tuning: Tuning = field(default_factory=Tuning)

    settings = KMeansSettings
    least_recall = LEAST_RECALL

    def fit(self, task: Task[KMeansSettings]) -> Fit:
        """Trains on a sample, then assigns every photo to its nearest centroid; scope by scope.

        If the task has centroids to start from, it trains these.

        Each scope has as many clusters as were asked for, or as there are distinct embeddings
        if there are fewer.
        """
        from fluffy_sql.kmeans.fitting import fit  # noqa: PLC0415 - not to check settings

        return fit(self._tuned(task))

    def k_requested(self, settings: KMeansSettings) -> int:
        """The k of every scope that has none of its own."""
        return settings.k

    @contextmanager
    def trainings(self, task: Task[KMeansSettings], largest_k: int) -> "Iterator[Trainings]":
        """What a sweep tries k on: the sample of the largest; work tables are empty afterwards."""
        from fluffy_sql.kmeans.sample import Sample  # noqa: PLC0415 - as above
        from fluffy_sql.kmeans.trainings import Trainings  # noqa: PLC0415

        tuned = self._tuned(task)
        with Sample.drawn(tuned, largest_k) as sample:
            yield Trainings(tuned, sample, largest_k)

    def _tuned(self, task: Task[KMeansSettings]) -> KMeansTask:
        return KMeansTask(**vars(task), tuning=self.tuning)
