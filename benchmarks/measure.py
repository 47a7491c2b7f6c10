"""Runs contenders, each in a process of its own, and measures what they did."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.contenders import Contender, entrants
from benchmarks.database import connect, fetch_one, library_database, reset
from benchmarks.library import Library
from benchmarks.link import Link, Proxy
from benchmarks.processor import ended_seconds

_CHECKOUT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Run:
    """One contender, once. What is None was not there to measure; `error` says why, if it failed.

    Attributes:
        rows: photos in the table.
        dimensions: length of their embeddings.
        k: clusters asked for; None: it finds out how many.
        contender: its name.
        repeat: counted from 1.
        seconds: from embeddings in the table to cluster_id committed.
        process_seconds: of the client's whole process, with its start and imports.
        memory_mb: the most memory of the client's process; the server's is not in it.
        client_seconds: processor time of the client's whole process.
        server_seconds: processor time of the server's processes that worked for it.
        phases: its seconds by phase, and of all in all, if it tells them.
        blas: the libraries that multiplied matrices, with the kernel that each has chosen.
        index_bytes: of the table that it wrote.
        inertia: sum of squared distances to the mean of the cluster, as measured in SQL, if all
            photos have one.
        clusters: how many clusters have photos.
        left_out: share of photos without a cluster.
        nmi: agreement with what the photos are of, each without a cluster as one of its own.
        link: the network between it and the server; None: a socket, or what the address says.
        bytes_up: that it sent over the link.
        bytes_down: that it received.
        round_trips: over the link, one after the other.
        error: one line.
    """

    rows: int
    dimensions: int
    k: int | None
    contender: str
    repeat: int
    seconds: float | None = None
    process_seconds: float | None = None
    memory_mb: float | None = None
    client_seconds: float | None = None
    server_seconds: float | None = None
    phases: dict[str, float] | None = None
    blas: list[str] = field(default_factory=list)
    index_bytes: int | None = None
    inertia: float | None = None
    clusters: int | None = None
    left_out: float | None = None
    nmi: float | None = None
    link: str | None = None
    bytes_up: int | None = None
    bytes_down: int | None = None
    round_trips: int | None = None
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
    links: Sequence[Link] = (),
) -> Generator[Run, None, None]:
    """Loads a library and yields every run as it ends.

    Args:
        server_url: the server that all contenders share.
        library: what to load, and the numbers of clusters.
        contenders: in the order of the first repeat; each repeat begins with the next one.
        repeats: how often each runs.
        limits: whether to leave out what makes no sense at some size.
        links: networks over which those run as well that leave labels.
    """
    asked = [(k, entrants(contenders, library.rows, k, limits=limits)) for k in (None, *library.ks)]
    present = [each for each in contenders if any(each in entering for _, entering in asked)]
    with library_database(server_url, library, present) as url:
        for repeat in range(1, repeats + 1):
            for k, entering in asked:
                for contender in rotated(entering, repeat - 1):
                    for link in (None, *(links if contender.labels else ())):
                        outcome = _outcome(url, contender, k, link)
                        yield Run(
                            library.rows, library.dimensions, k, contender.name, repeat, **outcome
                        )


def rotated(contenders: Sequence[Contender], by: int) -> list[Contender]:
    """The contenders, beginning with another one: nobody always runs after the same neighbour."""
    by %= max(1, len(contenders))
    return [*contenders[by:], *contenders[:by]]


def _outcome(url: str, contender: Contender, k: int | None, link: Link | None) -> dict[str, Any]:
    """What a run measured, or why it failed."""
    outcome: dict[str, Any] = {"link": str(link) if link else None}
    task = {"module": contender.module, "k": k, "ours": contender.ours}
    with connect(url, contender.schema) as connection:
        reset(connection, indexed=contender.indexed and contender.source is None)
        before = ended_seconds(connection)
        try:
            outcome |= _run_over(link, url, task)
            after = ended_seconds(connection)
            outcome["server_seconds"] = None if before is None or after is None else after - before
            if contender.labels:
                outcome |= fetch_one(connection, "measure_indexes")
                outcome |= _partition(connection, contender)
        except ContenderError as error:
            return {"link": outcome["link"], "error": str(error)}
    return outcome


def _run_over(link: Link | None, url: str, task: dict[str, Any]) -> dict[str, Any]:
    if link is None:
        return run_in_child(task | {"url": url})
    with Proxy.before(url, link) as proxy:
        return run_in_child(task | {"url": proxy.url}) | asdict(proxy.traffic)


def _partition(
    connection: psycopg.Connection[dict[str, Any]], contender: Contender
) -> dict[str, Any]:
    partition = fetch_one(connection, "measure_partition")
    unplaced, photos = partition.pop("unplaced"), partition.pop("photos")
    if unplaced and contender.by_k:
        raise ContenderError(f"left {unplaced:,} photos without a cluster")
    if unplaced:
        partition["inertia"] = None
    return partition | {"left_out": unplaced / photos} | fetch_one(connection, "measure_agreement")


def run_in_child(task: dict[str, Any]) -> dict[str, Any]:
    """Runs `benchmarks.child` on a task and returns what it prints.

    Raises:
        ContenderError: it failed, or something ended it.
    """
    begun = time.perf_counter()
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks.child"],
        cwd=_CHECKOUT,
        input=json.dumps(task),
        capture_output=True,
        text=True,
        check=False,
    )
    process_seconds = time.perf_counter() - begun
    if finished.returncode < 0:
        raise ContenderError(f"ended by {signal.Signals(-finished.returncode).name}")
    if finished.returncode > 0:
        said = finished.stderr.strip().splitlines()
        raise ContenderError(said[-1] if said else f"exit code {finished.returncode}")
    spent: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return spent | {"process_seconds": process_seconds}
