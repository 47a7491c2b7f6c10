"""What names are suggested by: folders, dates, places and words; and names that are written."""

from datetime import date
from typing import Any

import pytest

from fluffy_sql.postgres.session import Session
from tests.conftest import add_photos
from tests.sql.helpers import clusters_with_ids, place, query, vectors

SEA, WOOD, MIXED = 1, 2, 3


@pytest.fixture(autouse=True)
def _library(session: Session) -> None:
    """Clusters of 4, 2 and 2 photos, and one photo in none."""
    paths = [f"/all/sea/{year}/{name}.jpg" for year in (2019, 2020) for name in "ab"]
    paths += [f"/all/wood/{name}.jpg" for name in "abc"]
    paths += ["flat.jpg", "/all/sea/2019/c.jpg"]
    ids = add_photos(session, [[1, 0]] * 9, paths)
    clusters_with_ids(session, {SEA: [1, 0], WOOD: [0, 2], MIXED: [1, 0, 0]})
    by_path = dict(query(session, "SELECT path, id FROM photos"))
    for cluster_id, some in ((SEA, paths[:4]), (WOOD, paths[4:6]), (MIXED, paths[6:8])):
        place(session, cluster_id, *(by_path[path] for path in some))
    assert len(ids) == 9


def rows(session: Session, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in session.fetch_all(statement, **parameters)]


def test_the_folder_that_says_most_is_neither_that_of_all_nor_one_of_a_few(
    session: Session,
) -> None:
    assert rows(session, "naming/find_folders", cluster_ids=[SEA, WOOD, MIXED, 9]) == [
        (SEA, 4, 9, "/all/sea", 4, 5),
        (WOOD, 2, 9, "/all/wood", 2, 3),
        (MIXED, 2, 9, "/all/wood", 1, 3),
    ]
    session.connection.execute("UPDATE photos SET path = 'p' || id")
    assert rows(session, "naming/find_folders", cluster_ids=[WOOD]) == [(WOOD, 2, 9, None, 0, 0)]


def test_dates_but_for_outliers_and_the_middle_of_places(session: Session) -> None:
    session.connection.execute(
        "INSERT INTO photo_files (photo_id, bytes, modified, taken_at, latitude, longitude)"
        " SELECT id, 1, 1, timestamp '2019-05-01 23:00' + (id - first) * interval '1 day',"
        "   CASE WHEN cluster_id = 1 THEN 47.3 + (id - first) * 0.06 END,"
        "   CASE WHEN cluster_id = 1 THEN 8.5 END"
        " FROM (SELECT *, min(id) OVER () AS first FROM photos) AS p WHERE cluster_id IN (1, 2)"
    )
    first, last = date(2019, 5, 1), date(2019, 5, 6)
    [whole, sea, wood] = rows(session, "naming/find_dates_and_places", cluster_ids=[SEA, WOOD])
    assert whole[:6] == (None, None, 6, first, last, 4)
    assert sea == (SEA, None, 4, first, date(2019, 5, 4), 4, pytest.approx(47.39), 8.5, 4)
    assert wood == (WOOD, None, 2, date(2019, 5, 5), last, 0, None, None, 0)


def test_the_nearest_word_of_centroids_of_its_length(session: Session) -> None:
    words = vectors(session, [[0, 1], [3, 1], [6, 2]])
    asked: dict[str, Any] = {"cluster_ids": [SEA, WOOD, MIXED], "words": words, "dimensions": 2}
    found = rows(session, "naming/find_words", **asked)
    assert found == [(SEA, 2, pytest.approx(0.9487, abs=1e-4)), (WOOD, 1, 1.0)]


def test_only_what_has_no_name_is_named(session: Session) -> None:
    session.connection.execute("UPDATE clusters SET name = NULL WHERE id = 2")
    listed = rows(session, "naming/list_clusters", every_scope=True, scope=None)
    assert listed == [
        (SEA, None, "c1", None, False),
        (WOOD, None, None, None, True),
        (MIXED, None, "c3", None, False),
    ]
    named = rows(session, "naming/name_clusters", cluster_ids=[WOOD, SEA], names=["wood", "x"])
    assert named == [(WOOD,)]
    again = {"cluster_id": WOOD, "name": None}
    assert rows(session, "naming/rename_cluster", **again) == [("wood",)]
    assert rows(session, "naming/rename_cluster", **again | {"cluster_id": 9}) == []
    assert query(session, "SELECT name FROM clusters ORDER BY id") == [("c1",), (None,), ("c3",)]


def test_photos_are_listed_by_cluster_and_rank(session: Session) -> None:
    asked: dict[str, Any] = {"run_id": None, "every_scope": True, "scope": None}
    found = session.fetch_all("export/list_photos", cluster_ids=[WOOD], **asked)
    assert [(row["cluster_name"], row["rank"], row["path"]) for row in found] == [
        ("c2", 1, "/all/wood/a.jpg"),
        ("c2", 2, "/all/wood/b.jpg"),
    ]
