"""scikit-learn's MiniBatchKMeans, with its defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.cluster import MiniBatchKMeans

if TYPE_CHECKING:
    from numpy.typing import NDArray


def fit_labels(vectors: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Gives each vector a label from 0 up."""
    model = MiniBatchKMeans(n_clusters=k, random_state=0)
    return np.asarray(model.fit_predict(vectors), dtype=np.int64)
