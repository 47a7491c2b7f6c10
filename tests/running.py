"""Runs operations as the command line does: a session for each."""

from collections.abc import Sequence
from typing import Any

from fluffy_sql.kmeans.settings import KMeansSettings
from fluffy_sql.operations import assign as assigning
from fluffy_sql.operations import check as checking
from fluffy_sql.operations import generate as generating
from fluffy_sql.operations import sweep as sweeping
from fluffy_sql.operations.assign import AssignResult
from fluffy_sql.operations.check import CheckResult
from fluffy_sql.operations.history import UndoResult, undo_run
from fluffy_sql.operations.sweep import SweepResult
from fluffy_sql.postgres.explain import ExplainedStatement, PlanRecorder
from fluffy_sql.postgres.session import DEFAULT_SCHEMA, Session
from fluffy_sql.postgres.transaction import LockLimits
from fluffy_sql.runs.progress import Progress
from fluffy_sql.runs.record import RunResult
from fluffy_sql.settings import ClusteringSettings, clustering_settings


def settings(**given: Any) -> ClusteringSettings:
    """Settings of a run by k-means, its own and the common ones side by side."""
    own = {name: given.pop(name) for name in list(given) if name in KMeansSettings.model_fields}
    return clustering_settings(kmeans=own, **given)


def address(of: str | Session) -> str:
    """Where another session leads, or the address itself."""
    return of._url if isinstance(of, Session) else of


def generate(
    at: str | Session,
    with_settings: ClusteringSettings | None = None,
    *,
    schema: str = DEFAULT_SCHEMA,
    progress: Progress | None = None,
    **request: Any,
) -> RunResult:
    asked = generating.GenerateRequest(settings=with_settings or settings(), **request)
    with Session.open(address(at), schema=schema) as session:
        return generating.generate(session, asked, progress)


def explain(
    at: str | Session,
    with_settings: ClusteringSettings,
    *,
    progress: Progress | None = None,
    **request: Any,
) -> list[ExplainedStatement]:
    recorder = PlanRecorder()
    with Session.open(address(at), explain=recorder) as session:
        asked = generating.GenerateRequest(settings=with_settings, **request)
        generating.generate(session, asked, progress)
    return recorder.statements()


def assign(
    at: str | Session,
    *,
    schema: str = DEFAULT_SCHEMA,
    progress: Progress | None = None,
    **request: Any,
) -> AssignResult:
    with Session.open(address(at), schema=schema) as session:
        return assigning.assign(session, assigning.AssignRequest(**request), progress)


def sweep(
    at: str | Session,
    values: Sequence[float],
    with_settings: ClusteringSettings | None = None,
    *,
    progress: Progress | None = None,
    **request: Any,
) -> SweepResult:
    asked = sweeping.SweepRequest(values=values, settings=with_settings or settings(), **request)
    with Session.open(address(at)) as session:
        return sweeping.sweep(session, asked, progress)


def check(at: str | Session, *, repair: bool = False) -> CheckResult:
    return checking.check(address(at), repair=repair)


def undo(at: str | Session, run_id: int | None) -> UndoResult:
    assert run_id is not None
    with Session.open(address(at)) as session:
        return undo_run(session, run_id, LockLimits())
