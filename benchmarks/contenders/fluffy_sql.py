"""What `fluffy-sql generate --k K --metric l2` does."""

from __future__ import annotations

from fluffy_sql.operations.generate import ClusteringService
from fluffy_sql.settings import ClusteringSettings, DatabaseSettings


def run(url: str, k: int) -> None:
    """Clusters with the default settings but for the metric, which is everybody's here."""
    settings = ClusteringSettings(k=k, metric="l2")
    ClusteringService(url, settings, connections=DatabaseSettings().connections).generate()
