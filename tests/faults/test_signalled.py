"""Ctrl-C and SIGTERM: a clean message, exit code 130, and nothing left."""

import signal
from pathlib import Path

import pytest

from tests.faults.faults import SIGNALLED, Fault
from tests.faults.program import Program
from tests.faults.state import examine, state, wait_until_gone
from tests.faults.stopping import stopped
from tests.faults.table import Table

SIGNALS = {"Ctrl-C": signal.SIGINT, "SIGTERM": signal.SIGTERM}
SAID = "fluffy-sql: stopped; what was not committed is rolled back"


@pytest.mark.parametrize("fault", SIGNALLED, ids=str)
def test_signalled(fault: Fault, library_url: str, tmp_path: Path, fault_table: Table) -> None:
    before = state(library_url)
    program = Program(fault.command, library_url, tmp_path)
    with stopped(library_url, fault.command, fault.moment, program.start) as waiting:
        program.send(SIGNALS[fault.injected])
        waiting.let_tidy_up()
        finished = program.finished()
    assert (finished.code, finished.out) == (130, "")
    assert finished.err.splitlines()[-1] == SAID
    assert "Traceback" not in finished.err
    wait_until_gone(library_url)
    assert state(library_url).work_tables == []
    fault_table.add(fault, examine(before, library_url))
