"""generate --explain: a run's statements with their plans, and nothing left behind."""

import json
import re
from collections import Counter
from typing import Any

import pytest

from fluffy_sql.algorithms import StepReport
from fluffy_sql.errors import DatabaseError, LibraryError
from fluffy_sql.postgres.explain import ExplainedStatement
from fluffy_sql.postgres.session import Session
from fluffy_sql.runs.progress import Progress
from tests import running
from tests.conftest import Run, add_photos, made_library
from tests.integration.helpers import (
    everything,
    execute,
    generate,
    nothing_changes,
    query,
    work_tables,
)

K = 20
PHOTOS = 3_000
CONNECTIONS = 3
WITHOUT_A_PLAN = ("DO ", "LOCK ", "SET ")
TABLES = ("clusters", "cluster_runs", "cluster_run_steps")
# These ask catalogs, at length, and take no parameters of a run.
OF_CATALOGS = ("schema/", "check/")


class Counts(Progress):
    """How often the run reported what comes with one execution of a statement."""

    def __init__(self) -> None:
        self.of: Counter[str] = Counter()

    def phase(self, name: str) -> None:
        self.of["phases"] += name != "survey"  # there is no record yet to write it to

    def step(self, report: StepReport) -> None:
        self.of["steps"] += 1

    def photos(self, done: int) -> None:
        self.of["ranges of photos"] += 1


def explain(
    at: Session, *, progress: Progress | None = None, **settings: Any
) -> dict[str, ExplainedStatement]:
    explained = running.explain(
        at, running.settings(**settings), progress=progress, connections=CONNECTIONS
    )
    by_name = {statement.name: statement for statement in explained}
    assert list(by_name) == [statement.name for statement in explained]
    return by_name


def assert_untouched(session: Session) -> None:
    """No photo has a cluster, and there is no cluster, run or work table."""
    assert query(session, "SELECT count(*) FROM photos WHERE cluster_id IS NOT NULL") == [(0,)]
    for table in TABLES:
        assert query(session, f"SELECT count(*) FROM {table}") == [(0,)]
    assert work_tables(session) == []


@pytest.fixture
def library(session: Session) -> None:
    """3,000 photos of 64 dimensions, and ids of clusters that are as long as in an old library."""
    add_photos(session, made_library(1, photos=PHOTOS, themes=K, dimensions=64)[0])
    execute(session, "ALTER SEQUENCE clusters_id_seq RESTART WITH 1000000")


@pytest.mark.usefixtures("library")
def test_nothing_is_left_behind(session: Session) -> None:
    with nothing_changes(session):
        explain(session, k=K)
        assert_untouched(session)
    result = generate(session, k=K)
    assert (result.clusters_created, result.photos_processed) == (K, PHOTOS)
    assert query(session, "SELECT status FROM cluster_runs") == [("succeeded",)]


@pytest.mark.usefixtures("library")
def test_an_earlier_run_stays_as_it_is(session: Session) -> None:
    generate(session, k=3)
    rows = made_library(2, photos=50, dimensions=64)[0]
    add_photos(session, rows, [f"later {number}" for number in range(50)])
    with nothing_changes(session, everything):
        explain(session, k=4)


@pytest.mark.usefixtures("library")
def test_every_statement_that_can_have_a_plan_has_one(session: Session) -> None:
    explained = explain(session, k=K)
    without = {name for name, one in explained.items() if one.plan is None}
    assert without == {n for n, one in explained.items() if one.sql.startswith(WITHOUT_A_PLAN)}
    assert without >= {"session/find_library", "triggers/fold_at_once"}
    expected = {
        "kmeans/lloyd_step": "on work_sample",
        "kmeans/assign_photos": "Insert on work_assignments",
        "commit/move_photos": "Update on photos",
        "commit/insert_clusters": "Function Scan on make_clusters",
        "commit/close_run": "Update on cluster_runs",
        "session/prepare": "Result",
    }
    for name, node in expected.items():
        plan = explained[name].plan
        assert plan is not None
        assert any(node in line for line in plan)
    assert list(explained)[0] == "session/prepare"  # noqa: RUF015
    assert list(explained)[-1] == "runs/unlock"
    assert "runs/discard" not in explained


@pytest.mark.usefixtures("library")
def test_executions_are_those_of_all_sessions(session: Session) -> None:
    counts = Counts()
    executions = {
        name: one.executions for name, one in explain(session, k=K, progress=counts).items()
    }
    assert executions["session/prepare"] == 1 + CONNECTIONS
    assert executions["runs/record_step"] == counts.of["steps"]
    assert executions["runs/enter_phase"] == counts.of["phases"]
    assert executions["kmeans/assign_photos"] == counts.of["ranges of photos"] > 1
    assert executions["kmeans/lloyd_step"] > 1
    assert executions["commit/move_photos"] == executions["runs/open"] == 1


@pytest.mark.usefixtures("library")
def test_no_line_of_a_plan_carries_the_parameters(session: Session) -> None:
    explained = explain(session, k=K)
    lines = [line for one in explained.values() for line in one.plan or ()]
    assert max(map(len, lines)) < 1_000
    of_the_run = [one for name, one in explained.items() if not name.startswith(OF_CATALOGS)]
    assert sum(len(line) for one in of_the_run for line in one.plan or ()) < 40_000
    plan = "\n".join(explained["commit/drop_empty_clusters"].plan or ())
    assert re.search(r"ANY \('\{1000000,1000001,[\d,]+\.\.\. \(\d+ characters\)'", plan)


@pytest.mark.usefixtures("library")
def test_a_run_that_fails_leaves_no_record_either(session: Session) -> None:
    class Fails(Progress):
        def phase(self, name: str) -> None:
            if name == "commit":
                raise DatabaseError("no more")

    with pytest.raises(DatabaseError, match="no more"):
        explain(session, k=K, progress=Fails())
    assert_untouched(session)
    add_photos(session, [[1.0, 2.0]], ["of another length"])
    with pytest.raises(LibraryError, match="several dimensions"):
        explain(session, k=K)
    assert_untouched(session)


def test_photos_that_all_turn_out_to_be_zero(session: Session) -> None:
    add_photos(session, [[0.0, 0.0]] * 5)
    assert "runs/discard" in explain(session, k=2)
    assert_untouched(session)


@pytest.mark.usefixtures("library")
def test_the_command_for_people(session: Session, on_database: Run) -> None:
    finished = on_database("generate", "--explain", "--k", str(K))
    assert finished.code == 0
    assert finished.err.startswith("survey\n3,000 photos of 64 dimensions\nsample\n")
    assert finished.out.startswith("-- sql/session/prepare.sql, ")
    assert re.search(
        r"\n\n-- sql/commit/close_run\.sql, once\nUPDATE cluster_runs\nSET\s[^;]*;\n"
        r"  Update on cluster_runs  \(cost=[^\n]*\n    ->  ",
        finished.out,
    )
    assert re.search(r"\n\n-- sql/kmeans/assign_photos\.sql, \d+ times\n", finished.out)
    assert "\n\n-- sql/commit/insert_clusters.sql, once\nSELECT made.id\n" in finished.out
    explained = finished.out.split("\n\n-- sql/")
    assert sum(len(one) for one in explained if not one.startswith(OF_CATALOGS)) < 80_000
    assert_untouched(session)


@pytest.mark.usefixtures("library")
def test_the_command_for_programs(session: Session, on_database: Run) -> None:
    finished = on_database("generate", "--explain", "--json", "--k", str(K))
    assert finished.code == 0
    assert finished.out.count("\n") == 1
    (key, statements), *others = json.loads(finished.out).items()
    assert (key, others) == ("statements", [])
    for statement in statements:
        assert list(statement) == ["name", "executions", "sql", "plan"]
        assert statement["executions"] >= 1
        assert statement["sql"].endswith(";")
        assert (statement["plan"] is None) == statement["sql"].startswith(WITHOUT_A_PLAN)
        assert all(isinstance(line, str) for line in statement["plan"] or [])
    assert_untouched(session)


def test_a_library_without_photos(on_database: Run) -> None:
    finished = on_database("generate", "--explain")
    assert finished.code == 0
    assert "-- sql/survey/count_photos.sql, once\n" in finished.out
    assert "sql/kmeans" not in finished.out
