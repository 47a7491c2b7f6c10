"""Clients of the application, several at once: nobody waits or fails because photos are counted."""

import os
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event

import psycopg
import pytest
from psycopg import errors

from fluffy_sql.operations.check import check
from tests.guest.helpers import add_photos, ask, execute
from tests.integration.helpers import generate

# FLUFFY_SQL_SECONDS=60 for more.
SECONDS = float(os.environ.get("FLUFFY_SQL_SECONDS", "1"))
PHOTOS = 200
CLUSTERS = 8
WRONG = (
    "SELECT id FROM clusters"
    " WHERE photos_count <> (SELECT count(*) FROM photos WHERE cluster_id = clusters.id)"
)


@pytest.fixture
def library(database_url: str) -> str:
    """Photos in clusters that no run made."""
    add_photos(database_url, PHOTOS)
    execute(
        database_url,
        f"INSERT INTO clusters (name) SELECT 'no ' || i FROM generate_series(1, {CLUSTERS}) AS i",
        f"UPDATE photos SET cluster_id = 1 + id % {CLUSTERS}",
    )
    return database_url


def some_photo(draw: random.Random) -> str:
    return f"(SELECT id FROM photos ORDER BY id OFFSET {draw.randrange(PHOTOS)} LIMIT 1)"


SOME_CLUSTER = "(SELECT id FROM clusters ORDER BY random() LIMIT 1)"


def embedding(draw: random.Random) -> str:
    return str([draw.gauss(0, 1) for _ in range(8)])


# Of one statement each


def move(draw: random.Random) -> tuple[str, ...]:
    return (f"UPDATE photos SET cluster_id = {SOME_CLUSTER} WHERE id = {some_photo(draw)}",)


def set_free(draw: random.Random) -> tuple[str, ...]:
    return (f"UPDATE photos SET cluster_id = NULL WHERE id = {some_photo(draw)}",)


def delete_cluster(draw: random.Random) -> tuple[str, ...]:
    return (f"DELETE FROM clusters WHERE id = {SOME_CLUSTER}",)


def make_cluster(draw: random.Random) -> tuple[str, ...]:
    return ("INSERT INTO clusters (name) VALUES ('new')",)


def insert(draw: random.Random) -> tuple[str, ...]:
    return (
        "INSERT INTO photos (path, embedding, cluster_id)"
        f" VALUES (gen_random_uuid(), '{embedding(draw)}', {SOME_CLUSTER})",
    )


def delete(draw: random.Random) -> tuple[str, ...]:
    return (f"DELETE FROM photos WHERE id = {some_photo(draw)}",)


def embed(draw: random.Random) -> tuple[str, ...]:
    return (f"UPDATE photos SET embedding = '{embedding(draw)}' WHERE id = {some_photo(draw)}",)


def rename(draw: random.Random) -> tuple[str, ...]:
    return (f"UPDATE clusters SET name = '{draw.random()}' WHERE id = {SOME_CLUSTER}",)


# Of several, in an order in which they would not wait for each other in a circle without us


def move_several(draw: random.Random) -> tuple[str, ...]:
    """Locked in the order of their ids."""
    photos = ", ".join(map(str, draw.sample(range(1, PHOTOS + 1), 5)))
    return (
        f"SELECT FROM photos WHERE id IN ({photos}) ORDER BY id FOR NO KEY UPDATE",
        *(
            f"UPDATE photos SET cluster_id = {SOME_CLUSTER} WHERE id = {photo}"
            for photo in photos.split(", ")
        ),
    )


def replace_several(draw: random.Random) -> tuple[str, ...]:
    first, second = sorted(draw.sample(range(1, PHOTOS + 1), 2))
    return (
        f"DELETE FROM photos WHERE id = {first}",
        f"UPDATE photos SET cluster_id = NULL WHERE id = {second}",
        *insert(draw),
        *insert(draw),
    )


def rename_several(draw: random.Random) -> tuple[str, ...]:
    """Those that it names stay locked meanwhile, and so do the photos."""
    return (
        "UPDATE clusters SET name = name || 'x' WHERE id = (SELECT min(id) FROM clusters)",
        f"UPDATE photos SET path = path || 'x' WHERE id = {some_photo(draw)}",
        "SELECT pg_sleep(0.002)",
    )


Acts = dict["Callable[[random.Random], tuple[str, ...]]", int]
SINGLE: Acts = {
    move: 30,
    set_free: 5,
    delete_cluster: 3,
    make_cluster: 4,
    insert: 12,
    delete: 12,
    embed: 12,
}
SEVERAL: Acts = {move_several: 5, replace_several: 3, rename_several: 2, embed: 2}
NAMES: Acts = {rename: 1}


@dataclass
class Client:
    """Does one thing after the other.

    Attributes:
        done: transactions that were committed.
        refused: those of which Postgres refused a statement, by their errors. That a cluster is
            gone, which a photo was to be put into, is none: it was deleted just now.
    """

    url: str
    seed: int
    acts: Acts
    done: int = 0
    refused: list[psycopg.Error] = field(default_factory=list)

    def work_until(self, stopped: Event) -> None:
        draw = random.Random(self.seed)
        with psycopg.connect(self.url, autocommit=True) as connection:
            while not stopped.is_set():
                [act] = draw.choices(tuple(self.acts), tuple(self.acts.values()))
                try:
                    with connection.transaction():
                        for statement in act(draw):
                            connection.execute(statement.encode())
                except errors.ForeignKeyViolation:
                    continue
                except psycopg.Error as error:
                    self.refused.append(error)
                self.done += 1


def work(*clients: Client, meanwhile: Callable[[], object] | None = None) -> None:
    stopped = Event()
    with ThreadPoolExecutor(len(clients)) as pool:
        working = [pool.submit(client.work_until, stopped) for client in clients]
        until = time.monotonic() + SECONDS
        try:
            while time.monotonic() < until:
                if meanwhile is None:
                    time.sleep(0.05)
                else:
                    meanwhile()
        finally:
            stopped.set()
        for ended in working:
            ended.result()
    assert [client.refused for client in clients] == [[]] * len(clients)
    assert all(client.done > 5 * SECONDS for client in clients)
    print(sum(client.done for client in clients), "transactions")  # noqa: T201


def settled(url: str) -> None:
    """Counts are right, with what is not added yet; and when all is added."""
    assert check(url).findings == ()
    assert ask(url, WRONG) == []
    assert ask(url, "SELECT FROM fluffy_sql.photo_count_changes") == []


# Not side by side: who deletes a cluster has it locked, and may want a photo that somebody has who
# wants to put another into that cluster.
BOTH = pytest.mark.parametrize("acts", [SINGLE, SEVERAL], ids=["one each", "several each"])


@BOTH
def test_clients_get_no_deadlock_and_counts_are_right(acts: Acts, library: str) -> None:
    clients = [Client(library, seed, acts) for seed in range(3)]
    work(*clients, Client(library, 9, NAMES))
    settled(library)


@BOTH
def test_nor_do_they_beside_runs(acts: Acts, library: str) -> None:
    """Which have all clusters locked while they write."""
    clients = [Client(library, seed, acts) for seed, acts in enumerate((acts, acts, NAMES))]
    runs: list[int | None] = []

    def run() -> None:
        anew = len(runs) % 2 == 0
        result = generate(library, recluster=anew, k=CLUSTERS, refine=False, restarts=1)
        runs.append(result.run_id)

    work(*clients, meanwhile=run)
    assert any(runs)
    settled(library)


@pytest.mark.parametrize("by", ["check", "a run"])
def test_a_count_that_could_not_be_written_is_added_by_others(by: str, library: str) -> None:
    with psycopg.connect(library) as holder:
        holder.execute("SELECT FROM clusters WHERE id = 2 FOR UPDATE")
        execute(library, "DELETE FROM photos WHERE cluster_id = 2")
        assert check(library).findings == ()  # with what is to be added it is right
        assert [row[0] for row in ask(library, WRONG)] == [2]
    if by == "a run":
        generate(library, k=2)
    else:
        check(library)
    assert ask(library, WRONG) == []
    assert ask(library, "SELECT FROM fluffy_sql.photo_count_changes") == []
