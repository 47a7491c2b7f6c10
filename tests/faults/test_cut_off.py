"""Server processes that an administrator terminates: the main one, a worker's, or all."""

import pytest

from tests.faults.faults import CUT_OFF, Fault
from tests.faults.program import Generating
from tests.faults.state import connect, examine, state
from tests.faults.stopping import Stopped, stopped
from tests.faults.table import Table

MAIN = "SELECT backend_pid FROM cluster_runs WHERE status = 'running'"
OURS = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'fluffy_sql'
"""


TOLD = (
    "Postgres: terminating connection due to administrator command; somebody ended the connection,"
    " or the server stops: run again when it is there"
)
# If several statements were under way, psycopg tells of the last one, which had no answer.
TOLD_OF_THE_LAST = (
    "Postgres: consuming input failed: server closed the connection unexpectedly; fluffy-sql runs"
    " says whether the run was committed; if not, run again"
)


@pytest.mark.parametrize("fault", CUT_OFF, ids=str)
def test_cut_off(fault: Fault, library_url: str, fault_table: Table) -> None:
    before = state(library_url)
    run = Generating(library_url)
    with stopped(library_url, fault.command, fault.moment, run.start) as waiting:
        if _terminate(library_url, fault, waiting) & set(waiting.pids):
            waiting.let_tidy_up()
        waiting.go_on()
        run.finish()
    told = str(run.error)
    assert told in {TOLD, TOLD_OF_THE_LAST, f"{TOLD_OF_THE_LAST.partition(';')[0]}; run again"}
    assert told.isprintable()
    assert state(library_url).work_tables == []
    fault_table.add(fault, examine(before, library_url).replace(TOLD_OF_THE_LAST, TOLD))


def _terminate(url: str, fault: Fault, waiting: Stopped) -> set[int]:
    """Terminates server processes of the program; returns which."""
    with connect(url, autocommit=True) as admin:
        main = [row[0] for row in admin.execute(MAIN)] or waiting.pids
        ours = [row[0] for row in admin.execute(OURS)]
        chosen = {
            "main connection terminated": main,
            "a worker's connection terminated": [p for p in waiting.pids if p not in main][:1],
            "all connections terminated": ours,
        }[fault.injected]
        assert chosen
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM unnest(%s::integer[]) AS pid", (chosen,)
        )
    return set(chosen)
