"""pgvector's own k-means, which its ivfflat index begins with; nothing tells what is in a list."""

import psycopg

from benchmarks.statements import statement


def run(url: str, k: int) -> None:
    """Builds the index; the reset before the next run drops it."""
    with psycopg.connect(url, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(statement("allow_memory"))
        connection.execute(statement("create_ivfflat_index"), {"lists": k})
