"""The library as Python sees it: `from fluffy_sql import ...`."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psycopg
import pytest

import fluffy_sql
from fluffy_sql import Cluster, Library, Member, api, open_library
from fluffy_sql.errors import (
    HistoryError,
    ImportFileError,
    MissingExtraError,
    SchemaError,
    SettingsError,
    UnreachableError,
    UsageError,
)
from fluffy_sql.plugins import _installed
from tests.conftest import made_library

THEMES = 5
# As in the fixture `library`.
PHOTOS = 200


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def library(database_url: str) -> Iterator[Library]:
    """A library with photos that are in no cluster yet."""
    rows, _ = made_library(3, photos=PHOTOS, themes=THEMES)
    with open_library(database_url) as library:
        library.import_array([f"{i}.jpg" for i in range(PHOTOS)], rows)
        yield library


def test_a_library_from_nothing_to_clusters_and_back(
    bare_database_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    rows, themes = made_library(3, photos=PHOTOS, themes=THEMES)
    with open_library(bare_database_url) as library:
        with pytest.raises(SchemaError, match="run: fluffy-sql migrate"):
            library.clusters()
        assert library.migrate().schema == "fluffy_sql"
        assert library.import_array([f"{i}.jpg" for i in range(PHOTOS)], rows).file is None
        tried = library.generate(k=THEMES, dry_run=True)
        assert (tried.run_id, library.clusters()) == (None, ())
        made = library.generate(k=THEMES, seed=7)
        assert (made.clusters_created, made.photos_processed, made.seed) == (THEMES, PHOTOS, 7)
        clusters = library.clusters()
        assert sum(cluster.photos_count or 0 for cluster in clusters) == PHOTOS
        for cluster in clusters:
            members = library.members(cluster.id)
            assert [member.rank for member in members] == list(range(1, len(members) + 1))
            assert cluster.central_photo == members[0].path
            assert len({themes[int(str(member.path)[:-4])] for member in members}) == 1
            assert members[:2] == library.members(cluster.id, limit=2)
        assert made.run_id is not None
        assert library.show_run(made.run_id).run["k_requested"] == THEMES
        library.import_array(["new.jpg"], rows[:1])
        assert library.assign(within=100).photos_assigned == 1
        assert library.generate(k=THEMES, recluster=True).kind == "recluster"
        undone = library.undo_run(4 - 1)
        assert undone.undone == 3
    assert capfd.readouterr() == ("", "")


def test_a_table_is_attached_and_given_back(bare_database_url: str) -> None:
    with psycopg.connect(bare_database_url) as connection:
        connection.execute("CREATE EXTENSION vector")
        connection.execute(
            "CREATE TABLE pictures AS SELECT md5(n::text)::uuid AS id, ARRAY[n, 1]::vector AS e"
            " FROM generate_series(1, 9) AS n"
        )
    with open_library(bare_database_url) as library:
        query = "SELECT id AS key, e AS embedding FROM pictures"
        assert library.attach(query=query, dry_run=True).source.name == "the query"
        assert library.attach("pictures", key="id", embedding="e").photos == 9
        library.detach()
        library.migrate()
        assert library.generate(k=2).photos_processed == 9
        library.detach(source=True)
        with pytest.raises(SchemaError, match="run: fluffy-sql migrate"):
            library.clusters()


def test_clusters_of_a_run_or_a_scope_and_no_more_than_asked_for(library: Library) -> None:
    made = library.generate(THEMES)
    clusters = library.clusters()
    assert library.clusters(limit=2) == clusters[:2]
    assert library.clusters(run_id=made.run_id) == clusters
    assert library.clusters(run_id=99) == library.clusters(scope=7) == ()
    assert library.members(99) == ()
    from_an_array: Any = np.array([clusters[0].id])[0]
    assert library.members(from_an_array) == library.members(clusters[0].id)


def test_files_are_imported_as_by_the_command_line(database_url: str) -> None:
    rows, _ = made_library(3, photos=3)
    np.save("rows.npy", rows)
    Path("photos.csv").write_text("path\na\nb\nc\n")
    with open_library(database_url) as library:
        result = library.import_file("rows.npy", "photos.csv")
        assert (result.file, result.photos_added) == (Path("rows.npy"), 3)
        assert library.import_array(["a", "b", "c"], rows).photos_unchanged == 3


@pytest.mark.parametrize(
    ("paths", "embeddings", "message"),
    [
        (["a"], np.ones((2, 3)), "there are 1 path but 2 embeddings"),
        (["a"], np.ones((1, 3), bool), "embeddings: holds bool; allowed: float16, float32, float6"),
        (["a"], np.ones(3), "embeddings: has the shape (3,); allowed: (photos, dimensions)"),
        (["a", ""], np.ones((2, 3)), "paths, row 2: the path is empty"),
        (["a", "a"], np.ones((2, 3)), "paths, row 2: the path 'a' is in row 1 already"),
        (["a"], np.array([[1, np.nan]]), "embeddings, row 1 ('a'): the embedding holds NaN"),
    ],
)
def test_a_wrong_array_is_refused_and_leaves_nothing(
    paths: list[str], embeddings: Any, message: str, database_url: str
) -> None:
    with open_library(database_url) as library:
        with pytest.raises(ImportFileError) as refused:
            library.import_array(paths, embeddings)
        assert str(refused.value).startswith(message)
        assert library.generate().photos_processed == 0


def test_rows_become_a_data_frame_if_pandas_is_there(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[list[dict[str, Any]], list[str]]] = []
    pandas = SimpleNamespace(DataFrame=lambda rows, columns: made.append((rows, columns)))
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    library.members(1).to_frame()
    library.generate(THEMES)
    clusters = library.clusters()
    clusters.to_frame()
    assert made[0] == ([], list(Member.__dataclass_fields__))
    rows, columns = made[1]
    assert columns == list(Cluster.__dataclass_fields__)
    assert [row["id"] for row in rows] == [cluster.id for cluster in clusters]
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError) as refused:
        clusters.to_frame()
    assert str(refused.value) == "a DataFrame needs pandas; run: pip install pandas"


def test_settings_come_from_the_file_the_environment_and_the_call(
    library: Library, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("s.yml").write_text("clustering: {seed: 4, metric: l2, kmeans: {k: 6, restarts: 1}}\n")
    monkeypatch.setenv("DATABASE_URL", database_url)
    with open_library(config="s.yml", settings={"clustering.kmeans.k": 3}) as opened:
        made = opened.generate(seed=2)
        assert made.run_id is not None
        run = opened.show_run(made.run_id).run
        assert (run["k_requested"], run["seed"], run["metric"]) == (3, 2, "l2")
        assert run["settings"]["kmeans"]["restarts"] == 1
        assert opened.generate(metric="cosine", recluster=True).seed == 4


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda to: to.generate(0), SettingsError, "argument k: clustering.kmeans.k is 0; allowed"),
        (
            lambda to: to.generate(metric="x"),
            SettingsError,
            "argument metric: clustering.metric is",
        ),
        (lambda to: to.generate(cold=True), UsageError, "cold needs recluster"),
        (
            lambda to: to.generate(algorithm="x"),
            SettingsError,
            "argument algorithm: clustering.alg",
        ),
        (lambda to: to.assign(within=101), UsageError, "within is 101; allowed: a whole number"),
        (
            lambda to: to.assign(max_distance=-1),
            UsageError,
            "max_distance is -1; allowed: a number",
        ),
        (
            lambda to: to.assign(within=1, max_distance=1),
            UsageError,
            "max_distance and within can't",
        ),
        (lambda to: to.assign(metric="x"), UsageError, "metric is 'x'; allowed: cosine or l2"),
        (lambda to: to.attach("t", query="SELECT 1"), UsageError, "name one of table, query"),
        (lambda to: to.attach("t", key="id"), UsageError, "a table needs key and embedding"),
        (lambda to: to.attach(preset="x"), UsageError, "preset is 'x'; allowed: immich"),
        (lambda to: to.attach(query="SELECT 1", key="id"), UsageError, "key, embedding and other"),
        (lambda to: to.attach("t", key="x" * 10, embedding="e"), SchemaError, "the schema fluff"),
        (
            lambda to: to.attach("t", key=["x"] * 10, embedding="e"),
            UsageError,
            "a key has at most 9 columns, and 10 were given",
        ),
        (lambda to: to.detach(source=True), SchemaError, "the library in the schema fluffy_sql"),
        (lambda to: to.show_run(9), HistoryError, "there is no run 9"),
        (lambda to: to.undo_run(9), HistoryError, "there is no run 9"),
    ],
)
def test_what_is_wrong_with_a_call_is_said_in_one_line(
    call: Callable[[Library], Any], error: type[Exception], message: str, database_url: str
) -> None:
    with open_library(database_url) as library, pytest.raises(error) as refused:
        call(library)
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


def test_an_algorithm_that_has_no_k_is_given_none(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata = tmp_path / "site" / "leader-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: leader\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[fluffy_sql.algorithms]\nleader = leader:Leader\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.syspath_prepend(str(Path(fluffy_sql.__file__).parents[1] / "examples"))
    _installed.cache_clear()
    with pytest.raises(SettingsError, match="k is not a setting; allowed here: radius, least"):
        library.generate(THEMES, algorithm="leader")
    assert library.generate(algorithm="leader").clusters_created == THEMES
    sys.modules.pop("leader", None)
    _installed.cache_clear()


def test_an_address_is_refused_as_by_the_command_line(database_url: str) -> None:
    for url, error, message in [
        (" ", SettingsError, "argument url is empty; leave it out, or name a database"),
        ("mysql://me:secret@host/db", SettingsError, "argument url: "),
    ]:
        with pytest.raises(error) as refused, open_library(url):
            pass
        assert str(refused.value).startswith(message)
        assert "secret" not in str(refused.value)
    nowhere = "postgresql://me:secret@127.0.0.1:1/photos?pgbouncer=true"
    with open_library(nowhere) as library:
        assert library.notes == ("argument url: ignored pgbouncer, which libpq does not know",)
        assert "secret" not in repr(vars(library))
        for call in (library.migrate, library.generate, library.clusters):
            with pytest.raises(UnreachableError) as unreachable:
                call()
            assert str(unreachable.value).count("the address is from argument url") == 1
            assert "secret" not in str(unreachable.value)
    with psycopg.connect(database_url) as still_there:
        assert still_there.execute("SELECT 1").fetchall() == [(1,)]


@pytest.mark.database
def test_without_an_address_it_is_the_embedded_server(tmp_path: Path) -> None:
    rows, _ = made_library(3, photos=20)
    with open_library(settings={"database.embedded_dir": "here"}) as library:
        library.migrate()
        library.import_array([str(i) for i in range(20)], rows)
        assert library.generate(2).clusters_created == 2
        assert len(library.clusters()) == 2
        assert (tmp_path / "here" / "data" / "postmaster.pid").exists()
    assert not (tmp_path / "here" / "data" / "postmaster.pid").exists()


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DATABASE_URL": "postgresql://me:secret@host/photos"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_help_tells_how_it_is_used_and_shows_no_environment() -> None:
    shown = python("import fluffy_sql; help(fluffy_sql)")
    for name in (*api.__all__, "open_library(url: ", "generate(", "members(", "to_frame("):
        assert name in shown
    assert "secret" not in shown


def test_the_package_alone_loads_nothing_and_has_what_it_lists() -> None:
    loaded = python("import sys, fluffy_sql; print(*sys.modules)").split()
    assert [name for name in loaded if name.startswith(("fluffy_sql.", "numpy", "psycopg"))] == []
    loaded = python(
        "import sys; from fluffy_sql import *; print(open_library, *sys.modules)"
    ).split()
    assert not {"click", "rich", "pandas"} & set(loaded)
    assert all(hasattr(fluffy_sql, name) for name in api.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'open_libary'"):
        getattr(fluffy_sql, "open_libary")  # noqa: B009
