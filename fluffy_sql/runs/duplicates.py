"""Clusters one photo of each group of near-duplicates; the others of the group go where it goes.

Groups are those that `fluffy-sql duplicates` found last, and what is left of them. The others are
set aside in work_duplicates before an algorithm looks at photos, so that bursts make no themes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from fluffy_sql.algorithms import LEFT_OUT, Fit, Scope, Survey, Task, scope_order
from fluffy_sql.errors import LibraryError
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import fingerprint_vector
from fluffy_sql.postgres.work_tables import analyze, work_tables
from fluffy_sql.settings import ClusteringSettings

ONCE_DISTRIBUTED = (
    "clustering.duplicates is once, which can't be done with photos that are distributed over"
    " several servers; set it to keep"
)


@contextmanager
def set_aside(
    session: Session, found: Survey, settings: ClusteringSettings, *, clustered: bool
) -> Iterator[Survey]:
    """What is left to cluster while all but the best photo of each group are set aside.

    Args:
        session: a run's.
        found: what there is to cluster.
        settings: whether anything is set aside.
        clustered: whether photos in a cluster are to be clustered, too.

    Raises:
        LibraryError: photos are distributed over several servers.
    """
    if settings.duplicates == "keep":
        yield found
        return
    if session.distributed:
        raise LibraryError(ONCE_DISTRIBUTED)
    with work_tables(session, "work_duplicates"):
        rows = session.fetch_all("duplicates/set_aside", clustered=clustered)
        analyze(session, "work_duplicates")
        aside = {row["scope"]: row["photos"] for row in rows}
        yield replace(
            found,
            scopes=tuple(
                Scope(scope.scope, scope.eligible - aside.get(scope.scope, 0))
                for scope in found.scopes
            ),
        )


def follow(task: Task[Any], fit: Fit) -> Fit:
    """The fit with the photos that were set aside: each has the label of the best of its group."""
    session = task.session
    session.execute("duplicates/unlabel")
    session.execute(
        "duplicates/follow",
        labels=[*fit.labels.tolist(), LEFT_OUT],
        scopes=[*fit.scopes, None],
        centroids=session.vector_array(fit.centroids),
        fingerprint_vector=fingerprint_vector(task.survey.dimensions),
        normalize=task.normalize,
        clustered=task.reclusters,
    )
    left = session.fetch_value("duplicates/count_left")
    counted = {row["label"]: row for row in session.fetch_all("runs/summarize_assignments")}
    places = [place for place, label in enumerate(fit.labels.tolist()) if label in counted]
    photos = {place: counted[int(fit.labels[place])]["photos"] for place in places}
    places.sort(key=lambda place: (*scope_order(fit.scopes[place]), -photos[place], place))
    return replace(
        fit,
        labels=fit.labels[places],
        scopes=tuple(fit.scopes[place] for place in places),
        centroids=fit.centroids[places],
        levels=tuple(numbers[places] for numbers in fit.levels),
        photos=np.array([photos[place] for place in places], dtype=np.int64),
        left_out={**fit.left_out, **({"duplicate": left} if left else {})},
        inertia=None if fit.inertia is None else sum(row["error"] for row in counted.values()),
        digest=fit.digest and session.fetch_value("runs/digest_assignments"),
    )
