"""The same in a library whose source has an HNSW index."""

from benchmarks.contenders import contender_named
from benchmarks.contenders.fluffy_sql import cluster


def run(url: str, k: int) -> dict[str, float]:
    """Clusters by k-means."""
    return cluster(url, schema=contender_named("attached-hnsw").schema, kmeans={"k": k})
