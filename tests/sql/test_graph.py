"""Statements of the graph of nearest neighbours, each by hand-computed answers."""

from collections.abc import Sequence

import numpy as np
import pytest

from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import IntegerArray
from tests.conftest import made_library
from tests.sql.helpers import (
    add_with_ids,
    hide,
    labels,
    make_assignments,
    make_clusters,
    make_sample,
    place,
    query,
)
from tests.sql.test_scopes import give_scopes

LINE = [[0, 0], [1, 0], [3, 0], [6, 0], [10, 0], [15, 0]]


def neighbours(
    session: Session,
    positions: Sequence[int],
    blocks: Sequence[tuple[int, int]],
    *,
    most: int = 2,
    centers: Sequence[Sequence[float]] = (),
    probes: int = 0,
) -> dict[int, list[int]]:
    found = session.fetch_all(
        "graph/find_neighbours",
        positions=IntegerArray.of(np.array(positions, dtype=np.int32)),
        neighbours=most,
        afters=[after for after, _ in blocks],
        lasts=[last for _, last in blocks],
        centers=session.vector_array(np.array(centers, dtype=np.float32).reshape(-1, 2)),
        probes=probes,
    )
    assert len(found) == len({row["position"] for row in found})
    return {
        row["position"]: np.frombuffer(row["neighbours"] or b"", dtype=">i4").tolist()
        for row in found
    }


@pytest.mark.parametrize("blocks", [[(0, 6)], [(0, 1), (1, 4), (4, 6)], [(4, 6), (0, 4)]])
def test_the_nearest_of_all_blocks_are_found(
    session: Session, blocks: list[tuple[int, int]]
) -> None:
    make_sample(session, LINE)
    found = neighbours(session, [1, 4, 5, 6], blocks)
    assert found == {1: [2, 3], 4: [3, 5], 5: [4, 6], 6: [5, 4]}


def test_the_lowest_position_wins_a_tie_and_nothing_is_its_own_neighbour(session: Session) -> None:
    make_sample(session, [[1, 1]] * 5)
    assert neighbours(session, [1, 3], [(0, 2), (2, 5)]) == {1: [2, 3], 3: [1, 2]}


def test_a_row_on_its_own_has_none_and_a_missing_row_is_not_there(session: Session) -> None:
    make_sample(session, LINE)
    session.connection.execute("DELETE FROM work_sample WHERE position = 2")
    assert neighbours(session, [1, 2], [(0, 2)]) == {1: []}
    assert neighbours(session, [1], [(0, 4)], most=5) == {1: [3, 4]}


def test_a_row_looks_into_the_blocks_with_the_nearest_centers(session: Session) -> None:
    make_sample(session, LINE)
    blocks, centers = [(0, 2), (2, 4), (4, 6)], [[0, 0], [5, 0], [12, 0]]
    assert neighbours(session, [1, 4, 5], blocks, centers=centers, probes=1) == {
        1: [2],
        4: [3],
        5: [6],
    }
    # 6 is nearer to 5 than to 0, and looks into the block of 12 next
    found = neighbours(session, [1, 4, 5], blocks, centers=centers, probes=2, most=3)
    assert found == {1: [2, 3, 4], 4: [3, 2, 1], 5: [4, 6, 3]}


def test_it_finds_what_numpy_finds(session: Session) -> None:
    rows, _ = made_library(3, photos=80, dimensions=24)
    make_sample(session, rows.tolist())
    found = neighbours(session, range(1, 81), [(0, 33), (33, 80)], most=7)
    apart = np.linalg.norm(rows[:, None].astype(float) - rows[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert [found[place + 1] for place in range(80)] == (
        np.argsort(apart, axis=1, kind="stable")[:, :7] + 1
    ).tolist()


def test_photos_of_scopes_are_noted_with_their_versions(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [0, 1], 3: None, 4: [1, 1], 5: [2, 1], 6: [3, 1]})
    give_scopes(session, {1: 7, 2: 7, 3: 7, 4: 8, 5: 9})

    def note(scopes: list[int], *, unscoped: bool = False) -> dict[int, int]:
        session.connection.execute("DELETE FROM work_assignments")
        session.execute("graph/note_photos", scopes=scopes, unscoped=unscoped, clustered=False)
        return labels(session)

    assert note([7, 8]) == {1: -2, 2: -2, 4: -2}
    assert note([9], unscoped=True) == {5: -2, 6: -2}
    assert query(
        session,
        "SELECT count(*) FROM work_assignments JOIN photos ON photo_id = photos.id"
        " WHERE row_version = photos.xmin",
    ) == [(2,)]


def test_photos_in_clusters_or_out_of_sight_are_noted_if_asked(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [0, 1], 3: [1, 1]})
    place(session, *make_clusters(session, [[1, 0]]), 2)
    hide(session, 3)

    def note(*, clustered: bool) -> dict[int, int]:
        session.connection.execute("DELETE FROM work_assignments")
        session.execute("graph/note_photos", scopes=[], unscoped=True, clustered=clustered)
        return labels(session)

    assert note(clustered=False) == {1: -2}
    assert note(clustered=True) == {1: -2, 2: -2}


def test_photos_of_a_cell_are_drawn_side_by_side(session: Session) -> None:
    make_assignments(session, {5: (3, 0.1), 9: (0, 0.1), 2: (3, 0.1), 7: (0, 0.1), 1: (1, 0.1)})
    found = session.fetch_all("graph/draw_by_cell")
    assert [(row["after_row"], row["last_row"], row["label"]) for row in found] == [
        (0, 2, 0),
        (2, 3, 1),
        (3, 5, 3),
    ]
    drawn = query(session, "SELECT position, photo_id FROM work_drawn ORDER BY position")
    assert drawn == [(1, 7), (2, 9), (3, 1), (4, 2), (5, 5)]


def test_labels_go_by_position_and_photos_without_one_leave(session: Session) -> None:
    make_assignments(session, {5: (0, 0.1), 9: (0, 0.1), 2: (0, 0.1), 3: (0, 0.1)})
    for position, photo_id in enumerate([2, 9, 5, 3], start=1):
        session.connection.execute("INSERT INTO work_drawn VALUES (%s, %s)", (position, photo_id))
    found = IntegerArray.of(np.array([4, -2, 6, -1], dtype=np.int32))
    assert session.execute("graph/label_photos", labels=found) == 4
    assert labels(session) == {2: 4, 9: -2, 5: 6, 3: -1}
    assert session.execute("graph/forget_unlabelled") == 1
    assert labels(session) == {2: 4, 5: 6, 3: -1}
