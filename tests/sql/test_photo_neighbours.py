"""The photos most alike to one: from what a run kept if that still holds, else of all."""

from typing import Any

import pytest

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import add_with_ids, hide, make_clusters, open_run, place, query
from tests.sql.test_scopes import give_scopes

LINE: dict[int, list[float] | None] = {
    1: [0, 0],
    2: [1, 0],
    3: [3, 0],
    4: [6, 0],
    5: None,
    6: [1, 1, 1],
}


@pytest.fixture
def library(session: Session) -> Session:
    """Photo 1 has a list of three, by run 1 under l2."""
    add_with_ids(session, LINE)
    open_run(session, metric="l2")
    session.connection.execute(
        "INSERT INTO photo_neighbour_lists VALUES (1, 1, NULL, 1, 0, '{2, 3, 4}', '{1, 3, 6}')"
    )
    return session


def neighbours(session: Session, photo_id: int, n: int) -> list[tuple[Any, ...]]:
    return query(
        session, "SELECT neighbour_id, distance, run_id FROM photo_neighbours(%s, %s)", photo_id, n
    )


def test_a_kept_list_is_given_and_names_its_run(library: Session) -> None:
    assert neighbours(library, 1, 3) == [(2, 1, 1), (3, 3, 1), (4, 6, 1)]
    assert neighbours(library, 1, 2) == [(2, 1, 1), (3, 3, 1)]


def test_without_a_list_or_if_more_are_wanted_all_are_compared(library: Session) -> None:
    place(library, *make_clusters(library, [[1, 1]], 1), 3)  # l2
    assert neighbours(library, 3, 2) == [(2, 2, None), (1, 3, None)]
    assert neighbours(library, 1, 9) == [(2, 1, None), (3, 3, None), (4, 6, None)]
    assert (
        neighbours(library, 1, 0) == neighbours(library, 5, 3) == neighbours(library, 99, 3) == []
    )
    assert neighbours(library, 2, 1) == [(3, 0, None)]  # by cosine


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE photos SET embedding = '[4, 0]' WHERE id = 2",
        "UPDATE photos SET embedding = '[0, 9]' WHERE id = 1",
        "UPDATE photos SET embedding = NULL WHERE id = 3",
        "DELETE FROM photos WHERE id = 3",
    ],
)
def test_a_list_that_no_longer_holds_is_not_given(library: Session, change: str) -> None:
    library.connection.execute(change.encode())
    found = neighbours(library, 1, 3)
    assert {run_id for _, _, run_id in found} == {None}
    assert [away for _, away, _ in found] == sorted(away for _, away, _ in found)
    assert len(found) == (2 if "3" in change[-2:] else 3)


def test_only_usable_photos_of_the_scope_are_neighbours(library: Session) -> None:
    hide(library, 3)
    assert neighbours(library, 1, 3) == [(2, 1, None), (4, 6, None)]
    library.connection.execute("DROP VIEW usable_photos CASCADE")


def test_a_list_of_another_scope_is_not_given(library: Session) -> None:
    give_scopes(library, {1: 7, 2: 7, 4: 7})
    assert neighbours(library, 1, 2) == [(2, 1, None), (4, 6, None)]
