"""Full k-means on what COPY returns: slow, and as good as one descent gets."""

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from benchmarks.transfer import label_by_copy


def run(url: str, k: int) -> None:
    """Exports, clusters, writes labels back."""
    label_by_copy(url, k, fit_labels)


def fit_labels(vectors: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Gives each vector a label from 0 up."""
    model = KMeans(n_clusters=k, n_init=1, random_state=0)
    return np.asarray(model.fit_predict(vectors), dtype=np.int64)
