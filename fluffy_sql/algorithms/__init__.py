"""The registry of algorithms: the name in the settings, and what it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluffy_sql.algorithms.kmeans import KMeans
from fluffy_sql.errors import SettingsError

if TYPE_CHECKING:
    from fluffy_sql.algorithms.base import Algorithm

ALGORITHMS: dict[str, type[Algorithm]] = {"kmeans": KMeans}


def algorithm_named(name: str) -> Algorithm:
    """The algorithm that the settings name.

    Raises:
        SettingsError: there is none of that name.
    """
    if name not in ALGORITHMS:
        raise SettingsError(
            f"clustering.algorithm is {name!r}; allowed: {', '.join(sorted(ALGORITHMS))}"
        )
    return ALGORITHMS[name]()
