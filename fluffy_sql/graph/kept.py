"""The graph that an earlier run kept: used as it is, as long as no photo of its scopes changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from fluffy_sql.algorithms import Task
from fluffy_sql.graph.neighbours import Graph, no_neighbours, read_neighbours
from fluffy_sql.graph.photos import note_photos, of_scopes
from fluffy_sql.postgres.ranges import row_ranges
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import LONGEST_VECTOR, fingerprint_vector
from fluffy_sql.postgres.work_tables import analyze, empty, work_tables

_MOST_RANGES = 64
_RANGE_PHOTOS = 2_048


@contextmanager
def kept_graph(task: Task[Any], neighbours: int) -> Iterator[Graph | None]:
    """The graph of all scopes of the task; None if it is not kept, or photos changed since.

    Its photos are in work_drawn meanwhile, and noted in work_assignments.
    """
    wanted = of_scopes(task)
    note_photos(task)
    analyze(task.session, "work_assignments", "photo_id")
    [counted] = task.session.fetch_all(
        "graph/count_kept",
        **wanted,
        neighbours=neighbours,
        metric=task.metric,
        fingerprint_vector=fingerprint_vector(LONGEST_VECTOR),
    )
    if not 0 < counted["noted"] == counted["unchanged"] == counted["kept"]:
        empty(task.session, "work_assignments")
        yield None
        return
    task.log.phase("neighbours")
    with work_tables(task.session, "work_drawn"):
        extents = [
            (row["after_row"], row["last_row"])
            for row in task.session.fetch_all("graph/draw_kept", **wanted)
        ]
        analyze(task.session, "work_drawn", "position")
        found = no_neighbours(counted["noted"], neighbours)

        def fetch(session: Session, rows: tuple[int, int]) -> list[dict[str, Any]]:
            return session.fetch_all(
                "graph/fetch_kept", neighbours=neighbours, after_row=rows[0], last_row=rows[1]
            )

        for rows in task.workers.map(fetch, row_ranges(len(found), _MOST_RANGES, _RANGE_PHOTOS)):
            read_neighbours(rows, found)
        compared = np.ones(len(found), dtype=np.bool_)
        graph = Graph(found, compared, extents, float(counted["recall"]))
        del found
        yield graph
