"""The statements that place photos at clusters that are there."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import fingerprint_vector
from fluffy_sql.postgres.work_tables import empty
from tests.sql.helpers import (
    LARGEST_ID,
    PROBE,
    add_with_ids,
    clusters_with_ids,
    counts,
    hide,
    labels,
    make_assignments,
    make_clusters,
    open_run,
    pin,
    place,
    placed,
    query,
    record_move,
    run_record,
    vectors,
)


def candidates(session: Session) -> list[tuple[Any, ...]]:
    return query(
        session, "SELECT position, photo_id, cluster_id FROM work_candidates ORDER BY position"
    )


def find_nearest(
    session: Session,
    clusters: Mapping[int, Sequence[float]],
    limits: Sequence[float | None] | None = None,
    *,
    normalize: bool = False,
    after_row: int = 0,
    last_row: int = LARGEST_ID,
) -> int:
    return session.execute(
        "assign/find_nearest",
        scopes=[None],
        firsts=[1],
        lasts=[len(clusters)],
        labels=list(clusters),
        centroids=vectors(session, list(clusters.values())),
        limits=[
            None if far is None else float(far) for far in limits or [math.inf] * len(clusters)
        ],
        normalize=normalize,
        dimensions=2,
        fingerprint_vector=fingerprint_vector(2),
        after_row=after_row,
        last_row=last_row,
    )


def place_photos(session: Session, run_id: int, *cluster_ids: int) -> list[tuple[Any, ...]]:
    """Moves as (from, to, photos), the record of them compared with what is returned."""
    rows = session.fetch_all(
        "commit/move_photos", run_id=run_id, labels=list(cluster_ids), cluster_ids=list(cluster_ids)
    )
    moves = [(row["from_cluster_id"], row["to_cluster_id"], row["photos"]) for row in rows]
    kept = "SELECT from_cluster_id, to_cluster_id, photos FROM cluster_run_moves WHERE run_id = %s"
    assert sorted(query(session, kept, run_id), key=str) == sorted(moves, key=str)
    return moves


# The clusters


def listed(session: Session, within: int | None = None) -> list[tuple[Any, ...]]:
    rows = session.fetch_all("assign/list_clusters", within=within, enough=10)
    return [(r["id"], r["metric"], r["centroid"].tolist(), r["limit_at_training"]) for r in rows]


def test_active_clusters_with_a_centroid_are_listed_by_id(session: Session) -> None:
    run_id = open_run(session, metric="l2")
    a, b, unusable = make_clusters(session, [[1, 2], [3, 4], [5, 6]], run_id)
    session.connection.execute("UPDATE clusters SET status = 1 WHERE id = %s", (unusable,))
    session.connection.execute("UPDATE clusters SET name = 'moved' WHERE id = %s", (a,))
    session.connection.execute("INSERT INTO clusters (run_id) VALUES (%s)", (run_id,))
    assert listed(session) == [(a, "l2", [1, 2], None), (b, "l2", [3, 4], None)]


def test_a_centroid_made_by_hand_is_compared_by_its_direction(session: Session) -> None:
    by_hand, _ = make_clusters(session, [[3, 4], [0, 0]])
    assert listed(session) == [(by_hand, "cosine", pytest.approx([0.6, 0.8]), None)]


def test_a_zero_centroid_is_one_under_l2(session: Session) -> None:
    [ours] = make_clusters(session, [[0, 0]], open_run(session, metric="l2"))
    assert listed(session) == [(ours, "l2", [0, 0], None)]


def test_a_unit_vector_stays_as_it_is_to_the_last_bit(session: Session) -> None:
    rows = np.random.default_rng(0).normal(size=(200, 7)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    make_clusters(session, rows.tolist(), open_run(session))
    found = session.fetch_all("assign/list_clusters", within=None, enough=10)
    assert np.array_equal(np.stack([row["centroid"] for row in found]), rows)


def test_limits_are_those_of_the_run_that_the_centroid_comes_from(session: Session) -> None:
    old, new = open_run(session), open_run(session)
    known, unknown = make_clusters(session, [[1, 0], [0, 1]], new)
    for run_id, step in ((old, 1.0), (new, 0.5)):
        session.connection.execute(
            "INSERT INTO cluster_quality (run_id, cluster_id, photos, mean_distance, max_distance,"
            " photos_measured, distance_percentiles) VALUES (%s, %s, 10, 0, 0, 0, %s)",
            (run_id, known, [step * place for place in range(101)]),
        )
    for within in (0, 95, 100):
        limits = [(row[0], row[3]) for row in listed(session, within)]
        assert limits == [(known, within / 2), (unknown, None)]


def test_a_cluster_of_few_photos_takes_what_the_usual_one_of_its_run_does(session: Session) -> None:
    run_id = open_run(session)
    sizes = {1: 1, 2: 9, 3: 10, 4: 20, 5: 30}
    clusters = make_clusters(session, [[size, 1] for size in sizes], run_id)
    for cluster_id, photos, farthest in zip(clusters, sizes.values(), (0, 9, 1, 2, 3), strict=True):
        session.connection.execute(
            "INSERT INTO cluster_quality (run_id, cluster_id, photos, mean_distance, max_distance,"
            " photos_measured, distance_percentiles) VALUES (%s, %s, %s, 0, 0, 0, %s)",
            (run_id, cluster_id, photos, [farthest] * 101),
        )
    assert [row[3] for row in listed(session, 95)] == [2, 9, 1, 2, 3]
    session.connection.execute("UPDATE cluster_quality SET photos = 1")
    assert [row[3] for row in listed(session, 95)] == [None] * 5


# The photos


def test_new_photos_are_listed_in_the_order_of_their_ids(session: Session) -> None:
    add_with_ids(session, {**{i: [1, 0] for i in (9, 2, 5, 6, 7, 8)}, 1: None})
    place(session, make_clusters(session, [[1, 0]])[0], 5)
    hide(session, 6)
    pin(session, 7)
    assert session.execute("assign/list_new_photos") == 3
    assert candidates(session) == [(1, 2, None), (2, 8, None), (3, 9, None)]


def test_what_is_not_looked_at_is_counted(session: Session) -> None:
    add_with_ids(session, {i: [1, 0] for i in range(1, 8)})
    session.connection.execute("UPDATE photos SET embedding = NULL WHERE id IN (1, 2, 3, 4)")
    place(session, make_clusters(session, [[1, 0]])[0], 4, 5)
    pin(session, 3, 5, 6)
    hide(session, 2)
    [counted] = session.fetch_all("assign/count_left_out")
    assert counted == {"without_embedding": 1, "pinned": 2}


def placed_by_run(
    session: Session, cluster_id: int, *photo_ids: int, run_id: int | None = None
) -> int:
    """Places photos as a run does; returns the run."""
    run_id = run_id or open_run(session, kind="assign")
    place(session, cluster_id, *photo_ids)
    record_move(session, run_id, photo_ids, None, cluster_id)
    return run_id


def embed(session: Session, embedding: Sequence[float], *photo_ids: int) -> None:
    """Embeds photos again, as an import does."""
    session.connection.execute(
        "UPDATE photos SET embedding = %s WHERE id = ANY(%s)", (str(embedding), list(photo_ids))
    )


def list_changed(session: Session) -> int:
    return session.execute("assign/list_changed_photos", fingerprint_vector=PROBE)


def changed(session: Session) -> list[int]:
    """Photos that are listed as changed, none of which was listed before."""
    empty(session, "work_candidates")
    assert list_changed(session) == len(candidates(session))
    return [row[1] for row in candidates(session)]


def test_photos_that_changed_since_a_run_placed_them_are_listed_after_the_new_ones(
    session: Session,
) -> None:
    add_with_ids(session, {i: [1, 0] for i in (4, 1, 2, 3)})
    [ours] = make_clusters(session, [[1, 0]])
    placed_by_run(session, ours, 1, 2, 3)
    embed(session, [0, 1], 3, 1)
    session.execute("assign/list_new_photos")
    assert list_changed(session) == 2
    assert candidates(session) == [(1, 4, None), (2, 1, ours), (3, 3, ours)]


def test_changed_photos_are_listed_where_there_are_no_new_ones(session: Session) -> None:
    add_with_ids(session, {1: [1, 0]})
    [ours] = make_clusters(session, [[1, 0]])
    placed_by_run(session, ours, 1)
    embed(session, [0, 1], 1)
    list_changed(session)
    assert candidates(session) == [(1, 1, ours)]


def test_only_an_embedding_that_is_another_one_is_a_change(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [1, 0]})
    placed_by_run(session, make_clusters(session, [[1, 0]])[0], 1, 2)
    session.connection.execute("UPDATE photos SET path = path || 'x', updated_at = now() + '1 day'")
    embed(session, [1, 0], 1)
    assert changed(session) == []
    session.connection.execute(
        "UPDATE photos SET embedding = '[0, 1]', updated_at = '2001-01-01' WHERE id = 2"
    )
    assert changed(session) == [2]


@pytest.mark.parametrize(
    ("metric", "embedding", "told"),
    [
        ("cosine", [30, 40, 50], False),
        ("cosine", [3, 4.00001, 5], False),
        ("cosine", [3, 4.001, 5], True),
        ("cosine", [0, 0, 0], True),
        ("cosine", [3, 4], True),
        ("l2", [3.00001, 4, 5], False),
        ("l2", [3.001, 4, 5], True),
        ("l2", [30, 40, 50], True),
        ("l2", [0, 0, 0], True),
        ("l2", [3, 4, 5, 6], True),
    ],
)
def test_what_tells_two_embeddings_apart_is_what_the_metric_sees(
    session: Session, metric: str, embedding: list[float], *, told: bool
) -> None:
    add_with_ids(session, {1: [3, 4, 5]})
    run_id = open_run(session, kind="assign", metric=metric)
    placed_by_run(session, make_clusters(session, [[1, 0, 0]])[0], 1, run_id=run_id)
    embed(session, embedding, 1)
    assert changed(session) == ([1] if told else [])


def test_a_change_that_only_the_view_shows_counts(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [1, 0]})
    session.connection.execute("CREATE TABLE embeddings AS SELECT id, embedding FROM photos")
    session.connection.execute(
        "CREATE OR REPLACE VIEW usable_photos AS SELECT photos.id, path, embeddings.embedding,"
        " cluster_id, NULL::bigint AS scope FROM photos INNER JOIN embeddings USING (id)"
    )
    placed_by_run(session, make_clusters(session, [[1, 0]])[0], 1, 2)
    embed(session, [0, 1], 1)
    assert changed(session) == []
    session.connection.execute("UPDATE embeddings SET embedding = '[0, 1]' WHERE id = 2")
    assert changed(session) == [2]


def test_what_a_person_did_is_left_alone(session: Session) -> None:
    add_with_ids(session, {i: [1, 0] for i in range(1, 7)})
    ours, theirs, unusable = make_clusters(session, [[1, 0], [0, 1], [1, 1]])
    session.connection.execute("UPDATE clusters SET status = 1 WHERE id = %s", (unusable,))
    run_id = placed_by_run(session, ours, 1, 2, 3, 5)
    placed_by_run(session, unusable, 4, run_id=run_id)
    place(session, theirs, 2, 6)  # 6 was never placed by a run
    pin(session, 3)
    embed(session, [0, 1], *range(1, 7))
    session.connection.execute("UPDATE photos SET embedding = NULL WHERE id = 5")
    assert changed(session) == [1]


def test_only_usable_photos_are_placed_again(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [1, 0]})
    placed_by_run(session, make_clusters(session, [[1, 0]])[0], 1, 2)
    embed(session, [0, 1], 1, 2)
    hide(session, 1)
    assert changed(session) == [2]


def test_the_last_run_that_placed_a_photo_counts(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [1, 0]})
    first, second = make_clusters(session, [[1, 0], [0, 1]])
    placed_by_run(session, first, 1, 2)
    embed(session, [0, 1], 1, 2)
    placed_by_run(session, second, 1, 2)
    assert changed(session) == []
    place(session, first, 1)
    embed(session, [1, 0], 1, 2)
    assert changed(session) == [2]


def test_a_photo_that_two_runs_put_into_one_cluster_did_not_change_by_that(
    session: Session,
) -> None:
    add_with_ids(session, {1: [1, 0]})
    [ours] = make_clusters(session, [[1, 0]])
    placed_by_run(session, ours, 1)
    placed_by_run(session, ours, 1)
    assert changed(session) == []
    embed(session, [0, 1], 1)
    assert changed(session) == [1]


def test_a_run_that_looked_at_no_embedding_says_nothing_of_it(session: Session) -> None:
    add_with_ids(session, {1: [1, 0]})
    placed_by_run(session, make_clusters(session, [[1, 0]])[0], 1)
    session.connection.execute("UPDATE cluster_run_moves SET fingerprints = NULL")
    embed(session, [0, 1], 1)
    assert changed(session) == []


# The nearest cluster


def list_all(session: Session) -> None:
    session.connection.execute(
        "INSERT INTO work_candidates"
        " SELECT row_number() OVER (ORDER BY id), id, cluster_id FROM photos"
    )


def test_each_photo_gets_its_nearest_cluster(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [9, 1], 3: [5, 0], 4: [4, 0]})
    list_all(session)
    assert find_nearest(session, {7: [0, 0], 8: [10, 0], 9: [10, 0]}) == 4
    # 3 is as near to all of them, and 2 to the last two: the lowest wins
    assert labels(session) == {1: 7, 2: 8, 3: 7, 4: 7}


def test_under_cosine_only_directions_count_and_distances_are_cosine_s(session: Session) -> None:
    add_with_ids(session, {1: [100, 1], 2: [0, 0.1], 3: [0, 0], 4: [-5, 0]})
    list_all(session)
    nearest = {7: [1, 0], 8: [0, 1]}
    assert find_nearest(session, nearest, [1, 1.1], normalize=True) == 3
    # 4 is opposite to 7 (2) and at right angles to 8 (1, and not the 1.4 between unit vectors)
    assert labels(session) == {1: 7, 2: 8, 4: 8}


def test_the_limit_itself_is_within_and_none_that_is_known_says_nothing(session: Session) -> None:
    add_with_ids(session, {1: [0, 2], 2: [0, 2.5], 3: [100, 0]})
    list_all(session)
    find_nearest(session, {7: [0, 0], 8: [100, 0]}, [2.0, None])
    assert labels(session) == {1: 7, 2: -1, 3: -2}


def test_what_is_infinitely_far_from_all_is_within_no_limit(session: Session) -> None:
    add_with_ids(session, {1: [1e30, 0], 2: [1e18, 0]})
    list_all(session)
    nearest = {7: [0, 0], 8: [1, 0]}
    find_nearest(session, nearest)
    assert labels(session) == {1: -1, 2: 7}


def test_photos_of_another_length_or_without_an_embedding_have_none(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [1, 0, 0], 3: [1], 4: None})
    list_all(session)
    assert find_nearest(session, {7: [1, 0]}) == 1
    assert list(labels(session)) == [1]


def test_ranges_share_the_photos_out(session: Session) -> None:
    add_with_ids(session, {i: [1, 0] for i in range(1, 6)})
    list_all(session)
    assert find_nearest(session, {7: [1, 0]}, last_row=2) == 2
    assert find_nearest(session, {7: [1, 0]}, after_row=2, last_row=5) == 3
    assert sorted(labels(session)) == [1, 2, 3, 4, 5]


def test_photos_that_somebody_took_since_they_were_listed_are_passed_over(session: Session) -> None:
    add_with_ids(session, {i: [1, 0] for i in range(1, 6)})
    theirs, ours = make_clusters(session, [[1, 0], [1, 0]])
    place(session, ours, 4, 5)
    list_all(session)
    place(session, theirs, 1, 4)
    pin(session, 2)
    assert find_nearest(session, {7: [1, 0]}) == 2
    assert labels(session) == {3: 7, 5: 7}


# What is left


def count_photos(session: Session, *, normalize: bool = True) -> dict[str, int]:
    [counted] = session.fetch_all(
        "assign/count_photos", normalize=normalize, scopes=[None, None], dimensions=[2, 5]
    )
    return {reason: photos for reason, photos in counted.items() if photos}


def test_photos_without_a_cluster_are_counted_by_what_keeps_them_out(session: Session) -> None:
    rows: dict[int, list[float]] = {i: [1, 0] for i in range(1, 7)}
    add_with_ids(session, {**rows, 7: [0, 0], 8: [0, 0, 0], 9: [1, 0, 0], 10: [0, 0]})
    [ours] = make_clusters(session, [[1, 0]])
    place(session, ours, 6)
    list_all(session)
    # 6 is in a cluster: not counted
    make_assignments(
        session,
        {photo: (label, 1) for photo, label in ((1, 7), (2, -1), (3, -2), (4, -1), (6, -1))},
    )
    assert count_photos(session) == {
        "looked_at": 9,
        "too_far": 2,
        "without_limit": 1,
        "zero_vector": 2,
        "no_cluster": 2,
    }
    assert "zero_vector" not in count_photos(session, normalize=False)
    # placed by somebody meanwhile, or deleted: for no reason of ours
    place(session, ours, 7)
    session.connection.execute("DELETE FROM photos WHERE id = 10")
    assert "zero_vector" not in count_photos(session)


def test_where_there_is_no_cluster_at_all_that_is_the_reason(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [0, 0]})
    list_all(session)
    [counted] = session.fetch_all("assign/count_photos", normalize=False, scopes=[], dimensions=[])
    assert (counted["looked_at"], counted["no_cluster"]) == (2, 2)


# Placing


def test_photos_are_placed_and_moves_are_kept_by_pair_of_clusters(session: Session) -> None:
    add_with_ids(session, {i: [1, 0] for i in (5, 4, 3, 2, 1)})
    a, b = make_clusters(session, [[1, 0], [1, 0]])
    session.connection.execute("UPDATE clusters SET name = 'cats' WHERE id = %s", (b,))
    place(session, a, 1, 3, 5)
    session.connection.execute("UPDATE photos SET updated_at = '2001-01-01'")
    list_all(session)
    find_nearest(session, {b: [1, 0]})
    run_id = open_run(session)
    assert set(place_photos(session, run_id, b)) == {(None, b, 2), (a, b, 3)}
    rows = session.fetch_all("commit/list_named_moves", run_id=run_id)
    assert [tuple(row.values()) for row in rows] == [
        (a, None, b, "cats", 3),
        (None, None, b, "cats", 2),
    ]
    assert set(placed(session).values()) == {b}
    kept = "SELECT from_cluster_id, to_cluster_id, photos, photo_ids FROM cluster_run_moves"
    assert query(session, kept + " ORDER BY photos DESC") == [
        (a, b, 3, [1, 3, 5]),
        (None, b, 2, [2, 4]),
    ]
    assert query(session, "SELECT DISTINCT updated_at = now() FROM photos") == [(True,)]


def test_only_what_changes_its_cluster_and_is_within_the_limit_is_written(session: Session) -> None:
    add_with_ids(session, {1: [0, 0], 2: [0, 9], 3: [9, 0], 4: [0, 0], 5: [5, 5]})
    a, b, gone = make_clusters(session, [[0, 0], [9, 0], [5, 5]])
    place(session, a, 1)
    list_all(session)
    find_nearest(session, {a: [0, 0], b: [9, 0], gone: [5, 5]}, [1, None, 1])
    before = query(session, "SELECT id, ctid::text FROM photos WHERE id <> 4 ORDER BY id")
    assert place_photos(session, open_run(session), a, b) == [(None, a, 1)]
    assert placed(session) == {1: a, 2: None, 3: None, 4: a, 5: None}
    assert query(session, "SELECT id, ctid::text FROM photos WHERE id <> 4 ORDER BY id") == before


CHANGES = {
    "placed": "UPDATE photos SET cluster_id = 3 WHERE id = 1",
    "set free": "UPDATE photos SET cluster_id = NULL WHERE id = 1",
    "pinned": "UPDATE photos SET cluster_pinned = TRUE WHERE id = 1",
    "embedded again": "UPDATE photos SET embedding = '[0, 1]' WHERE id = 1",
    "not embedded any more": "UPDATE photos SET embedding = NULL WHERE id = 1",
    "of another path": "UPDATE photos SET path = 'elsewhere' WHERE id = 1",
    "deleted": "DELETE FROM photos WHERE id = 1",
}


def ready_to_place(session: Session) -> int:
    """Photos 1, in cluster 1, and 2 have found their nearest cluster, 2; returns the run."""
    add_with_ids(session, {1: [1, 0], 2: [1, 0]})
    clusters_with_ids(session, {1: [1, 0], 2: [1, 0], 3: [1, 0]})
    place(session, 1, 1)
    list_all(session)
    find_nearest(session, {2: [1, 0]})
    return open_run(session)


@pytest.mark.parametrize("what", CHANGES)
def test_a_photo_that_changed_since_is_left_for_the_next_time(
    session: Session, other: Session, what: str
) -> None:
    run_id = ready_to_place(session)
    other.connection.execute(CHANGES[what].encode())
    before = query(session, "SELECT p::text FROM photos AS p WHERE id = 1")
    assert place_photos(session, run_id, 1, 2) == [(None, 2, 1)]
    assert query(session, "SELECT p::text FROM photos AS p WHERE id = 1") == before
    assert placed(session)[2] == 2


@pytest.mark.parametrize("what", CHANGES)
def test_so_is_one_that_somebody_is_just_changing_and_nobody_is_waited_for(
    session: Session, other: Session, what: str
) -> None:
    run_id = ready_to_place(session)
    with other.transaction():
        other.connection.execute(CHANGES[what].encode())
        assert place_photos(session, run_id, 1, 2) == [(None, 2, 1)]
    assert placed(session).get(1) != 2
    assert placed(session)[2] == 2


def test_a_photo_that_was_only_locked_is_placed(session: Session, other: Session) -> None:
    run_id = ready_to_place(session)
    with other.transaction():
        query(other, "SELECT FROM photos WHERE id = 1 FOR UPDATE")
    assert set(place_photos(session, run_id, 1, 2)) == {(1, 2, 1), (None, 2, 1)}


def test_clusters_that_are_gone_or_set_aside_by_now_take_no_photos(session: Session) -> None:
    a, b, unusable, _ = make_clusters(session, [[1, 0], [2, 0], [5, 0], [0, 0]])
    session.connection.execute("UPDATE clusters SET status = 1 WHERE id = %s", (unusable,))
    rows = session.fetch_all("assign/list_active", cluster_ids=[b, 10**9, unusable, a])
    assert [row["id"] for row in rows] == [a, b]


def test_counts_are_added_up(session: Session) -> None:
    a, b, other, unknown = make_clusters(session, [[1, 0]] * 4)
    session.connection.execute("ALTER TABLE clusters ALTER COLUMN photos_count DROP NOT NULL")
    session.connection.execute("UPDATE clusters SET photos_count = 5")
    session.connection.execute("UPDATE clusters SET photos_count = NULL WHERE id = %s", (unknown,))
    added = {"cluster_ids": [b, a, unknown], "photos": [2, -3, 4]}
    assert session.execute("commit/add_counts", **added) == 3
    assert counts(session) == {a: 2, b: 7, other: 5, unknown: 4}


def test_the_record_is_closed_with_what_was_placed(session: Session) -> None:
    run_id, other = open_run(session, kind="assign"), open_run(session)
    session.execute(
        "commit/close_moves",
        run_id=run_id,
        photos_moved=7,
        clusters_created=0,
        skipped='{"too_far": 2}',
        seconds='{"total": 1.5}',
    )
    record = run_record(session, run_id)
    outcome = {
        "kind": "assign",
        "status": "succeeded",
        "photos_processed": 7,
        "photos_moved": 7,
        "clusters_created": 0,
        "skipped": {"too_far": 2},
        "seconds": {"total": 1.5},
        "error": None,
    }
    assert {name: record[name] for name in outcome} == outcome
    assert record["finished_at"] >= record["started_at"]
    assert run_record(session, other)["status"] == "running"
