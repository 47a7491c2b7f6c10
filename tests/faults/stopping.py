"""Stops a program at a certain moment, by locks that it has to wait for."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.faults.state import connect

PATIENCE_SECONDS = 20

# In the test's database: whoever enters a phase, or commits a run, waits for a lock of that name.
GATES = """
CREATE FUNCTION public.test_wait() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1, hashtext(coalesce(TG_ARGV[0], NEW.phase)));
    RETURN NEW;
END $$;
CREATE TRIGGER test_phase BEFORE INSERT OR UPDATE OF phase ON cluster_runs
FOR EACH ROW WHEN (NEW.phase IS NOT NULL) EXECUTE FUNCTION public.test_wait();
CREATE CONSTRAINT TRIGGER test_commit AFTER INSERT OR UPDATE ON cluster_runs
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (NEW.status = 'succeeded') EXECUTE FUNCTION public.test_wait('COMMIT');
"""

# What a phase has to read or write, once it has begun.
_NEEDED = {
    "survey": "photos",
    "sample": "photos",
    "seed": "work_sample",
    "refine": "work_sample",
    "train": "work_sample",
    "assign": "photos",
    "measure": "work_assignments",
}
# The final transaction has moved all photos when it comes to this.
_NEEDED_IN_COMMIT = {"generate": "cluster_quality", "assign": None, "runs": None}

_STATEMENTS = """
SELECT pid, query_start FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'fluffy_sql' AND state = 'active'
"""
_WAITING = f"{_STATEMENTS} AND wait_event = %s"


class Stopped:
    """A program that waits.

    Attributes:
        pids: its server processes that wait.
    """

    def __init__(
        self, watch: psycopg.Connection[Any], holder: psycopg.Connection[Any], kind: str
    ) -> None:
        self._watch = watch
        self._holder = holder
        self._waiting = wait_for(watch, kind)
        self.pids = [pid for pid, _ in self._waiting]

    def go_on(self) -> None:
        """Lets it have what it waits for."""
        self._holder.close()

    def let_tidy_up(self) -> None:
        """Lets it go on when it has given up what it was doing."""
        for _ in range(PATIENCE_SECONDS * 100):
            if not set(self._watch.execute(_STATEMENTS).fetchall()) & set(self._waiting):
                self.go_on()
                return
            time.sleep(0.01)
        pytest.fail("it does not give up what it was doing")


@contextmanager
def stopped(
    url: str, command: str, moment: str, start: Callable[[], object], *, as_it_begins: bool = False
) -> Iterator[Stopped]:
    """Starts a program and waits until it is at that moment.

    Args:
        url: the database, which has GATES.
        command: what the program does.
        moment: one of PHASES.
        start: begins it.
        as_it_begins: before it has done anything of that phase.
    """
    needed = _NEEDED.get(moment)
    if moment == "commit":
        needed = _NEEDED_IN_COMMIT[command.split(maxsplit=1)[0]]
    with (
        connect(url, autocommit=True) as watch,
        connect(url, autocommit=True) as gate,
        connect(url) as holder,
    ):
        if moment == "survey":
            _lock(holder, "photos")
            start()
        else:
            gate.execute("SELECT pg_advisory_lock(1, hashtext(%s))", (moment,))
            start()
            at_gate = Stopped(watch, gate, "advisory")
            if needed is None or as_it_begins:
                yield at_gate
                return
            _lock(holder, needed)
            gate.execute("SELECT pg_advisory_unlock_all()")
        yield Stopped(watch, holder, "relation")


def wait_for(connection: psycopg.Connection[Any], kind: str) -> list[tuple[int, datetime]]:
    """Server processes that wait for a lock of this kind, as soon as there are any."""
    for _ in range(PATIENCE_SECONDS * 100):
        if found := connection.execute(_WAITING, (kind,)).fetchall():
            return [(row[0], row[1]) for row in found]
        time.sleep(0.01)
    pytest.fail(f"nobody waits for a lock ({kind})")


def _lock(holder: psycopg.Connection[Any], table: str) -> None:
    holder.execute(sql.SQL("LOCK TABLE {}").format(sql.Identifier(table)))
