"""k-means in the database: nested mini-batches over a sample, then one pass over all photos.

Python sends k centroids and receives k averages a step. Of the embeddings themselves it sees a
few megabytes to seed from, whatever the size of the library.

The sample holds each photo's coordinates in the main directions; training uses these. Its last
step averages the photos themselves, and the final pass compares these.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from fluffy_sql.algorithms import Algorithm, Fit, Task
from fluffy_sql.kmeans.labelling import Labeller
from fluffy_sql.kmeans.nearest.cells import LEAST_RECALL
from fluffy_sql.kmeans.sample import Sample
from fluffy_sql.kmeans.scopes.split import fit_scopes
from fluffy_sql.kmeans.settings import KMeansSettings, KMeansTask
from fluffy_sql.kmeans.sweep import K_SWEPT, KSweep, require_smaller
from fluffy_sql.kmeans.training import Training
from fluffy_sql.kmeans.tuning import Tuning


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
        tuned = self._tuned(task)
        return _fit_one(tuned) if len(task.survey.scopes) == 1 else fit_scopes(tuned, _fit_one)

    def k_requested(self, settings: KMeansSettings) -> int:
        """The k of every scope that has none of its own."""
        return settings.k

    @contextmanager
    def sweep(self, task: Task[KMeansSettings], values: Sequence[float]) -> Iterator[KSweep]:
        """Tries k on the sample of the largest; those that are too large are left out."""
        tuned = self._tuned(task)
        tried = require_smaller(values, task.survey.eligible)
        task.log.phase("sample")
        with Sample.drawn(tuned, tried[-1]) as sample:
            yield KSweep(tuned, sample, tried, values[len(tried) :])

    def _tuned(self, task: Task[KMeansSettings]) -> KMeansTask:
        return KMeansTask(**vars(task), tuning=self.tuning)


def _fit_one(task: KMeansTask) -> Fit:
    k = task.settings.clusters_of(task.survey.scopes[0])
    task.log.phase("sample")
    with Sample.drawn(task, k) as sample:
        if not sample.size:
            return Fit.of_nothing(task.survey.dimensions)
        training = Training(task, sample, k=k, seed=task.seed, photos=task.survey.eligible)
        start = task.start.get(task.scope)
        trained = training.resume(task.resume) if task.resume else training.train(start)
        centroids = training.restore(trained.centroids)
        task.log.phase("assign")
        return Labeller(task, k).assign(
            centroids,
            training.following.shortcuts(centroids),
            iterations=training.steps,
            converged=trained.converged,
        )
