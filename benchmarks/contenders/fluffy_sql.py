"""What `fluffy-sql generate --k K --metric l2` does."""

from typing import Any

from fluffy_sql.algorithms import Algorithm
from fluffy_sql.operations.generate import GenerateRequest, generate
from fluffy_sql.postgres.session import DEFAULT_SCHEMA, Session
from fluffy_sql.settings import DatabaseSettings, clustering_settings


def run(url: str, k: int) -> dict[str, float]:
    """Clusters by k-means."""
    return cluster(url, kmeans={"k": k})


def cluster(
    url: str, by: Algorithm[Any] | None = None, *, schema: str = DEFAULT_SCHEMA, **settings: Any
) -> dict[str, float]:
    """Clusters with the default settings, but for these and the metric that all have here.

    Returns:
        Seconds by phase.
    """
    request = GenerateRequest(
        settings=clustering_settings(metric="l2", **settings),
        connections=DatabaseSettings().connections,
        algorithm=by,
    )
    with Session.open(url, schema=schema) as session:
        return generate(session, request).seconds
