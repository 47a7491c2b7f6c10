"""The command report: from made photos to a folder that is looked at."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fluffy_sql.cli.stopping import STOPPED_BY_SIGNAL
from fluffy_sql.operations.report import gather as gathering
from fluffy_sql.operations.report.gather import gather
from fluffy_sql.operations.report.model import Selection
from fluffy_sql.postgres.session import Session
from tests.conftest import Finished, Run, add_photos, made_library
from tests.integration.helpers import execute, generate, nothing_changes, query

Report = Run

THEMES = 8
PHOTOS = 200


@pytest.fixture
def report(on_database: Run) -> Report:
    """Writes a report into the folder `out`."""

    def run(*arguments: str, out: str = "out") -> Finished:
        return on_database("report", "--out", out, *arguments)

    return run


@pytest.fixture
def library(tmp_path: Path, session: Session) -> NDArray[np.int64]:
    """200 small pictures of eight colours in the working folder, clustered by run 1."""
    embeddings, labels = made_library(3, photos=PHOTOS, themes=THEMES)
    paths = [f"photos/{index:03d}.png" for index in range(PHOTOS)]
    (tmp_path / "photos").mkdir()
    for path, label in zip(paths, labels, strict=True):
        Image.new("RGB", (24, 18), (30 * int(label), 120, 200)).save(tmp_path / path)
    add_photos(session, embeddings, paths)
    generate(session, k=THEMES)
    return labels


def result_of(finished: Finished) -> dict[str, Any]:
    assert finished.code == 0, finished.err
    result = json.loads(finished.out)
    assert isinstance(result, dict)
    return result


def page(folder: Path, out: str = "out") -> str:
    return (folder / out / "index.html").read_text(encoding="utf-8")


def sheets(folder: Path, out: str = "out") -> list[str]:
    return sorted(file.name for file in (folder / out / "clusters").iterdir())


# What is written


@pytest.mark.usefixtures("library")
def test_a_page_and_a_sheet_for_each_cluster(report: Report, tmp_path: Path) -> None:
    finished = report()
    assert (finished.code, finished.err) == (0, "")
    first, second, third = finished.out.splitlines()
    assert first.startswith("out/index.html: 8 clusters, 200 photos, 0.")
    assert first.endswith(" s; nothing worth a second look")
    assert second.startswith("8 contact sheets beside it, 0.")
    assert third == f"Photos from {tmp_path}"
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["clusters", "index.html"]
    assert sheets(tmp_path) == [f"{index:04d}.png" for index in range(1, 9)]
    assert page(tmp_path).count('<article class="cluster"') == 8
    assert page(tmp_path).count('<img class="small" src="data:') == 200
    assert page(tmp_path).count('<img class="large" src="../photos/') == 200
    for name in sheets(tmp_path):
        with Image.open(tmp_path / "out" / "clusters" / name) as sheet:
            assert sheet.width == 1120


@pytest.mark.usefixtures("library")
def test_json_has_the_promised_keys(report: Report, tmp_path: Path) -> None:
    result = result_of(report("--json", "--photos", "3"))
    assert list(result) == [
        *("out", "index", "page_bytes", "root", "clusters", "clusters_in_scope", "second_look"),
        *("photos_shown", "photos_unreadable", "unreadable", "contact_sheets"),
        *("contact_sheet_bytes", "seconds"),
    ]
    assert (result["out"], result["index"]) == ("out", "out/index.html")
    assert result["page_bytes"] == (tmp_path / "out" / "index.html").stat().st_size
    assert result["contact_sheet_bytes"] == sum(
        file.stat().st_size for file in (tmp_path / "out" / "clusters").iterdir()
    )
    assert result["root"] == str(tmp_path)
    assert (result["clusters"], result["clusters_in_scope"]) == (8, 8)
    assert (result["photos_shown"], result["photos_unreadable"]) == (8 * 9, 0)
    assert (result["unreadable"], result["contact_sheets"]) == ({}, 8)


@pytest.mark.usefixtures("library")
def test_the_database_is_only_read(report: Report, session: Session) -> None:
    with nothing_changes(session):
        assert report().code == 0


@pytest.mark.usefixtures("library")
def test_the_same_library_gives_the_same_pictures(report: Report, tmp_path: Path) -> None:
    report(out="one")
    report(out="two")
    for name in sheets(tmp_path, "one"):
        assert len({(tmp_path / o / "clusters" / name).read_bytes() for o in ("one", "two")}) == 1
    one, two = (re.sub("<time .*</time>", "", page(tmp_path, out)) for out in ("one", "two"))
    assert one == two


@pytest.mark.usefixtures("library")
def test_an_earlier_report_is_replaced(report: Report, tmp_path: Path) -> None:
    assert report().code == 0
    assert result_of(report("--json", "--cluster", "3"))["clusters"] == 1
    assert sheets(tmp_path) == ["0003.png"]
    (tmp_path / "out" / "notes.txt").write_text("precious")
    assert report().refusal(2) == (
        f"--out: {tmp_path / 'out'} holds other things than an earlier report"
        " (notes.txt); name another folder"
    )
    assert sheets(tmp_path) == ["0003.png"]


@pytest.mark.usefixtures("library")
def test_what_a_run_knows_of_neighbours_and_groups_is_shown(
    report: Report, tmp_path: Path, session: Session
) -> None:
    assert report().code == 0
    assert "those whose centroids are near each other" in page(tmp_path)
    for statement in (
        "INSERT INTO cluster_levels SELECT 1, id, 1, CASE WHEN id < 4 THEN 1 ELSE id END"
        " FROM clusters",
        "INSERT INTO photo_neighbour_lists"
        " SELECT id, 1, NULL, id, 0, ARRAY[id % 200 + 1], '{0}' FROM photos",
    ):
        change(session, statement)
    assert report().code == 0
    assert "those whose photos are neighbours lie side by side" in page(tmp_path)
    assert page(tmp_path).count('<li class="group s3">') == 1


# Which clusters


@pytest.mark.usefixtures("library")
def test_the_largest_or_those_that_are_named(report: Report, tmp_path: Path) -> None:
    largest = report("--clusters", "2")
    assert largest.out.startswith("out/index.html: 2 of 8 clusters, ")
    assert sheets(tmp_path) == ["0001.png", "0002.png"]
    # The overview tells of all.
    assert page(tmp_path).count('scope="row"') == 8
    result = result_of(report("--json", "--cluster", "7", "--cluster", "3"))
    assert (result["clusters"], result["clusters_in_scope"]) == (2, 8)
    assert sheets(tmp_path) == ["0003.png", "0007.png"]
    assert result_of(report("--json", "--clusters", "100"))["clusters"] == 8


@pytest.mark.usefixtures("library")
def test_clusters_of_one_run(report: Report, tmp_path: Path, session: Session) -> None:
    add_photos(session, made_library(4, photos=30, themes=2)[0], [f"new{i}" for i in range(30)])
    generate(session, k=2, metric="l2")
    result = result_of(report("--json", "--run", "2"))
    assert (result["clusters"], result["clusters_in_scope"]) == (2, 2)
    assert (result["photos_unreadable"], result["unreadable"]) == (30, {"missing": 30})
    assert result_of(report("--json"))["clusters"] == 10
    assert page(tmp_path).count('<div class="run"') == 2
    # Distances of two metrics have nothing in common.
    assert page(tmp_path).count('<figure class="chart"') == 4


@pytest.mark.usefixtures("library")
def test_suggested_names_and_what_was_moved_since_a_run(
    report: Report, tmp_path: Path, session: Session
) -> None:
    generate(session, k=3, recluster=True)
    query(session, "UPDATE photos SET path = 'by/' || cluster_id || '/' || id RETURNING id")
    moves = query(
        session,
        "SELECT from_cluster_id, to_cluster_id FROM cluster_run_moves"
        " WHERE run_id = 2 AND from_cluster_id <> to_cluster_id",
    )
    assert report("--compare", "1", "--interactive").code == 0
    told = page(tmp_path)
    assert "Since run 1" in told
    assert told.count('<div class="move">') == len(moves) > 3
    assert 'class="tools"' in told
    assert report().code == 0
    told = page(tmp_path)
    assert "<bdi>by/1</bdi>?" in told
    assert 'class="tools"' not in told
    assert "Since run" not in told
    assert report("--compare", "9").refusal() == ("there is no run 9; fluffy-sql runs lists them")


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["--cluster", "99"], 2, "there is no cluster 99; see: fluffy-sql clusters"),
        (["--cluster", "1", "--run", "9"], 1, "there are no clusters of run 9 to look at"),
        (["--clusters", "1", "--cluster", "1"], 2, "can't be given together"),
        (["--clusters", "0"], 2, "'--clusters'"),
        (["--photos", "0"], 2, "'--photos'"),
        (["--photos", "201"], 2, "'--photos'"),
        (["--root", "none"], 2, "--root: none is not a folder"),
    ],
)
@pytest.mark.usefixtures("library")
def test_what_can_not_be_done_is_one_line_and_leaves_nothing(
    report: Report, tmp_path: Path, arguments: list[str], code: int, expected: str
) -> None:
    before = sorted(tmp_path.iterdir())
    finished = report(*arguments)
    assert (finished.code, finished.out) == (code, "")
    assert expected in finished.err
    assert finished.err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_without_clusters_there_is_nothing_to_look_at(report: Report, tmp_path: Path) -> None:
    assert report().refusal() == (
        "there are no clusters to look at; make some: fluffy-sql generate"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("library")
def test_of_very_many_clusters_the_largest_are_shown_and_those_to_look_at_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "MOST_CLUSTERS", 5)
    change(session, "UPDATE photos SET cluster_id = NULL WHERE cluster_id = 8 AND id % 10 > 0")
    empty = "INSERT INTO clusters (id, run_id, centroid) SELECT 9, 1, centroid"
    change(session, f"{empty} FROM clusters WHERE id = 1")
    seen = gather(session, Selection(photos=2))
    assert [look.cluster_ids for look in seen.second_look] == [(8,), (9,)]
    assert [shown.cluster.id for shown in seen.shown][-1] == 8
    assert len(seen.shown) == 6
    assert seen.shown[-1].photos
    assert len(seen.clusters) == 9
    # Who says how many gets so many.
    assert len(gather(session, Selection(largest=5, photos=2)).shown) == 5


def change(session: Session, statement: str) -> None:
    execute(session, statement)


# Libraries of all kinds


def test_everything_that_can_be_odd_about_a_library(
    report: Report, session: Session, tmp_path: Path
) -> None:
    add_photos(session, made_library(1, photos=60, themes=3)[0])
    generate(session, k=3)
    add_photos(
        session, made_library(2, photos=40, themes=2, dimensions=5)[0], [f"b{i}" for i in range(40)]
    )
    generate(session, k=2, metric="l2")
    for statement in (
        "UPDATE clusters SET name = '<script>x</script>', status = 1 WHERE id = 1",
        "INSERT INTO clusters (id, name) VALUES (100, 'of nobody, empty')",
        "INSERT INTO clusters (id) VALUES (101)",
        "INSERT INTO photos (path, embedding, cluster_id) VALUES ('x', '[1,2]', 101)",
        "INSERT INTO photos (path, cluster_id) VALUES ('y', 101)",
        # Another length, and none, in a cluster of run 1.
        "INSERT INTO photos (path, embedding, cluster_id) VALUES ('z', '[1,2]', 2)",
        "INSERT INTO photos (path, cluster_id) VALUES ('w', 2)",
        "ALTER TABLE photos ALTER COLUMN path DROP NOT NULL",
        "UPDATE photos SET path = NULL WHERE path = 'p1'",
        # The record of run 2 is gone, so its clusters are nobody's.
        "DELETE FROM cluster_runs WHERE id = 2",
    ):
        change(session, statement)
    result = result_of(report("--json"))
    assert (result["clusters"], result["photos_shown"]) == (7, 0)
    assert result["unreadable"] == {"missing": 103, "no_path": 1}
    html = page(tmp_path)
    assert html.count("<script>") == 1
    assert "&lt;script&gt;x&lt;/script&gt;" in html
    assert html.count('<article class="cluster"') == 7
    assert "<dt>Without a distance</dt><dd>2</dd>" in html
    assert "It has no centroid" in html
    assert "No photo is in it." in html


@pytest.mark.parametrize(
    "plain",
    [([[1.0]] * 3, 1), ([[1.0], [2.0], [9.0]], 2), ([[1, 0], [0, 1]], 2), ([[1, 0]] * 4, 1)],
)
@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_libraries_too_plain_for_a_map(
    report: Report,
    tmp_path: Path,
    plain: tuple[list[list[float]], int],
    metric: str,
    session: Session,
) -> None:
    embeddings, k = plain
    add_photos(session, embeddings)
    made = generate(session, k=k, metric=metric).clusters_created
    assert result_of(report("--json"))["clusters"] == made
    html = page(tmp_path)
    assert ("There is no map" in html) is (made == 1)
    assert ("A circle is a cluster" in html) is (made == 2)


# Photos


@pytest.mark.usefixtures("library")
def test_photos_that_can_not_be_read_are_told_and_counted(report: Report, tmp_path: Path) -> None:
    (tmp_path / "photos" / "000.png").unlink()
    (tmp_path / "photos" / "001.png").write_text("words")
    (tmp_path / "photos" / "002.png").unlink()
    (tmp_path / "photos" / "002.png").symlink_to("/etc/passwd")
    (tmp_path / "photos" / "003.png").unlink()
    (tmp_path / "photos" / "004.png").unlink()
    (tmp_path / "photos" / "005.png").write_text("words")
    finished = report()
    assert finished.code == 0
    assert finished.out.splitlines()[2] == (
        f"Photos from {tmp_path}; 6 photos could not be read:"
        " 3 missing, 2 not an image, 1 outside root"
    )
    result = result_of(report("--json"))
    assert (result["photos_shown"], result["photos_unreadable"]) == (PHOTOS - 6, 6)
    assert result["unreadable"] == {"missing": 3, "not_an_image": 2, "outside_root": 1}
    assert page(tmp_path).count('class="open lost"') == 6


@pytest.mark.usefixtures("library")
def test_a_wrong_root_is_doubted(report: Report, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    finished = report("--root", "elsewhere")
    assert finished.code == 0
    assert finished.out.splitlines()[2] == (
        f"Photos from {tmp_path / 'elsewhere'};"
        " 200 photos could not be read: 200 missing; is --root right?"
    )


@pytest.mark.database
def test_the_sample_library_is_found_without_being_named(run_cli: Run) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder).resolve()
        config = place / "s.yml"
        config.write_text("database: {embedded_dir: pg}\n")
        assert run_cli("migrate", "--config", str(config)).code == 0
        statement = (
            "INSERT INTO clusters (id) VALUES (1);"
            "INSERT INTO photos (path, cluster_id) VALUES ('a.png', 1)"
        )
        assert run_cli("psql", "--config", str(config), "-qc", statement).code == 0
        out = str(place / "out")
        arguments = ("report", "--config", str(config), "--out", out, "--json")
        assert result_of(run_cli(*arguments))["root"] == str(Path.cwd())
        (place / "sample_library").mkdir()
        Image.new("RGB", (9, 9)).save(place / "sample_library" / "a.png")
        result = result_of(run_cli(*arguments))
        assert result["root"] == str(place / "sample_library")
        assert result["photos_shown"] == 1


@pytest.mark.parametrize("missing", ["jinja2", "PIL"])
def test_a_missing_extra_is_one_line(missing: str, tmp_path: Path) -> None:
    without = f"import sys; sys.modules[{missing!r}] = None; from fluffy_sql.cli.main import run;"
    finished = subprocess.run(
        [sys.executable, "-c", without + "sys.exit(run(['report', '--out', 'out']))"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr == (
        'fluffy-sql: a report needs Pillow and Jinja2; run: pip install "fluffy_sql[report]"\n'
    )
    assert list(tmp_path.iterdir()) == []


# Time and memory

MEASURED = """
import resource, sys
from fluffy_sql.cli.main import run
code = run(sys.argv[1:])
print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


def peak_memory(url: str, folder: Path, *arguments: str) -> float:
    """Writes a report in a process of its own; returns the most memory it held, in MB."""
    finished = subprocess.run(
        [
            *(sys.executable, "-c", MEASURED, "report", "--json", "--database-url", url),
            *("--out", str(folder / "out"), *arguments),
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
    )
    code, kilobytes = finished.stderr.split()
    assert code == "0", finished.stderr
    return int(kilobytes) / 1024


def test_memory_does_not_grow_with_the_library(
    session: Session, database_url: str, tmp_path: Path
) -> None:
    """20,000 embeddings of 768 dimensions would take 61 MB."""
    embeddings = made_library(1, photos=1_000, themes=10, dimensions=768)[0]
    add_photos(session, embeddings)
    generate(session, k=10)
    arguments = ("--photos", "4")
    small = peak_memory(database_url, tmp_path, *arguments)
    change(
        session,
        "INSERT INTO photos (path, embedding, cluster_id)"
        " SELECT path || '/' || copy, embedding, cluster_id"
        " FROM photos CROSS JOIN generate_series(1, 19) AS copy",
    )
    assert query(session, "SELECT count(*) FROM photos") == [(20_000,)]
    assert peak_memory(database_url, tmp_path, *arguments) - small < 20
    assert page(tmp_path).count('<li class="photo"') == 10 * 3 * 4


def test_a_thousand_photos_take_seconds(report: Report, tmp_path: Path, session: Session) -> None:
    """A tenth of 10,000 photos in 100 clusters, which are to take 30 seconds at most.

    Ten times that is granted, for a machine that is busy with something else.
    """
    embeddings = made_library(1, photos=1_000, themes=10, dimensions=64)[0]
    rows, columns = np.mgrid[0:600, 0:800]
    for index in range(20):
        picture = np.stack([rows + 9 * index, columns, rows * columns // 500], axis=2) % 256
        Image.fromarray(picture.astype(np.uint8)).save(tmp_path / f"{index}.jpg")
    paths = [f"{index}.jpg" for index in range(1_000)]
    for index in range(20, 1_000):
        os.link(tmp_path / f"{index % 20}.jpg", tmp_path / f"{index}.jpg")
    add_photos(session, embeddings, paths)
    generate(session, k=10)
    begun = time.perf_counter()
    result = result_of(report("--json"))
    assert time.perf_counter() - begun < 30
    assert result["photos_shown"] == 360
    # As many as 100 clusters have would still be sent by mail.
    assert result["page_bytes"] < 6_000_000


def test_a_stopped_report_leaves_nothing(
    report: Report, library: NDArray[np.int64], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert report().code == 0
    earlier = page(tmp_path)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fluffy_sql.operations.report.album.draw_sheet", stop)
    stopped = report("--cluster", "1")
    assert stopped.code == STOPPED_BY_SIGNAL
    assert page(tmp_path) == earlier
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out", "photos"]
    assert len(library) == PHOTOS
