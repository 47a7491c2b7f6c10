"""Which new cluster is which old one: a cluster that continues keeps its id, name and status.

Pure: counts and centroids in, pairs out.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.runs.assignment import assign

# This share of the smaller one's photos must be in both. A theme that is split continues as the
# larger part, and of two themes that merge, the larger continues; but a cluster that takes a few
# photos from everywhere continues none of them.
_LEAST_SHARED = 0.5


@dataclass(frozen=True)
class OldCluster:
    """A cluster that was there before a recluster."""

    id: int
    scope: int | None
    photos: int
    centroid: NDArray[np.float32] | None


@dataclass(frozen=True)
class Overlap:
    """How many photos a new cluster, by its place, shares with an old one (None: were in none)."""

    place: int
    cluster_id: int | None
    photos: int


def match_clusters(
    shared: Sequence[Overlap],
    centroids: NDArray[np.float32],
    scopes: Sequence[int | None],
    spread: float,
    old: Sequence[OldCluster],
) -> dict[int, int]:
    """Pairs new clusters with old ones, first by the photos they share, then by their centroids.

    Clusters of two scopes are never paired.

    Each is the assignment of largest sum. By centroids, an old cluster without photos comes back as
    a new one that continues none by photos.

    Args:
        shared: how many photos a new and an old cluster have in common; a row for each pair that
            has any, and one for photos that were in none.
        centroids: shape (k, dimensions), of the new clusters.
        scopes: of the new clusters; those of a scope side by side.
        spread: root mean square distance of photos from their centroids: an old centroid that is
            farther away than this is another theme.
        old: the old clusters.

    Returns:
        New cluster, by its place in `centroids`, to the id of an old one.
    """
    old_by_scope = defaultdict(list)
    for cluster in old:
        old_by_scope[cluster.scope].append(cluster)
    shared_by_scope = defaultdict(list)
    for row in shared:
        shared_by_scope[scopes[row.place]].append(row)
    matched: dict[int, int] = {}
    first = 0
    for scope, places in groupby(scopes):
        last = first + len(list(places))
        if old_here := old_by_scope[scope]:
            shared_here = [replace(row, place=row.place - first) for row in shared_by_scope[scope]]
            here = _by_photos(shared_here, last - first, old_here)
            _by_centroids(here, centroids[first:last], spread, old_here)
            matched |= {first + place: cluster_id for place, cluster_id in here.items()}
        first = last
    return matched


def _by_photos(shared: Sequence[Overlap], k: int, old: Sequence[OldCluster]) -> dict[int, int]:
    columns = {cluster.id: column for column, cluster in enumerate(old)}
    counts = np.zeros((k, len(old)))
    sizes = np.zeros(k)
    for row in shared:
        sizes[row.place] += row.photos
        # by hand, or before there were scopes, a photo may have come into a cluster of another one
        if row.cluster_id in columns:
            counts[row.place, columns[row.cluster_id]] = row.photos
    smaller = np.minimum(sizes[:, None], np.array([[cluster.photos for cluster in old]]))
    counts[counts < _LEAST_SHARED * smaller] = 0
    return {place: old[column].id for place, column in assign(counts) if counts[place, column] > 0}


def _by_centroids(
    matched: dict[int, int],
    centroids: NDArray[np.float32],
    spread: float,
    old: Sequence[OldCluster],
) -> None:
    """Adds pairs of a new cluster that continues none by its photos, and an empty one near it."""
    places = [place for place in range(len(centroids)) if place not in matched]
    empty = [
        cluster
        for cluster in old
        if not cluster.photos
        and cluster.centroid is not None
        and len(cluster.centroid) == centroids.shape[1]
    ]
    if not places or not empty:
        return
    stored = np.stack([cluster.centroid for cluster in empty if cluster.centroid is not None])
    distances = np.stack([np.linalg.norm(stored - centroids[place], axis=1) for place in places])
    nearness = np.maximum(spread - distances, 0)
    for row, column in assign(nearness):
        if nearness[row, column] > 0:
            matched[places[row]] = empty[column].id
