"""Clients of the application, several at once: nobody waits or fails since photos are counted."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import errors

from fluffy_sql.checking import check
from tests.guest.helpers import add_photos, ask, execute

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 4
CLUSTERS = 8
WRONG = (
    "SELECT id FROM clusters"
    " WHERE photos_count <> (SELECT count(*) FROM photos WHERE cluster_id = clusters.id)"
)


@pytest.fixture
def library(database_url: str) -> str:
    """Photos in clusters that no run made."""
    add_photos(database_url, 200)
    execute(
        database_url,
        f"INSERT INTO clusters (name) SELECT 'theme' FROM generate_series(1, {CLUSTERS})",
        f"UPDATE photos SET cluster_id = 1 + id % {CLUSTERS}",
    )
    return database_url


def move(draw: random.Random) -> tuple[str, ...]:
    return tuple(
        "UPDATE photos SET cluster_id = (SELECT id FROM clusters ORDER BY random() LIMIT 1)"
        f" WHERE id = {photo}"
        # in one order, so that two of these never wait for each other's photos
        for photo in sorted(draw.sample(range(1, 201), 3))
    )


def hold(draw: random.Random) -> tuple[str, ...]:
    return (
        "INSERT INTO clusters (name) VALUES ('new')",
        f"SELECT FROM photos WHERE cluster_id = {draw.randint(1, 30)} ORDER BY id FOR UPDATE",
    )


def rename(draw: random.Random) -> tuple[str, ...]:
    return (f"UPDATE clusters SET name = 'again' WHERE id = {draw.randint(1, CLUSTERS)}",)


def replace_photos(draw: random.Random) -> tuple[str, ...]:
    photo = draw.randint(1, 200)
    return (
        f"DELETE FROM photos WHERE id = {photo}",
        "INSERT INTO photos (id, path, cluster_id)"
        f" VALUES ({photo}, 'again {photo}', {draw.randint(1, CLUSTERS)}) ON CONFLICT DO NOTHING",
    )


def embed(draw: random.Random) -> tuple[str, ...]:
    return (f"UPDATE photos SET embedding = '[1,2,3,4,5,6,7,8]' WHERE id = {draw.randint(1, 200)}",)


def write(url: str, seed: int, transactions: tuple[Callable[..., tuple[str, ...]], ...]) -> int:
    """Writes for some seconds; returns how many transactions were committed."""
    draw, done = random.Random(seed), 0
    with psycopg.connect(url, autocommit=True) as connection:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            with connection.transaction():
                for statement in draw.choice(transactions)(draw):
                    connection.execute(statement.encode())
            done += 1
    return done


def test_clients_get_no_deadlock_and_counts_are_right(library: str) -> None:
    kinds = (move, hold, rename, replace_photos, embed)
    with ThreadPoolExecutor() as pool:
        clients = [pool.submit(write, library, seed, kinds) for seed in range(3)]
        assert sum(client.result() for client in clients) > 50
    assert check(library).ok
    assert ask(library, WRONG) == []


def test_clusters_are_deleted_while_photos_move(library: str) -> None:
    # A delete and a move of the same cluster may wait for each other without us as well: a deadlock
    # of theirs is begun again, and leaves the counts right.
    def delete(draw: random.Random) -> tuple[str, ...]:
        return (
            "INSERT INTO clusters (name) VALUES ('new')",
            f"DELETE FROM clusters WHERE id = {draw.randint(CLUSTERS + 1, CLUSTERS + 40)}",
        )

    def client(seed: int) -> int:
        try:
            return write(library, seed, (move, delete, rename, replace_photos))
        except errors.DeadlockDetected:
            return 1

    with ThreadPoolExecutor() as pool:
        assert all(pool.map(client, range(3)))
    check(library)
    assert ask(library, WRONG) == []


def test_nobody_waits_for_a_move_that_is_not_committed(library: str) -> None:
    with psycopg.connect(library) as first, psycopg.connect(library) as second:
        first.execute("UPDATE photos SET cluster_id = 2 WHERE id = 8")
        second.execute("SET lock_timeout = '2s'")
        second.execute("UPDATE photos SET cluster_id = 2 WHERE id = 16")
        second.execute("UPDATE clusters SET name = 'mine' WHERE id IN (1, 2)")
        second.commit()
        first.commit()
    assert ask(library, WRONG) == []


def test_a_count_that_could_not_be_written_is_seen_and_added_by_the_next_move(library: str) -> None:
    with psycopg.connect(library) as holder, psycopg.connect(library, autocommit=True) as mover:
        holder.execute("SELECT FROM clusters WHERE id = 2 FOR UPDATE")
        mover.execute("SET lock_timeout = '2s'")
        mover.execute("DELETE FROM photos WHERE cluster_id = 2")
        assert [row[0] for row in ask(library, WRONG)] == [2]
        overview = "SELECT photos_count FROM fluffy_sql.cluster_overview WHERE id = 2"
        assert ask(library, overview) == [(0,)]
        holder.rollback()
        mover.execute("UPDATE photos SET cluster_id = 3 WHERE id = 3")
    assert ask(library, WRONG) == []
