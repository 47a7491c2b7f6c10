"""Near-duplicates from end to end: groups that NumPy finds too, and what becomes of them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fluffy_sql import open_library
from fluffy_sql.errors import LibraryError, UsageError
from fluffy_sql.graph.tuning import Tuning
from fluffy_sql.operations.duplicates import (
    DuplicatesRequest,
    DuplicatesResult,
    find_duplicates,
)
from fluffy_sql.postgres.session import Session
from fluffy_sql.settings import clustering_settings
from tests.conftest import Run, add_photos, made_library
from tests.integration.helpers import (
    execute,
    inject,
    nothing_changes,
    query,
    show,
    snapshot,
    wait_for,
    work_tables,
)

# As if a library of a few hundred photos were a large one.
LARGE = Tuning(few=100, photos_per_cell=20)


def duplicates(session: Session, metric: str = "cosine", **request: Any) -> DuplicatesResult:
    asked = DuplicatesRequest(settings=clustering_settings(metric=metric), **request)
    with Session.open(session._url) as other:
        return find_duplicates(other, asked)


def groups(session: Session) -> set[frozenset[int]]:
    rows = query(session, "SELECT array_agg(photo_id) FROM photo_duplicates GROUP BY group_id")
    return {frozenset(row[0]) for row in rows}


def expected(
    rows: NDArray[Any], within: float, ids: Iterable[int], scopes: Iterable[int] | None = None
) -> set[frozenset[int]]:
    """Components of the pairs that are near enough under cosine, by their ids."""
    unit = rows.astype(float) / np.linalg.norm(rows.astype(float), axis=1, keepdims=True)
    near = unit @ unit.T >= 1 - within
    if scopes is not None:
        of = np.array([*scopes])
        near &= of[:, None] == of[None]
    known = np.array([*ids])
    left, found = set(range(len(rows))), set()
    while left:
        group, border = set(), {left.pop()}
        while border:
            group |= border
            border = set(np.flatnonzero(near[[*border]].any(axis=0)).tolist()) - group
        left -= group
        if len(group) > 1:
            found.add(frozenset(known[[*group]].tolist()))
    return found


def with_copies(seed: int, photos: int, copies: int, dimensions: int = 32) -> NDArray[np.float32]:
    """A library, and copies of some of its photos, and copies of these, that differ a little."""
    rows, _ = made_library(seed, photos=photos, themes=20, dimensions=dimensions, spread=0.15)
    generator = np.random.default_rng(seed)
    for _ in range(2):
        of = generator.choice(len(rows), copies // 2)
        noise = generator.normal(size=(len(of), dimensions)) / np.sqrt(dimensions)
        rows = np.concatenate([rows, rows[of] + 0.1 * generator.random((len(of), 1)) * noise])
    return rows.astype(np.float32)


@pytest.mark.parametrize("tuning", [Tuning(), LARGE], ids=["few", "many"])
def test_they_are_the_components_that_numpy_finds(tuning: Tuning, session: Session) -> None:
    rows = with_copies(1, 1_800, 200)
    ids = add_photos(session, rows)
    result = duplicates(session, within=0.005, tuning=tuning, shown=3)
    found = groups(session)
    assert found == expected(rows, 0.005, ids)
    assert len(found) > 100
    assert max(map(len, found)) > 2
    assert (result.groups, result.photos) == (len(found), sum(map(len, found)))
    assert (result.photos_compared, len(result.largest)) == (2_000, 3)
    assert len(result.largest[0].photos) == max(map(len, found))
    assert work_tables(session) == []


@pytest.mark.parametrize("tuning", [Tuning(), Tuning(few=150, photos_per_cell=20)])
def test_owners_are_never_compared(tuning: Tuning, session: Session) -> None:
    rows = with_copies(2, 300, 200)
    ids = add_photos(session, rows)
    show(session, scope="(id %% 3)::bigint".replace("%%", "%"))
    duplicates(session, within=0.005, tuning=tuning)
    found = groups(session)
    assert found == expected(rows, 0.005, ids, [photo_id % 3 for photo_id in ids])
    assert found != expected(rows, 0.005, ids)


def test_what_can_not_be_compared_is_left_out_and_counted(session: Session) -> None:
    ids = add_photos(session, [None, np.zeros(2), np.zeros(2), [1, 0], [2, 0], [0, 1]])
    result = duplicates(session)
    assert groups(session) == {frozenset(ids[3:5])}
    assert (result.photos_compared, result.groups, result.photos) == (3, 1, 2)
    assert result.skipped == {"without_embedding": 1, "not_comparable": 2}
    # under l2 they are points like any other, and lengths count
    result = duplicates(session, "l2", within=0.5)
    assert groups(session) == {frozenset(ids[1:3])}
    assert result.skipped == {"without_embedding": 1, "not_comparable": 0}


@pytest.mark.parametrize("embeddings", [[], [None], [np.zeros(3)], [[1, 2, 3]]])
def test_nothing_to_compare(embeddings: list[Any], session: Session) -> None:
    add_photos(session, embeddings)
    result = duplicates(session)
    assert (result.groups, result.photos, result.largest) == (0, 0, ())


def test_equal_photos_are_within_nothing_of_each_other(session: Session) -> None:
    ids = add_photos(session, [[0.3, 0.1, 0.2]] * 40 + [[0.3, 0.1, 0.21]] * 30)
    duplicates(session, within=0.0)
    assert groups(session) == {frozenset(ids[:40]), frozenset(ids[40:])}


def test_each_run_takes_the_place_of_the_last_and_changes_no_photo(session: Session) -> None:
    rows = with_copies(3, 100, 60)
    ids = add_photos(session, rows)
    execute(session, f"UPDATE photos SET cluster_pinned = TRUE WHERE id = {ids[0]}")
    before = snapshot(session)
    duplicates(session, within=0.01)
    wide = groups(session)
    with nothing_changes(session, groups):
        tried = duplicates(session, within=0.001, dry_run=True)
    assert tried.groups == len(expected(rows, 0.001, ids))
    duplicates(session, within=0.001)
    assert groups(session) == expected(rows, 0.001, ids) != wide
    assert snapshot(session) == before
    assert query(session, "SELECT count(*) FROM cluster_runs") == [(0,)]


def test_a_failure_leaves_the_groups_that_were_there(session: Session) -> None:
    add_photos(session, [[1, 0], [1, 0], [0, 1], [0, 1]])
    duplicates(session)
    add_photos(session, [[1, 1], [1, 1]], ["a", "b"])
    inject(session, "TRIGGER fault AFTER INSERT ON photo_duplicates FOR EACH STATEMENT")
    with nothing_changes(session, groups), pytest.raises(Exception, match="injected"):
        duplicates(session)


def test_a_killed_run_leaves_the_groups_that_were_there(
    session: Session, database_url: str
) -> None:
    add_photos(session, with_copies(4, 100, 60))
    duplicates(session, within=0.01)
    before = groups(session)
    program = (
        "import os, signal, fluffy_sql.operations.duplicates as duplicates\n"
        "duplicates.components = lambda *graph: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from fluffy_sql.cli.main import main; main()"
    )
    killed = subprocess.run(
        [sys.executable, "-c", program, "duplicates"],
        env={**os.environ, "DATABASE_URL": database_url, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert groups(session) == before
    wait_for(session, "SELECT WHERE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory')")
    duplicates(session, within=0.01)
    assert groups(session) == before
    assert work_tables(session) == []


def test_commands_for_people(session: Session, on_database: Run) -> None:
    add_photos(session, [[1, 0]] * 7 + [[0, 1], [0.1, 1], None, [-1, 0]])
    tried = on_database("duplicates", "--within", "0.01", "--limit", "1", "--dry-run")
    assert tried.code == 0, tried.err
    first, second, third, *rows = tried.out.splitlines()
    assert first == "Dry run, nothing was written."
    assert second.startswith(
        "2 groups of near-duplicates with 9 photos, of 10 compared: within 0.01 (cosine), "
    )
    assert third == "Not looked at: 1 photo without an embedding."
    assert [row.split() for row in rows] == [
        ["group", "photos", "distance", "path"],
        ["1", "7", "best", "p0"],
        *([["0.0000", f"p{place}"] for place in range(1, 5)]),
        ["...", "and", "2", "more"],
        *[["...", "and", "1", "smaller", "group:", "--limit", "shows", "more"]],
    ]
    assert groups(session) == set()
    assert on_database("duplicates", "--limit", "0").out.count("\n") == 2
    assert len(groups(session)) == 2
    assert "--within: duplicates.within is -1.0; allowed: a number" in on_database(
        "duplicates", "--within", "-1"
    ).refusal(2)
    assert (
        on_database("duplicates", "--metric", "l2")
        .refusal(2)
        .startswith("within is needed under l2")
    )


def test_from_python(session: Session, database_url: str) -> None:
    add_photos(session, [[1, 0], [1, 0], [0, 1]])
    with open_library(database_url, settings={"duplicates.within": 0.5}) as library:
        found = library.duplicates()
        assert (found.within, found.groups, found.largest[0].photos[1].path) == (0.5, 1, "p1")
        assert library.duplicates(0.1, limit=0, dry_run=True).largest == ()


def test_what_it_refuses() -> None:
    with pytest.raises(UsageError, match="within is needed under l2"):
        DuplicatesRequest(settings=clustering_settings(metric="l2"))


def test_distributed_photos_are_refused(session: Session) -> None:
    session.distributed = True
    with pytest.raises(LibraryError, match="distributed over several servers"):
        find_duplicates(session, DuplicatesRequest())
