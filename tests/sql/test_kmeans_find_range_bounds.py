"""Ids that cut the library into equal parts."""

from typing import Any

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import make_sample


def bounds(session: Session, fractions: list[float]) -> Any:
    return session.fetch_value("kmeans/find_range_bounds", fractions=fractions)


def test_bounds_are_ids_of_the_sample_at_these_fractions(session: Session) -> None:
    ids = [70, 20, 100, 40, 10, 60, 90, 30, 80, 50]
    make_sample(session, [[0, 0]] * 10, ids)
    assert bounds(session, [0.25, 0.5, 0.75]) == [30, 50, 80]


def test_bounds_follow_the_photos_and_not_the_numbers(session: Session) -> None:
    make_sample(session, [[0, 0]] * 4, [1, 2, 3, 1_000_000])
    assert bounds(session, [0.5]) == [2]


def test_one_range_has_no_bounds_within(session: Session) -> None:
    make_sample(session, [[0, 0]], [5])
    assert bounds(session, []) == []


def test_an_empty_sample_gives_null(session: Session) -> None:
    make_sample(session, [])
    assert bounds(session, [0.5]) is None
