"""Benchmarks: what goes over the wire, what the numbers come to, and what is drawn of them."""

import io
import json
import re
import struct
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console
from sklearn.metrics import normalized_mutual_info_score

from benchmarks.contenders import CONTENDERS, FLOOR, contender_named, entrants
from benchmarks.database import connect, fetch_one, load_library, reset
from benchmarks.library import CHUNK_ROWS, Library, made_photos
from benchmarks.link import Link
from benchmarks.measure import ContenderError, Run, rotated, run_in_child
from benchmarks.options import parse_options, planned_series
from benchmarks.processor import ended_seconds
from benchmarks.records import build_labels, build_photos, parse_photos
from benchmarks.report import cells, describe_run, markdown, results_json, text_tables
from benchmarks.statements import SQL_FOLDER, statement
from benchmarks.summary import Summary, summarize
from benchmarks.transfer import label_by_copy, label_by_select
from tests.reference import inertia_of_partition

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = struct.pack("!h", -1)
BY_K = [contender for contender in CONTENDERS if contender.by_k]
RUN = Run(rows=100, dimensions=8, k=5, contender="fluffy_sql", repeat=1)
ENVIRONMENT: dict[str, Any] = {
    "date": "2025-01-02",
    "cores": 2,
    "processor": "Some CPU",
    "features": "AVX2",
    "blas": ["openblas 0.3 Zen"],
    "memory_gb": 8.4,
    "system": "Linux x86_64",
    "python": "3.11.0",
    "packages": {"numpy": "2.0", "faiss-cpu": None, "pgvector": "0.5"},
    "server": {"postgres": "18.0", "pgvector": "0.8", "settings": {"shared_buffers": "128MB"}},
}


def exported(rows: list[tuple[int, list[float]]]) -> bytes:
    """What `COPY (SELECT id, embedding ...)` sends, put together value by value."""
    return (
        HEADER
        + b"".join(
            struct.pack(f"!hiqihh{len(x)}f", 2, 8, id_, 4 + 4 * len(x), len(x), 0, *x)
            for id_, x in rows
        )
        + TRAILER
    )


def summaries_of(*runs: Run) -> dict[str, Summary]:
    return {summary.contender: summary for summary in summarize(runs)}


# What goes over the wire


def test_an_export_is_parsed() -> None:
    ids, vectors = parse_photos(exported([(7, [1.5, -2.0, 0.25]), (2**40, [0.0, 1.0, 2.0])]))
    assert ids.tolist() == [7, 2**40]
    assert vectors.tolist() == [[1.5, -2.0, 0.25], [0.0, 1.0, 2.0]]
    assert ids.dtype == np.int64
    assert vectors.dtype == np.float32
    assert vectors.flags.c_contiguous


def test_an_export_of_nothing_is_parsed() -> None:
    ids, vectors = parse_photos(exported([]))
    assert len(ids) == len(vectors) == 0


@pytest.mark.parametrize(
    ("copied", "why"),
    [
        (exported([(1, [1.0])])[:-2], "not a whole file"),
        (b"1\t[1]\n", "not a whole file"),
        (exported([(1, [1.0, 2.0]), (2, [1.0])]), "not all of the same length"),
        # as long as two rows of one dimension and of three, so only the numbers in it tell
        (exported([(1, [1.0, 2.0]), (2, [1.0]), (3, [1.0, 2.0, 3.0])]), "not all an id"),
    ],
)
def test_an_export_that_is_no_matrix_is_refused(copied: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_photos(copied)


def test_photos_are_built_as_copy_takes_them() -> None:
    built = build_photos(np.array([3, 12]), np.array([[1.0, 2.0], [0.5, -1.0]], np.float32))
    row = "!hiqi10sihh2f"
    assert built == (
        HEADER
        + struct.pack(row, 3, 8, 3, 10, b"0000000003", 12, 2, 0, 1.0, 2.0)
        + struct.pack(row, 3, 8, 12, 10, b"0000000012", 12, 2, 0, 0.5, -1.0)
        + TRAILER
    )


def test_labels_are_built_as_copy_takes_them() -> None:
    row = "!hiqiq"
    assert build_labels(np.array([3, 12]), np.array([1, 2**33])) == (
        HEADER + struct.pack(row, 2, 8, 3, 8, 1) + struct.pack(row, 2, 8, 12, 8, 2**33) + TRAILER
    )


@pytest.mark.parametrize("label", [label_by_select, label_by_copy])
def test_both_ways_carry_every_photo_and_its_label(
    label: Callable[..., None], bare_database_url: str
) -> None:
    load_library(bare_database_url, Library(rows=300, dimensions=8, ks=(4,)))
    ((ids, embeddings, themes),) = made_photos(300, 8)
    seen: list[NDArray[np.float32]] = []

    def fit_labels(vectors: NDArray[np.float32], k: int) -> NDArray[np.int64]:
        seen.append(vectors)
        return np.asarray(np.abs(vectors).argmax(axis=1) % k, dtype=np.int64)

    label(bare_database_url, 4, fit_labels)
    assert {tuple(row) for row in seen[0].tolist()} == {tuple(row) for row in embeddings.tolist()}
    expected = fit_labels(embeddings, 4)
    with connect(bare_database_url) as connection:
        rows = connection.execute("SELECT id, cluster_id FROM photos ORDER BY id").fetchall()
        assert [(row["id"], row["cluster_id"]) for row in rows] == list(
            zip(ids.tolist(), (expected + 1).tolist(), strict=True)
        )
        measured = fetch_one(connection, "measure_partition")
        assert (measured["clusters"], measured["unplaced"]) == (len(set(expected.tolist())), 0)
        assert fetch_one(connection, "measure_agreement")["nmi"] == pytest.approx(
            normalized_mutual_info_score(themes, expected)
        )
        assert measured["inertia"] == pytest.approx(
            inertia_of_partition(embeddings.astype(np.float64), expected), rel=1e-5
        )
        reset(connection)
        measured = fetch_one(connection, "measure_partition")
        assert measured == {"inertia": None, "clusters": 0, "unplaced": 300, "photos": 300}


@pytest.mark.parametrize("name", ["attached-hnsw", "adopted-hnsw"])
def test_a_library_is_measured_and_reset_where_it_lies(name: str, bare_database_url: str) -> None:
    contender = contender_named(name)
    load_library(bare_database_url, Library(rows=200, dimensions=4, ks=()), [contender])
    with connect(bare_database_url, contender.schema) as connection:
        if contender.source is None:
            reset(connection, indexed=True)
        indexes = connection.execute("SELECT tablename FROM pg_indexes WHERE indexdef ~ 'hnsw'")
        assert indexes.fetchall() == [{"tablename": contender.source or "photos"}]
        phases = import_module(contender.module).run(bare_database_url, 3)
        assert 0 < phases["locked"] <= phases["commit"] <= phases["total"]
        measured = fetch_one(connection, "measure_partition")
        assert (measured["clusters"], measured["unplaced"], measured["photos"]) == (3, 0, 200)
        ours = connection.execute("SELECT path, cluster_id FROM usable_photos").fetchall()
        themes = dict(zip(*(part.tolist() for part in next(made_photos(200, 4))[::2]), strict=True))
        assert fetch_one(connection, "measure_agreement")["nmi"] == pytest.approx(
            normalized_mutual_info_score(
                [themes[int(row["path"])] for row in ours], [row["cluster_id"] for row in ours]
            )
        )
        assert fetch_one(connection, "measure_indexes")["index_bytes"] > 0
        reset(connection)
        assert fetch_one(connection, "measure_partition")["unplaced"] == 200


def test_the_server_tells_what_its_ended_processes_took(bare_database_url: str) -> None:
    with connect(bare_database_url) as connection:
        before = ended_seconds(connection)
        with connect(bare_database_url) as another:
            another.execute("SELECT sum(sqrt(n)) FROM generate_series(1, 300000) AS n")
        after = ended_seconds(connection)
    if before is None or after is None:
        pytest.skip("the server is not on this machine")
    assert after > before


def test_what_is_noise_gets_no_cluster(bare_database_url: str) -> None:
    load_library(bare_database_url, Library(rows=40, dimensions=4, ks=()))
    label_by_copy(bare_database_url, 0, lambda vectors, _: np.arange(len(vectors)) % 4 - 1)
    ((_, _, themes),) = made_photos(40, 4)
    labels = np.where(np.arange(40) % 4 == 0, np.arange(40) + 100, np.arange(40) % 4)
    with connect(bare_database_url) as connection:
        measured = fetch_one(connection, "measure_partition")
        assert (measured["clusters"], measured["unplaced"]) == (3, 10)
        assert fetch_one(connection, "measure_agreement")["nmi"] == pytest.approx(
            normalized_mutual_info_score(themes, labels)
        )


# What is made and what is run


def test_a_library_is_the_same_each_time_and_of_unit_vectors() -> None:
    one, other = (list(made_photos(CHUNK_ROWS + 5, 16)) for _ in range(2))
    ids, vectors, _ = (np.concatenate(part) for part in zip(*one, strict=True))
    assert ids.tolist() == list(range(1, CHUNK_ROWS + 6))
    np.testing.assert_array_equal(vectors, np.concatenate([chunk for _, chunk, _ in other]))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert vectors.dtype == np.float32


def test_the_largest_library_of_a_series_has_every_k() -> None:
    assert planned_series([100], 8, [5, 20], 10) == (Library(100, 8, (5, 20)),)
    assert planned_series([300, 100], 8, [5, 20], 10) == (
        Library(100, 8, (10,)),
        Library(300, 8, (5, 10, 20)),
    )


def test_options_name_contenders_and_always_the_floor() -> None:
    options = parse_options(["--contenders", "faiss-copy,fluffy_sql", "--database-url", "secret"])
    assert [contender.name for contender in options.contenders] == [
        "faiss-copy",
        "fluffy_sql",
        FLOOR,
    ]
    assert not options.limits
    assert "secret" not in json.dumps(options.public())


def test_a_library_of_a_folder(tmp_path: Path) -> None:
    np.save(tmp_path / "embeddings.npy", np.eye(3, 4, dtype=np.float16))
    (tmp_path / "photos.csv").write_text("path,label\na,dog\nb,cat\nc,dog\n")
    (library,) = parse_options(["--data", str(tmp_path)]).libraries
    assert (library.rows, library.dimensions, library.ks) == (3, 4, (2,))
    ((ids, embeddings, themes),) = library.photos()
    assert (ids.tolist(), themes.tolist()) == ([1, 2, 3], [1, 0, 1])
    assert embeddings.dtype == np.float32


def test_options_have_defaults_and_shortcuts() -> None:
    options = parse_options([])
    assert options.libraries == (Library(100_000, 768, (20, 200, 1000)),)
    assert options.contenders == CONTENDERS
    assert options.limits
    assert [library.rows for library in parse_options(["--attached", "--large"]).libraries] == [
        20_000,
        1_000_000,
        200_000,
    ]
    assert len(parse_options(["--small", "--rows", "500,100"]).libraries) == 4
    assert parse_options(["--links", "80ms-100mbit"]).links == (Link(0.08, 100),)
    quick = parse_options(["--quick"])
    assert [library.rows for library in quick.libraries] == [2_000]
    assert (quick.repeats, quick.limits) == (1, False)


@pytest.mark.parametrize(
    "wrong", [["--contenders", "other"], ["--links", "slow"], ["--rows", "0"], ["--k", "many"]]
)
def test_wrong_options_are_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse_options(wrong)
    assert wrong[0] in capsys.readouterr().err


def test_contenders_stay_out_where_they_make_no_sense() -> None:
    full, ivfflat = contender_named("sklearn-kmeans"), contender_named("pgvector-ivfflat")
    assert full.makes_sense(100_000, 250)
    assert not full.makes_sense(100_000, 251)
    assert ivfflat.makes_sense(100, 200)
    assert not ivfflat.makes_sense(100, 199)
    assert contender_named("hdbscan-copy").makes_sense(10_000, None)
    assert not contender_named("hdbscan-copy").makes_sense(10_001, None)
    assert not contender_named("attached-hnsw").makes_sense(20_001, 200)
    asked = [full, contender_named("leiden")]
    assert entrants(asked, 100_000, 251, limits=True) == []
    assert entrants(asked, 100_000, 251, limits=False) == [full]
    assert entrants(asked, 100_000, None, limits=True) == asked[1:]


def test_each_repeat_begins_with_another_contender() -> None:
    assert rotated(CONTENDERS, 0) == [*CONTENDERS]
    assert rotated(CONTENDERS, 2)[-2:] == [*CONTENDERS[:2]]
    assert rotated(CONTENDERS, len(CONTENDERS) + 1)[0] == CONTENDERS[1]


@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda contender: contender.name)
def test_every_contender_has_a_module(contender: Any) -> None:
    assert find_spec(contender.module) is not None


def test_a_child_says_what_it_spent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chatty.py").write_text(
        "import time\n\ndef run(url, k):\n    time.sleep(0.05)\n    print(url, k, end='')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    spent = run_in_child({"module": "chatty", "url": "u", "k": 3, "ours": True})
    assert 0.05 <= spent["seconds"] < 5
    assert 5 < spent["memory_mb"] < 200
    assert 0 < spent["client_seconds"] < 5


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise ValueError('no such luck')", "ValueError: no such luck"),
        ("raise SystemExit(3)", "exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", "ended by SIGKILL"),
    ],
)
def test_a_child_that_fails_says_why(
    body: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "failing.py").write_text(f"def run(url, k):\n    {body}\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ContenderError, match=re.escape(reason)):
        run_in_child({"module": "failing", "url": "u", "k": 3, "ours": False})


@pytest.mark.parametrize("model", ["minibatch_fit", "faiss_fit", "sklearn_kmeans"])
def test_models_label_every_vector(model: str) -> None:
    if model == "faiss_fit":
        pytest.importorskip("faiss", reason="faiss-cpu is in the extra bench")
    ((_, vectors, _),) = made_photos(400, 8)
    labels = import_module(f"benchmarks.contenders.{model}").fit_labels(vectors, 5)
    assert labels.shape == (400,)
    assert labels.dtype == np.int64
    assert set(labels.tolist()) <= set(range(5))


# What it comes to


def test_a_summary_takes_medians_and_ratios() -> None:
    summaries = summaries_of(
        *(replace(RUN, repeat=i, seconds=s, process_seconds=5.0, memory_mb=60.0, inertia=50.0,
                  clusters=5)
          for i, s in enumerate([2.0, 9.0, 4.0], start=1)),
        *(replace(RUN, contender="faiss-copy", repeat=i, seconds=s, process_seconds=8.0,
                  memory_mb=m, inertia=55.0, clusters=c)
          for i, (s, m, c) in enumerate([(10.0, 200.0, 5), (6.0, 210.0, 4)], start=1)),
        replace(RUN, contender=FLOOR, seconds=1.0, memory_mb=30.0),
    )  # fmt: skip
    assert list(summaries) == ["fluffy_sql", "faiss-copy", FLOOR]
    ours, peer, floor = summaries.values()
    assert (ours.seconds, ours.least_seconds, ours.most_seconds) == (4.0, 2.0, 9.0)
    assert (ours.time_ratio, ours.inertia_ratio) == (1.0, 1.0)
    assert (peer.seconds, peer.time_ratio, peer.memory_mb) == (8.0, 2.0, 210.0)
    assert (peer.process_ratio, floor.process_ratio) == (1.6, None)
    assert peer.inertia_ratio == pytest.approx(1.1)
    assert peer.clusters == 4
    assert (floor.time_ratio, floor.inertia, floor.inertia_ratio) == (0.25, None, None)


def test_a_summary_has_no_ratios_to_what_is_not_there() -> None:
    failed = replace(RUN, error="ended by SIGKILL")
    peer = replace(RUN, contender="faiss-copy", seconds=3.0, inertia=7.0)
    summaries = summaries_of(failed, peer)
    assert summaries["fluffy_sql"].error == "ended by SIGKILL"
    assert summaries["fluffy_sql"].seconds is None
    assert summaries["faiss-copy"].time_ratio is None
    assert summaries["faiss-copy"].inertia_ratio == 1.0


def test_without_k_others_are_compared_with_ours_without_k() -> None:
    runs = [replace(RUN, seconds=9.0)] + [
        replace(RUN, k=None, contender=name, seconds=seconds)
        for name, seconds in (("leiden", 2.0), ("evoc-copy", 3.0))
    ]
    assert summaries_of(*runs)["evoc-copy"].time_ratio == 1.5
    assert describe_run(runs[1]) == "repeat 1, leiden: 2.00 s,  MB"


def test_a_link_has_a_table_of_its_own_with_what_passed() -> None:
    over = replace(RUN, link="20ms-100mbit", bytes_up=2_500_000, bytes_down=0, round_trips=51)
    summaries = summarize([RUN, replace(over, repeat=2, seconds=3.0)])
    assert cells(summaries[1])[-3:] == ("2.5", "0.0", "51")
    assert "**100 photos of 8 dimensions, over 20ms-100mbit**" in markdown(summaries, ENVIRONMENT)
    assert describe_run(over).startswith("repeat 1, fluffy_sql, k = 5, over 20ms-100mbit:")


def test_a_report_tells_where_the_time_of_ours_goes() -> None:
    spent = [{"seed": 0.5, "total": 1.0}, {"seed": 0.7, "total": 3.0}, {"total": 2.0}]
    runs = [
        *(replace(RUN, repeat=i, phases=phases) for i, phases in enumerate(spent, start=1)),
        replace(RUN, link="20ms-100mbit", phases=spent[0], client_seconds=0.3, server_seconds=0.9,
                index_bytes=2_400_000, round_trips=51),
        replace(RUN, contender=FLOOR, seconds=1.0),
    ]  # fmt: skip
    _, _, table = markdown(summarize(runs), ENVIRONMENT).partition("seconds by phase**\n\n")
    assert table.splitlines()[:4] == [
        "| k | contender | over | seed | total | processor, client | processor, server"
        " | round trips | indexes |",
        "|---:|---|---|---:|---:|---:|---:|---:|---:|",
        "| 5 | fluffy_sql |  | 0.50 | 2.00 |  |  |  |  |",
        "| 5 | fluffy_sql | 20ms-100mbit | 0.50 | 1.00 | 0.30 | 0.90 | 51 | 2.4 |",
    ]


def test_sizes_are_not_mixed() -> None:
    runs = [replace(RUN, rows=rows, k=k, seconds=1.0) for rows in (200, 100) for k in (9, 5)]
    assert [(s.rows, s.k) for s in summarize(runs)] == [(100, 5), (100, 9), (200, 5), (200, 9)]


def test_reports_show_numbers_and_failures() -> None:
    runs = [
        replace(RUN, seconds=1234.5, memory_mb=61.4, inertia=2.0, clusters=5),
        replace(RUN, contender="faiss-copy", error="ImportError: a | b"),
    ]
    summaries = summarize(runs)
    assert cells(summaries[0]) == (
        "5", "fluffy_sql", "1,234.50", "1,234.50 to 1,234.50", "1.00", "", "", "61", "1.0000", "5",
        "", "", "", "", "",
    )  # fmt: skip
    assert cells(summaries[1]) == ("5", "faiss-copy", *[""] * 13)

    text = markdown(summaries, ENVIRONMENT)
    assert "**100 photos of 8 dimensions**" in text
    assert "| **5** | **fluffy_sql** | **1,234.50** |" in text
    assert "| 5 | faiss-copy (failed: ImportError: a   b) |  |" in text
    assert "PostgreSQL 18.0 with pgvector 0.8" in text
    assert "pgvector-python 0.5" in text
    assert "faiss-cpu" not in text

    console = Console(width=120, record=True, file=io.StringIO())
    for table in text_tables(summaries):
        console.print(table)
    shown = console.export_text()
    assert "1,234.50" in shown
    assert "faiss-copy, k = 5: ImportError: a | b" in shown

    assert describe_run(runs[0]) == "repeat 1, fluffy_sql, k = 5: 1,234.50 s, 61 MB"
    assert describe_run(runs[1]) == "repeat 1, faiss-copy, k = 5: ImportError: a | b"
    content = json.loads(results_json(ENVIRONMENT, {"seed": 0}, runs, summaries))
    assert content["environment"] == ENVIRONMENT
    assert content["runs"][0]["seconds"] == 1234.5
    assert content["summaries"][1]["error"] == "ImportError: a | b"


# What is drawn


def plots() -> Any:
    pytest.importorskip("matplotlib", reason="matplotlib is in the extra bench")
    return import_module("benchmarks.plots")


def test_plots_are_written_where_there_is_a_line_to_draw(tmp_path: Path) -> None:
    runs = [
        replace(RUN, rows=rows, k=k, contender=contender.name, seconds=rows * k / 1e3)
        for rows, k in ((100, 5), (1_000, 5), (1_000, 20))
        for contender in BY_K
    ]
    failed = replace(RUN, rows=1_000, k=50, error="ended by SIGKILL")
    summaries = summarize([*runs, failed])
    plots().plot_by_photos(summaries, 8, 5, tmp_path)
    plots().plot_by_k(summaries, 8, 1_000, tmp_path)
    names = [f"seconds_by_{what}.{kind}" for what in ("k", "photos") for kind in ("png", "svg")]
    assert sorted(file.name for file in tmp_path.iterdir()) == names
    assert (tmp_path / names[0]).read_bytes().startswith(b"\x89PNG")
    drawn = (tmp_path / "seconds_by_photos.svg").read_text()
    for text in ("seconds (median)", "photos", "1,000", *(each.name for each in BY_K)):
        assert f">{text}<" in drawn
    plots().plot_by_photos(summaries, 8, 5, tmp_path)
    assert (tmp_path / "seconds_by_photos.svg").read_text() == drawn


def test_a_plot_of_one_size_is_not_drawn(tmp_path: Path) -> None:
    plots().plot_by_photos(summarize([replace(RUN, seconds=1.0)]), 8, 5, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_every_contender_looks_different() -> None:
    styles = plots().STYLES
    assert list(styles) == [contender.name for contender in BY_K]
    assert len({(style.color, style.dashes) for style in styles.values()}) == len(BY_K)


@pytest.mark.parametrize(
    ("places", "spread"),
    [
        ([], []),
        ([0.1, 0.5], [0.1, 0.5]),
        ([0.1, 0.125, 0.5], [0.1, 0.225, 0.5]),
        ([0.875, 1.0], [0.875, 1.0]),
        ([0.9375, 1.0], [0.875, 1.0]),
    ],
)
def test_labels_keep_apart(places: list[float], spread: list[float]) -> None:
    assert plots().spread_places(places, 0.125) == pytest.approx(spread)


# The statements


@pytest.mark.parametrize("file", sorted(SQL_FOLDER.glob("*.sql")), ids=lambda file: file.stem)
def test_a_statement_file_keeps_the_rules(file: Path) -> None:
    text = statement(file.stem)
    assert text.startswith("-- ")
    assert "-- Returns: " in text
    outside = re.sub(r"^DO \$do\$.*^\$do\$", "DO", text, flags=re.MULTILINE | re.DOTALL)
    assert outside.count(";") - len(re.findall(r"^--.*;", text, re.MULTILINE)) == 1
    parameters = set(re.findall(r"%\((\w+)\)s", text))
    assert re.sub(r"%\(\w+\)s", "", text).count("%") == 0
    for parameter in parameters:
        assert re.search(rf"^-- Parameters: .*\b{parameter} (integer|text)", text, re.MULTILINE)


def test_every_statement_is_used_and_every_name_is_a_statement() -> None:
    code = "".join(file.read_text() for file in SQL_FOLDER.parent.rglob("*.py"))
    used = set(re.findall(r'(?:statement\(|fetch_one\(connection, )"(\w+)"\)', code))
    assert used == {file.stem for file in SQL_FOLDER.glob("*.sql")}
