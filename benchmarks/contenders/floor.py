"""What cannot be saved: every embedding is read once, every row is written once."""

from benchmarks.database import connect
from benchmarks.statements import statement


def run(url: str, k: int) -> None:
    """Reads all embeddings in the server, then writes a cluster to each row, whatever it is."""
    with connect(url) as connection, connection.transaction():
        connection.execute(statement("scan_photos"))
        connection.execute(statement("insert_numbered_clusters"), {"k": k})
        connection.execute(statement("number_photos"), {"k": k})
