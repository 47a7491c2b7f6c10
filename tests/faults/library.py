"""The library that faults befall."""

from tests.conftest import made_library
from tests.faults.state import connect
from tests.faults.stopping import GATES
from tests.integration.helpers import generate


def make_library(url: str) -> None:
    """A migrated database with a history.

    400 photos in 4 clusters of run 1, one of them named and two photos pinned; 200 photos that
    came later; and GATES.
    """
    _add_photos(url, 400, "old")
    generate(url, k=4)
    with connect(url, autocommit=True) as connection:
        connection.execute("UPDATE clusters SET name = 'kept' WHERE id = 2")
        connection.execute("UPDATE photos SET cluster_pinned = TRUE WHERE id = 7")
    _add_photos(url, 200, "new")
    with connect(url, autocommit=True) as connection:
        connection.execute("UPDATE photos SET cluster_pinned = TRUE WHERE path = 'new0'")
        connection.execute(GATES)


def _add_photos(url: str, photos: int, name: str) -> None:
    rows = made_library(len(name) + photos, photos=photos)[0]
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO photos (path, embedding) VALUES (%s, %s::real[]::vector)",
            [(f"{name}{number}", row.tolist()) for number, row in enumerate(rows)],
        )
