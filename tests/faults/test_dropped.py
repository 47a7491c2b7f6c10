"""A network that drops the program's connections: once, or for good."""

import pytest

from fluffy_sql.errors import DatabaseError
from fluffy_sql.operations import history
from fluffy_sql.operations.history import undo_run
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.transaction import LockLimits
from tests.faults.faults import DROPPED, Fault
from tests.faults.program import Generating
from tests.faults.proxy import Proxy
from tests.faults.state import examine, state
from tests.faults.stopping import stopped
from tests.faults.table import Table

ADVICE = "; fluffy-sql runs says whether the run was committed; if not, run again"
ANSWER_LOST = "network connection dropped with the answer"


@pytest.mark.parametrize("fault", [f for f in DROPPED if f.injected != ANSWER_LOST], ids=str)
def test_dropped(fault: Fault, library_url: str, fault_table: Table) -> None:
    before = state(library_url)
    with Proxy.before(library_url) as proxy:
        run = Generating(proxy.url)
        with stopped(library_url, fault.command, fault.moment, run.start) as waiting:
            if fault.injected == "network connection dropped":
                proxy.cut()
            else:
                proxy.stay_down()
            # the server notices, though what it waits for is still not to be had
            waiting.let_tidy_up()
            run.finish()
    assert str(run.error).endswith(ADVICE)
    assert str(run.error).isprintable()
    fault_table.add(fault, examine(before, library_url))


def test_the_answer_to_a_commit_is_lost(library_url: str, fault_table: Table) -> None:
    [fault] = [fault for fault in DROPPED if fault.injected == ANSWER_LOST]
    before = state(library_url)
    with Proxy.before(library_url) as proxy:
        run = Generating(proxy.url)
        with stopped(library_url, fault.command, fault.moment, run.start) as waiting:
            proxy.cuts_at_commit = True
            waiting.go_on()
            run.finish()
    assert str(run.error).endswith(ADVICE)
    fault_table.add(fault, examine(before, library_url))


def test_an_undo_is_a_run_and_a_look_is_none(
    library_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy.before(library_url) as proxy, Session.open(proxy.url) as session:

        def moved(_session: Session) -> bool:
            proxy.cuts_at_commit = True
            return True

        monkeypatch.setattr(history, "moves_are_counted", moved)
        with pytest.raises(DatabaseError) as lost:
            undo_run(session, 1, LockLimits())
    assert str(lost.value).endswith(ADVICE)
    with Proxy.before(library_url) as proxy, Session.look(proxy.url) as session:
        proxy.cut()
        with pytest.raises(DatabaseError, match=r"; run again$"):
            session.fetch_value("survey/has_photos")


def test_a_cancel_that_does_not_reach_the_server_is_no_failure_of_its_own(library_url: str) -> None:
    with Proxy.before(library_url) as proxy, Session.open(proxy.url) as session:
        proxy.take_no_more()
        session.cancel()
        assert session.fetch_value("survey/has_photos") is True
