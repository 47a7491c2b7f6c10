"""A backup that is taken while a run is at work: it locks every table, and the run waits for it."""

from tests.faults.program import Generating
from tests.faults.state import connect, state, wait_until_gone
from tests.faults.stopping import stopped, wait_for

# As pg_dump does, work tables too.
LOCK_ALL = """
DO $$
DECLARE
    of_table regclass;
BEGIN
    FOR of_table IN
        SELECT oid FROM pg_class
        WHERE relkind = 'r' AND relnamespace::regnamespace::text IN ('public', 'fluffy_sql')
    LOOP
        EXECUTE format('LOCK TABLE %s IN ACCESS SHARE MODE', of_table);
    END LOOP;
END
$$
"""


def test_a_run_waits_for_a_dump_to_end(library_url: str) -> None:
    before = state(library_url)
    run = Generating(library_url)
    with (
        connect(library_url) as dump,
        connect(library_url, autocommit=True) as watch,
        stopped(library_url, "generate", "train", run.start, as_it_begins=True) as waiting,
    ):
        dump.execute(LOCK_ALL)
        waiting.go_on()
        wait_for(watch, "relation")
        rows = "SELECT p::text FROM photos AS p ORDER BY 1"
        assert [row for (row,) in dump.execute(rows)] == before.rows["photos"]
        dump.rollback()
        run.finish()
    assert run.error is None
    wait_until_gone(library_url)
    assert state(library_url).work_tables == []
