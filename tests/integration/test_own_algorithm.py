"""An algorithm that a package brings, found by its entry point: all that k-means gets, it gets."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fluffy_sql.algorithms import ALGORITHMS
from fluffy_sql.operations.history import show_run
from fluffy_sql.plugins import _installed
from fluffy_sql.postgres.session import Session
from fluffy_sql.settings import clustering_settings
from tests import running
from tests.conftest import Run, add_photos, made_library
from tests.integration.helpers import clusters_by_photo, kill, query, snapshot, work_tables

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "leader.py"
STRAYS = 4


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What `pip install leader` would leave: a module and its entry point."""
    site = tmp_path / "site"
    metadata = site / "leader-1.0.dist-info"
    metadata.mkdir(parents=True)
    shutil.copy(EXAMPLE, site)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: leader\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[fluffy_sql.algorithms]\nleader = leader:Leader\nbroken = leader:Gone\nnone = leader:Fit\n"
    )
    monkeypatch.syspath_prepend(str(site))
    _installed.cache_clear()
    yield site
    _installed.cache_clear()
    sys.modules.pop("leader", None)


@pytest.fixture
def themes(session: Session) -> np.ndarray[Any, Any]:
    """The theme of each photo; the last few are in none and far from each other."""
    rows, labels = made_library(7, photos=300, themes=5, dimensions=16, spread=0.05)
    strays = np.eye(16, dtype=np.float32)[:STRAYS] * -1
    add_photos(session, np.concatenate([rows, strays]))
    return labels


def settings(**own: Any) -> Any:
    return clustering_settings(algorithm="leader", leader={"radius": 0.3, **own})


def test_it_makes_clusters_and_says_what_it_left_out(
    themes: np.ndarray[Any, Any], session: Session
) -> None:
    result = running.generate(session, settings())
    clusters = clusters_by_photo(session)
    assert (clusters[-STRAYS:] == 0).all()
    assert len(set(zip(clusters[:-STRAYS], themes, strict=True))) == 5
    assert (result.algorithm, result.clusters_created) == ("leader", 5)
    assert result.skipped["noise"] == STRAYS
    assert result.photos_processed + sum(result.skipped.values()) == len(clusters)
    assert (result.k_requested, result.iterations, result.converged, result.recall) == (None,) * 4
    centroids = query(session, "SELECT centroid FROM clusters ORDER BY id")
    assert np.allclose([np.linalg.norm(row[0]) for row in centroids], 1, atol=1e-6)
    record = show_run(session, 1).run
    assert (record["k_requested"], record["settings"]["leader"]["radius"]) == (None, 0.3)
    assert work_tables(session) == []


@pytest.mark.usefixtures("themes")
def test_dry_runs_reclusters_and_undo(session: Session) -> None:
    empty = snapshot(session)
    assert running.generate(session, settings(), dry_run=True).clusters_created == 5
    assert snapshot(session) == empty
    running.generate(session, settings())
    before = clusters_by_photo(session)
    again = running.generate(session, settings(least=1), recluster=True)
    assert (again.clusters_kept, again.clusters_created) == (5, STRAYS)
    running.undo(session, again.run_id)
    assert np.array_equal(clusters_by_photo(session), before)
    assert running.check(session).ok


@pytest.mark.usefixtures("themes")
def test_commands_for_people(
    run_cli: Run, session: Session, database_url: str, tmp_path: Path
) -> None:
    Path("image_embed.yml").write_text(
        f"database:\n  url: {database_url!r}\n"
        "clustering:\n  algorithm: leader\n  leader:\n    radius: 0.3\n"
    )
    made = run_cli("generate")
    assert made.code == 0, made.err
    assert "(leader, cosine, seed 0)" in made.out
    assert f"Left out: {STRAYS} photos as noise." in made.out
    assert run_cli("runs", "show", "1").code == run_cli("check").code == 0
    assert run_cli("report", "--out", "page").code == 0
    assert (tmp_path / "page" / "index.html").is_file()
    swept = run_cli("sweep", "--k", "2,3")
    assert swept.code == 2
    assert "the algorithm leader has no setting that a sweep could try values of" in swept.err
    assert "--k: clustering.leader.k is not a setting" in run_cli("generate", "--k", "3").err
    Path("image_embed.yml").write_text("clustering: {leader: {radius: -1}}\n")
    refused = run_cli("generate")
    assert refused.code == 2
    assert "clustering.leader.radius is -1; allowed: a distance, more than 0" in refused.err


@pytest.mark.usefixtures("themes")
def test_a_killed_run_leaves_nothing(session: Session, database_url: str) -> None:
    """Killed as it labels: a second connection holds it up until then."""
    before = snapshot(session)
    kill(session, database_url, "leader", "Leader.fit", "generate", "--algorithm", "leader")
    assert snapshot(session) == before
    assert running.generate(session, settings()).clusters_created == 5
    assert query(session, "SELECT status FROM cluster_runs ORDER BY id") == [
        ("interrupted",),
        ("succeeded",),
    ]


def test_it_may_say_that_centroids_tell_nothing(
    themes: np.ndarray[Any, Any], session: Session
) -> None:
    import leader

    class Shapes(leader.Leader):
        def fit(self, task: Any) -> Any:
            fit = super().fit(task)
            return type(fit)(**{**vars(fit), "by_centroid": False})

    result = running.generate(session, settings(), algorithm=Shapes())
    assert result.quality is not None
    assert (result.quality.silhouette, result.quality.photos_measured) == (None, 0)
    assert (result.quality.smallest_cluster > 0) is True
    assert (
        query(session, "SELECT silhouette FROM cluster_quality WHERE silhouette IS NOT NULL") == []
    )


def test_what_can_not_be_loaded_is_told_in_a_line(run_cli: Run) -> None:
    assert ALGORITHMS.names == ["broken", "dbscan", "kmeans", "leader", "leiden", "none"]
    for name, message in {
        "broken": "leader:Gone can't be loaded",
        "none": "leader:Fit is no subclass of fluffy_sql.algorithms.Algorithm",
        "gone": "allowed: broken, dbscan, kmeans, leader, leiden, none",
    }.items():
        refused = run_cli("generate", "--algorithm", name)
        assert refused.code == 2
        assert message in refused.err
        assert len(refused.err.splitlines()) == 1
