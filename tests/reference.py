"""A tiny k-means in NumPy, written to be read: what the database must agree with."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

Matrix = NDArray[np.float64]
Labels = NDArray[np.int64]


def unit_rows(rows: Matrix) -> Matrix:
    units: Matrix = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return units


def nearest(rows: Matrix, centroids: Matrix) -> tuple[Labels, Matrix]:
    """The nearest centroid of each row, the first of equals, and the distance to it."""
    distances = cdist(rows, centroids)
    return distances.argmin(axis=1), distances.min(axis=1)


def lloyd(rows: Matrix, centroids: Matrix, *, spherical: bool) -> tuple[Labels, Matrix, float]:
    """Lloyd steps until nothing changes: labels, centroids and inertia."""
    labels, _ = nearest(rows, centroids)
    while True:
        centroids = np.stack([rows[labels == j].mean(axis=0) for j in range(len(centroids))])
        if spherical:
            centroids = unit_rows(centroids)
        after, distances = nearest(rows, centroids)
        if np.array_equal(after, labels):
            return labels, centroids, float((distances**2).sum())
        labels = after


def inertia_of_partition(rows: Matrix, labels: Labels) -> float:
    """Sum of squared distances to the mean of each part: comparable whoever made the partition."""
    return float(
        sum(
            ((rows[labels == label] - rows[labels == label].mean(axis=0)) ** 2).sum()
            for label in np.unique(labels)
        )
    )


def same_partition(one: Labels, other: Labels) -> bool:
    """Whether two labellings are the same up to the names of the labels."""
    pairs = {(int(a), int(b)) for a, b in zip(one, other, strict=True)}
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
