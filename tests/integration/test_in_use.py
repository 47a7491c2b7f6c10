"""A library in use: others write while runs go on, and nobody is in anybody's way for long."""

import os
import random
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import numpy as np
import psycopg
import pytest

from fluffy_sql.algorithms import StepReport
from fluffy_sql.errors import DatabaseError
from fluffy_sql.operations.assign import AssignResult
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.transaction import LockLimits
from fluffy_sql.runs.progress import Progress
from fluffy_sql.runs.record import RunResult
from tests import running
from tests.conftest import add_photos, made_library
from tests.integration.helpers import (
    clusters_by_photo,
    execute,
    generate,
    nothing_changes,
    query,
    wait_for,
    work_tables,
    wrong_counts,
)
from tests.integration.test_counts import WRONG_WITH_PENDING
from tests.integration.test_generate import AtPhase
from tests.integration.test_recluster import recluster
from tests.running import check, undo
from tests.sql.helpers import wait_until_blocked

ROUNDS = int(os.environ.get("FLUFFY_SQL_ROUNDS", "30"))
PARTS = 3
PHOTOS = 300
K = 6
WRITERS = 3
# How much longer than the final transaction a statement may take, on a machine that is busy.
PATIENCE = 5.0


def vector(generator: random.Random) -> str:
    return str([generator.gauss(0, 1) for _ in range(8)])


@dataclass
class Writer:
    """Somebody who changes the library with one statement after the other."""

    url: str
    seed: int
    statements: int = 0
    inserted: int = 0
    deleted: int = 0
    longest: float = 0.0
    deadlocks: list[str] = field(default_factory=list)
    pid: str = ""

    def write_until(self, stopped: Event) -> None:
        chance = random.Random(self.seed)
        with psycopg.connect(self.url, autocommit=True) as connection:
            self.pid = str(connection.info.backend_pid)
            while not stopped.is_set():
                [what] = chance.choices([*ACTS], [often for often, _ in ACTS.values()])
                begun = time.perf_counter()
                try:
                    rows = act(what, connection, chance)
                except psycopg.errors.DeadlockDetected as error:
                    self.deadlocks.append(str(error))
                    continue
                except psycopg.errors.ForeignKeyViolation:  # its cluster was deleted just now
                    continue
                finally:
                    self.longest = max(self.longest, time.perf_counter() - begun)
                self.statements += 1
                self.inserted += rows if what == "insert" else 0
                self.deleted += rows if what == "delete" else 0


Connection = psycopg.Connection[Any]
SOME_PHOTO = "(SELECT id FROM photos ORDER BY id OFFSET %(place)s LIMIT 1)"
SOME_CLUSTER = "(SELECT id FROM clusters ORDER BY random() LIMIT 1)"


# How often each is done, and what it is; the last one is more than a statement.
ACTS = {
    "insert": (
        20,
        "INSERT INTO photos (path, embedding) VALUES (gen_random_uuid()::text, %(new)s)",
    ),
    "delete": (12, f"DELETE FROM photos WHERE id = {SOME_PHOTO}"),
    "embed again": (
        20,
        f"UPDATE photos SET embedding = %(new)s, updated_at = now() WHERE id = {SOME_PHOTO}",
    ),
    "pin": (
        8,
        "UPDATE photos SET cluster_pinned = cluster_pinned IS NOT TRUE, updated_at = now()"
        f" WHERE id = {SOME_PHOTO}",
    ),
    "move": (
        14,
        f"UPDATE photos SET cluster_id = {SOME_CLUSTER}, updated_at = now()"
        f" WHERE id = {SOME_PHOTO}",
    ),
    "take out": (
        6,
        f"UPDATE photos SET cluster_id = NULL, updated_at = now() WHERE id = {SOME_PHOTO}",
    ),
    # locked in the order of their ids, as everybody does here
    "move some": (
        6,
        "WITH few AS (SELECT id FROM photos WHERE id %% 40 = %(of_40)s ORDER BY id"
        f" FOR NO KEY UPDATE) UPDATE photos SET cluster_id = {SOME_CLUSTER}, updated_at = now()"
        " FROM few WHERE photos.id = few.id",
    ),
    "rename": (8, f"UPDATE clusters SET name = gen_random_uuid()::text WHERE id = {SOME_CLUSTER}"),
    "delete a cluster": (1, "DELETE FROM clusters WHERE id = %(cluster)s"),
}


def act(what: str, connection: Connection, chance: random.Random) -> int:
    values: dict[str, object] = {
        "new": vector(chance),
        "place": chance.randrange(PHOTOS),
        "of_40": chance.randrange(40),
    }
    with connection.transaction():
        if what == "delete a cluster":
            # its photos are locked before it is, as docs/guides/in-use.md says
            [values["cluster"]] = connection.execute(SOME_CLUSTER[1:-1]).fetchone() or [None]
            connection.execute(
                "SELECT FROM photos WHERE cluster_id = %(cluster)s ORDER BY id FOR NO KEY UPDATE",
                values,
            )
        return connection.execute(ACTS[what][1], values).rowcount


def run_something(url: str, chance: random.Random) -> RunResult | AssignResult:
    kind = chance.choice(("generate", "recluster", "recluster", "assign"))
    if kind == "assign":
        return running.assign(url, moved=chance.random() < 0.5)
    settings = running.settings(k=K, seed=chance.randrange(1000), refine=False, restarts=1)
    return running.generate(
        url,
        settings,
        recluster=kind == "recluster",
        cold=chance.random() < 0.3 and kind == "recluster",
    )


MISPLACED = """
    SELECT photo.id FROM cluster_runs AS run
    INNER JOIN cluster_run_moves AS moved ON run.id = moved.run_id
    -- as the final transaction left it, which wrote down its moves, too
    INNER JOIN photos AS photo ON photo.id = ANY (moved.photo_ids) AND photo.xmin = moved.xmin
    INNER JOIN clusters AS own ON photo.cluster_id = own.id
    WHERE run.id = %s AND (
        photo.cluster_pinned
        OR photo.cluster_id <> moved.to_cluster_id
        OR l2_normalize(photo.embedding) <-> own.centroid > 1.00001 * (
            SELECT min(l2_normalize(photo.embedding) <-> other.centroid) FROM clusters AS other
            INNER JOIN scoped_clusters AS scoped ON other.id = scoped.id
            WHERE other.run_id = run.id OR run.kind = 'assign' AND scoped.active
        )
    )
"""


@pytest.mark.parametrize("part", range(PARTS))
def test_others_write_while_runs_go_on(part: int, session: Session, database_url: str) -> None:
    """Random schedules, one library after the other: docs/guides/in-use.md tells of them."""
    chance = random.Random(part)
    add_photos(session, made_library(part, photos=PHOTOS, themes=K, dimensions=8, spread=0.3)[0])
    generate(session, k=K)
    photos, statements = PHOTOS, 0
    for _ in range(ROUNDS // PARTS):
        writers = [Writer(database_url, chance.randrange(2**31)) for _ in range(WRITERS)]
        stopped = Event()
        with ThreadPoolExecutor(WRITERS) as pool:
            writing = [pool.submit(writer.write_until, stopped) for writer in writers]
            try:
                result = run_something(database_url, chance)
            finally:
                stopped.set()
            for ended in writing:
                ended.result()
        statements += sum(writer.statements for writer in writers)
        photos += sum(writer.inserted - writer.deleted for writer in writers)
        # Who deletes a cluster and who moves its photos can still meet (docs/guides/in-use.md).
        theirs = {writer.pid for writer in writers}
        deadlocks = [error for writer in writers for error in writer.deadlocks]
        assert [
            e for e in deadlocks if not theirs.issuperset(re.findall(r"Process (\d+)", e))
        ] == []
        held = result.seconds.get("locked", 0.0)
        assert max(writer.longest for writer in writers) < held + PATIENCE
        # nothing lost, nothing half done
        assert query(session, "SELECT count(*) FROM photos") == [(photos,)]
        assert query(session, WRONG_WITH_PENDING) == []
        assert query(session, MISPLACED, result.run_id) == []
        assert work_tables(session) == []
        assert query(session, "SELECT id FROM cluster_runs WHERE status <> 'succeeded'") == []
        assert check(session).findings == ()
        assert wrong_counts(session) == []  # two that commit at once may leave a count to the next
    assert statements > 10 * ROUNDS // PARTS
    print(f"part {part}: {statements:,} statements beside {ROUNDS // PARTS} runs")  # noqa: T201


def embed_at(session: Session, ids: list[int], like: Any) -> Callable[[], object]:
    return lambda: query(
        session,
        "UPDATE photos SET embedding = %s WHERE id = ANY(%s) RETURNING id",
        np.asarray(like, np.float32),
        ids,
    )


@pytest.mark.parametrize("phase", ["measure", "commit"])
def test_a_photo_embedded_again_meanwhile_is_left_for_the_next_run(
    phase: str, session: Session
) -> None:
    rows, _ = made_library(1)
    ids = add_photos(session, rows)
    meddle = embed_at(session, ids[:2], -rows[0])
    result = generate(session, k=8, progress=AtPhase(phase, meddle))
    assert result.photos_moved == len(ids) - 2
    assert list(clusters_by_photo(session)[:2]) == [0, 0]
    assert generate(session, k=1).photos_moved == 2


@pytest.mark.parametrize("phase", ["measure", "commit"])
def test_one_embedded_again_while_all_are_clustered_anew_stays_where_it_is(
    phase: str, session: Session
) -> None:
    rows, _ = made_library(1)
    ids = add_photos(session, rows)
    generate(session, k=3)
    before = clusters_by_photo(session)
    meddle = embed_at(session, ids, rows[0])
    result = recluster(session, k=8, progress=AtPhase(phase, meddle))
    assert result.photos_moved == 0
    assert np.array_equal(clusters_by_photo(session), before)


def test_one_moved_to_another_cluster_meanwhile_is_not_taken_for_misplaced(
    session: Session,
) -> None:
    add_photos(session, made_library(1)[0])
    generate(session, k=8)
    some = "UPDATE photos SET cluster_id = 1 + cluster_id %% 8 WHERE id < 100 RETURNING id"
    meddle = AtPhase("commit", lambda: query(session, some))
    assert recluster(session, k=8, progress=meddle).run_id == 2


# Whoever locks in another order


RUNS: dict[str, Callable[[Session], Any]] = {
    "generate": lambda at: generate(at, k=3),
    "recluster": lambda at: recluster(at, k=3, cold=True, seed=5),
    "assign": running.assign,
    "undo": lambda at: undo(at, 1),
}


@pytest.mark.parametrize("kind", RUNS)
def test_who_locks_photos_and_clusters_in_any_order_waits_and_is_not_ended(
    kind: str, session: Session, database_url: str
) -> None:
    """He has the last photo when the final transaction begins, and then wants the first."""
    ids = add_photos(session, made_library(1, photos=200)[0])
    generate(session, k=4)
    execute(session, "UPDATE photos SET cluster_id = NULL WHERE id % 2 = 0")
    slow = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
    slow += " $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$"
    execute(
        session,
        slow,
        "CREATE TRIGGER slow AFTER UPDATE ON photos FOR EACH STATEMENT"
        " WHEN (current_setting('application_name') = 'fluffy_sql') EXECUTE FUNCTION slow()",
    )
    with ThreadPoolExecutor(1) as pool, psycopg.connect(database_url) as other:
        other.execute("UPDATE photos SET path = path || 'x' WHERE id = %s", (ids[-1],))
        running = pool.submit(RUNS[kind], session)
        wait_for(session, "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
        other.execute("SELECT FROM clusters FOR UPDATE")
        other.execute("UPDATE clusters SET name = 'y'")
        for photo_id in reversed(ids[:-1]):
            other.execute("UPDATE photos SET path = path || 'y' WHERE id = %s", (photo_id,))
        other.commit()
        running.result()
    assert query(session, "SELECT count(*) FROM photos WHERE path LIKE '%%y' OR id = %s", ids[-1])
    assert wrong_counts(session) == []


# Limits


@pytest.mark.parametrize(
    "run",
    [
        lambda at: recluster(at, k=3, lock_wait=0.2),
        lambda at: running.assign(at, limits=LockLimits(wait=0.2)),
    ],
    ids=["recluster", "assign"],
)
def test_the_wait_for_locks_is_bounded_and_says_who_is_in_the_way(
    run: Callable[[Session], Any], session: Session, database_url: str
) -> None:
    add_photos(session, made_library(1, photos=200)[0])
    generate(session, k=4)
    execute(session, "UPDATE photos SET cluster_id = NULL WHERE id < 50")
    with nothing_changes(session):
        with psycopg.connect(database_url) as other:
            other.execute("SELECT FROM clusters WHERE id = 2 FOR UPDATE")
            with pytest.raises(DatabaseError) as refused:
                run(session)
            pid = other.info.backend_pid
        said = str(refused.value)
        # a busy machine takes its time to wake up
        waited = re.search(
            r"waited (\d+\.\d) s for locks \(clustering\.lock_wait\), and nothing was written: ",
            said,
        )
        assert waited
        assert float(waited[1]) >= 0.2
        assert f"server process {pid} (idle in transaction), has clusters or photos locked" in said
    assert query(session, "SELECT status, error FROM cluster_runs WHERE id = 2") == [
        ("failed", said)
    ]


def test_a_run_that_only_makes_clusters_waits_for_nobody(
    session: Session, database_url: str
) -> None:
    ids = add_photos(session, made_library(1, photos=200)[0])
    execute(session, "INSERT INTO clusters (name) VALUES ('theirs')")
    with psycopg.connect(database_url) as other:
        other.execute("UPDATE clusters SET name = 'still theirs'")
        other.execute("SELECT FROM photos WHERE id = %s FOR UPDATE", (ids[3],))
        result = generate(session, k=4, lock_wait=0.001)
    assert (result.clusters_created, result.photos_moved) == (4, len(ids) - 1)
    assert clusters_by_photo(session)[3] == 0


def test_holding_locks_is_bounded_and_all_is_taken_back(session: Session) -> None:
    add_photos(session, made_library(1, photos=200)[0])
    execute(
        session,
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(30); RETURN NULL; END $$",
        "CREATE TRIGGER slow AFTER UPDATE ON photos FOR EACH STATEMENT EXECUTE FUNCTION slow()",
    )
    with nothing_changes(session):
        begun = time.monotonic()
        with pytest.raises(
            DatabaseError, match=r"locks for more than 0.5 s \(clustering.lock_hold\)"
        ):
            generate(session, k=4, lock_hold=0.5)
        assert time.monotonic() - begun < 20
    execute(session, "DROP FUNCTION slow CASCADE")
    assert generate(session, k=4, lock_hold=30).seconds["locked"] < 30


# Bloat


def test_training_pins_no_snapshot(session: Session) -> None:
    """Between its statements no connection of a run keeps VACUUM from dead rows of others."""
    seen: list[list[tuple[Any, ...]]] = []
    left: list[int] = []
    execute(session, "CREATE TABLE theirs AS SELECT 1 AS n")
    add_photos(session, made_library(1)[0])

    class Watch(Progress):
        def step(self, report: StepReport) -> None:
            connections = (
                "SELECT backend_xmin::text, state FROM pg_stat_activity"
                " WHERE application_name = 'fluffy_sql' AND pid <> pg_backend_pid()"
                " AND datname = current_database()"
            )
            # the record of the step may be on its way still
            until = time.monotonic() + 5
            while any(state == "active" for _, state in query(session, connections)):
                assert time.monotonic() < until
            seen.append(query(session, connections))
            execute(session, "SELECT pg_stat_force_next_flush()")
            execute(session, "UPDATE theirs SET n = n + 1")
            execute(session, "VACUUM theirs")
            left.extend(query(session, "SELECT pg_stat_get_dead_tuples('theirs'::regclass)")[0])

    generate(session, k=5, progress=Watch())
    assert len(seen) > 3
    assert {row for rows in seen for row in rows} == {(None, "idle")}
    assert all(len(rows) == 3 for rows in seen)  # the main connection and two workers
    assert set(left) == {0}


def test_the_run_waits_behind_who_has_a_cluster_locked_and_then_goes_on(
    session: Session, database_url: str
) -> None:
    add_photos(session, made_library(1, photos=200)[0])
    generate(session, k=4)
    waiting = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'clusters'::regclass"
    with ThreadPoolExecutor(1) as pool:
        with psycopg.connect(database_url) as other:
            other.execute("SELECT FROM clusters WHERE id = 2 FOR UPDATE")
            running = pool.submit(recluster, session, k=4)
            time.sleep(0.5)
            other.execute("UPDATE clusters SET name = 'theirs' WHERE id = 2")
            [(pid,)] = wait_for(session, waiting)
            wait_until_blocked(session, pid)
        assert running.result().run_id == 2
    assert query(session, "SELECT name FROM clusters WHERE id = 2") == [("theirs",)]
