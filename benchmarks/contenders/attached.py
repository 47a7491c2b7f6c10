"""What `fluffy-sql generate --k K --metric l2` does in an attached library."""

from benchmarks.contenders import contender_named
from benchmarks.contenders.fluffy_sql import cluster


def run(url: str, k: int) -> dict[str, float]:
    """Clusters by k-means."""
    return cluster(url, schema=contender_named("attached").schema, kmeans={"k": k})
