"""The other forms of statements, which run where photos are distributed, do what the first ones do.

They are plain SQL, so that they run on any Postgres: here everything takes them, on one server.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fluffy_sql.cli import generate
from fluffy_sql.kmeans.kmeans import KMeans
from fluffy_sql.kmeans.tuning import Tuning
from fluffy_sql.operations.generate import GenerateRequest
from fluffy_sql.postgres import counter_cache, definitions
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.statements import on_citus, statement_names
from fluffy_sql.runs.quality import QualitySample
from tests import colours
from tests.conftest import Run, made_library
from tests.integration.helpers import clusters_by_photo, execute, query, work_tables
from tests.integration.test_embed import RED, save

PHOTOS = 400
TWO_SCOPES = """
    CREATE OR REPLACE VIEW usable_photos AS
    SELECT id, path, embedding, cluster_id, mod(id, 2) AS scope FROM photos
"""


@dataclass(frozen=True)
class Seen:
    """What is in a database after a command."""

    clusters: NDArray[np.int64]
    counts: list[tuple[Any, ...]]
    moves: list[tuple[Any, ...]]
    qualities: NDArray[np.float64]
    said: str


@pytest.fixture(autouse=True)
def built_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from colours.use(monkeypatch)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_cli: Run) -> Run:
    """Files to import, in the folder in which commands run."""
    rows, _ = made_library(7, photos=PHOTOS, themes=5)
    np.save(tmp_path / "photos.npy", rows)
    (tmp_path / "photos.csv").write_text("path\n" + "".join(f"p{i}\n" for i in range(PHOTOS)))
    for name in ("a", "b"):
        save(tmp_path / "pictures" / f"{name}.png", RED)
    # As in a large library, quality is told from a sample, and each scope is clustered alone.
    as_large = partial(
        GenerateRequest,
        quality_sample=QualitySample(few=0, photos=200),
        algorithm=KMeans(Tuning(small_scope=0)),
    )
    monkeypatch.setattr(generate, "GenerateRequest", as_large)
    return run_cli


def look(session: Session, said: str = "") -> Seen:
    return Seen(
        clusters_by_photo(session),
        query(session, "SELECT id, photos_count FROM clusters ORDER BY id"),
        query(
            session, "SELECT run_id, photo_id, to_cluster_id FROM cluster_moves ORDER BY 1, 2, 3"
        ),
        np.array(
            query(
                session,
                "SELECT mean_distance, max_distance, silhouette, davies_bouldin, step"
                " FROM cluster_quality CROSS JOIN LATERAL unnest(distance_percentiles)"
                " WITH ORDINALITY AS of_all (step, place) ORDER BY run_id, cluster_id, place",
            )
        ),
        said,
    )


def whole_path(run: Run, session: Session) -> Iterator[Seen]:
    """What commands make of a library, one after the other."""

    def step(*command: str) -> Seen:
        finished = run(*command)
        assert finished.code == 0, finished.err
        return look(session)

    yield step("import", "photos.npy", "--paths", "photos.csv")
    yield step("import", "photos.npy", "--paths", "photos.csv")
    yield step("generate", "--k", "5")
    yield step("sweep", "--k", "3,5", "--json")
    yield step("generate", "--recluster", "--cold", "--k", "6", "--seed", "3", "--dry-run")
    yield step("generate", "--recluster", "--cold", "--k", "6", "--seed", "3")
    execute(session, "UPDATE photos SET cluster_id = NULL WHERE id <= 40")
    yield step("check", "--repair")
    yield step("assign")
    execute(session, "UPDATE photos SET updated_at = now() WHERE id > 360")
    yield step("assign", "--moved", "--within", "100")
    yield step("report", "--out", "report", "--clusters", "1", "--photos", "1")
    newest = query(session, "SELECT max(id) FROM cluster_runs WHERE kind = 'assign'")[0][0]
    yield step("runs", "undo", str(newest))
    yield step("check")
    execute(session, TWO_SCOPES)
    yield step("generate", "--recluster", "--k", "3")
    execute(session, "UPDATE photos SET cluster_id = NULL WHERE id <= 40")
    yield step("check", "--repair")
    yield step("assign")
    execute(session, TWO_SCOPES.replace("id, 2", "id + 1, 2"))
    finished = run("check")
    assert finished.code == 1
    assert "of scope 0 holds" in finished.out
    yield look(session, finished.out)
    execute(session, TWO_SCOPES)
    yield step("embed", "pictures", "--replace")
    assert query(session, "SELECT count(embedding) FROM photos") == [(2,)]


@pytest.fixture
def names_run(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Every session takes photos for distributed; the names of the statements that are run."""
    names: set[str] = set()
    recorded = Session._prepared_name

    def record(session: Session, name: str, parameters: dict[str, object]) -> str:
        session.distributed = True
        names.add(on_citus(name))
        return recorded(session, name, parameters)

    monkeypatch.setattr(Session, "_prepared_name", record)
    return names


def make_as_if_distributed(session: Session) -> None:
    """What `distribute` changes: definitions have their other form, and no triggers count."""
    counter_cache.put_into_effect(session, "service")
    session.distributed = True
    definitions.create(session)


def test_all_commands_do_the_same(
    library: Run,
    empty_database: Callable[..., Any],
    template: str,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    with empty_database(template) as url, Session.open(url) as session:
        monkeypatch.setenv("DATABASE_URL", url)
        expected = list(whole_path(library, session))
    names = request.getfixturevalue("names_run")
    with empty_database(template) as url, Session.open(url) as session:
        make_as_if_distributed(session)
        monkeypatch.setenv("DATABASE_URL", url)
        found = list(whole_path(library, session))
        assert work_tables(session) == []
    for place, (mine, theirs) in enumerate(zip(found, expected, strict=True)):
        assert np.array_equal(mine.clusters, theirs.clusters), place
        assert mine.counts == theirs.counts, place
        assert mine.moves == theirs.moves, place
        assert mine.said == theirs.said, place
        np.testing.assert_allclose(mine.qualities, theirs.qualities, rtol=0.01, err_msg=str(place))
    variants = {name for name in statement_names() if name.startswith("citus/")}
    assert len(variants) > 10
    assert variants - names == set()
