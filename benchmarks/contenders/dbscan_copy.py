"""DBSCAN on what COPY returns."""

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import DBSCAN
from sklearn.neighbors import NearestNeighbors

from benchmarks.transfer import label_by_copy

_MIN_SAMPLES = 5
_MEASURED = 1_000


def run(url: str, _k: None) -> None:
    """Exports, clusters, writes labels back."""
    label_by_copy(url, 0, fit_labels)


def fit_labels(vectors: NDArray[np.float32], _k: int) -> NDArray[np.int64]:
    """Gives each vector a label from 0 up, or -1: noise."""
    some = vectors[:: max(1, len(vectors) // _MEASURED)]
    neighbours = NearestNeighbors(n_neighbors=_MIN_SAMPLES + 1, n_jobs=-1).fit(vectors)
    distances, _ = neighbours.kneighbors(some)
    model = DBSCAN(eps=float(np.median(distances[:, -1])), min_samples=_MIN_SAMPLES, n_jobs=-1)
    return np.asarray(model.fit_predict(vectors), dtype=np.int64)
