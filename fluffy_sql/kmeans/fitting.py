"""A run of k-means from its sample to its labels; one scope at a time, small ones together."""

from fluffy_sql.algorithms import Fit
from fluffy_sql.kmeans.labelling import Labeller
from fluffy_sql.kmeans.sample import Sample
from fluffy_sql.kmeans.scopes.split import fit_scopes
from fluffy_sql.kmeans.settings import KMeansTask
from fluffy_sql.kmeans.training import Training


def fit(task: KMeansTask) -> Fit:
    """Labels the photos of all scopes of the task."""
    return _fit_one(task) if len(task.survey.scopes) == 1 else fit_scopes(task, _fit_one)


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
