"""How large a batch is, when it grows and when a descent ends. Pure: numbers in, a decision out."""

import numpy as np
from numpy.typing import NDArray

# The first batch, in which a start is searched, has this many rows a cluster, if the setting allows
# it.
_BATCH_PER_CLUSTER = 400
# It never has fewer than this a cluster, whatever the setting, or seedings could not be compared.
_LEAST_BATCH_PER_CLUSTER = 16
_LEAST_BATCH = 1_024


def first_batch_size(k: int, most: int, sample_size: int) -> int:
    """Rows of the first mini-batch: 400 a cluster, no more than `most` unless k is too large."""
    wanted = max(_LEAST_BATCH, _BATCH_PER_CLUSTER * k)
    return min(sample_size, max(min(wanted, most), _LEAST_BATCH_PER_CLUSTER * k))


def has_settled(
    movement: NDArray[np.float64], errors: NDArray[np.float64], rows: NDArray[np.int64]
) -> bool:
    """Whether the batch is too small to tell where the centroids should go next.

    True when centroids moved less than the standard error of their means: moving on among the
    same rows would fit the batch, not the library (Newling and Fleuret 2016, Nested Mini-Batch
    K-Means, section 3.3; here over all clusters together, so that one small restless cluster
    does not hold up the rest).

    Args:
        movement: shape (k,), how far each centroid moved in the last step.
        errors: shape (k,), sum of squared distances of each cluster's rows to its centroid.
        rows: shape (k,), rows of each cluster.
    """
    several = rows > 1
    variance_of_mean = errors[several] / (rows[several] * (rows[several] - 1.0))
    return float(np.sum(movement**2)) <= float(np.sum(variance_of_mean))


def has_converged(previous_inertia: float, inertia: float, tolerance: float) -> bool:
    """Whether the last step lowered the inertia by no more than `tolerance`, as a share of it.

    Before the first step it is infinite.
    """
    return previous_inertia - inertia <= tolerance * inertia
