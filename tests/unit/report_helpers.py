"""Clusters and photos made up for tests of the report, and pages taken apart."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import numpy as np

from fluffy_sql.operations.report.layout import lay_out
from fluffy_sql.operations.report.model import (
    Cluster,
    Comparable,
    Library,
    Neighbour,
    Photo,
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
    "neighbours": None,
    "silhouette": 0.61,
    "davies_bouldin": 1.25,
    "calinski_harabasz": 1234.5,
    "smallest_cluster": 2,
    "largest_cluster": 20,
    "started_at": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    "duration": timedelta(seconds=1.5),
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
        "retired": False,
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
    ids = [cluster.id for cluster in clusters]
    centroids = np.array([(cluster_id, -1) for cluster_id in ids], dtype=np.float32)
    sizes = np.array([cluster.photos for cluster in clusters])
    layout = lay_out(centroids, sizes) if len(clusters) > 1 else None
    return Library(
        clusters=clusters,
        shown=shown,
        groups=(Comparable("cosine", 4, clusters, layout),),
        runs=tuple(runs),
        second_look=tuple(looks),
        second_look_found=len(looks),
    )


VOID = {"meta", "img", "br", "line", "path", "circle", "link", "hr", "input"}


class Page(HTMLParser):
    """A page taken apart; complains where elements are not nested as they should be."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.headings: list[tuple[int, str]] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self.text += " "
        if tag not in VOID:
            self._open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"style", "script"} & set(self._open):
            return
        self.text += data
        for depth in range(1, 7):
            if f"h{depth}" in self._open:
                level, so_far = self.headings[-1]
                self.headings[-1] = (level, so_far + data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]

    def words(self) -> str:
        return " ".join(self.text.split())
