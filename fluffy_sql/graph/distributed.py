"""What a graph can't be found in, for now."""

from typing import Any

from fluffy_sql.algorithms import Task
from fluffy_sql.errors import LibraryError


def refuse_distributed(task: Task[Any], algorithm: str) -> None:
    """Refuses photos that are distributed over several servers.

    Raises:
        LibraryError: they are.
    """
    if task.session.distributed:
        raise LibraryError(
            f"the algorithm {algorithm} can't cluster photos that are distributed over several"
            " servers; use kmeans"
        )
