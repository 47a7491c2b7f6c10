"""The sample that k-means is trained on: photos drawn by hash, in their main directions."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.kmeans.numeric_limits import LONGEST, require_measurable, require_room
from fluffy_sql.kmeans.projection import fit_projection, identity_projection
from fluffy_sql.kmeans.settings import KMeansTask
from fluffy_sql.postgres.centroids import Matrix
from fluffy_sql.postgres.ranges import row_ranges
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.work_tables import analyze, work_tables

_TABLES = ("work_drawn", "work_sample")
# Ranges of a step: enough to keep connections busy, few enough that averages don't crowd the wire.
_MOST_STEP_RANGES = 8
_STEP_ROWS = 1_024
# RNG stream of the projection; streams 0 and up are the restarts.
_DIRECTIONS = 1_000_000


class Sample:
    """Drawn photos in a work table, each as its coordinates in the main directions.

    Attributes:
        size: the last position of the sample, 0 if it is empty; a position may have no row.
        whole: whether it is the whole library and no sample of it.
        directions: what the coordinates are along.
    """

    def __init__(self, task: KMeansTask) -> None:
        self._task = task
        self._normalize = task.normalize
        self.size = 0
        self.whole = True
        self.directions = identity_projection(task.survey.dimensions)

    @classmethod
    @contextmanager
    def drawn(cls, task: KMeansTask, k: int) -> Iterator[Self]:
        """Draws a sample large enough for k clusters; its work tables are empty afterwards.

        Raises:
            LibraryError: Postgres can't measure the photos, or not this many centroids.
        """
        require_room(k, task.survey.dimensions, task.tuning.most_bytes)
        wanted = max(task.settings.sample_per_cluster * k, task.tuning.least_sample)
        with work_tables(task.session, *_TABLES):
            sample = cls(task)
            sample.whole = wanted >= task.survey.eligible
            drawn = task.session.execute(
                "kmeans/draw_photos",
                seed=task.seed,
                scope=task.scope,
                clustered=task.reclusters,
                sample_size=min(wanted, task.survey.eligible),
            )
            task.session.send("work_tables/analyze", name="work_drawn", column_name="position")
            sample.choose_directions(drawn)
            sample.fill(drawn)
            yield sample

    @classmethod
    @contextmanager
    def of_whole_scopes(cls, task: KMeansTask) -> Iterator[tuple[Self, list[dict[str, Any]]]]:
        """All photos of several scopes as they are, those of a scope side by side.

        No projection: main directions of all scopes together need not suit any single one. Yields
        the sample and, in the order of its rows, the range of each scope: scope, after_row
        (exclusive), last_row.
        """
        scopes = [found.scope for found in task.survey.scopes]
        with work_tables(task.session, *_TABLES):
            sample = cls(task)
            extents = task.session.fetch_all(
                "kmeans/draw_scopes",
                seed=task.seed,
                scopes=[scope for scope in scopes if scope is not None],
                unscoped=None in scopes,
                clustered=task.reclusters,
            )
            analyze(task.session, "work_drawn", "position")
            drawn = extents[-1]["last_row"] if extents else 0
            sample.check_lengths(drawn)
            sample.fill(drawn)
            yield sample, extents

    def fill(self, drawn: int, after_row: int = 0) -> None:
        """Writes what was drawn as the sample, up to a position, or those (after, drawn] alone."""
        survey, session = self._task.survey, self._task.session
        rows = self.write_ranges(
            "kmeans/project_sample",
            self.shares(after_row, drawn),
            axes=session.vector_array(self.directions.axes),
            origin=self.directions.origin,
            normalize=self._normalize,
            longest=LONGEST,
            dimensions=survey.dimensions,
        )
        session.send("work_tables/analyze", name="work_sample", column_name="position")
        self.size = drawn if rows else 0

    def check_lengths(self, drawn: int) -> None:
        """Refuses photos that are too long or too short to be measured."""
        if not self._normalize:
            require_measurable(self._fetch_photos(0, drawn)[1])

    def choose_directions(self, drawn: int) -> None:
        """Finds the main directions of what was drawn."""
        _, photos = self._fetch_photos(0, drawn)
        if not self._normalize:
            require_measurable(photos)
        if not len(photos):
            return
        self.directions = fit_projection(
            photos,
            centered=not self._normalize,
            generator=np.random.default_rng([self._task.seed, _DIRECTIONS]),
        )

    def fetch_some(self) -> tuple[NDArray[np.int64], Matrix]:
        """Positions of some of the sample, and their photos as they are.

        Others than those that the directions were found from, if there are enough: these lie nearer
        to what the directions span. Shapes (n,) and (n, dimensions).
        """
        after = self._most_photos if self.size >= 2 * self._most_photos else 0
        return self._fetch_photos(after, self.size)

    @property
    def _most_photos(self) -> int:
        """As many as memory is set aside for."""
        tuning = self._task.tuning
        return min(tuning.most_photos, tuning.seeding_bytes // (4 * self._task.survey.dimensions))

    def _fetch_photos(self, after_row: int, last_row: int) -> tuple[NDArray[np.int64], Matrix]:
        """Positions, and the first photos of a range; shapes (n,) and (n, dimensions)."""
        dimensions = self._task.survey.dimensions
        return self._fetch(
            "kmeans/fetch_photos",
            (after_row, last_row),
            self._most_photos,
            dimensions,
            normalize=self._normalize,
            dimensions=dimensions,
        )

    def most_rows(self, k: int) -> int:
        """How many rows memory is set aside for in a search for k centroids."""
        tuning = self._task.tuning
        bounded = tuning.seeding_bytes // (4 * self.directions.width)
        return max(bounded, tuning.least_seeding_per_cluster * k)

    def fetch_rows(self, most: int) -> Matrix:
        """The first rows; shape (up to `most`, width)."""
        return self._fetch("kmeans/fetch_rows", (0, self.size), most, self.directions.width)[1]

    def fetch_rows_of(self, after_row: int, last_row: int) -> tuple[NDArray[np.int64], Matrix]:
        """Positions, and the rows at them; shapes (n,) and (n, width)."""
        most, width = last_row - after_row, self.directions.width
        return self._fetch("kmeans/fetch_rows", (after_row, last_row), most, width)

    def _fetch(
        self,
        name: str,
        positions_of: tuple[int, int],
        most: int,
        width: int,
        **parameters: object,
    ) -> tuple[NDArray[np.int64], Matrix]:
        """Positions, and the first embeddings of a range (after, last], a few at a time.

        Shapes (up to most,) and (up to most, width). A position has no embedding if its photo
        can't be used.
        """
        after_row, last_row = positions_of
        rows = np.empty((min(most, last_row - after_row), width), dtype=np.float32)
        positions = np.empty(len(rows), dtype=np.int64)
        count = 0
        at_once = max(1, self._task.tuning.fetched_bytes // (4 * width))
        for after in range(after_row, last_row, at_once):
            last = min(after + at_once, last_row)
            found = self._task.session.fetch_all(name, after_row=after, last_row=last, **parameters)
            for row in found[: len(rows) - count]:
                positions[count], rows[count] = row["position"], row["embedding"]
                count += 1
            if count == len(rows):
                break
        return positions[:count], rows[:count]

    def over_ranges(
        self, name: str, ranges: list[tuple[int, int]], **parameters: object
    ) -> Iterator[list[dict[str, Any]]]:
        """Runs a statement over ranges of the sample; parts come in the order of the ranges."""

        def run(session: Session, rows: tuple[int, int]) -> list[dict[str, Any]]:
            return session.fetch_all(name, after_row=rows[0], last_row=rows[1], **parameters)

        return self._task.workers.map(run, ranges)

    def write_ranges(self, name: str, ranges: list[tuple[int, int]], **parameters: object) -> int:
        """Runs a statement that writes, as over_ranges does; returns the rows it wrote."""

        def write(session: Session, rows: tuple[int, int]) -> int:
            return session.execute(name, after_row=rows[0], last_row=rows[1], **parameters)

        return sum(self._task.workers.map(write, ranges))

    def shares(self, after_row: int, last_row: int) -> list[tuple[int, int]]:
        """Cuts positions (after, last] into a range for each connection."""
        most = 1 if self._task.session.distributed else self._task.workers.connections
        pieces = row_ranges(last_row - after_row, most, _STEP_ROWS)
        return [(after_row + after, after_row + last) for after, last in pieces]

    def ranges(self, after_row: int, last_row: int, about: int = 0) -> list[tuple[int, int]]:
        """Cuts positions (after, last] into ranges, however many connections share them.

        Each has `about` rows, if that is more than usual and there are not too many ranges.
        Shards share one.
        """
        most = 1 if self._task.session.distributed else _MOST_STEP_RANGES
        pieces = row_ranges(last_row - after_row, most, max(_STEP_ROWS, about))
        return [(after_row + after, after_row + last) for after, last in pieces]
