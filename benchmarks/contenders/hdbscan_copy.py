"""HDBSCAN on what COPY returns."""

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import HDBSCAN

from benchmarks.transfer import label_by_copy


def run(url: str, _k: None) -> None:
    """Exports, clusters, writes labels back."""
    label_by_copy(url, 0, fit_labels)


def fit_labels(vectors: NDArray[np.float32], _k: int) -> NDArray[np.int64]:
    """Gives each vector a label from 0 up, or -1: noise."""
    return np.asarray(HDBSCAN(n_jobs=-1, copy=False).fit_predict(vectors), dtype=np.int64)
