"""Timeouts that an administrator set for the role, or a user in the address."""

import pytest
from psycopg.conninfo import make_conninfo

from tests.faults.faults import TIMED_OUT, Fault
from tests.faults.program import Generating
from tests.faults.state import examine, state
from tests.faults.stopping import stopped
from tests.faults.table import Table

SAID = {
    "statement_timeout": "Postgres: canceling statement due to statement timeout;"
    " run again, with a longer statement_timeout for this role if that was too short",
    "lock_timeout": "Postgres: canceling statement due to lock timeout;"
    " somebody else holds the lock: run again, or raise lock_timeout for this role",
}


@pytest.mark.parametrize("fault", TIMED_OUT, ids=str)
def test_timed_out(fault: Fault, library_url: str, fault_table: Table) -> None:
    before = state(library_url)
    run = Generating(make_conninfo(library_url, options=f"-c {fault.injected}=1s"))
    with stopped(library_url, fault.command, fault.moment, run.start) as waiting:
        waiting.let_tidy_up()
        run.finish()
    assert str(run.error) == SAID[fault.injected]
    assert state(library_url).work_tables == []
    fault_table.add(fault, examine(before, library_url))
