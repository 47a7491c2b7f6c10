"""FAISS Kmeans, on all cores."""

import os

import faiss
import numpy as np
from numpy.typing import NDArray


def fit_labels(vectors: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Gives each vector a label from 0 up."""
    faiss.omp_set_num_threads(os.cpu_count() or 1)
    model = faiss.Kmeans(
        vectors.shape[1], k, niter=25, max_points_per_centroid=256, seed=0, spherical=False
    )
    model.train(vectors)
    _, nearest = model.index.search(vectors, 1)
    return np.asarray(nearest[:, 0], dtype=np.int64)
