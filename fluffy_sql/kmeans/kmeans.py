"""k-means in the database: nested mini-batches over a sample, then one pass over all photos.

Python sends k centroids and receives k averages a step. Of the embeddings themselves it sees a
few megabytes to seed from, whatever the size of the library.

The sample holds each photo's coordinates in the main directions; training uses these. Its last
step averages the photos themselves, and the final pass compares these.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from fluffy_sql.algorithms import Algorithm, Fit, Sweep, Task
from fluffy_sql.kmeans.k_selection import K_SWEPT
from fluffy_sql.kmeans.settings import KMeansSettings, KMeansTask
from fluffy_sql.kmeans.tuning import LEAST_RECALL, Tuning


@dataclass(frozen=True)
class KMeans(Algorithm[KMeansSettings]):
    """k-means with the metric of the settings; under cosine spherical k-means.

    Dhillon and Modha 2001: rows are unit vectors and each mean is made one. `<->` between unit
    vectors ranks as cosine distance does, being the square root of twice that.
    """

    tuning: Tuning = field(default_factory=Tuning)

    settings = KMeansSettings
    swept = K_SWEPT
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
    def sweep(self, task: Task[KMeansSettings], values: Sequence[float]) -> Iterator[Sweep]:
        """Tries k on the sample of the largest; those that are too large are left out."""
        from fluffy_sql.kmeans.sample import Sample  # noqa: PLC0415 - as above
        from fluffy_sql.kmeans.sweep import KSweep, require_smaller  # noqa: PLC0415

        tuned = self._tuned(task)
        tried = require_smaller(values, task.survey.eligible)
        task.log.phase("sample")
        with Sample.drawn(tuned, tried[-1]) as sample:
            yield KSweep(tuned, sample, tried, values[len(tried) :])

    def _tuned(self, task: Task[KMeansSettings]) -> KMeansTask:
        return KMeansTask(**vars(task), tuning=self.tuning)
