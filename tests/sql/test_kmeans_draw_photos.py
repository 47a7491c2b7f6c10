"""Drawing: which photos, in which order."""

from collections import Counter

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import add_with_ids, hide, make_clusters, place, query


def draw(
    session: Session, *, seed: int = 1, clustered: bool = False, sample_size: int = 1_000
) -> list[int]:
    """Draws anew; returns photo ids in order of position."""
    session.connection.execute("DELETE FROM work_drawn")
    drawn = session.execute(
        "kmeans/draw_photos", seed=seed, scope=None, clustered=clustered, sample_size=sample_size
    )
    found = query(session, "SELECT position, photo_id FROM work_drawn ORDER BY position")
    assert [position for position, _ in found] == list(range(1, drawn + 1))
    return [photo_id for _, photo_id in found]


LIBRARY = {i: [float(i), 1.0] for i in range(1, 21)}


def test_the_order_does_not_depend_on_the_order_on_disk(session: Session) -> None:
    add_with_ids(session, LIBRARY)
    first = draw(session)
    session.connection.execute("TRUNCATE photos")
    add_with_ids(session, dict(reversed(LIBRARY.items())))
    assert draw(session) == first
    assert sorted(first) == list(LIBRARY)


def test_another_seed_draws_in_another_order(session: Session) -> None:
    add_with_ids(session, LIBRARY)
    orders = {tuple(draw(session, seed=seed)) for seed in range(20)}
    assert len(orders) == 20
    assert tuple(LIBRARY) not in orders


def test_a_smaller_sample_is_the_beginning_of_a_larger_one(session: Session) -> None:
    add_with_ids(session, LIBRARY)
    assert draw(session, sample_size=7) == draw(session)[:7]


def test_every_photo_is_as_likely_as_any_other(session: Session) -> None:
    add_with_ids(session, {i: [1.0, 1.0] for i in (3, 50, 51, 7_000)})
    drawn = Counter(draw(session, seed=seed, sample_size=1)[0] for seed in range(400))
    assert all(abs(drawn[i] - 100) < 30 for i in (3, 50, 51, 7_000)), drawn


def test_photos_without_embedding_or_with_a_cluster_are_left_out(session: Session) -> None:
    add_with_ids(session, {1: None, 2: [1, 0], 3: [2, 0]})
    place(session, make_clusters(session, [[1, 0]])[0], 2)
    assert draw(session) == [3]
    assert draw(session, sample_size=1) == [3]
    assert sorted(draw(session, clustered=True)) == [2, 3]


def test_only_usable_photos_are_drawn(session: Session) -> None:
    add_with_ids(session, LIBRARY)
    hide(session, 4, 5)
    usable = [i for i in LIBRARY if i not in (4, 5)]
    assert sorted(draw(session)) == usable
    assert sorted(draw(session, sample_size=18)) == usable  # the others take no place


def test_an_empty_library_gives_no_photos(session: Session) -> None:
    assert draw(session) == []
