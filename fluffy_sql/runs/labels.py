"""Makes a fit of the labels that an algorithm wrote, if it returns no more than these."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fluffy_sql.algorithms import LEFT_OUT, Fit, Task, scope_order
from fluffy_sql.errors import LibraryError
from fluffy_sql.postgres.centroids import centroids_of
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import fingerprint_vector
from fluffy_sql.postgres.work_tables import analyze


def fit_of_labels(
    task: Task[Any], *, left_out: Mapping[str, int] | None = None, by_centroid: bool = True
) -> Fit:
    """The fit of what is in work_assignments: clusters have the means of their photos as centroids.

    Distances and fingerprints of the photos are written there too.

    Args:
        task: what the algorithm was given.
        left_out: photos that it left without a label on purpose, by reason.
        by_centroid: whether distances to centroids say how good its clusters are.

    Raises:
        LibraryError: a label has photos of two scopes.
    """
    analyze(task.session, "work_assignments", "label")
    counted = task.session.fetch_all("runs/summarize_assignments")
    counted.sort(key=lambda row: (-row["photos"], row["label"]))
    # Connections share labels and not photos, so that a mean is the same whatever their number.
    shares = 1 if task.session.distributed else task.workers.connections

    def summarize(session: Session, share: int) -> list[dict[str, Any]]:
        labels = [row["label"] for row in counted[share::shares]]
        return session.fetch_all("runs/summarize_labels", labels=labels, normalize=task.normalize)

    rows = [row for part in task.workers.map(summarize, range(shares)) for row in part]
    rows.sort(key=lambda row: (*scope_order(row["scope"]), -row["photos"], row["label"]))
    labels = np.array([row["label"] for row in rows], dtype=np.intp)
    if len(np.unique(labels)) < len(labels):
        raise LibraryError("the algorithm gave photos of two scopes one label; nothing was written")
    means = np.array([row["mean"] for row in rows], dtype=np.float64)
    means = means.reshape(-1, task.survey.dimensions)
    centroids = centroids_of(means, means.astype(np.float32), normalize=task.normalize)

    def measure(session: Session, share: int) -> None:
        session.execute(
            "runs/measure_labels",
            labels=[*labels[share::shares].tolist(), *([] if share else [LEFT_OUT])],
            centroids=session.vector_array(centroids[share::shares]),
            fingerprint_vector=fingerprint_vector(task.survey.dimensions),
            normalize=task.normalize,
        )

    for _ in task.workers.map(measure, range(shares)):
        pass
    errors = task.session.fetch_all("runs/summarize_assignments")
    return Fit(
        labels=labels,
        scopes=tuple(row["scope"] for row in rows),
        centroids=centroids,
        photos=np.array([row["photos"] for row in rows], dtype=np.int64),
        left_out=left_out or {},
        inertia=sum(row["error"] for row in errors) if errors else None,
        by_centroid=by_centroid,
        digest=task.session.fetch_value("runs/digest_assignments"),
    )
