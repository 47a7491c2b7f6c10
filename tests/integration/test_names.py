"""Names that are suggested, and written only if that is asked for."""

import json
from pathlib import Path
from typing import Any

import pytest

from fluffy_sql.postgres.session import Session
from tests.conftest import Run, add_photos
from tests.integration.helpers import execute, generate, nothing_changes, query
from tests.unit.test_text_network import write_text_model, write_words

FOLDERS = (("a/sea", 9, [1, 0]), ("wood/2019", 7, [0, 1]), ("b/sea", 5, [-1, 0]))


@pytest.fixture(autouse=True)
def _library(session: Session) -> None:
    """Two clusters in folders `sea`, one in `wood/2019`, and one in no folder."""
    photos = {
        f"{folder}/{number}.jpg": direction
        for folder, count, direction in FOLDERS
        for number in range(count)
    }
    photos |= {f"{number}.jpg": [0, -1] for number in range(3)}
    add_photos(session, list(photos.values()), list(photos))
    generate(session, k=4)
    execute(
        session,
        "INSERT INTO photo_files (photo_id, bytes, modified, taken_at, latitude, longitude)"
        " SELECT id, 1, 1, CASE WHEN path LIKE '%/%' THEN '2017-01-01' ELSE '2019-05-12' END"
        " ::timestamp + (id % 2) * interval '1 day', 47.38, -8.54 FROM photos"
        " WHERE path NOT LIKE '%/%' OR id % 3 = 0",
    )


def suggested(run: Run, *options: str) -> dict[str, Any]:
    finished = run("clusters", "--suggest-names", "--json", *options)
    assert finished.code == 0, finished.err
    read: dict[str, Any] = json.loads(finished.out)
    return read


def names(session: Session) -> list[str | None]:
    return [name for (name,) in query(session, "SELECT name FROM clusters ORDER BY id")]


def test_names_of_folders_and_dates_are_suggested_and_not_written(
    session: Session, on_database: Run
) -> None:
    with nothing_changes(session):
        found = suggested(on_database)["suggestions"]
        told = on_database("clusters", "--suggest-names")
    assert [row["name"] for row in found] == ["sea", "wood/2019", "sea 2", "May 2019"]
    assert [found[place]["folder"] for place in (0, 3)] == ["a/sea", None]
    assert "100 % in a/sea" in told.out
    assert "4 names suggested, none written" in told.out


def test_accepted_names_are_written_once(session: Session, on_database: Run) -> None:
    on_database("clusters", "name", "1", " by the sea ")
    assert suggested(on_database, "--accept", "--limit", "2")["named"] == [2, 3]
    assert names(session) == ["by the sea", "wood/2019", "sea", None]
    told = on_database("clusters", "--suggest-names", "--accept")
    assert told.out.endswith("1 cluster named.\n")
    assert "have a name" in on_database("clusters", "--suggest-names").out


def test_a_person_names_a_cluster_and_takes_its_name_away(
    session: Session, on_database: Run
) -> None:
    assert (
        on_database("clusters", "name", "3", "harbour").out == "Cluster 3 is called harbour now.\n"
    )
    away = on_database("clusters", "name", "3", "", "--json")
    assert json.loads(away.out) == {"cluster_id": 3, "name": None, "name_before": "harbour"}
    assert names(session) == [None] * 4
    assert on_database("clusters", "name", "9", "x").refusal(2) == (
        "there is no cluster 9; see: fluffy-sql clusters"
    )


def test_names_from_a_list_of_words(session: Session, on_database: Run, tmp_path: Path) -> None:
    write_text_model(tmp_path)
    words = ("--words", str(write_words(tmp_path)))
    missing = on_database("clusters", "--suggest-names", *words).refusal(2)
    assert missing.startswith("--words needs a text encoder: set embedding.text_model")
    (tmp_path / "image_embed.yml").write_text("embedding:\n  text_model: text_model.onnx\n")
    found = suggested(on_database, *words, "--limit", "2")["suggestions"]
    assert [(row["name"], row["similarity"]) for row in found] == [("Sea", 1), ("forest", 1)]
    told = on_database("clusters", "--suggest-names", *words)
    assert "nearest to Sea, cosine 1.00; 100 % in a/sea" in told.out
    execute(session, "UPDATE clusters SET centroid = '[1,0,0]'")
    other = on_database("clusters", "--suggest-names", *words).refusal()
    assert other.startswith("the text model gives 2 numbers, and no centroid has that many; set")
    assert "add it" in on_database("clusters", *words).refusal(2)
