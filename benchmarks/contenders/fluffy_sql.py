"""What `fluffy-sql generate --k K --metric l2` does."""

from fluffy_sql.operations.generate import GenerateRequest, generate
from fluffy_sql.postgres.session import Session
from fluffy_sql.settings import DatabaseSettings, clustering_settings


def run(url: str, k: int) -> None:
    """Clusters with the default settings but for the metric, which is everybody's here."""
    settings = clustering_settings(metric="l2", kmeans={"k": k})
    connections = DatabaseSettings().connections
    with Session.open(url) as session:
        generate(session, GenerateRequest(settings=settings, connections=connections))
