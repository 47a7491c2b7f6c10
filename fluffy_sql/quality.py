"""How good clusters are, measured in SQL on a bounded sample of photos.

All distances are between what the metric compares: under cosine unit vectors, so that the measures
are those that scikit-learn computes from unit vectors. Sources: simplified silhouette (Hruschka,
de Castro and Campello 2004), Davies and Bouldin 1979, Calinski and Harabasz 1974, adjusted Rand
index (Hubert and Arabie 1985).
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from fluffy_sql.schedule import row_ranges
from fluffy_sql.types import ClusterQuality, Quality

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from fluffy_sql.algorithms.base import Task
    from fluffy_sql.algorithms.sampling import Sample
    from fluffy_sql.database.session import Session
    from fluffy_sql.types import Fit

    Matrix = NDArray[np.float32]

# In a run of no more photos, all are measured and averaged.
_FEW_PHOTOS = 8_192
# Of more, silhouettes are measured on so many, and on so many a cluster.
_MEASURED_PHOTOS = 4_096
_MEASURED_PER_CLUSTER = 16
# Clusters of a range: each carries its 64 neighbours, 12 MB in a range of 768 dimensions.
_RANGE_CLUSTERS = 64
_MOST_RANGES = 10_000
_LARGEST_HASH = 2**63 - 1


def photos_to_measure(photos: int, k: int) -> int:
    """On how many photos the silhouettes of k clusters are measured."""
    if photos <= _FEW_PHOTOS:
        return photos
    return min(photos, max(_MEASURED_PHOTOS, _MEASURED_PER_CLUSTER * k))


def measure_run(task: Task, fit: Fit) -> tuple[Quality, list[ClusterQuality]]:
    """The quality of what a run is about to commit, as a whole and by label.

    Args:
        task: the run's connections and settings.
        fit: the outcome; its labels are in the work table.
    """
    photos = int(fit.photos.sum())
    measured = photos_to_measure(photos, len(fit.labels))
    with _work_tables(task.session):
        _draw_assigned(task, fit, measured / photos)
        if measured == photos:
            _summarize_measured(task.session)
        else:
            task.session.execute(
                "quality/summarize_assigned",
                labels=fit.labels.tolist(),
                centroids=task.session.vector_array(fit.centroids),
                normalize=task.settings.metric == "cosine",
            )
        quality = _compare(task.session)
        clusters = task.session.fetch_as(ClusterQuality, "quality/list_measured_clusters")
    return quality, clusters


def _draw_assigned(task: Task, fit: Fit, share: float) -> None:
    """Measures the silhouettes of about this share of the photos."""
    parameters = {
        "labels": fit.labels.tolist(),
        "centroids": task.session.vector_array(fit.centroids),
        "normalize": task.settings.metric == "cosine",
        "dimensions": task.survey.dimensions,
        "seed": task.settings.seed,
        "threshold": _threshold(share),
    }

    def draw(session: Session, places: tuple[int, int]) -> int:
        return session.execute(
            "quality/draw_assigned", after_place=places[0], last_place=places[1], **parameters
        )

    # At least two ranges, where there are two clusters, so that two connections share them.
    about = max(1, min(_RANGE_CLUSTERS, len(fit.labels) // 2))
    for _ in task.workers.map(draw, row_ranges(len(fit.labels), _MOST_RANGES, about)):
        pass


def _threshold(share: float) -> int:
    """The hash below which lies this share of all 64-bit hashes."""
    return min(_LARGEST_HASH, int(share * 2**64) - 2**63)


def measure_trainings(
    task: Task, sample: Sample, first: Matrix, second: Matrix, rows: int
) -> tuple[Quality, float]:
    """The quality of a training on a sample, and how alike it is to a second one.

    Args:
        task: the connections and settings.
        sample: what was trained on.
        first: shape (k, dimensions), the centroids that are measured.
        second: those of the other training.
        rows: on how many rows of the sample.

    Returns:
        The quality, and the adjusted Rand index of the two partitions.
    """
    with _work_tables(task.session):
        sample.write_ranges(
            "quality/label_photos",
            min(rows, sample.size),
            centroids=task.session.vector_array(first),
            other_centroids=task.session.vector_array(second),
            normalize=task.settings.metric == "cosine",
            dimensions=task.survey.dimensions,
        )
        _summarize_measured(task.session)
        quality = _compare(task.session)
        alike: float = task.session.fetch_value("quality/adjusted_rand_index")
    return quality, alike


def _summarize_measured(session: Session) -> None:
    session.execute("work_tables/analyze_measured")
    session.execute("quality/summarize_clusters")


def _compare(session: Session) -> Quality:
    """Measures the clusters that were summed up."""
    session.execute("quality/compare_clusters")
    [quality] = session.fetch_as(Quality, "quality/measure_partition")
    return quality


@contextmanager
def _work_tables(session: Session) -> Iterator[None]:
    session.execute("work_tables/drop_measured")
    session.execute("work_tables/drop_measured_clusters")
    session.execute("work_tables/create_measured")
    session.execute("work_tables/create_measured_clusters")
    try:
        yield
    finally:
        session.release("work_tables/drop_measured_clusters")
        session.release("work_tables/drop_measured")
