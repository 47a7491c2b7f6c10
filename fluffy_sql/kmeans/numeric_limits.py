"""What Postgres can measure: embeddings neither too long nor too short, centroids not too many.

pgvector squares differences as float4, which ends at 1e-38 and 3e38: beyond these limits a distance
comes out as 0 or infinity. Under cosine it can't: embeddings are made unit vectors first,
in float8.
"""

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.errors import LibraryError

SHORTEST = 1e-15
LONGEST = 1e17


def require_measurable(embeddings: NDArray[np.float32]) -> None:
    """Makes sure that Euclidean distance can distinguish embeddings, of shape (n, dimensions).

    Raises:
        LibraryError: the longest is too long, or too short and not zero.
    """
    squares = np.einsum("ij,ij->i", embeddings, embeddings, dtype=np.float64)
    longest = float(np.sqrt(squares.max(initial=0)))
    if longest and not SHORTEST <= longest <= LONGEST:
        raise _not_measurable(f"of length {longest:.0e}")


def require_room(k: int, dimensions: int, most_bytes: int) -> None:
    """Makes sure that this many centroids fit into one message to Postgres.

    Raises:
        LibraryError: together they are too large.
    """
    most = most_bytes // (4 * dimensions + 8)
    if k > most:
        raise LibraryError(
            f"{k:,} centroids of {dimensions:,} dimensions are more than the {most_bytes:,} bytes"
            f" that Postgres takes at once; choose a k of at most {most:,}"
        )


def require_finite(errors: float | NDArray[np.float64]) -> None:
    """Makes sure that no photo is too far away, by squared distances of all, summed in any way.

    One that was in the sample was refused there.

    Raises:
        LibraryError: a sum is infinite.
    """
    if not np.isfinite(errors).all():
        raise _not_measurable("infinitely far from any other")


def _not_measurable(what: str) -> LibraryError:
    """The error to raise if there are embeddings of which that is true."""
    return LibraryError(
        f"there are embeddings {what}, which Postgres can't measure under l2, only lengths from"
        f" {SHORTEST:.0e} to {LONGEST:.0e}; embed these photos again, or use --metric cosine"
    )
