"""What `fluffy-sql generate --algorithm dbscan --metric l2` does, with an eps as others take it."""

from benchmarks.contenders.fluffy_sql import cluster
from benchmarks.database import connect
from benchmarks.statements import statement


def run(url: str, _k: None) -> dict[str, float]:
    """Clusters where photos are dense."""
    with connect(url) as connection:
        [measured] = connection.execute(statement("measure_density")).fetchall()
    return cluster(url, algorithm="dbscan", dbscan={"eps": measured["eps"]})
