"""Runs contenders, each in a process of its own, and measures what they did."""

import json
import signal
import subprocess
import sys
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.contenders import Contender
from benchmarks.database import connect, fetch_one, library_database, reset
from benchmarks.library import Library

_CHECKOUT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Run:
    """One contender, once. What is None was not there to measure; `error` says why, if it failed.

    Attributes:
        rows: photos in the table.
        dimensions: length of their embeddings.
        k: clusters asked for.
        contender: its name.
        repeat: counted from 1.
        seconds: from embeddings in the table to cluster_id committed.
        memory_mb: the most memory of the client's process; the server's is not in it.
        inertia: sum of squared distances to the mean of the cluster, as measured in SQL.
        clusters: how many clusters have photos.
        error: one line.
    """

    rows: int
    dimensions: int
    k: int
    contender: str
    repeat: int
    seconds: float | None = None
    memory_mb: float | None = None
    inertia: float | None = None
    clusters: int | None = None
    error: str | None = None


class ContenderError(Exception):
    """A contender did not do what it is for; the message is one line."""


def measure_library(
    server_url: str,
    library: Library,
    contenders: Sequence[Contender],
    *,
    repeats: int,
    limits: bool,
) -> Generator[Run, None, None]:
    """Loads a library and yields every run as it ends.

    Args:
        server_url: the server that all contenders share.
        library: what to load, and the numbers of clusters.
        contenders: in the order of the first repeat; each repeat begins with the next one.
        repeats: how often each runs.
        limits: whether to leave out what makes no sense at some size.
    """
    with library_database(server_url, library) as url, connect(url) as connection:
        for repeat in range(1, repeats + 1):
            for k in library.ks:
                for contender in rotated(contenders, repeat - 1):
                    if limits and not contender.makes_sense(library.rows, k):
                        continue
                    reset(connection)
                    outcome = _outcome(connection, url, contender, k)
                    yield Run(
                        library.rows, library.dimensions, k, contender.name, repeat, **outcome
                    )


def rotated(contenders: Sequence[Contender], by: int) -> list[Contender]:
    """The contenders, beginning with another one: nobody always runs after the same neighbour."""
    by %= len(contenders)
    return [*contenders[by:], *contenders[:by]]


def _outcome(
    connection: psycopg.Connection[dict[str, Any]], url: str, contender: Contender, k: int
) -> dict[str, Any]:
    """What a run measured, or why it failed."""
    try:
        spent = run_in_child({"module": contender.module, "url": url, "k": k})
        return spent | (_partition(connection) if contender.labels else {})
    except ContenderError as error:
        return {"error": str(error)}


def _partition(connection: psycopg.Connection[dict[str, Any]]) -> dict[str, Any]:
    partition = fetch_one(connection, "measure_partition")
    if unplaced := partition.pop("unplaced"):
        raise ContenderError(f"left {unplaced:,} photos without a cluster")
    return partition


def run_in_child(task: dict[str, Any]) -> dict[str, Any]:
    """Runs `benchmarks.child` on a task and returns what it prints.

    Raises:
        ContenderError: it failed, or something ended it.
    """
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks.child"],
        cwd=_CHECKOUT,
        input=json.dumps(task),
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode < 0:
        raise ContenderError(f"ended by {signal.Signals(-finished.returncode).name}")
    if finished.returncode > 0:
        said = finished.stderr.strip().splitlines()
        raise ContenderError(said[-1] if said else f"exit code {finished.returncode}")
    spent: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return spent
