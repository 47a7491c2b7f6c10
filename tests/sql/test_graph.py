"""Statements of the graph of nearest neighbours, each by hand-computed answers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fluffy_sql.graph.sketches import sketch_kind, unpacked
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import IntegerArray, TidArray
from tests.conftest import made_library
from tests.sql.helpers import (
    PROBE,
    add_with_ids,
    hide,
    labels,
    make_assignments,
    make_clusters,
    make_sample,
    open_run,
    place,
    query,
    vectors,
)
from tests.sql.test_scopes import give_scopes

LINE = [[0, 0], [1, 0], [3, 0], [6, 0], [10, 0], [15, 0]]


def neighbours(
    session: Session,
    positions: Sequence[int],
    blocks: Sequence[tuple[int, int]],
    *,
    most: int = 2,
    keep: bool = False,
) -> dict[int, list[int]]:
    found = session.fetch_all(
        "graph/find_neighbours",
        positions=IntegerArray.of(np.array(positions, dtype=np.int32)),
        neighbours=most,
        afters=[after for after, _ in blocks],
        lasts=[last for _, last in blocks],
        keep=keep,
    )
    return by_position(found)


def by_position(found: list[dict[str, Any]]) -> dict[int, list[int]]:
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


def sketches(session: Session, *, step: float = 1) -> NDArray[np.void]:
    """Of a sample in two dimensions, about [1, 1], along both, and in half a byte once more."""
    [found] = session.fetch_all(
        "graph/sketch_rows",
        axes=vectors(session, [[1 / step, 0], [0, 1 / step]]),
        upper=vectors(session, [[1 / step, 0]]),
        lower=vectors(session, [[0, 1 / step]]),
        origin=np.array([1, 1], dtype=np.float32),
        step=step,
        after_row=0,
        last_row=6,
    )
    return np.frombuffer(found["sketches"] or b"", sketch_kind(3))


def test_a_sketch_has_whole_steps_along_each_axis_and_from_the_origin(session: Session) -> None:
    make_sample(session, [[1, 1], [4, -3], [2.4, 1.6], [900, -90_000]])
    session.connection.execute("DELETE FROM work_sample WHERE position = 1")
    found = sketches(session)
    assert found["position"].tolist() == [2, 3, 4]
    assert unpacked(found["codes"], 2).tolist() == [
        [3, -4, 3, -4],
        [1, 1, 1, 1],
        [127, -127, 7, -8],
    ]
    assert found["distance"].tolist() == [5, 2, 32767]
    codes = sketches(session, step=0.5)["codes"][:, :2]
    assert codes.tolist() == [[6, -8], [3, 1], [127, -127]]
    session.connection.execute("DELETE FROM work_sample")
    assert len(sketches(session)) == 0


def ranked(
    session: Session, candidates: dict[int, list[int]], *, most: int = 2, keep: bool = False
) -> dict[int, list[int]]:
    """Candidates by position; 0: none."""
    on_disk = np.zeros(7, dtype="V6")
    found = sketches(session)
    on_disk[found["position"]] = found["ctid"]
    return by_position(
        session.fetch_all(
            "graph/rank_candidates",
            rows=TidArray.of(on_disk[[*candidates]]),
            candidates=TidArray.of(on_disk[np.array([*candidates.values()]).ravel()]),
            width=len(next(iter(candidates.values()))),
            neighbours=most,
            keep=keep,
        )
    )


def test_the_nearest_of_the_candidates_of_each_row_are_found(session: Session) -> None:
    make_sample(session, LINE)
    assert ranked(session, {4: [1, 6, 5, 4], 2: [3, 0, 0, 0], 6: [0, 6, 0, 0]}) == {
        4: [5, 1],
        2: [3],
        6: [],
    }


def test_of_equally_near_candidates_the_lowest_is_nearest(session: Session) -> None:
    make_sample(session, [[1, 1]] * 5)
    assert ranked(session, {3: [5, 4, 2]}) == {3: [2, 4]}


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


def test_photos_of_a_cell_are_drawn_side_by_side_scope_after_scope(session: Session) -> None:
    add_with_ids(session, {photo_id: [1, 0] for photo_id in (1, 2, 5, 7, 8, 9)})
    give_scopes(session, {8: 4})
    make_assignments(
        session, {5: (3, 0.1), 9: (0, 0.1), 2: (3, 0.1), 7: (0, 0.1), 8: (0, 0.1), 1: (1, 0.1)}
    )
    found = session.fetch_all("graph/draw_by_cell")
    assert [(row["scope"], row["after_row"], row["last_row"], row["label"]) for row in found] == [
        (None, 0, 2, 0),
        (None, 2, 3, 1),
        (None, 3, 5, 3),
        (4, 5, 6, 0),
    ]
    drawn = query(session, "SELECT position, photo_id, scope FROM work_drawn ORDER BY position")
    assert [row[:2] for row in drawn] == [(1, 7), (2, 9), (3, 1), (4, 2), (5, 5), (6, 8)]
    assert [row[2] for row in drawn] == [None] * 5 + [4]


def test_a_photo_is_in_the_cell_with_the_nearest_center(session: Session) -> None:
    make_sample(session, [[0, 0], [1, 0], [2, 0], [9, 0]], photo_ids=[5, 6, 7, 8])
    make_assignments(session, dict.fromkeys((5, 6, 7, 8, 9), (-1, 0.1)))
    assigned = session.execute(
        "graph/assign_cells",
        centers=vectors(session, [[0, 0], [2, 0], [2, 0]]),
        first_label=40,
        after_row=0,
        last_row=3,
    )
    assert assigned == 3
    # 6 is as near to two centers, 7 is at two: the first wins.
    assert labels(session) == {5: 40, 6: 40, 7: 41, 8: -1, 9: -1}


def pairs(
    session: Session,
    blocks: Sequence[tuple[int, int, int, Sequence[float]]],
    *,
    radius: float,
    rows: tuple[int, int] = (0, 6),
    squared: bool = False,
    projected: bool = True,
    most: int = 100,
) -> list[tuple[int, int, float]]:
    """Of photos as in the sample; blocks are of a scope, with rows (after, last] and a center."""
    [found] = session.fetch_all(
        "graph/find_pairs",
        after_row=rows[0],
        last_row=rows[1],
        centers=vectors(session, [center for _, _, _, center in blocks]),
        afters=[after for _, after, _, _ in blocks],
        lasts=[last for _, _, last, _ in blocks],
        scopes=[scope for scope, _, _, _ in blocks],
        radius=radius,
        rounding=0.0,
        squared=squared,
        projected=projected,
        normalize=False,
        dimensions=2,
        most=most,
    )
    compared = np.frombuffer(found["compared"] or b"", ">i4")
    assert sorted(compared) == list(range(rows[0] + 1, rows[1] + 1))
    kind = np.dtype([("first", ">i4"), ("second", ">i4"), ("distance", ">f4")])
    near = np.frombuffer(found["pairs"] or b"", kind)
    places = zip(near["first"].tolist(), near["second"].tolist(), strict=True)
    return [
        (one, other, apart)
        for (one, other), apart in zip(places, near["distance"].tolist(), strict=True)
    ]


ONE = [(0, 0, 6, [0, 0])]
TWO = [(0, 0, 3, [1, 0]), (0, 3, 6, [10, 0])]


def draw_line(session: Session) -> None:
    """Photos along a line, and a sample of them."""
    add_with_ids(session, {place + 11: [float(x) for x in row] for place, row in enumerate(LINE)})
    make_sample(session, LINE, photo_ids=range(11, 17))
    for position in range(1, 7):
        session.connection.execute(
            "INSERT INTO work_drawn VALUES (%s, %s)", (position, position + 10)
        )


@pytest.mark.parametrize("blocks", [ONE, TWO], ids=["one block", "two"])
def test_pairs_are_those_within_the_radius(
    blocks: list[tuple[int, int, int, list[float]]], session: Session
) -> None:
    draw_line(session)
    near = [(1, 2, 1.0), (1, 3, 3.0), (2, 3, 2.0), (3, 4, 3.0)]
    assert pairs(session, blocks, radius=3) == near
    assert pairs(session, blocks, radius=3, most=2)[2:] == []
    assert pairs(session, blocks, radius=0.5) == []
    assert pairs(session, blocks, radius=3, squared=True)[1] == (1, 3, 4.5)
    assert pairs(session, blocks, radius=4.5) == [*near, (4, 5, 4.0)]
    assert len(pairs(session, blocks, radius=99)) == 15


def test_rows_are_paired_with_those_after_them_in_their_scope(session: Session) -> None:
    draw_line(session)
    assert pairs(session, TWO, radius=4.5, rows=(2, 4)) == [
        (3, 4, 3.0),
        (4, 5, 4.0),
    ]
    scopes = [(7, 0, 3, [0, 0]), (8, 3, 6, [0, 0])]
    assert [pair[:2] for pair in pairs(session, scopes, radius=99)] == [
        (1, 2), (1, 3), (2, 3), (4, 5), (4, 6), (5, 6),
    ]  # fmt: skip


def test_copies_leave_the_sample(session: Session) -> None:
    """Those of a block, if the photos are equal and not only their rows."""
    photos = [[1, 0], [1, 0], [3, 0], [2, 0], [1, 0], [2, 0], [1, 0]]
    add_with_ids(session, dict(enumerate(photos, start=1)))
    make_sample(session, [[1, 0]] * 7)
    session.connection.execute("INSERT INTO work_drawn SELECT id, id FROM photos")
    left = "SELECT array_agg(position ORDER BY position) FROM work_sample"

    def drop(*, normalize: bool) -> list[list[int] | None]:
        [found] = session.fetch_all(
            "graph/drop_copies", afters=[0, 5], lasts=[5, 7], normalize=normalize
        )
        return [None if found[name] is None else found[name].tolist() for name in found]

    assert drop(normalize=False) == [[2, 5], [1, 1]]
    assert query(session, left)[0][0] == [1, 3, 4, 6, 7]
    assert drop(normalize=False) == [None, None]
    assert drop(normalize=True) == [[3, 4, 7], [1, 1, 6]]


def test_what_is_near_in_the_sample_need_not_be(session: Session) -> None:
    """The photos decide; one that has another length by now is in no pair."""
    draw_line(session)
    session.connection.execute("UPDATE work_sample SET embedding = '[0, 0]'")
    assert pairs(session, ONE, radius=1.5) == [(1, 2, 1.0)]
    assert len(pairs(session, ONE, radius=1.5, projected=False)) == 15
    session.connection.execute("UPDATE photos SET embedding = '[1, 2, 3]' WHERE id = 12")
    assert pairs(session, ONE, radius=3.5) == [(1, 3, 3.0), (3, 4, 3.0)]


def test_labels_go_by_position_and_photos_without_one_leave(session: Session) -> None:
    make_assignments(session, {5: (0, 0.1), 9: (0, 0.1), 2: (0, 0.1), 3: (0, 0.1)})
    for position, photo_id in enumerate([2, 9, 5, 3], start=1):
        session.connection.execute("INSERT INTO work_drawn VALUES (%s, %s)", (position, photo_id))
    found = IntegerArray.of(np.array([4, -2, 6, -1], dtype=np.int32))
    assert session.execute("graph/label_photos", labels=found) == 4
    assert labels(session) == {2: 4, 9: -2, 5: 6, 3: -1}
    assert session.execute("graph/forget_unlabelled") == 1
    assert labels(session) == {2: 4, 5: 6, 3: -1}


def test_neighbours_are_kept_by_their_ids(session: Session) -> None:
    make_sample(session, LINE[:4], [14, 13, 12, 11])
    for position, photo_id in enumerate([14, 13, 12, 11], start=1):
        session.connection.execute("INSERT INTO work_drawn VALUES (%s, %s)", (position, photo_id))
    expected = neighbours(session, [1, 3], [(0, 2), (2, 4)])
    assert neighbours(session, [1, 3], [(0, 2), (2, 4)], keep=True) == expected
    found = query(session, "SELECT * FROM work_neighbours ORDER BY photo_id")
    assert found == [(12, 3, [13, 14], [2, 3]), (14, 1, [13, 12], [1, 3])]
    session.connection.execute("DELETE FROM work_neighbours")
    near = {1: [4, 2, 3], 3: [1, 4, 2]}
    assert ranked(session, near) == ranked(session, near, keep=True) == expected
    assert query(session, "SELECT * FROM work_neighbours ORDER BY photo_id") == found


def kept(session: Session) -> list[tuple[Any, ...]]:
    return query(
        session,
        "SELECT photo_id, run_id, scope, neighbour_ids, distances FROM photo_neighbour_lists"
        " ORDER BY photo_id",
    )


def test_lists_take_the_place_of_older_ones(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [0, 1], 3: [1, 1], 4: [2, 1]})
    give_scopes(session, {1: 7, 2: 7, 4: 7})

    def keep(metric: str, *lists: str) -> None:
        session.connection.execute("DELETE FROM work_neighbours; DELETE FROM work_assignments")
        for found in lists:
            session.connection.execute(f"INSERT INTO work_neighbours VALUES ({found})".encode())
        make_assignments(session, dict.fromkeys((1, 2, 3, 4), (0, 0.0)))
        # photo 4 has changed since
        session.connection.execute(
            "UPDATE work_assignments SET row_version = '1' WHERE photo_id = 4"
        )
        session.execute("commit/forget_neighbours")
        session.execute(
            "commit/keep_neighbours", run_id=len(lists), metric=metric, fingerprint_vector=PROBE
        )

    keep("l2", "1, 1, '{2, 4}', '{1, 2}'", "2, 2, '{1}', '{1}'", "4, 3, '{1}', '{2}'")
    assert kept(session) == [(1, 3, 7, [2, 4], [1, 2]), (2, 3, 7, [1], [1])]
    keep("cosine", "1, 1, '{4}', '{1}'", "3, 1, '{1}', '{2}'")
    assert kept(session) == [(1, 2, 7, [4], [0.5]), (3, 2, None, [1], [2])]


def test_what_is_kept_is_used_if_nothing_changed(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [0, 1], 3: [1, 1], 4: [2, 1], 5: [3, 1]})
    give_scopes(session, {4: 7, 5: 7})
    run_id = open_run(session, metric="l2")
    session.connection.execute("UPDATE cluster_runs SET recall = 0.5")
    lists = ("1, 3, '{3, 2}', '{1, 1}'", "2, 2, '{1, 3}', '{1, 1}'", "3, 1, '{1, 2}', '{1, 1}'")
    for found in (*lists, "4, 2, '{5}', '{1}'", "5, 1, '{4}', '{1}'"):
        session.connection.execute(f"INSERT INTO work_neighbours VALUES ({found})".encode())
    everyone = {"scopes": [7], "unscoped": True}
    session.execute("graph/note_photos", **everyone, clustered=False)
    session.execute("commit/keep_neighbours", run_id=run_id, metric="l2", fingerprint_vector=PROBE)
    session.connection.execute("DELETE FROM work_neighbours")

    def count(neighbours: int = 15, metric: str = "l2", **scopes: Any) -> tuple[Any, ...]:
        [row] = session.fetch_all(
            "graph/count_kept",
            **(everyone | scopes),
            neighbours=neighbours,
            metric=metric,
            fingerprint_vector=PROBE,
        )
        return tuple(row.values())

    assert count() == count(2) == (5, 5, 5, 0.5)
    assert count(scopes=[])[2] == 3
    assert count(metric="cosine")[:2] == (5, 0)
    session.connection.execute("UPDATE owners SET owner_id = 8 WHERE photo_id = 5")
    assert count()[:2] == (5, 4)
    session.connection.execute("UPDATE owners SET owner_id = 7 WHERE photo_id = 5")
    session.connection.execute("UPDATE photos SET embedding = '[3, 2]' WHERE id = 5")
    assert count()[:2] == (5, 4)

    drawn = session.fetch_all("graph/draw_kept", **everyone)
    assert [tuple(row.values()) for row in drawn] == [(None, 0, 3), (7, 3, 5)]
    order = query(session, "SELECT photo_id FROM work_drawn ORDER BY position")
    assert order == [(3,), (2,), (1,), (5,), (4,)]
    fetched = session.fetch_all("graph/fetch_kept", neighbours=1, after_row=1, last_row=4)
    near = {row["position"]: np.frombuffer(row["neighbours"], ">i4").tolist() for row in fetched}
    assert near == {2: [3], 3: [1], 4: [5]}
    # they stay
    assert session.execute("commit/forget_neighbours") == 0
