"""What `fluffy-sql generate --algorithm leiden --metric l2` does."""

from benchmarks.contenders.fluffy_sql import cluster


def run(url: str, _k: None) -> dict[str, float]:
    """Clusters by communities of a graph."""
    return cluster(url, algorithm="leiden")
