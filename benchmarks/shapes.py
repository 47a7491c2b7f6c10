"""Draws one made library under each algorithm: `python -m benchmarks.shapes docs/shapes.png`.

Its photos lie about a plane of 64 dimensions, in shapes that are easy to see there; each has a
little of its own in all dimensions, as photos do.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.database import connect, running_server
from benchmarks.records import build_photos
from benchmarks.statements import statement
from fluffy_sql.operations.generate import GenerateRequest, generate
from fluffy_sql.postgres.schema import migrate
from fluffy_sql.postgres.session import Session
from fluffy_sql.settings import clustering_settings

_DIMENSIONS = 64
_OWN = 0.05
_NOISE = 60
_SHAPES = 6
_PANELS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("k-means, k = 6", {"algorithm": "kmeans", "kmeans": {"k": _SHAPES}}),
    ("leiden", {"algorithm": "leiden"}),
    ("leiden, k = 6", {"algorithm": "leiden", "leiden": {"k": _SHAPES}}),
    ("dbscan, eps = 0.55", {"algorithm": "dbscan", "dbscan": {"eps": 0.55}}),
)
_COLORS = "tab20"
_INCHES_OF_PANEL = 3.2
_DOTS_PER_INCH = 120


def shapes() -> NDArray[np.float64]:
    """Two moons, blobs of 40 to 600 photos, and photos anywhere; shape (photos, 2)."""
    generator = np.random.default_rng(0)
    along = generator.uniform(0, np.pi, (2, 400))
    moons = [
        np.column_stack([np.cos(along[0]), np.sin(along[0])]),
        np.column_stack([1 - np.cos(along[1]), 0.45 - np.sin(along[1])]),
    ]
    blobs = [
        generator.normal(middle, spread, (photos, 2))
        for middle, spread, photos in (
            ((3.6, 0.9), 0.28, 600),
            ((3.0, -0.9), 0.12, 150),
            ((4.3, -0.8), 0.12, 80),
            ((-0.9, -0.9), 0.06, 40),
        )
    ]
    moons = [moon + generator.normal(scale=0.05, size=moon.shape) for moon in moons]
    anywhere = generator.uniform((-1.5, -1.4), (4.8, 1.8), (_NOISE, 2))
    return np.concatenate([*moons, *blobs, anywhere])


def main(out: Path) -> None:
    """Clusters in a database of an embedded server, and writes the picture."""
    photos = shapes()
    figure = Figure(figsize=(2 * _INCHES_OF_PANEL, 2 * 1.9), layout="constrained")
    panels = figure.subplots(2, 2).flat
    with running_server(None) as url:
        _load(url, photos)
        for axes, (title, settings) in zip(panels, _PANELS, strict=True):
            labels = _labels(url, settings)
            placed = labels >= 0
            axes.scatter(*photos[~placed].T, s=3, color="#BBBBBB", linewidths=0)
            axes.scatter(*photos[placed].T, s=3, c=labels[placed] % 20, cmap=_COLORS, linewidths=0)
            axes.set_title(f"{title}: {len(set(labels[placed]))} clusters", fontsize=9)
            axes.set_axis_off()
            axes.set_aspect("equal")
    figure.savefig(out, dpi=_DOTS_PER_INCH)


def _load(url: str, photos: NDArray[np.float64]) -> None:
    generator = np.random.default_rng(1)
    axes, _ = np.linalg.qr(generator.normal(size=(_DIMENSIONS, 2)))
    embeddings = photos @ axes.T + generator.normal(scale=_OWN, size=(len(photos), _DIMENSIONS))
    with connect(url) as connection:
        connection.execute(statement("create_extension"))
        connection.execute(statement("create_photos"), {"dimensions": _DIMENSIONS})
        migrate(url)
        with connection.cursor().copy(statement("load_photos")) as copy:
            copy.write(build_photos(np.arange(1, len(photos) + 1), embeddings.astype(np.float32)))


def _labels(url: str, settings: dict[str, Any]) -> NDArray[np.int64]:
    """By size, the largest first; -1: in no cluster."""
    chosen = clustering_settings(metric="l2", **settings)
    with Session.open(url) as session:
        generate(session, GenerateRequest(settings=chosen, recluster=True, cold=True))
    with connect(url) as connection:
        found = connection.execute(statement("list_labels")).fetchall()
    ids = np.array([row["cluster_id"] for row in found])
    counted, places, counts = np.unique(ids, return_inverse=True, return_counts=True)
    ranks = np.argsort(np.argsort(-np.where(counted > 0, counts, 0), kind="stable"))
    return np.where(ids > 0, ranks[places], -1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
