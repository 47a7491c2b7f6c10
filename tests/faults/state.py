"""All that is in a database, to be compared before and after a fault."""

import re
import time
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from fluffy_sql.operations.check import check
from tests.integration.helpers import generate

# Where a run keeps its record, as it goes.
RECORD = {"cluster_runs", "cluster_run_steps", "cluster_run_checkpoints"}
ENDS_WITHIN_SECONDS = 5

_RELATIONS = """
SELECT c.oid::regclass::text, c.relkind::text, c.relpersistence::text
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('public', 'fluffy_sql') ORDER BY 1
"""
_AT_WORK = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'fluffy_sql'
"""
_LOCKS = """
SELECT count(*) FROM pg_locks AS held JOIN pg_stat_activity AS activity USING (pid)
WHERE activity.datname = current_database() AND activity.application_name = 'fluffy_sql'
"""
_RUNS_CAN_BEGIN = """
SELECT pg_try_advisory_xact_lock(hashtextextended('fluffy_sql generate fluffy_sql', 0))
"""


@dataclass(frozen=True)
class State:
    """What is in a database.

    Attributes:
        rows: of every table but the work tables, as text, in an order of their own.
        relations: name, kind and persistence of every one.
        work_tables: those that hold rows.
    """

    rows: dict[str, list[str]]
    relations: list[tuple[str, str, str]]
    work_tables: list[str]

    @property
    def result(self) -> dict[str, list[str]]:
        """All but the records of runs."""
        return {table: rows for table, rows in self.rows.items() if table not in RECORD}


def connect(url: str, *, autocommit: bool = False) -> psycopg.Connection[Any]:
    """A connection that finds all tables by their names alone."""
    path = "-c search_path=fluffy_sql,public"
    return psycopg.connect(url, autocommit=autocommit, options=path)


def state(url: str) -> State:
    """All there is, as one moment sees it."""
    with connect(url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        relations = connection.execute(_RELATIONS).fetchall()
        rows = {name: _rows(connection, name) for name, kind, _ in relations if kind == "r"}
        work_tables = {name: rows.pop(name) for name in list(rows) if name.startswith("work_")}
        return State(rows, relations, [name for name, filled in work_tables.items() if filled])


def _rows(connection: psycopg.Connection[Any], table: str) -> list[str]:
    text = sql.SQL("SELECT t::text FROM {} AS t ORDER BY 1").format(sql.Identifier(table))
    return [row[0] for row in connection.execute(text)]


def wait_until_gone(url: str) -> None:
    """Waits until nothing of the program is left on the server: no connection and no lock."""
    with connect(url, autocommit=True) as connection:
        for _ in range(ENDS_WITHIN_SECONDS * 20):
            left = [_number(connection, question) for question in (_AT_WORK, _LOCKS)]
            if left == [0, 0]:
                break
            time.sleep(0.05)
        assert left == [0, 0], "connections and locks of the program that are left"
        assert connection.execute(_RUNS_CAN_BEGIN).fetchall() == [(True,)]


def _number(connection: psycopg.Connection[Any], question: str) -> int:
    return int(connection.execute(question).fetchall()[0][0])


def examine(before: State, url: str, *, repair: bool = False) -> str:
    """Makes sure that all of a run is there or nothing of it, and that the next run succeeds.

    Args:
        before: what was there before the fault.
        url: the database.
        repair: whether `check --repair` comes before the next run.

    Returns:
        What was found, as cells of the table.
    """
    wait_until_gone(url)
    after = state(url)
    new_run = set(after.rows["cluster_runs"]) - set(before.rows["cluster_runs"])
    record = _record(url, len(before.rows["cluster_runs"]))
    assert len(new_run) == len(record)
    assert after.relations == before.relations
    running = [run_id for run_id, status, _ in record if status == "running"]
    assert len(check(url).findings) == len(after.work_tables) + len(running)
    if record and record[0][1] == "succeeded":
        result = "all of it"
        _assert_all_placed(url)
    else:
        result = "nothing of it"
        assert after.result == before.result
    left = "none"
    if after.work_tables:
        left = "emptied by `check --repair`" if repair else "emptied by the next run"
        if repair:
            assert check(url, repair=True).ok
            assert state(url).work_tables == []
    _next_run_succeeds(url)
    said = _record(url, len(before.rows["cluster_runs"]))[0] if record else None
    recorded = f"{said[1]}: {_plain(said[2])}" if said and said[2] else said[1] if said else "none"
    return f"{result} | {left} | {recorded}"


def _next_run_succeeds(url: str) -> None:
    with connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO photos (path, embedding) SELECT 'last', embedding FROM photos LIMIT 1"
        )
    assert generate(url, k=3, connections=2).clusters_created >= 1
    _assert_all_placed(url)
    assert check(url).findings == ()
    assert state(url).work_tables == []
    with connect(url) as connection:
        assert connection.execute(
            "SELECT count(*) FROM cluster_runs WHERE status = 'running'"
        ).fetchall() == [(0,)]


def _assert_all_placed(url: str) -> None:
    with connect(url) as connection:
        assert connection.execute(
            "SELECT count(*) FROM photos WHERE cluster_id IS NULL AND cluster_pinned IS NOT TRUE"
        ).fetchall() == [(0,)]


def _record(url: str, runs_before: int) -> list[tuple[int, str, str | None]]:
    """Id, status and error of the run that the fault befell."""
    with connect(url) as connection:
        found = connection.execute(
            "SELECT id, status, error FROM cluster_runs ORDER BY id OFFSET %s LIMIT 1",
            (runs_before,),
        ).fetchall()
    return [(row[0], row[1], row[2]) for row in found]


def _plain(message: str) -> str:
    """A message without what differs from time to time."""
    return re.sub(r' "[^"]*"| \([^)]*\)', "", message).replace("|", "/")
