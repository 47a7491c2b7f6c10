"""What runs did: one in detail, two compared, and one undone."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fluffy_sql.errors import HistoryError
from fluffy_sql.postgres.counter_cache import moves_are_counted
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.transaction import LockLimits, final_transaction
from fluffy_sql.postgres.work_tables import work_tables
from fluffy_sql.runs.lock import only_run
from fluffy_sql.runs.moves import ClusterChange, Move, move_photos
from fluffy_sql.runs.record import open_run
from fluffy_sql.runs.survey import require_identity

# What two runs are compared by.
_COMPARED = (
    "kind",
    "embeddings_digest",
    "algorithm",
    "metric",
    "seed",
    "k_requested",
    "photos_processed",
    "photos_moved",
    "clusters_created",
    "inertia",
    "silhouette",
    "davies_bouldin",
    "calinski_harabasz",
    "smallest_cluster",
    "largest_cluster",
    "iterations",
    "recall",
)


@dataclass(frozen=True)
class RunDetails:
    """One run, with the names `runs show --json` uses."""

    run: dict[str, Any]
    steps: tuple[dict[str, Any], ...]
    clusters: tuple[ClusterChange, ...]
    moves: tuple[Move, ...]


@dataclass(frozen=True)
class RunDifference:
    """Two runs compared, with the names `runs diff --json` uses.

    Attributes:
        runs: their ids.
        values: settings and measures that differ, of the first and of the second.
        moves: what runs moved from the end of the earlier to the end of the later.
    """

    runs: tuple[int, int]
    values: dict[str, tuple[Any, Any]]
    moves: tuple[Move, ...]


@dataclass(frozen=True)
class UndoResult:
    """A run that was undone, with the names `runs undo --json` uses.

    Attributes:
        run_id: the run that did it.
        undone: the run that was undone.
        photos_left: photos that stay where they are, since somebody moved, pinned or deleted them.
        photos_unplaced: photos that are in no cluster now, since theirs is deleted.
        clusters_restored: clusters that the run kept or emptied, and that are there.
        clusters_deleted: clusters that the run had made.
        clusters_left: clusters that the run had made and that stay, since somebody named them, set
            their status or put photos into them.
    """

    run_id: int
    undone: int
    photos_moved: int
    photos_left: int
    photos_unplaced: int
    clusters_restored: int
    clusters_deleted: int
    clusters_left: int
    seconds: float


def show_run(session: Session, run_id: int) -> RunDetails:
    """One run: its settings, quality and steps, and what it changed.

    Raises:
        HistoryError: there is no such run.
    """
    run = _find(session, run_id)
    steps = session.fetch_all("runs/list_steps", run_id=run_id)
    clusters = session.fetch_as(ClusterChange, "commit/list_cluster_changes", run_id=run_id)
    moves = session.fetch_as(Move, "commit/list_moves", run_id=run_id)
    return RunDetails(run, tuple(steps), tuple(clusters), tuple(moves))


def compare_runs(session: Session, first: int, second: int) -> RunDifference:
    """What is different between two runs, and what was moved from the end of one to the other's.

    Raises:
        HistoryError: one of them is not there, or did not succeed.
    """
    runs = [require_succeeded(session, run_id) for run_id in (first, second)]
    one, other = (
        {key: run[key] for key in _COMPARED} | dict(_flat("settings", run["settings"]))
        for run in runs
    )
    values = {key: (one.get(key), other.get(key)) for key in {**one, **other}}
    earlier, later = sorted((first, second))
    moves = session.fetch_as(Move, "runs/list_net_moves", after_run=earlier, last_run=later)
    return RunDifference(
        runs=(first, second),
        values={key: pair for key, pair in values.items() if pair[0] != pair[1]},
        moves=tuple(moves),
    )


def require_succeeded(session: Session, run_id: int) -> dict[str, Any]:
    """A run that may be compared with others.

    Raises:
        HistoryError: it is not there, or did not succeed.
    """
    run = _find(session, run_id)
    if run["status"] != "succeeded":
        raise HistoryError(
            f"run {run['id']} has status {run['status']}: it changed nothing to compare"
        )
    return run


def undo_run(session: Session, run_id: int, limits: LockLimits) -> UndoResult:
    """Puts back what a run changed, all or nothing, and records that as a run of its own.

    Photos that somebody moved or pinned since stay where they are, and clusters that the run made
    and somebody named are kept.

    Raises:
        BusyError: a run is at work in this database.
        HistoryError: there is no such run, it changed nothing, was undone already, or a newer
            run builds on it.
        LibraryError: rows can't be changed, since a publication has nothing to tell them apart by.
        DatabaseError: Postgres refused a statement.
    """
    begun = time.perf_counter()
    with (
        only_run(session),
        work_tables(session, "work_assignments"),
        final_transaction(session, limits, old_clusters=True),
    ):
        run = _find(session, run_id)
        _require_undoable(session, run)
        require_identity(session)
        session.recorded = True
        settings = {key: run[key] for key in ("algorithm", "metric", "seed", "k_requested")}
        undo_id = open_run(
            session,
            kind="undo",
            **settings,
            settings=json.dumps(run["settings"]),
            photos_eligible=run["photos_moved"],
            dimensions=run["dimensions"],
        )
        session.execute("runs/enter_phase", run_id=undo_id, phase="commit")
        photos_moved = sum(move.photos for move in _move_back(session, run_id, undo_id))
        unplaced = session.fetch_value("runs/count_unplaced")
        session.execute("runs/restore_clusters", run_id=run_id)
        session.execute("runs/restore_retired", run_id=run_id)
        deleted = session.execute("runs/delete_created_clusters", run_id=run_id)
        [clusters] = session.fetch_all("runs/count_undone", run_id=run_id)
        if not moves_are_counted(session):
            session.execute("commit/recount", cluster_ids=None)
        session.execute("runs/mark_undone", run_id=run_id, undo_id=undo_id)
        seconds = round(time.perf_counter() - begun, 3)
        session.execute(
            "commit/close_moves",
            run_id=undo_id,
            photos_moved=photos_moved,
            clusters_created=None,
            skipped=None,
            seconds=json.dumps({"total": seconds}),
        )
    return UndoResult(
        run_id=undo_id,
        undone=run_id,
        photos_moved=photos_moved,
        photos_left=run["photos_moved"] - photos_moved,
        photos_unplaced=unplaced,
        clusters_restored=clusters["restored"],
        clusters_deleted=deleted,
        clusters_left=clusters["left_over"],
        seconds=seconds,
    )


def _move_back(session: Session, run_id: int, undo_id: int) -> list[Move]:
    origins = [None, *(row["id"] for row in session.fetch_all("runs/list_origins", run_id=run_id))]
    labels = list(range(len(origins)))
    session.execute(
        "runs/list_photos_to_move_back", run_id=run_id, labels=labels, cluster_ids=origins
    )
    return move_photos(session, undo_id, [*labels, -1], [*origins, None])


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A section with its settings and sections under dotted names."""
    if not isinstance(value, dict) or not value:
        yield name, value
        return
    for key, inner in value.items():
        yield from _flat(f"{name}.{key}", inner)


def _find(session: Session, run_id: int) -> dict[str, Any]:
    found = session.fetch_all("runs/list", run_ids=[run_id], most=None)
    if not found:
        raise HistoryError(f"there is no run {run_id}; fluffy-sql runs lists them")
    return found[0]


def _require_undoable(session: Session, run: dict[str, Any]) -> None:
    run_id = run["id"]
    if run["status"] != "succeeded":
        raise HistoryError(f"run {run_id} has status {run['status']}: there is nothing to undo")
    if run["kind"] == "undo":
        raise HistoryError(f"run {run_id} is an undo itself: run again what it undid")
    if run["undone_by"] is not None:
        raise HistoryError(f"run {run_id} was undone already, by run {run['undone_by']}")
    if run["photos_moved"] is None:
        raise HistoryError(f"run {run_id} is older than the record of moves: it can't be undone")
    if run["photos_moved"] and not session.fetch_all("commit/list_moves", run_id=run_id):
        raise HistoryError(
            f"the moves of run {run_id} are deleted, as clustering.history says: it can't be undone"
        )
    if found := session.fetch_all("runs/find_dependent", run_id=run_id):
        raise HistoryError(
            f"run {found[0]['id']} builds on run {run_id}; undo run {found[0]['id']} first"
        )
