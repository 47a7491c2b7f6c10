"""The section `clustering.kmeans` of the settings, and the task of a run with it."""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from fluffy_sql.algorithms import AlgorithmSettings, Scope, Task
from fluffy_sql.kmeans.tuning import Tuning

_K = Annotated[int, Field(ge=1, le=1_000_000)]
_COUNT = "a whole number from 1 up"


class KMeansSettings(AlgorithmSettings):
    """What k-means is asked for."""

    k: _K = Field(default=20, description="a whole number from 1 to 1,000,000")
    k_of_scope: dict[int, _K] = Field(
        default_factory=dict, description="a k for each scope, as in {7: 12, 9: 40}"
    )
    batch_size: int = Field(default=8192, ge=1, description=_COUNT)
    sample_per_cluster: int = Field(default=128, ge=1, description=_COUNT)
    iterations: int = Field(default=100, ge=1, description=_COUNT)
    tolerance: float = Field(
        default=1e-3,
        ge=0,
        lt=1,
        description="a number from 0 up, below 1 (0.0001: YAML takes 1e-4 for text)",
    )
    restarts: int = Field(default=3, ge=1, description=_COUNT)
    refine: bool = Field(default=True, description="true or false")

    def k_for(self, scope: int | None) -> int:
        """How many clusters to make of the photos of a scope; None: unscoped."""
        return self.k if scope is None else self.k_of_scope.get(scope, self.k)

    def clusters_of(self, found: Scope) -> int:
        """How many clusters to make of a scope with this many photos."""
        return min(self.k_for(found.scope), found.eligible)


@dataclass(frozen=True)
class KMeansTask(Task[KMeansSettings]):
    """A task, and what k-means goes by besides its settings."""

    tuning: Tuning = field(default_factory=Tuning)
