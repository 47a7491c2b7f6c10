"""The photos that a graph is made of: who may be in one, and how they are noted beforehand."""

from typing import Any

from fluffy_sql.algorithms import Task
from fluffy_sql.errors import LibraryError
from fluffy_sql.kmeans.settings import KMeansSettings, KMeansTask


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


def of_scopes(task: Task[Any]) -> dict[str, object]:
    """Parameters of statements that look at the photos of all scopes of the task."""
    scopes = [found.scope for found in task.survey.scopes]
    return {
        "scopes": [scope for scope in scopes if scope is not None],
        "unscoped": None in scopes,
    }


def note_photos(task: Task[Any]) -> None:
    """Notes the photos of all scopes of the task, and the versions of their rows."""
    task.session.execute("graph/note_photos", **of_scopes(task), clustered=task.reclusters)


def as_kmeans(task: Task[Any], settings: KMeansSettings | None = None) -> KMeansTask:
    """For what is shared with k-means."""
    return KMeansTask(**vars(task) | {"settings": settings or KMeansSettings()})
