"""One run over many scopes: each is clustered by itself, the small ones all at once."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from fluffy_sql.algorithms import Checkpoint, Fit, RunObserver, Scope, StepReport, scope_order
from fluffy_sql.kmeans.scopes.batched import fit_small_scopes
from fluffy_sql.kmeans.settings import KMeansTask
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.work_tables import empty, work_tables

# One scope has few enough clusters for each of its rows to be compared with all of them.
_FEW_CLUSTERS = 256


def fit_scopes(task: KMeansTask, fit_one: Callable[[KMeansTask], Fit]) -> Fit:
    """Clusters each scope of the task by itself; `fit_one` does it for a task of one scope."""
    task = replace(task, log=_LogOfScopes(task.log))
    small = [found for found in task.survey.scopes if _is_small(task, found)]
    alone = [found for found in task.survey.scopes if not _is_small(task, found)]
    with work_tables(task.session, "work_aside"):
        aside = _ScopeResults(task.session)
        for together in _in_batches(task, small):
            fit, incomplete = fit_small_scopes(task.of_scopes(together))
            aside.put(fit)
            alone += incomplete
        for found in alone:
            aside.put(fit_one(task.of_scopes([found])))
        return aside.joined(task.survey.dimensions)


def _is_small(task: KMeansTask, found: Scope) -> bool:
    if task.session.distributed:  # a statement for many scopes has their rows sent from shards
        return False
    few_photos = found.eligible <= task.tuning.small_scope
    return few_photos and task.settings.clusters_of(found) <= _FEW_CLUSTERS


def _in_batches(task: KMeansTask, small: list[Scope]) -> list[list[Scope]]:
    """Small scopes, as many together as memory is set aside for their centroids."""
    most = max(1, task.tuning.centroid_bytes // (4 * task.survey.dimensions))
    batches: dict[int, list[Scope]] = {}
    clusters = 0
    for found in small:
        clusters += task.settings.clusters_of(found)
        batches.setdefault(clusters // most, []).append(found)
    return list(batches.values())


class _ScopeResults:
    """Holds what was assigned of scopes that are done, under labels that no two of them share."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._fits: list[Fit] = []
        self._next_label = 0

    def put(self, fit: Fit) -> None:
        """Sets the assignments of a fit aside."""
        self._session.execute("work_tables/stash_assignments", add=self._next_label)
        empty(self._session, "work_assignments")
        if len(fit.labels):
            self._fits.append(replace(fit, labels=fit.labels + self._next_label))
            self._next_label += int(fit.labels.max()) + 1

    def joined(self, dimensions: int) -> Fit:
        """Brings all assignments back; what was found, by scope."""
        self._session.execute("work_tables/restore_assignments")
        if not self._fits:
            return Fit.of_nothing(dimensions)
        scopes = [scope for fit in self._fits for scope in fit.scopes]
        order = sorted(range(len(scopes)), key=lambda at: scope_order(scopes[at]))
        photos = np.concatenate([fit.photos for fit in self._fits])
        shares = [fit.photos.sum() / photos.sum() for fit in self._fits]
        recalls = [fit.recall or 0.0 for fit in self._fits]
        return Fit(
            labels=np.concatenate([fit.labels for fit in self._fits])[order],
            scopes=tuple(scopes[at] for at in order),
            centroids=np.concatenate([fit.centroids for fit in self._fits])[order],
            photos=photos[order],
            inertia=sum(fit.inertia or 0.0 for fit in self._fits),
            iterations=sum(fit.iterations or 0 for fit in self._fits),
            converged=all(fit.converged is True for fit in self._fits),
            recall=float(np.dot(shares, recalls)),
            least_recall=min(fit.least_recall for fit in self._fits),
            digest=self._session.fetch_value("runs/digest_assignments"),
        )


class _LogOfScopes:
    """Numbers steps through all scopes. A run over several scopes can't be continued."""

    def __init__(self, log: RunObserver) -> None:
        self._log = log
        self._steps = 0

    def phase(self, name: str) -> None:
        """A phase of one scope, or of the small ones, begins."""
        self._log.phase(name)

    def step(self, report: StepReport) -> None:
        """A step is done."""
        self._steps += 1
        self._log.step(replace(report, step=self._steps))

    def photos(self, done: int) -> None:
        """This many more photos have their label."""
        self._log.photos(done)

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Not kept: it would be the state of one scope only."""
