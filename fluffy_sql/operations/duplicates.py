"""Finds groups of near-duplicates: photos within a distance of each other, and of each other's."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np

from fluffy_sql.algorithms import AlgorithmSettings, Survey, Task
from fluffy_sql.errors import LibraryError, UsageError
from fluffy_sql.graph.pairs import Places, components, pairs_within
from fluffy_sql.graph.tuning import Tuning
from fluffy_sql.postgres.schema import require_current_schema
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import IntegerArray
from fluffy_sql.postgres.work_tables import work_tables
from fluffy_sql.postgres.workers import Workers
from fluffy_sql.runs.following import follow_source
from fluffy_sql.runs.lock import only_run
from fluffy_sql.runs.progress import Progress, Unrecorded
from fluffy_sql.runs.survey import count_photos, require_one_length, survey
from fluffy_sql.settings import ClusteringSettings, clustering_settings

# Copies of 4,114 real photos (CLIP) that are reduced, mirrored or cut a little lie within 0.02 of
# each other, and hardly any two different photos do (docs/guides/duplicates.md).
WITHIN = 0.02


@dataclass(frozen=True, kw_only=True)
class DuplicatesRequest:
    """Which photos are near-duplicates.

    Attributes:
        within: the farthest that two of a pair are apart, in the metric's distance; None: WITHIN,
            under cosine.
        settings: metric and seed.
        dry_run: whether all is rolled back at the end.
        shown: how many groups the result has, the largest first.
        connections: how many connections share the work.
        tuning: for tests.

    Raises:
        UsageError: `within` is needed under l2, since nobody knows how long embeddings are.
    """

    within: float | None = None
    settings: ClusteringSettings = field(default_factory=clustering_settings)
    dry_run: bool = False
    shown: int = 10
    connections: int = 2
    tuning: Tuning = field(default_factory=Tuning)

    def __post_init__(self) -> None:
        """Refuses what can't work."""
        if self.within is None and self.settings.metric == "l2":
            raise UsageError(
                "within is needed under l2: how far near-duplicates are apart depends on how long"
                " embeddings are; set --within or duplicates.within"
            )

    @property
    def distance(self) -> float:
        """The farthest that two of a pair are apart."""
        return WITHIN if self.within is None else self.within


@dataclass(frozen=True)
class DuplicatePhoto:
    """A photo of a group, and how far it is from the best one."""

    photo_id: int
    path: str | None
    rank: int
    distance: float


@dataclass(frozen=True)
class DuplicateGroup:
    """Photos that are near-duplicates, the best one first."""

    group_id: int
    photos: tuple[DuplicatePhoto, ...]


@dataclass(frozen=True)
class DuplicatesResult:
    """What was found, with the names `duplicates --json` uses.

    Attributes:
        photos_compared: of all scopes, each by itself.
        skipped: photos that could not be compared, by reason.
        groups: how many there are, and `photos` how many are in one.
        largest: the groups with most photos.
    """

    dry_run: bool
    metric: str
    within: float
    photos_compared: int
    skipped: dict[str, int]
    groups: int
    photos: int
    largest: tuple[DuplicateGroup, ...]
    seconds: float


def find_duplicates(
    session: Session, request: DuplicatesRequest, progress: Progress | None = None
) -> DuplicatesResult:
    """Finds all groups, in place of those that were found before; all of it, or nothing.

    No pair within the distance is missed. A group is a chain of such pairs, so two of its photos
    may be farther apart. Photos of different scopes are never compared.

    Args:
        session: opened to work, outside of any transaction.
        request: what is asked for.
        progress: is notified as it goes.

    Raises:
        SchemaError: the database is not migrated.
        BusyError: a run is at work in this library.
        LibraryError: embeddings are of several lengths, or photos are distributed over servers.
        DatabaseError: Postgres refused a statement.
    """
    begun = time.perf_counter()
    progress = progress or Progress()
    if session.distributed:
        raise LibraryError(
            "near-duplicates can't be found among photos that are distributed over several servers"
        )
    require_current_schema(session)
    with only_run(session):
        progress.phase("survey")
        follow_source(session, progress, dry_run=request.dry_run)
        photos, _ = count_photos(session)
        found = survey(photos, reclustered=True)
        progress.surveyed(found)
        require_one_length(photos, reclustered=True)
        with _grouped(session, request, found, progress) as (groups, compared):
            progress.phase("commit")
            with session.transaction(force_rollback=request.dry_run):
                _write(session, groups, found.dimensions, normalize=request.settings.normalize)
                [counted] = session.fetch_all("duplicates/count_groups")
                rows = session.fetch_all("duplicates/list_groups", most=request.shown)
    return DuplicatesResult(
        dry_run=request.dry_run,
        metric=request.settings.metric,
        within=request.distance,
        photos_compared=compared,
        skipped={
            "without_embedding": found.without_embedding,
            "not_comparable": found.eligible - compared,
        },
        **counted,
        largest=_groups(rows),
        seconds=round(time.perf_counter() - begun, 3),
    )


@contextmanager
def _grouped(
    session: Session, request: DuplicatesRequest, found: Survey, progress: Progress
) -> Iterator[tuple[Places, int]]:
    """A number for each place of work_drawn, the same for a group; and how many were compared."""
    if not found.eligible:
        yield np.empty(0, np.int32), 0
        return
    with (
        work_tables(session, "work_assignments"),
        Workers.open(session, request.connections) as workers,
    ):
        task = Task(
            session=session,
            workers=workers,
            survey=found,
            settings=AlgorithmSettings(),
            metric=request.settings.metric,
            seed=request.settings.seed,
            log=Unrecorded(progress),
            reclusters=True,
        )
        with pairs_within(task, request.distance, request.tuning) as pairs:
            groups = components(pairs.first, pairs.second, pairs.photos)
            yield groups, int(pairs.compared.sum())


def _write(session: Session, groups: Places, dimensions: int, *, normalize: bool) -> None:
    """Writes the groups of several photos in the place of those that were there."""
    session.execute("duplicates/forget_groups")
    several = np.bincount(groups, minlength=len(groups))[groups] > 1
    places = np.flatnonzero(several).astype(np.int32)
    session.execute(
        "duplicates/write_groups",
        positions=IntegerArray.of(places + np.int32(1)),
        groups=IntegerArray.of(groups[places]),
        normalize=normalize,
        dimensions=dimensions,
    )


def _groups(rows: Iterable[dict[str, Any]]) -> tuple[DuplicateGroup, ...]:
    return tuple(
        DuplicateGroup(
            group_id,
            tuple(
                DuplicatePhoto(row["photo_id"], row["path"], row["rank"], row["distance"])
                for row in alike
            ),
        )
        for group_id, alike in groupby(rows, key=lambda row: int(row["group_id"]))
    )
