"""The server that all contenders share, and a database on it that is thrown away."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from benchmarks.contenders import Contender
from benchmarks.library import Library
from benchmarks.records import build_labels, build_photos
from benchmarks.statements import statement
from fluffy_sql.postgres.embedded import embedded_server
from fluffy_sql.postgres.schema import attach, migrate
from fluffy_sql.postgres.session import DEFAULT_SCHEMA
from fluffy_sql.postgres.sources import wanted

_DATABASE = "fluffy_sql_benchmark"


@contextmanager
def running_server(url: str | None) -> Iterator[str]:
    """The address of the server that is named, or of an embedded one in a folder of its own."""
    if url:
        yield url
        return
    with (
        tempfile.TemporaryDirectory(prefix="fluffy_", ignore_cleanup_errors=True) as folder,
        embedded_server(Path(folder) / "data") as server,
    ):
        yield server.url


@contextmanager
def library_database(
    server_url: str, library: Library, contenders: Sequence[Contender]
) -> Iterator[str]:
    """A database with the library in it, as these contenders need it."""
    with empty_database(server_url) as url:
        load_library(url, library, contenders)
        yield url


@contextmanager
def empty_database(server_url: str) -> Iterator[str]:
    """A database that is dropped at the end, whoever is still at work in it."""
    with connect(server_url) as admin:
        admin.execute(statement("create_database"))
        try:
            yield make_conninfo(server_url, dbname=_DATABASE)
        finally:
            admin.execute(statement("drop_database"))


def load_library(url: str, library: Library, contenders: Sequence[Contender] = ()) -> None:
    """Makes the tables of an empty database, fills them, and attaches what contenders need."""
    with connect(url) as connection:
        connection.execute(statement("create_extension"))
        connection.execute(statement("create_photos"), {"dimensions": library.dimensions})
        connection.execute(statement("create_themes"))
        migrate(url)
        for ids, vectors, themes in library.photos():
            with connection.cursor().copy(statement("load_photos")) as copy:
                copy.write(build_photos(ids, vectors))
            with connection.cursor().copy(statement("load_themes")) as copy:
                copy.write(build_labels(ids, themes))
        for contender in contenders:
            if contender.source is not None:
                _attach(connection, url, contender)
        connection.execute(statement("vacuum"))


def _attach(connection: psycopg.Connection[dict[str, Any]], url: str, contender: Contender) -> None:
    connection.execute(statement("create_source"), {"table_name": contender.source})
    if contender.indexed:
        connection.execute(statement("create_hnsw_index"), {"table_name": contender.source})
    asked = wanted(table=contender.source, keys=["picture_id"], embedding="embedding")
    attach(url, asked, schema=contender.schema)


def connect(url: str, schema: str = DEFAULT_SCHEMA) -> psycopg.Connection[dict[str, Any]]:
    """A connection in autocommit mode whose rows are dictionaries, to the library in a schema.

    Its cursors put parameters in place themselves, since Postgres takes none in `vector(768)` or
    `WITH (lists = 20)`.
    """
    connection = psycopg.connect(
        url, autocommit=True, row_factory=dict_row, cursor_factory=psycopg.ClientCursor
    )
    connection.execute(statement("find_library"), {"schema": schema})
    return connection


def fetch_one(connection: psycopg.Connection[dict[str, Any]], name: str) -> dict[str, Any]:
    """The one row that `sql/<name>.sql` returns."""
    (row,) = connection.execute(statement(name)).fetchall()
    return row


def reset(connection: psycopg.Connection[dict[str, Any]], *, indexed: bool = False) -> None:
    """Puts a library back to how it was after loading, and reads it once into the cache.

    The first VACUUM makes room where the rows of before lay, UPDATE writes there, and the second
    VACUUM cuts off what is behind: so every run finds a table of the same size. An index on the
    embeddings of `photos` is made anew, which takes less time than keeping it up meanwhile.
    """
    connection.execute(statement("drop_index"))
    connection.execute(statement("vacuum"))
    connection.execute(statement("clear_labels"))
    connection.execute(statement("delete_clusters"))
    if indexed:
        connection.execute(statement("create_hnsw_index"), {"table_name": "photos"})
    connection.execute(statement("vacuum"))
    connection.execute(statement("checkpoint"))
    connection.execute(statement("scan_photos"))
