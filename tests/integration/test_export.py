"""Clusters for other tools: printed, as playlists, and as folders of links."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from fluffy_sql.postgres.session import Session
from tests.conftest import Finished, Run, add_photos
from tests.integration.helpers import execute, nothing_changes

PATHS = ["a/1.jpg", "b/1.jpg", "#3.jpg", "../secret.jpg", "gone.jpg", "in\nto.jpg"]


@pytest.fixture
def root(tmp_path: Path, session: Session) -> Path:
    """Photos of two clusters; one of the first lies outside, one is gone, one has an odd name."""
    (root := tmp_path / "photos").mkdir()
    for name in {*PATHS} - {"gone.jpg"}:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("a photo")
    add_photos(session, [[1, number] for number in range(6)], PATHS)
    execute(
        session,
        "INSERT INTO clusters (id, name, centroid) VALUES (1, 'a/b: the ''sea''. ', '[1,0]'),"
        " (2, NULL, '[0,1]')",
        "UPDATE photos SET cluster_id = CASE WHEN path = '#3.jpg' THEN 2 ELSE 1 END",
    )
    return root


def export(run: Run, root: Path, kind: str = "folders", *options: str) -> Finished:
    return run("clusters", "export", "--format", kind, "--out", "o", "--root", str(root), *options)


def links(out: Path) -> dict[str, str]:
    return {
        file.relative_to(out).as_posix(): str(file.readlink())
        for file in sorted(out.rglob("*"))
        if file.is_symlink()
    }


def test_photos_are_printed_as_they_come(session: Session, on_database: Run, root: Path) -> None:
    with nothing_changes(session):
        printed = on_database("clusters", "export", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(printed.out)))
    assert [(row["cluster_id"], row["rank"], row["path"]) for row in rows] == [
        *(("1", str(rank + 1), PATHS[place]) for rank, place in enumerate((0, 1, 3, 4, 5))),
        ("2", "1", "#3.jpg"),
    ]
    objects: list[dict[str, Any]] = json.loads(
        on_database("clusters", "export", "--format", "json").out
    )
    assert [{key: str(value or "") for key, value in row.items()} for row in objects] == [
        row | {"distance": row["distance"] if float(row["distance"]) else ""} for row in rows
    ]
    one = on_database("clusters", "export", "--format", "json", "--cluster", "2")
    assert [row["photo_id"] for row in json.loads(one.out)] == [3]
    assert on_database("clusters", "export", "--format", "json", "--run", "9").out == "[]\n"
    unknown = on_database("clusters", "export", "--format", "csv", "--cluster", "7").refusal(2)
    assert unknown == "there is no cluster 7; see: fluffy-sql clusters"


def test_folders_have_links_and_are_the_same_again(
    on_database: Run, root: Path, tmp_path: Path
) -> None:
    expected = {
        "0001 a_b_ the 'sea'/1.jpg": str(root / "a/1.jpg"),
        "0001 a_b_ the 'sea'/1 (2).jpg": str(root / "b/1.jpg"),
        "0001 a_b_ the 'sea'/in\nto.jpg": str(root / "in\nto.jpg"),
        "0002/#3.jpg": str(root / "#3.jpg"),
    }
    for _ in range(2):
        done = json.loads(export(on_database, root, "folders", "--json").out)
        assert links(tmp_path / "o") == expected
    assert done == {
        "out": "o",
        "format": "folders",
        "root": str(root),
        "clusters": 2,
        "photos": 4,
        "left_out": {"outside the root": 1, "missing": 1},
    }
    export(on_database, root, "folders", "--relative", "--cluster", "2")
    assert links(tmp_path / "o") == {"0002/#3.jpg": "../../photos/#3.jpg"}
    assert (tmp_path / "o/0002/#3.jpg").read_text() == "a photo"


def test_playlists_have_a_path_a_line(on_database: Run, root: Path, tmp_path: Path) -> None:
    told = export(on_database, root, "m3u", "--relative").out
    assert told.splitlines()[:2] == [
        "o: 2 playlists, 3 photos",
        "Left out: 1 outside the root, 1 missing, 1 name not printable",
    ]
    files = {file.name: file.read_text() for file in (tmp_path / "o").glob("*.m3u8")}
    assert files == {
        "0001 a_b_ the 'sea'.m3u8": "#EXTM3U\n../photos/a/1.jpg\n../photos/b/1.jpg\n",
        "0002.m3u8": "#EXTM3U\n../photos/#3.jpg\n",
    }
    mapped = ("--map-path", f"/data={root}", "--cluster", "2")
    assert export(on_database, root, "m3u", *mapped).code == 0


def test_nothing_else_is_replaced(on_database: Run, root: Path, tmp_path: Path) -> None:
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "mine").symlink_to(root / "a/1.jpg")
    refused = "holds other things than an earlier export (mine); name another folder"
    assert export(on_database, root).refusal(2).endswith(refused)
    (tmp_path / "o" / "mine").unlink()
    assert export(on_database, root).code == 0
    (tmp_path / "o" / "0002" / "notes.txt").touch()
    assert "export (0002/notes.txt)" in export(on_database, root).refusal(2)
    assert len(links(tmp_path / "o")) == 4
    assert (root / "a/1.jpg").read_text() == "a photo"


def test_what_does_not_go_together_is_refused(on_database: Run, root: Path) -> None:
    no_folder = on_database("clusters", "export", "--format", "m3u").refusal(2)
    assert no_folder == "--format m3u writes a folder; name it with --out"
    among = on_database("clusters", "export", "--format", "folders", "--out", "o").refusal(2)
    assert among.startswith(f"--out: o lies in {root.parent}, so embed would find each photo")
    assert "--format csv prints paths as they are" in export(on_database, root, "csv").refusal(2)
    assert "no photo is in a cluster" in export(on_database, root, "m3u", "--run", "9").refusal()
