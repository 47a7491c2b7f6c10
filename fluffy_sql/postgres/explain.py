"""What a run asks of Postgres and how Postgres goes about it: statements with their plans."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from fluffy_sql.postgres.statements import Statement

# The only SQL outside sql/: it stands before the text of any statement there. A verbose plan would
# print the arguments of functions, and with them all centroids: 1.7 MB of text for 200 x 768.
_PREFIX = "EXPLAIN (VERBOSE FALSE) "
# By its first word, since asking for a plan that does not exist would fail the transaction.
_WITH_A_PLAN = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"})
# Parameters stand in a plan as literals: an array of ids has as many as there are clusters. Names
# in double quotes are matched too, since an apostrophe in one begins no literal.
_QUOTED = re.compile(r""" "[^"]*" | '(?P<literal>(?:[^']++|'')*+)' """, re.VERBOSE)
_LONGEST_LITERAL = 80
_KEPT_OF_A_LITERAL = 60


@dataclass(frozen=True)
class ExplainedStatement:
    """A statement of a run.

    Attributes:
        name: its path under `sql/` without the suffix.
        executions: how many times it was run.
        sql: its text.
        plan: the lines of its plan at its first execution; None if Postgres makes no plan for
            a statement of its kind.
    """

    name: str
    executions: int
    sql: str
    plan: tuple[str, ...] | None


class PlanRecorder:
    """Keeps the statements that sessions run, each with its first plan. Any thread may call it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[str, ExplainedStatement] = {}
        self._paused = False

    def record(self, statement: Statement, run: Callable[[str], Iterable[tuple[Any, ...]]]) -> None:
        """Counts a statement that is about to be run; the first time, asks for its plan.

        Args:
            statement: the statement.
            run: runs a text with the statement's parameters on the session that is about to run
                the statement itself; returns rows. What it raises passes through.
        """
        if self._paused:
            return
        name = statement.name
        with self._lock:
            kept = self._kept.get(name, ExplainedStatement(name, 0, statement.text, None))
            self._kept[name] = replace(kept, executions=kept.executions + 1)
        if kept.executions == 0 and has_plan(statement.text):
            plan = tuple(shortened(line) for (line,) in run(_PREFIX + statement.text))
            with self._lock:
                self._kept[name] = replace(self._kept[name], plan=plan)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What any session runs inside is not kept."""
        self._paused = True
        try:
            yield
        finally:
            self._paused = False

    def statements(self) -> list[ExplainedStatement]:
        """The statements so far, in the order of their first executions."""
        with self._lock:
            return list(self._kept.values())


def has_plan(text: str) -> bool:
    """Whether EXPLAIN takes the statement: it does not take CREATE, ALTER, DROP, ANALYZE, COPY."""
    return text.split(maxsplit=1)[0].upper() in _WITH_A_PLAN


def shortened(line: str) -> str:
    """A line of a plan, with the beginning and the length of each long literal in its place."""
    return _QUOTED.sub(_shorten, line)


def _shorten(quoted: re.Match[str]) -> str:
    literal = quoted["literal"]
    if literal is None or len(literal) <= _LONGEST_LITERAL:
        return quoted[0]
    return f"'{literal[:_KEPT_OF_A_LITERAL]}... ({len(literal):,} characters)'"
