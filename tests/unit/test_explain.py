"""The recorder: which statements have a plan, what is kept of it, and calls from many threads."""

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from fluffy_sql.postgres.explain import ExplainedStatement, PlanRecorder, has_plan, shortened
from fluffy_sql.postgres.statements import Statement, statement, statement_names

WITHOUT_A_PLAN = {
    "import/analyze_stage",
    "import/copy_into_stage",
    "import/create_stage",
    "commit/lock_clusters",
    "schema/drop_definitions",
    "session/begin_looking",
    "commit/commit_durably",
    "triggers/create_counts",
}
ONE = Statement("a/one", "SELECT 1;", frozenset())
TWO = Statement("a/two", "DROP TABLE two;", frozenset())


def plan_of(text: str) -> list[tuple[Any, ...]]:
    return [(f"plan of {text}",), ("  below",)]


def test_every_statement_has_a_plan_but_those_about_tables() -> None:
    without = {name for name in statement_names() if not has_plan(statement(name).text)}
    assert without >= WITHOUT_A_PLAN
    first_words = {statement(name).text.split()[0].rstrip(";") for name in without}
    assert first_words == {"CREATE", "ANALYZE", "BEGIN", "START", "COPY", "DO", "LOCK", "SET"}


@pytest.mark.parametrize("text", ["WITH a AS (SELECT 1)\n", "select 1;", "DELETE\nFROM a;"])
def test_the_first_word_decides(text: str) -> None:
    assert has_plan(text)
    assert not has_plan(f"ANALYZE {text}")


def test_the_first_execution_is_explained_and_the_others_counted() -> None:
    recorder = PlanRecorder()
    asked: list[str] = []

    def ask(text: str) -> Iterable[tuple[Any, ...]]:
        asked.append(text)
        return plan_of(text)

    for each in (TWO, ONE, ONE, TWO, ONE):
        recorder.record(each, ask)
    assert asked == ["EXPLAIN (VERBOSE FALSE) SELECT 1;"]
    assert recorder.statements() == [
        ExplainedStatement("a/two", 2, "DROP TABLE two;", None),
        ExplainedStatement("a/one", 3, "SELECT 1;", (f"plan of {asked[0]}", "  below")),
    ]


def test_nothing_is_kept_while_it_is_paused() -> None:
    recorder = PlanRecorder()
    with recorder.paused():
        recorder.record(ONE, plan_of)
    assert recorder.statements() == []
    recorder.record(ONE, plan_of)
    assert [kept.executions for kept in recorder.statements()] == [1]


def test_threads_that_begin_together_ask_for_one_plan_and_all_count() -> None:
    recorder = PlanRecorder()
    asked: list[str] = []
    together = Barrier(8)

    def ask(text: str) -> Iterable[tuple[Any, ...]]:
        asked.append(text)
        time.sleep(0.05)  # the others count on meanwhile
        return plan_of(text)

    def work(_: int) -> None:
        together.wait()
        for _ in range(500):
            recorder.record(ONE, ask)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    (kept,) = recorder.statements()
    assert len(asked) == 1
    assert (kept.executions, kept.plan is None) == (4_000, False)


@pytest.mark.parametrize(
    "line",
    [
        "  ->  Seq Scan on photos  (cost=0.00..10.00 rows=500 width=26)",
        f"Filter: (note = '{'x' * 80}'::text)",
        f"Filter: (\"{'x' * 100}\" = 'a''b'::text)",
        "Filter: (\"it's\" = 'a'::text) AND " + "(b = 1) AND " * 20 + "(\"it's\" = 'c'::text)",
        "Filter: (a = ''::text) AND " + "(b = 1) AND " * 20 + "(c = ''::text)",
        "",
    ],
)
def test_what_is_short_or_no_literal_stays(line: str) -> None:
    assert shortened(line) == line


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            f"(id = ANY ('{'1,' * 50}'::bigint[]))",
            f"(id = ANY ('{'1,' * 30}... (100 characters)'::",
        ),
        (f"(a = '{'x' * 81}'::text)", f"(a = '{'x' * 60}... (81 characters)'::text)"),
        (f"(a = '{chr(39) * 2 * 50}'::text)", f"(a = '{chr(39) * 60}... (100 characters)'::text)"),
        (f"'{'x' * 10**7}'", f"'{'x' * 60}... (10,000,000 characters)'"),
    ],
)
def test_a_long_literal_keeps_its_beginning_and_length(line: str, expected: str) -> None:
    assert shortened(line).startswith(expected)


def test_every_long_literal_of_a_line_is_shortened() -> None:
    array = ",".join(map(str, range(100)))
    line = f"Filter: ((a = ANY ('{{{array}}}'::int[])) AND (b = ANY ('{{{array}}}'::int[])))"
    assert shortened(line).count("... (291 characters)'::int[]") == 2
    assert len(shortened(line)) < 250
