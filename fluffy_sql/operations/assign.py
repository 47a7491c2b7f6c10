"""Places photos at clusters that are there, without training."""

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.algorithms import Scope, Survey, scope_order
from fluffy_sql.errors import LibraryError, UsageError
from fluffy_sql.postgres.counter_cache import moves_are_counted
from fluffy_sql.postgres.ranges import row_ranges
from fluffy_sql.postgres.schema import require_current_schema
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.transaction import LockLimits, final_transaction
from fluffy_sql.postgres.vectors import LONGEST_VECTOR, fingerprint_vector
from fluffy_sql.postgres.work_tables import analyze, work_tables
from fluffy_sql.postgres.workers import Workers
from fluffy_sql.runs.duplicates import ONCE_DISTRIBUTED
from fluffy_sql.runs.lock import only_run
from fluffy_sql.runs.moves import move_photos
from fluffy_sql.runs.progress import Progress
from fluffy_sql.runs.record import Clock, RunRecorder, open_run, record_of
from fluffy_sql.runs.survey import require_identity, require_steady_view, vector_indexes

# Many more ranges than connections, each of which takes the next when it is free.
_MOST_RANGES = 64
_RANGE_PHOTOS = 1_000
# Distances of fewer photos don't say how wide a cluster is: that of a single photo is 0.
_ENOUGH_PHOTOS = 10
# How photos get into a cluster, as the view placing_rules has it.
_RULE = ("neighbours", "within", "core_of")
_BY_CENTROID = (None, None, None)
_RECORDED = ("max_distance", "within", "metric", "moved", "dry_run")


@dataclass(frozen=True)
class AssignRequest:
    """Which photos are placed, and into which clusters.

    Attributes:
        max_distance: the farthest a photo may lie from the centroid; None: no limit of this kind.
        within: no farther than this percentage of a cluster's photos at training; None likewise.
        metric: only clusters of this metric take photos; None: there may be one metric only.
        moved: whether photos that changed since a run placed them may be placed again.
        dry_run: whether all is rolled back at the end.
        connections: how many connections share the work.
        limits: how long the final transaction may wait for locks and hold them.
        duplicates: `once`: photos of a group of near-duplicates go where the best of it is, or
            goes; `keep`: each to its nearest.

    Raises:
        UsageError: a value is not allowed.
    """

    max_distance: float | None = None
    within: int | None = None
    metric: str | None = None
    moved: bool = False
    dry_run: bool = False
    connections: int = 2
    limits: LockLimits = field(default_factory=LockLimits)
    duplicates: str = "keep"

    def __post_init__(self) -> None:
        """Refuses what can't work."""
        if self.max_distance is not None and self.within is not None:
            raise UsageError("max_distance and within can't be given together; leave one out")
        if self.max_distance is not None and not 0 <= self.max_distance < math.inf:
            raise UsageError(f"max_distance is {self.max_distance}; allowed: a number from 0 up")
        if self.within is not None and not 0 <= self.within <= 100:  # noqa: PLR2004 - a percentage
            raise UsageError(f"within is {self.within}; allowed: a whole number from 0 to 100")
        if self.metric not in (None, "cosine", "l2"):
            raise UsageError(f"metric is {self.metric!r}; allowed: cosine or l2")


@dataclass(frozen=True)
class NamedMove:
    """Photos that went from one cluster (None: from none) to another."""

    from_cluster_id: int | None
    from_name: str | None
    to_cluster_id: int
    to_name: str | None
    photos: int


@dataclass(frozen=True)
class AssignResult:
    """What was placed, with the names `assign --json` uses.

    Attributes:
        run_id: the run that recorded it; None: nothing changed, or it was a dry run.
        clusters: how many active clusters photos were compared with.
        voting: of these, clusters whose run did not go by centroids: photos get into them by the
            votes of their nearest neighbours.
        photos_assigned: photos that are in another cluster now, or would be; `moves` has them.
        photos_left: photos with an embedding that are still in no cluster, `left` says why.
        skipped: photos in no cluster that were not looked at, by reason.
        moves: from which cluster to which, most photos first.
        vector_indexes: indexes on embeddings that had to be written for each photo.
    """

    run_id: int | None
    dry_run: bool
    metric: str | None
    max_distance: float | None
    within: int | None
    clusters: int
    voting: int
    photos_assigned: int
    photos_left: int
    left: dict[str, int]
    skipped: dict[str, int]
    moves: tuple[NamedMove, ...]
    seconds: dict[str, float]
    vector_indexes: tuple[str, ...] = ()


def assign(
    session: Session, request: AssignRequest, progress: Progress | None = None
) -> AssignResult:
    """Places every photo that has no cluster and lies near enough to one; all, or nothing.

    If nothing changes, no run is recorded and `run_id` is None.

    Args:
        session: opened to work, outside of any transaction.
        request: which photos, and into which clusters.
        progress: is notified as it goes.

    Raises:
        SchemaError: the database is not migrated.
        BusyError: a run is at work in this library.
        LibraryError: the clusters are of several metrics, or nothing is known of the distances
            at training that `within` asks for.
        DatabaseError: Postgres refused a statement.
    """
    progress = progress or Progress()
    if request.duplicates == "once" and session.distributed:
        raise LibraryError(ONCE_DISTRIBUTED)
    require_current_schema(session)
    with only_run(session), work_tables(session, "work_candidates", "work_assignments"):
        clock = Clock()
        progress.phase("survey")
        reads_other_tables = require_steady_view(session)
        found = _survey(session, request)
        run = _Run(session, request, found, clock, reads_other_tables)
        if not found.photos or not found.clusters:
            return run.result(None, ())
        require_identity(session)
        progress.surveyed(found.as_survey())
        indexes = vector_indexes(session)
        progress.indexed(indexes)
        run_id = run.open()
        with record_of(session, run_id, taken_back=request.dry_run):
            log = RunRecorder(session, run_id, clock, progress)
            log.phase("assign")
            connections = min(request.connections, len(found.ranges()))
            with Workers.open(session, connections) as workers:
                _find_nearest(session, workers, found, log)
            if request.duplicates == "once":
                _follow_best(session, found)
            log.phase("commit")
            return replace(run.commit(run_id, request.limits), vector_indexes=indexes)


@dataclass(frozen=True)
class _Clusters:
    """Clusters that take photos, those with centroids of one length.

    Attributes:
        rows: label, id, scope, centroid, limit (the farthest it takes; None: not known) and rule
            (neighbours, within and core_of, as the view placing_rules has them) of each; those of a
            scope side by side, by rising id.
    """

    dimensions: int
    rows: list[dict[str, Any]]

    @property
    def scopes(self) -> list[int | None]:
        return list(dict.fromkeys(row["scope"] for row in self.rows))

    def of_elections(self) -> Iterator[tuple[dict[str, Any], Self]]:
        """The rules that neighbours vote by, and the clusters that take photos by each."""
        rules = [tuple(row[name] for name in _RULE) for row in self.rows]
        for rule in dict.fromkeys(rules):
            if rule != _BY_CENTROID:
                rows = [row for row, own in zip(self.rows, rules, strict=True) if own == rule]
                yield dict(zip(_RULE, rule, strict=True)), replace(self, rows=rows)

    def before_elections(self) -> Self:
        """The same, without limits for clusters whose photos others vote on."""
        limits = [row["limit"] if row["neighbours"] is None else math.inf for row in self.rows]
        rows = [{**row, "limit": limit} for row, limit in zip(self.rows, limits, strict=True)]
        return replace(self, rows=rows)


class _Lookups:
    """Clusters of some scopes as parameters of a statement, encoded once for many ranges."""

    def __init__(self, session: Session, alike: _Clusters) -> None:
        self._session = session
        self._alike = alike
        self._encoded: dict[tuple[int | None, ...], dict[str, Any]] = {}
        self._extents: dict[int | None, tuple[int, int]] = {}
        for place, row in enumerate(alike.rows):
            first, _ = self._extents.get(row["scope"], (place, place))
            self._extents[row["scope"]] = (first, place + 1)

    def of(self, scopes: tuple[int | None, ...]) -> dict[str, Any] | None:
        """None if there is no cluster of these scopes."""
        there = tuple(scope for scope in scopes if scope in self._extents)
        if not there:
            return None
        if there not in self._encoded:
            # One set of scopes is kept: ranges go through them in order.
            self._encoded = {there: self._encode(there)}
        return self._encoded[there]

    def _encode(self, scopes: tuple[int | None, ...]) -> dict[str, Any]:
        extents = [self._extents[scope] for scope in scopes]
        rows = [row for first, last in extents for row in self._alike.rows[first:last]]
        lasts = np.cumsum([last - first for first, last in extents]).tolist()
        centroids: NDArray[np.float32] = np.stack([row["centroid"] for row in rows])
        return {
            "scopes": list(scopes),
            "firsts": [1, *(last + 1 for last in lasts[:-1])],
            "lasts": lasts,
            "labels": [row["label"] for row in rows],
            "cluster_ids": [row["id"] for row in rows],
            "centroids": self._session.vector_array(centroids),
            "limits": [row["limit"] for row in rows],
        }


@dataclass(frozen=True)
class _Found:
    """What there is to do.

    Attributes:
        photos: how many were listed.
        left_out: photos that were not, by reason.
        metric: that of all clusters; None if there is none.
        clusters: those that take photos; usually all have centroids of one length.
    """

    photos: int
    left_out: dict[str, int]
    metric: str | None
    clusters: list[_Clusters]

    @property
    def normalize(self) -> bool:
        return self.metric == "cosine"

    @property
    def dimensions(self) -> list[int]:
        return [alike.dimensions for alike in self.clusters]

    @property
    def voting(self) -> int:
        rows = (row for alike in self.clusters for row in alike.rows)
        return sum(row["neighbours"] is not None for row in rows)

    @property
    def way(self) -> str:
        """How photos are placed, for the record."""
        by_centroid = self.voting < sum(len(alike.rows) for alike in self.clusters)
        ways = {"nearest": by_centroid, "votes": self.voting > 0}
        return " and ".join(way for way, used in ways.items() if used)

    def ranges(self) -> list[tuple[int, int]]:
        return row_ranges(self.photos, _MOST_RANGES, _RANGE_PHOTOS)

    def as_survey(self) -> Survey:
        return Survey(
            scopes=(Scope(None, self.photos),),
            dimensions=max(self.clusters, key=lambda alike: len(alike.rows)).dimensions,
            without_embedding=self.left_out["without_embedding"],
            clustered=0,
        )


def _survey(session: Session, request: AssignRequest) -> _Found:
    """Lists the photos and reads the clusters."""
    photos = session.execute("assign/list_new_photos")
    if request.moved:
        photos += session.execute(
            "assign/list_changed_photos", fingerprint_vector=fingerprint_vector(LONGEST_VECTOR)
        )
    analyze(session, "work_candidates")
    rows = session.fetch_all("assign/list_clusters", within=request.within, enough=_ENOUGH_PHOTOS)
    metric = _only_metric(rows, request)
    of_metric = (row for row in rows if row["metric"] == metric)
    rows = [{**row, "label": label} for label, row in enumerate(of_metric)]
    return _Found(
        photos=photos,
        left_out=session.fetch_all("assign/count_left_out")[0],
        metric=metric,
        clusters=_by_length(rows, request),
    )


def _only_metric(rows: list[dict[str, Any]], request: AssignRequest) -> str | None:
    """The metric that distances are compared in."""
    clusters = Counter(row["metric"] for row in rows)
    if request.metric is not None:
        return request.metric
    if len(clusters) > 1:
        found = ", ".join(f"{metric} ({count:,})" for metric, count in sorted(clusters.items()))
        raise LibraryError(
            f"the active clusters are of several metrics, whose distances do not compare: {found};"
            " name one with --metric"
        )
    return next(iter(clusters), None)


def _by_length(rows: list[dict[str, Any]], request: AssignRequest) -> list[_Clusters]:
    """Clusters by the length of their centroids, since no others can be compared with a photo."""
    limited = [
        {**row, "limit": limit} for row, limit in zip(rows, _limits(rows, request), strict=True)
    ]
    limited.sort(key=lambda row: (len(row["centroid"]), *scope_order(row["scope"])))
    by_length = groupby(limited, key=lambda row: len(row["centroid"]))
    return [_Clusters(dimensions, list(alike)) for dimensions, alike in by_length]


def _limits(rows: list[dict[str, Any]], request: AssignRequest) -> list[float | None]:
    """The farthest that each cluster takes a photo from."""
    if request.within is None:
        limit = math.inf if request.max_distance is None else request.max_distance
        return [limit for _ in rows]
    limits = [row["limit_at_training"] for row in rows]
    if rows and all(limit is None for limit in limits):
        raise LibraryError(
            "the distances at training, which --within goes by, are not known of any active"
            " cluster: they were made by hand or by an older fluffy_sql, or no cluster of their run"
            f" had {_ENOUGH_PHOTOS} photos; use --max-distance"
        )
    return limits


def _find_nearest(session: Session, workers: Workers, found: _Found, log: RunRecorder) -> None:
    """Finds the nearest cluster of every photo that was listed."""
    for alike in found.clusters:
        all_of_them = _Lookups(session, alike.before_elections())
        elections = [(rule, _Lookups(session, voting)) for rule, voting in alike.of_elections()]

        def find(
            session: Session,
            rows: tuple[int, int],
            dimensions: int = alike.dimensions,
            all_of_them: _Lookups = all_of_them,
            elections: list[tuple[dict[str, Any], _Lookups]] = elections,
        ) -> int:
            of_range = {"after_row": rows[0], "last_row": rows[1]}
            listed = session.fetch_all("assign/list_scopes_of_range", **of_range)
            scopes = tuple(row["scope"] for row in listed)
            clusters = all_of_them.of(scopes)
            if clusters is None:
                return 0
            photos = session.execute(
                "assign/find_nearest",
                **clusters,
                normalize=found.normalize,
                dimensions=dimensions,
                fingerprint_vector=fingerprint_vector(dimensions),
                **of_range,
            )
            for rule, lookups in elections:
                if (voting := lookups.of(scopes)) is not None:
                    session.execute(
                        "assign/let_vote",
                        **voting,
                        **rule,
                        normalize=found.normalize,
                        **of_range,
                    )
            return photos

        for photos in workers.map(find, found.ranges()):
            log.photos(photos)


def _follow_best(session: Session, found: _Found) -> None:
    """Keeps groups of near-duplicates together."""
    rows = [row for alike in found.clusters for row in alike.rows]
    analyze(session, "work_assignments")
    session.execute(
        "assign/follow_best",
        cluster_ids=[row["id"] for row in rows],
        labels=[row["label"] for row in rows],
    )


@dataclass(frozen=True)
class _Run:
    """What is recorded and said of one run."""

    session: Session
    request: AssignRequest
    found: _Found
    clock: Clock
    reads_other_tables: bool

    def open(self) -> int:
        several = len(self.found.clusters) > 1
        return open_run(
            self.session,
            kind="assign",
            algorithm=self.found.way,
            metric=str(self.found.metric),
            seed=0,
            k_requested=None,
            settings=json.dumps({name: getattr(self.request, name) for name in _RECORDED}),
            photos_eligible=self.found.photos,
            dimensions=None if several else self.found.dimensions[0],
        )

    def commit(self, run_id: int, limits: LockLimits) -> AssignResult:
        """The final transaction: photos, counts and the end of the run, or none of it."""
        analyze(self.session, "work_assignments")
        undone = self.request.dry_run
        with final_transaction(self.session, limits, old_clusters=True, force_rollback=undone):
            self.clock.locked()
            moves = self._place(run_id)
            result = self.result(run_id if moves and not self.request.dry_run else None, moves)
            if moves:
                self._close(run_id, result)
            else:
                self.session.execute("runs/discard", run_id=run_id)
        return replace(result, seconds=self.clock.seconds())

    def _close(self, run_id: int, result: AssignResult) -> None:
        self.session.execute(
            "commit/close_moves",
            run_id=run_id,
            photos_moved=result.photos_assigned,
            clusters_created=0,
            skipped=json.dumps({**result.left, **result.skipped}),
            seconds=json.dumps(result.seconds),
        )

    def _place(self, run_id: int) -> tuple[NamedMove, ...]:
        rows = [row for alike in self.found.clusters for row in alike.rows]
        if self.reads_other_tables:
            self.session.execute(
                "commit/forget_changed",
                labels=[row["label"] for row in rows],
                scopes=[row["scope"] for row in rows],
                normalize=self.found.normalize,
                fingerprint_vector=fingerprint_vector(LONGEST_VECTOR),
            )
        labels = {row["id"]: row["label"] for row in rows}
        active = self.session.fetch_all("assign/list_active", cluster_ids=list(labels))
        cluster_ids = [row["id"] for row in active]
        move_photos(self.session, run_id, [labels[found] for found in cluster_ids], cluster_ids)
        moves = self.session.fetch_as(NamedMove, "commit/list_named_moves", run_id=run_id)
        added: Counter[int] = Counter()
        for move in moves:
            added[move.to_cluster_id] += move.photos
            if move.from_cluster_id is not None:
                added[move.from_cluster_id] -= move.photos
        if not moves_are_counted(self.session):
            self.session.execute(
                "commit/add_counts", cluster_ids=list(added), photos=list(added.values())
            )
        return tuple(moves)

    def result(self, run_id: int | None, moves: tuple[NamedMove, ...]) -> AssignResult:
        left = self._count_left(sum(m.photos for m in moves if m.from_cluster_id is None))
        return AssignResult(
            run_id=run_id,
            dry_run=self.request.dry_run,
            metric=self.found.metric,
            max_distance=self.request.max_distance,
            within=self.request.within,
            clusters=sum(len(alike.rows) for alike in self.found.clusters),
            voting=self.found.voting,
            photos_assigned=sum(move.photos for move in moves),
            photos_left=sum(left.values()),
            left=left,
            skipped=self.found.left_out,
            moves=moves,
            seconds=self.clock.seconds(),
        )

    def _count_left(self, placed: int) -> dict[str, int]:
        """Photos that have an embedding and are still in no cluster, by reason."""
        [counted] = self.session.fetch_all(
            "assign/count_photos",
            normalize=self.found.normalize,
            scopes=[scope for alike in self.found.clusters for scope in alike.scopes],
            dimensions=[alike.dimensions for alike in self.found.clusters for _ in alike.scopes],
        )
        looked_at = counted.pop("looked_at")
        # They changed, or their cluster did, during the run: the next one tries them again.
        return {**counted, "changed_meanwhile": looked_at - placed - sum(counted.values())}
