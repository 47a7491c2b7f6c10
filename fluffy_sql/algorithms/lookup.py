"""How a statement finds the nearest centroid: among all, or among the candidates of a cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fluffy_sql.database.vectors import IntegerArray

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fluffy_sql.algorithms.cells import Cells
    from fluffy_sql.database.session import Session


@dataclass(frozen=True)
class Lookup:
    """Centroids that are ready to be looked up.

    Attributes:
        parameters: what a statement needs for it, encoded once and sent to many sessions.
        by_cell: whether photos look among the candidates of a cell.
    """

    parameters: dict[str, Any]
    by_cell: bool

    def statement(self, among_all: str, by_cell: str) -> str:
        """Which of the two variants of a statement to run."""
        return by_cell if self.by_cell else among_all


def lookup(session: Session, centroids: NDArray[np.float32], cells: Cells | None) -> Lookup:
    """Prepares centroids to be looked up, and candidates where there are cells."""
    parameters: dict[str, Any] = {"centroids": session.vector_array(centroids)}
    if cells is None:
        return Lookup(parameters, by_cell=False)
    parameters |= {
        "labels": IntegerArray.of(cells.candidates.ravel()),
        "width": cells.candidates.shape[1],
    }
    return Lookup(parameters, by_cell=True)
