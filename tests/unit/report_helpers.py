"""Clusters and photos made up for tests of the report."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fluffy_sql.operations.report.model import (
    Cluster,
    Comparable,
    Library,
    LibraryMap,
    Neighbour,
    Photo,
    Place,
    SecondLook,
    Shown,
    Spread,
)

RUN: dict[str, Any] = {
    "id": 1,
    "algorithm": "kmeans",
    "metric": "cosine",
    "seed": 0,
    "k_requested": 3,
    "clusters_created": 3,
    "photos_processed": 30,
    "dimensions": 4,
    "inertia_per_photo": 0.25,
    "iterations": 9,
    "converged": True,
    "recall": 1.0,
    "silhouette": 0.61,
    "davies_bouldin": 1.25,
    "calinski_harabasz": 1234.5,
    "smallest_cluster": 2,
    "largest_cluster": 20,
    "started_at": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    "duration": 1.5,
}


def a_cluster(
    cluster_id: int = 1,
    *,
    photos: int = 10,
    mean: float | None = 0.1,
    near: dict[int, float] | None = None,
    **changes: Any,
) -> Cluster:
    """A cluster with a mean distance, and with other clusters so far away."""
    spread = None
    if mean is not None:
        spread = Spread(
            measured=photos,
            mean=mean,
            largest=mean * 2,
            lower_quartile=mean * 0.8,
            upper_quartile=mean * 1.2,
        )
    values: dict[str, Any] = {
        "scope": None,
        "name": None,
        "status": 0,
        "run_id": 1,
        "metric": "cosine",
        "dimensions": 4,
        "silhouette": None,
        "spread": spread,
        "neighbours": tuple(Neighbour(other, apart) for other, apart in (near or {}).items()),
    }
    return Cluster(id=cluster_id, photos=photos, **(values | changes))


def a_photo(photo_id: int, path: str | None = None, **changes: Any) -> Photo:
    values: dict[str, Any] = {
        "path": path or f"p{photo_id}.jpg",
        "section": "central",
        "rank": photo_id,
        "distance": photo_id / 100,
    }
    return Photo(photo_id=photo_id, **(values | changes))


def a_library(
    *shown: Shown,
    looks: Sequence[SecondLook] = (),
    runs: Sequence[dict[str, Any]] = (RUN,),
    others: Sequence[Cluster] = (),
) -> Library:
    """A library of the clusters that are shown and of some that are not, all comparable."""
    clusters = (*(one.cluster for one in shown), *others)
    places = tuple(Place(cluster.id, float(cluster.id), -1.0) for cluster in clusters)
    library_map = LibraryMap(centroids=places, photos=places, shares=(0.5, 0.25))
    return Library(
        clusters=clusters,
        shown=shown,
        groups=(Comparable("cosine", 4, clusters, library_map if len(clusters) > 1 else None),),
        runs=tuple(runs),
        second_look=tuple(looks),
        second_look_found=len(looks),
    )
