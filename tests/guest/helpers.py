"""What the tests of a guest share: the application's own statements, and questions of tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from tests.conftest import made_library

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Finished

    Run = Callable[..., Finished]


def execute(url: str, *statements: str) -> None:
    """As an application does: with the search_path of its role, and nothing set."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def ask(url: str, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(statement.encode(), parameters or None).fetchall()


def add_photos(url: str, photos: int = 60, *, seed: int = 1, prefix: str = "p") -> None:
    """Photos of 4 themes, of 8 dimensions."""
    rows = made_library(seed, photos=photos, themes=4, dimensions=8)[0]
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO photos (path, embedding) VALUES (%s, %s::real[]::vector)",
            [(f"{prefix}{number}", row.tolist()) for number, row in enumerate(rows)],
        )
