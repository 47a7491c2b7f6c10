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
    """The variant of a statement to run, and the parameters that say what is looked up.

    Attributes:
        variant: what follows the statement's name.
        parameters: encoded once and sent to many sessions.
    """

    variant: str
    parameters: dict[str, Any]


def lookup(session: Session, centroids: NDArray[np.float32], cells: Cells | None) -> Lookup:
    """Prepares centroids to be looked up, and cells where there are some."""
    parameters: dict[str, Any] = {"centroids": session.vector_array(centroids)}
    if cells is None:
        return Lookup("", parameters)
    parameters |= {
        "centers": session.vector_array(cells.centers),
        "labels": IntegerArray.of(cells.candidates.ravel()),
        "width": cells.candidates.shape[1],
    }
    return Lookup("_by_cell", parameters)
