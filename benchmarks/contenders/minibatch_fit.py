"""scikit-learn's MiniBatchKMeans, with its defaults."""

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans


def fit_labels(vectors: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Gives each vector a label from 0 up."""
    model = MiniBatchKMeans(n_clusters=k, random_state=0)
    return np.asarray(model.fit_predict(vectors), dtype=np.int64)
