"""SIGKILL of the program: nobody tidies up but the server and the next run."""

import signal
from pathlib import Path

import pytest

from tests.faults.faults import KILLED, Fault
from tests.faults.program import Program
from tests.faults.state import examine, state, wait_until_gone
from tests.faults.stopping import stopped
from tests.faults.table import Table


@pytest.mark.parametrize("fault", KILLED, ids=str)
def test_killed(fault: Fault, library_url: str, tmp_path: Path, fault_table: Table) -> None:
    before = state(library_url)
    program = Program(fault.command, library_url, tmp_path)
    with stopped(library_url, fault.command, fault.moment, program.start):
        program.send(signal.SIGKILL)
        assert program.finished().code == -signal.SIGKILL
        # the server lets go of all locks though it still waits for one itself
        wait_until_gone(library_url)
    repair = fault.command == "generate --recluster"
    fault_table.add(fault, examine(before, library_url, repair=repair))
