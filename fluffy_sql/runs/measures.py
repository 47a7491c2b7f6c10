"""The measures of a partition, as they are recorded and shown; `quality.py` makes them."""

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Measures:
    """How good a partition is, as it is kept and shown.

    Attributes:
        silhouette: simplified silhouette, -1 to 1; the nearer to 1 the better.
        davies_bouldin: the smaller the better.
        calinski_harabasz: the larger the better.
        smallest_cluster, largest_cluster: their photos.
        photos_measured: photos of the sample that the silhouette was measured on.

    The first three are None if there is only one cluster, or they can't be computed.
    """

    silhouette: float | None = None
    davies_bouldin: float | None = None
    calinski_harabasz: float | None = None
    smallest_cluster: int
    largest_cluster: int
    photos_measured: int

    def measures(self) -> dict[str, Any]:
        """These alone, by name, of something that has more."""
        return {field.name: getattr(self, field.name) for field in fields(Measures)}
