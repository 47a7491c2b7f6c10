"""Near-duplicates from end to end: groups that NumPy finds too, and what becomes of them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fluffy_sql import open_library
from fluffy_sql.algorithms import Algorithm, AlgorithmSettings, Fit, Survey, Task
from fluffy_sql.errors import LibraryError, UsageError
from fluffy_sql.graph.tuning import Tuning
from fluffy_sql.operations.assign import AssignRequest, assign
from fluffy_sql.operations.duplicates import (
    DuplicatesRequest,
    DuplicatesResult,
    find_duplicates,
)
from fluffy_sql.postgres.session import Session
from fluffy_sql.runs.duplicates import set_aside
from fluffy_sql.runs.labels import fit_of_labels
from fluffy_sql.settings import clustering_settings
from tests import running
from tests.conftest import Run, add_photos, made_library
from tests.integration.helpers import (
    clusters_by_photo,
    execute,
    inject,
    kill,
    nothing_changes,
    query,
    show,
    snapshot,
    work_tables,
    wrong_counts,
)

# As if a library of a few hundred photos were a large one.
LARGE = Tuning(few=100)


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


@pytest.mark.parametrize("tuning", [Tuning(), Tuning(few=150)])
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
    kill(session, database_url, "fluffy_sql.operations.duplicates", "components", "duplicates")
    assert groups(session) == before
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


def once(**given: Any) -> Any:
    return running.settings(duplicates="once", **given)


def burst(photos: int = 200) -> NDArray[np.float32]:
    """Two themes of 30 photos, and many near-copies of one photo between them."""
    generator = np.random.default_rng(6)
    centers = np.eye(32)[[0] * 30 + [1] * 30]
    one = np.eye(32)[:3].T @ [0.3, 0.29, 0.9]
    copies = one + 0.001 * generator.normal(size=(photos, 32))
    return np.concatenate([centers + 0.08 * generator.normal(size=(60, 32)), copies])


@pytest.mark.parametrize("algorithm", ["kmeans", "leiden", "by hand"])
def test_a_burst_makes_no_theme(algorithm: str, session: Session) -> None:
    add_photos(session, burst())
    duplicates(session, within=0.0005)
    if algorithm == "leiden":
        asked = clustering_settings(
            algorithm="leiden", duplicates="once", leiden={"granularity": 9}
        )
    else:
        asked = once(k=2)
    own = LabelsAll() if algorithm == "by hand" else None
    assert running.generate(session, asked, dry_run=True, algorithm=own).duplicates == 199
    assert query(session, "SELECT count(*) FROM clusters") == [(0,)]
    result = running.generate(session, asked, algorithm=own)
    assert (result.duplicates, result.photos_processed, result.photos_moved) == (199, 260, 260)
    assert result.clusters_created == 2
    found = clusters_by_photo(session)
    assert [len({*found[:30]}), len({*found[30:60]}), len({*found[60:]})] == [1, 1, 1]
    assert found[0] != found[30]
    assert wrong_counts(session) == []
    assert work_tables(session) == []
    assert running.check(session).ok
    # the same with all of them: the burst is a theme
    running.generate(session, running.settings(k=3), recluster=True, cold=True)
    found = clusters_by_photo(session)
    assert found[60] not in found[:60]
    # and back
    running.generate(session, asked, recluster=True, algorithm=own)
    assert len({*clusters_by_photo(session)[:60]}) == 2
    running.undo(session, 3)
    assert np.array_equal(clusters_by_photo(session), found)
    assert running.check(session).ok


class LabelsAll(Algorithm[AlgorithmSettings]):
    """Knows nothing of near-duplicates: by the larger of two coordinates, and a label for these."""

    settings = AlgorithmSettings

    def fit(self, task: Task[AlgorithmSettings]) -> Fit:
        execute(
            task.session,
            "INSERT INTO work_assignments (photo_id, label, row_version)"
            " SELECT id, CASE WHEN id IN (SELECT photo_id FROM work_duplicates) THEN 7"
            " ELSE (id <= 30)::int END,"
            " xmin FROM photos",
        )
        return fit_of_labels(task, by_centroid=False)


def test_one_of_each_group_is_clustered(session: Session) -> None:
    """The others go where it goes, whatever they are near to; who changed does not."""
    one, other = (
        [[1, 0.01 * place] for place in range(5)],
        [[0.01 * place, 1] for place in range(5)],
    )
    new = [[0.7, 0.3], [0.3, 0.7], [0.4, 0.6], [0.45, 0.55]]
    best, follower, pinned, changed = add_photos(session, [*one, *other, *new])[10:]
    execute(
        session,
        "INSERT INTO photo_duplicates (photo_id, group_id, rank, distance, embedding_hash)"
        f" SELECT id, {best}, id, 0, hash_array_extended(embedding::real[], 0) FROM photos"
        f" WHERE id >= {best}",
        f"UPDATE photos SET embedding = '[0.1, 0.9]' WHERE id = {changed}",
        f"UPDATE photos SET cluster_pinned = TRUE WHERE id = {pinned}",
    )
    result = running.generate(session, once(k=2))
    found = clusters_by_photo(session)
    assert result.duplicates == 2
    assert found[best - 1] == found[follower - 1] == found[0]
    assert found[pinned - 1] == 0
    assert found[changed - 1] == found[5] != found[0]
    assert running.check(session).ok
    assert wrong_counts(session) == []


def test_photos_of_a_group_that_are_clustered_already_stay(session: Session) -> None:
    ids = add_photos(session, burst())
    duplicates(session, within=0.0005)
    execute(session, "INSERT INTO clusters (name) VALUES ('by hand')")
    [(best,)] = query(session, "SELECT photo_id FROM photo_duplicates WHERE rank = 1")
    execute(session, f"UPDATE photos SET cluster_id = 1 WHERE id = {best}")
    result = running.generate(session, once(k=3))
    assert (result.duplicates, result.photos_processed) == (198, 259)
    found = dict(zip(ids, clusters_by_photo(session).tolist(), strict=True))
    assert found.pop(best) == 1
    assert len({*found.values()}) == 3


def test_what_an_algorithm_leaves_out_its_near_duplicates_are_too(session: Session) -> None:
    """They leave their clusters with it, and come back."""
    add_photos(session, burst(3))
    duplicates(session, within=0.0005)
    running.generate(session, running.settings(k=3))
    before = clusters_by_photo(session)
    asked = clustering_settings(
        algorithm="dbscan", duplicates="once", dbscan={"eps": 0.3, "min_samples": 3}
    )
    result = running.generate(session, asked, recluster=True)
    assert (result.skipped["noise"], result.skipped["duplicate"]) == (1, 2)
    assert "changed_meanwhile" not in result.skipped
    assert result.photos_processed == 60
    assert not clusters_by_photo(session)[60:].any()
    assert running.check(session).ok
    running.undo(session, result.run_id)
    assert np.array_equal(clusters_by_photo(session), before)


def test_a_sweep_trains_on_one_of_each_group(session: Session) -> None:
    add_photos(session, burst())
    duplicates(session, within=0.0005)
    assert running.sweep(session, [2, 3], once()).photos_tried == 61
    assert running.sweep(session, [2, 3]).photos_tried == 260
    with pytest.raises(LibraryError, match="only 61 photos"):
        running.sweep(session, [61], once())


def test_new_photos_are_placed_with_their_group(session: Session) -> None:
    add_photos(session, [[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]])
    running.generate(session, running.settings(k=2))
    first, _, second, _ = clusters_by_photo(session).tolist()
    new = [[0.52, 0.48], [0.501, 0.499], [0.49, 0.51], [0.48, 0.52], [-1, 0.1], [-1, 0.11]]
    ids = add_photos(session, new, [f"new{place}" for place in range(6)])
    duplicates(session, within=0.002)
    assert groups(session) == {frozenset(ids[:4]), frozenset(ids[4:])}
    with nothing_changes(session):
        running.assign(session, duplicates="once", dry_run=True)
    running.assign(session, duplicates="once", max_distance=0.5)
    found = clusters_by_photo(session)[4:].tolist()
    assert len({*found[:4]}) == 1
    assert found[4:] == [0, 0]
    # one that comes later goes where the best of those is that are there, however near another
    of_other = second if found[0] == first else first
    execute(session, f"UPDATE photos SET cluster_id = {of_other} WHERE id IN ({ids[0]}, {ids[1]})")
    execute(session, f"UPDATE photos SET cluster_id = {of_other} WHERE id IN ({ids[2]}, {ids[3]})")
    [last] = add_photos(session, [[0.52, 0.48]], ["last"])
    duplicates(session, within=0.002)
    running.assign(session, duplicates="once")
    assert clusters_by_photo(session)[-1] == of_other
    assert wrong_counts(session) == []
    assert last


def test_one_of_each_is_refused_if_photos_are_distributed(session: Session) -> None:
    session.distributed = True
    told = "clustering.duplicates is once, which can't be done with photos that are distributed"
    with (
        pytest.raises(LibraryError, match=told),
        set_aside(session, Survey((), 0, 0, 0), once(), clustered=True),
    ):
        pass
    with pytest.raises(LibraryError, match=told):
        assign(session, AssignRequest(duplicates="once"))


def test_a_report_shows_them_if_there_are_any(session: Session, on_database: Run) -> None:
    add_photos(session, burst(9))
    running.generate(session, running.settings(k=2))
    page = Path("page") / "index.html"
    assert on_database("report", "--out", "page").code == 0
    assert "Near-duplicates" not in page.read_text(encoding="utf-8")
    duplicates(session, within=0.0005)
    assert on_database("report", "--out", "page").code == 0
    text = page.read_text(encoding="utf-8")
    assert "1 group with 9 photos, as fluffy-sql duplicates found them. The best one first" in text
    assert text.count(", duplicate, rank ") == 6
