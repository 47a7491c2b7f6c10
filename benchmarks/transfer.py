"""Embeddings out of the database and labels back into it: the ordinary way, and the fastest one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from pgvector.psycopg import register_vector

from benchmarks.records import build_labels, parse_photos
from benchmarks.statements import statement

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]
# Takes vectors and k; gives each vector a label from 0 up, or -1: it is in no cluster.
FitLabels = Callable[[Vectors, int], NDArray[np.int64]]


def label_by_select(url: str, k: int, fit_labels: FitLabels, *, binary: bool = False) -> None:
    """SELECT as psycopg and pgvector do it, in text unless told otherwise.

    Labels go back row by row.
    """
    with psycopg.connect(url) as connection:
        register_vector(connection)
        rows = connection.execute(statement("select_photos"), binary=binary).fetchall()
        ids = [row[0] for row in rows]
        vectors = np.stack([row[1].to_numpy() for row in rows])
        del rows  # as anyone would who is short of memory
        cluster_ids = fit_labels(vectors, k) + 1
        with _labels_copy(connection) as copy:
            copy.set_types(["int8", "int8"])
            for row in zip(ids, cluster_ids.tolist(), strict=True):
                copy.write_row(row)


def label_by_copy(url: str, k: int, fit_labels: FitLabels) -> None:
    """COPY in binary format both ways, each as one record array."""
    with psycopg.connect(url) as connection:
        ids, vectors = _copy_out(connection)
        labels = fit_labels(vectors, k)
        placed = labels >= 0
        with _labels_copy(connection) as copy:
            copy.write(build_labels(ids[placed], labels[placed] + 1))


def _copy_out(connection: psycopg.Connection[Any]) -> tuple[Ids, Vectors]:
    copied = bytearray()
    with connection.cursor().copy(statement("copy_photos_out")) as copy:
        for block in copy:
            copied += block
    return parse_photos(copied)


@contextmanager
def _labels_copy(connection: psycopg.Connection[Any]) -> Iterator[psycopg.Copy]:
    """Takes ids of photos and clusters, and then writes them to `photos` in one UPDATE."""
    connection.execute(statement("create_labels"))
    with connection.cursor().copy(statement("load_labels")) as copy:
        yield copy
    connection.execute(statement("analyze_labels"))
    connection.execute(statement("insert_labelled_clusters"))
    connection.execute(statement("write_labels"))
