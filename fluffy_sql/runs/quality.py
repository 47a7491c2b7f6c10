"""How good clusters are, measured in SQL on a bounded sample of photos.

All distances are between what the metric compares: under cosine unit vectors, so that the measures
are those that scikit-learn computes from unit vectors. Sources: simplified silhouette (Hruschka,
de Castro and Campello 2004), Davies and Bouldin 1979, Calinski and Harabasz 1974, adjusted Rand
index (Hubert and Arabie 1985).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.algorithms import Fit, Task
from fluffy_sql.postgres.centroids import Matrix, candidate_params, squared_distances
from fluffy_sql.postgres.ranges import row_ranges
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.work_tables import work_tables
from fluffy_sql.runs.measures import Measures

# A photo's nearest other centroid is sought among this many.
_OTHERS = 64
# Clusters of a range, at least: all centroids are sent for each, so each connection takes but one.
_RANGE_CLUSTERS = 16
_BLOCK_CLUSTERS = 128
_LARGEST_HASH = 2**63 - 1


@dataclass(frozen=True)
class QualitySample:
    """On how many photos a run is measured.

    Attributes:
        few: in a run of no more photos, all are measured and averaged.
        photos: of more, silhouettes are measured on this many,
        per_cluster: and on this many a cluster.
    """

    few: int = 8_192
    photos: int = 4_096
    per_cluster: int = 16

    def size(self, photos: int, k: int) -> int:
        """On how many of the photos the silhouettes of k clusters are measured."""
        if photos <= self.few:
            return photos
        return min(photos, max(self.photos, self.per_cluster * k))


@dataclass(frozen=True, kw_only=True)
class Quality(Measures):
    """How good a partition is.

    Attributes:
        photos: how many it has.
        clusters: how many of them have photos.
        inertia: sum of squared distances of the photos measured to their centroids.
    """

    photos: int
    clusters: int
    inertia: float


@dataclass(frozen=True)
class ClusterQuality:
    """How good one cluster is; the silhouette is that of a sample of its photos."""

    label: int
    photos_measured: int
    silhouette: float | None
    davies_bouldin: float | None


def measure_run(
    task: Task[Any], fit: Fit, sample: QualitySample
) -> tuple[Quality, list[ClusterQuality]]:
    """The quality of what a run is about to commit, as a whole and by label.

    Args:
        task: the run's connections and settings.
        fit: the outcome; its labels are in the work table.
        sample: on how many photos.
    """
    photos = int(fit.photos.sum())
    if not fit.by_centroid or not photos:
        # Distances to centroids say nothing, or there are none.
        quality = Quality(
            photos=photos,
            clusters=len(fit.photos),
            smallest_cluster=min(fit.photos.tolist(), default=0),
            largest_cluster=max(fit.photos.tolist(), default=0),
            photos_measured=0,
            inertia=math.nan,
        )
        return quality, []
    measured = sample.size(photos, len(fit.labels))
    with work_tables(task.session, "work_measured", "work_measured_clusters"):
        if photos <= sample.few:
            _draw_assigned(task, fit, measured / photos)
            summarize_measured(task.session)
        else:
            # Sent, and not waited for: summed up on this connection while the others draw.
            task.session.send(
                "quality/summarize_assigned",
                labels=fit.labels.tolist(),
                centroids=task.session.vector_array(fit.centroids),
                normalize=task.normalize,
            )
            _draw_assigned(task, fit, measured / photos)
            task.session.send("quality/add_silhouettes")
        return compare(task.session, fit)


def _draw_assigned(task: Task[Any], fit: Fit, share: float) -> None:
    """Measures the silhouettes of about this share of the photos."""
    normalize = task.normalize
    threshold = _threshold(share)
    scope_numbers = _scope_numbers(fit)
    most = 1 if task.session.distributed else task.workers.connections

    def draw(session: Session, drawn: tuple[dict[str, Any], tuple[int, int]]) -> int:
        others, places = drawn
        return session.execute(
            "quality/draw_assigned",
            **others,
            after_place=places[0],
            last_place=places[1],
            normalize=normalize,
            dimensions=task.survey.dimensions,
            seed=task.seed,
            threshold=threshold,
        )

    def ranges() -> Iterator[tuple[dict[str, Any], tuple[int, int]]]:
        for first, last in _blocks_of_scopes(scope_numbers):
            centroids = fit.centroids[first:last]
            others = {
                "labels": fit.labels[first:last].tolist(),
                **candidate_params(
                    task.session, centroids, nearest_others(centroids, scope_numbers[first:last])
                ),
            }
            for places in row_ranges(last - first, most, _RANGE_CLUSTERS):
                yield others, places

    for _ in task.workers.map(draw, ranges()):
        pass


def _scope_numbers(fit: Fit) -> NDArray[np.intp]:
    """Shape (clusters,): the scopes in the order they come, numbered from 0."""
    numbers = {scope: number for number, scope in enumerate(dict.fromkeys(fit.scopes))}
    return np.array([numbers[scope] for scope in fit.scopes], dtype=np.intp)


def _blocks_of_scopes(scope_numbers: NDArray[np.intp]) -> list[tuple[int, int]]:
    """Cuts clusters into blocks [first, last) of whole scopes, several of small ones together."""
    borders = [0, *(np.flatnonzero(np.diff(scope_numbers)) + 1).tolist(), len(scope_numbers)]
    kept = [0]
    for border in borders[1:]:
        if border - kept[-1] >= _BLOCK_CLUSTERS or border == borders[-1]:
            kept.append(border)
    return list(pairwise(kept))


def nearest_others(centroids: Matrix, scopes: NDArray[np.intp]) -> NDArray[np.int32]:
    """Of each centroid the nearest others of its scope; shape (k, 64, or less), -1: no more.

    Args:
        centroids: shape (k, dimensions).
        scopes: shape (k,), the scope of each.
    """
    k = len(centroids)
    width = max(1, min(_OTHERS, k - 1))
    found = np.full((k, width), -1, dtype=np.int32)
    for start in range(0, k if k > 1 else 0, _BLOCK_CLUSTERS):
        block = np.arange(start, min(start + _BLOCK_CLUSTERS, k))
        distances = squared_distances(centroids[block], centroids)
        distances[scopes[block, None] != scopes[None, :]] = np.inf
        distances[np.arange(len(block)), block] = np.inf
        closest = np.argpartition(distances, width - 1, axis=1)[:, :width]
        missing = np.isinf(np.take_along_axis(distances, closest, axis=1))
        found[block] = np.where(missing, -1, closest)
    return found


def _threshold(share: float) -> int:
    """The hash below which lies this share of all 64-bit hashes."""
    return min(_LARGEST_HASH, int(share * 2**64) - 2**63)


def summarize_measured(session: Session) -> None:
    """Sums up work_measured by label."""
    session.send("work_tables/analyze", name="work_measured", column_name="label")
    session.send("quality/summarize_clusters")


def compare(session: Session, fit: Fit | None) -> tuple[Quality, list[ClusterQuality]]:
    """Measures the clusters that were summed up; all are of one scope if there is no fit.

    Returns:
        The quality of all of them, and of each.

    Calinski and Harabasz compare the scatter within clusters with that of all photos, which means
    nothing if each scope is clustered by itself.
    """
    scope_numbers = np.empty(0, np.intp) if fit is None else _scope_numbers(fit)
    session.send(
        "quality/compare_clusters",
        labels=[] if fit is None else fit.labels.tolist(),
        scopes=scope_numbers.tolist(),
    )
    [whole], clusters = session.fetch_each(
        ("quality/measure_partition", {}), ("quality/list_measured_clusters", {})
    )
    quality = Quality(**whole)
    if scope_numbers.any():
        quality = replace(quality, calinski_harabasz=None)
    return quality, [ClusterQuality(**cluster) for cluster in clusters]
