"""Leiden from end to end: a graph found in SQL, themes without k."""

import json
import re
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import make_moons
from sklearn.metrics import (
    adjusted_rand_score,
    homogeneity_score,
    normalized_mutual_info_score,
)

from fluffy_sql.algorithms import Algorithm, Fit, Task
from fluffy_sql.cli.generate import low_recall
from fluffy_sql.errors import LibraryError
from fluffy_sql.graph import neighbours
from fluffy_sql.graph.leiden import Leiden, LeidenSettings
from fluffy_sql.graph.neighbours import Graph, Wanted, exact_graph, graph_by_sketches
from fluffy_sql.graph.tuning import Tuning
from fluffy_sql.operations.history import show_run
from fluffy_sql.postgres.session import Session
from fluffy_sql.runs.progress import Progress
from fluffy_sql.runs.record import RunResult
from fluffy_sql.settings import clustering_settings
from tests import running
from tests.conftest import Run, add_photos, made_library
from tests.integration.helpers import (
    clusters_by_photo,
    everything,
    execute,
    interrupt,
    kill,
    nothing_changes,
    query,
    snapshot,
    work_tables,
)

# As if a library of a few hundred photos were a large one.
BY_SKETCHES = Tuning(few=50, checked_photos=64, rows_at_once=16)


def settings(metric: str = "cosine", **own: Any) -> Any:
    return clustering_settings(algorithm="leiden", metric=metric, leiden=own)


def generate(session: Session, *, tuning: Tuning | None = None, **given: Any) -> RunResult:
    request = {
        name: given.pop(name) for name in ("connections", "dry_run", "recluster") if name in given
    }
    algorithm = Leiden(tuning) if tuning else None
    return running.generate(session, settings(**given), algorithm=algorithm, **request)


class StopsAt(Progress):
    """Interrupts a sweep that turns to a value."""

    def __init__(self, value: float) -> None:
        self._value = value

    def trying(self, setting: str, value: float) -> None:
        if (setting, value) == ("granularity", self._value):
            interrupt()


class OnlyGraph(Algorithm[LeidenSettings]):
    """Makes the graph and no cluster."""

    settings = LeidenSettings

    def __init__(self, tuning: Tuning) -> None:
        self.tuning = tuning
        self.photo_ids: list[int] = []
        self.graph: Graph | None = None

    def fit(self, task: Task[LeidenSettings]) -> Fit:
        few = task.survey.eligible <= self.tuning.few
        make = exact_graph if few else graph_by_sketches
        with make(task, Wanted(task.settings.neighbours), self.tuning) as self.graph:
            drawn = query(task.session, "SELECT photo_id FROM work_drawn ORDER BY position")
            self.photo_ids = [row[0] for row in drawn]
        return Fit.of_nothing(task.survey.dimensions)


def graph_of(
    session: Session, tuning: Tuning, connections: int = 2, **own: Any
) -> tuple[dict[int, list[int]], float]:
    """The neighbours of each photo, by ids, and the recall."""
    only = OnlyGraph(tuning)
    running.generate(session, settings(**own), algorithm=only, connections=connections)
    assert only.graph is not None
    ids = np.array(only.photo_ids)
    found = {
        photo_id: ids[row[row >= 0]].tolist()
        for photo_id, row in zip(only.photo_ids, only.graph.neighbours, strict=True)
    }
    return found, only.graph.recall


def nearest(rows: NDArray[Any], count: int) -> NDArray[np.intp]:
    apart = np.linalg.norm(rows[:, None].astype(float) - rows[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    return np.argsort(apart, axis=1, kind="stable")[:, :count]


def test_the_graph_of_few_photos_is_exact(session: Session) -> None:
    rows, _ = made_library(1, photos=300, dimensions=40)
    ids = np.array(add_photos(session, rows * 3))
    found, recall = graph_of(session, Tuning(rows_at_once=64, rows_of_block=100))
    expected = nearest(rows, 15)
    assert [found[photo_id] for photo_id in ids.tolist()] == ids[expected].tolist()
    assert recall == 1.0


def test_the_graph_of_many_photos_has_its_recall(session: Session) -> None:
    rows, _ = made_library(2, photos=900, themes=30, dimensions=32, spread=0.15)
    ids = np.array(add_photos(session, rows))
    found, recall = graph_of(session, BY_SKETCHES, neighbours=10)
    expected = ids[nearest(rows, 10)].tolist()
    hits = [len({*found[own]} & {*near}) for own, near in zip(ids.tolist(), expected, strict=True)]
    share = np.mean(hits) / 10
    assert share >= 0.95
    assert abs(recall - share) < 0.03
    for connections in (1, 4):
        assert graph_of(session, BY_SKETCHES, connections, neighbours=10) == (found, recall)


def test_photos_that_lie_evenly_are_compared_with_some_and_that_is_told(session: Session) -> None:
    add_photos(session, np.random.default_rng(19).normal(size=(400, 64)))
    sought = generate(session, tuning=BY_SKETCHES, dry_run=True)
    assert (sought.recall or 0) >= 0.96
    assert low_recall(sought) == ""
    few = replace(BY_SKETCHES, most_compared=80, sketch_width=8)
    bounded = generate(session, tuning=few, dry_run=True)
    assert 0.2 < (bounded.recall or 0) < 0.9
    assert low_recall(bounded).startswith(f"recall is {bounded.recall:.1%}, below 95%: these")


@pytest.mark.parametrize("tuning", [Tuning(), BY_SKETCHES], ids=["exact", "by sketches"])
def test_a_seed_gives_one_result_on_any_number_of_connections(
    tuning: Tuning, session: Session
) -> None:
    rows, themes = made_library(3, photos=800, themes=20, dimensions=32, spread=0.08)
    add_photos(session, rows)
    results = []
    for connections in (1, 2, 4):
        made = generate(
            session, tuning=tuning, connections=connections, recluster=True, granularity=8
        )
        results.append(clusters_by_photo(session))
        assert made.photos_processed == 800
    assert all(adjusted_rand_score(results[0], result) == 1 for result in results)
    assert normalized_mutual_info_score(themes, results[0]) > 0.9


def test_themes_of_uneven_sizes_and_noise(session: Session) -> None:
    generator = np.random.default_rng(4)
    sizes = [500, 200, 80, 40, 40]
    centers = generator.normal(size=(len(sizes), 64))
    themes = np.repeat(np.arange(len(sizes)), sizes)
    rows = centers[themes] + 0.4 * generator.normal(size=(len(themes), 64))
    noise = generator.normal(size=(30, 64))
    add_photos(session, np.concatenate([rows, noise]))
    result = generate(session, granularity=2)
    found = clusters_by_photo(session)
    assert (found > 0).all()
    assert result.photos_processed == len(found)
    assert homogeneity_score(themes, found[: len(themes)]) > 0.98


@pytest.mark.parametrize("tuning", [Tuning(), BY_SKETCHES], ids=["exact", "by sketches"])
def test_photos_that_hang_on_by_little_are_left_out_as_noise(
    tuning: Tuning, session: Session
) -> None:
    """In no cluster; a recluster takes them out of theirs, and an undo puts them back."""
    generator = np.random.default_rng(17)
    centers = generator.normal(size=(8, 64))
    rows = np.repeat(centers, 60, axis=0) + 0.6 * generator.normal(size=(480, 64))
    add_photos(session, np.concatenate([rows, generator.normal(size=(60, 64))]))
    generate(session, tuning=tuning)
    everywhere = clusters_by_photo(session)
    assert (everywhere > 0).all()
    again = generate(session, tuning=tuning, noise=0.15, recluster=True)
    found = clusters_by_photo(session)
    alone = found == 0
    assert alone[480:].mean() > 0.8
    assert alone[:480].mean() < 0.03
    assert again.skipped["noise"] == alone.sum()
    assert (again.photos_processed, again.photos_moved) == ((~alone).sum(), alone.sum())
    assert running.check(session).ok
    shown = show_run(session, again.run_id or 0)
    assert sum(move.photos for move in shown.moves if move.to_cluster_id is None) == alone.sum()
    assert sum(cluster.photos for cluster in shown.clusters) == (~alone).sum()
    running.undo(session, again.run_id)
    assert np.array_equal(clusters_by_photo(session), everywhere)
    nothing = generate(session, tuning=tuning, noise=1, k=3, levels=[0.5], recluster=True)
    assert (nothing.clusters_emptied, nothing.skipped["noise"]) == (len({*everywhere}), 540)
    assert (nothing.photos_moved, nothing.groups) == (540, (0,))
    assert not clusters_by_photo(session).any()
    running.undo(session, nothing.run_id)
    assert np.array_equal(clusters_by_photo(session), everywhere)


def test_albums_of_albums(session: Session, run_cli: Run, database_url: str) -> None:
    """Nested, by scope; a recluster makes other levels, and an undo brings the old ones back."""
    generator = np.random.default_rng(18)
    upper = np.repeat(generator.normal(size=(3, 32)), 4, axis=0)
    themes = np.repeat(upper + 0.4 * generator.normal(size=(12, 32)), 12, axis=0)
    add_photos(session, themes + 0.15 * generator.normal(size=themes.shape))
    made = generate(session, granularity=20, levels=[4, 0.5])
    assert made.clusters_created == 12
    assert 3 == made.groups[1] < made.groups[0] < 12
    parents = parents_of(session)
    assert sorted(map(len, parents.values())) == [2] * 12
    for cluster_id, (first, second) in parents.items():
        assert parents[first][0] == first
        assert parents[second] == [second, second]
        assert parents[first][1] == second
        assert {cluster_id, first, second} <= set(parents)
    placed = running.assign(session)
    assert placed.photos_assigned == 0
    assert running.check(session).ok
    told = run_cli("clusters", "--database-url", database_url).out.splitlines()
    assert "parents" in told[0]
    assert " / " in told[1]
    told = run_cli("clusters", "--levels", "--database-url", database_url).out.splitlines()
    assert told[0].split()[:4] == ["group", "level", "name", "clusters"]
    assert len(told) == 1 + 3 + made.groups[0] + 12
    assert [len(line) - len(line.lstrip()) for line in told[1:4]] == [0, 2, 4]
    assert [line.split()[1] for line in told[1:4]] == ["2", "1", "cluster"]
    asked = ("clusters", "--levels", "--limit", "1", "--json", "--database-url", database_url)
    groups = json.loads(run_cli(*asked).out)["groups"]
    assert [group["level"] for group in groups].count(2) == 1
    assert {(group["parent_id"], group["level"]) for group in groups[1:]} <= {
        (group["id"], group["level"] - 1) for group in groups
    }
    assert groups[0]["clusters"] == sum(group["level"] == 0 for group in groups)
    assert groups[0]["photos_count"] == groups[0]["clusters"] * 12
    plain = generate(session, granularity=20, recluster=True)
    assert (plain.clusters_kept, plain.groups) == (12, ())
    assert parents_of(session) == {}
    none = run_cli("clusters", "--levels", "--database-url", database_url).out
    assert none.startswith("No cluster is in a group: set clustering.leiden.levels")
    running.undo(session, plain.run_id)
    assert parents_of(session) == parents
    running.undo(session, made.run_id)
    assert parents_of(session) == {}


def parents_of(session: Session) -> dict[int, list[int]]:
    overview = "SELECT id, parent_ids FROM cluster_overview WHERE parent_ids IS NOT NULL"
    return dict(query(session, overview))


def test_shapes_that_are_not_round(session: Session) -> None:
    """Two moons in 64 dimensions: k-means cuts both, no theme here has photos of two."""
    rows, moons = make_moons(600, noise=0.05, random_state=0)
    axes = np.linalg.qr(np.random.default_rng(5).normal(size=(64, 2)))[0]
    noise = np.random.default_rng(6).normal(size=(600, 64))
    add_photos(session, rows @ axes.T + 0.01 * noise)
    generate(session, metric="l2")
    assert homogeneity_score(moons, clusters_by_photo(session)) > 1 - 1e-9
    running.generate(session, running.settings(k=2, metric="l2"), recluster=True)
    assert homogeneity_score(moons, clusters_by_photo(session)) < 0.8


@pytest.mark.parametrize("k", [3, 10, 25])
def test_k_is_searched_for(k: int, session: Session) -> None:
    rows, _ = made_library(7, photos=500, themes=10, dimensions=24, spread=0.15)
    add_photos(session, rows)
    assert abs(generate(session, k=k).clusters_created - k) <= 1


@pytest.mark.parametrize("photos", [1, 2, 5])
def test_fewer_photos_than_neighbours(photos: int, session: Session) -> None:
    add_photos(session, made_library(8, photos=photos)[0])
    result = generate(session)
    assert result.photos_processed == photos
    assert result.clusters_created == 1
    assert generate(session).photos_processed == 0


def test_no_photos(session: Session) -> None:
    assert generate(session).clusters_created == 0
    add_photos(session, [None, np.zeros(4)])
    result = generate(session)
    assert (result.run_id, result.clusters_created) == (None, 0)
    assert (result.skipped["without_embedding"], result.skipped["zero_vector"]) == (1, 1)


def test_opposite_photos_have_no_direction_together(session: Session) -> None:
    add_photos(session, [[1, 0], [-1, 0]])
    assert generate(session).photos_processed == 2


@pytest.mark.parametrize("tuning", [Tuning(), BY_SKETCHES], ids=["exact", "by sketches"])
def test_equal_photos_are_one_theme(tuning: Tuning, session: Session) -> None:
    add_photos(session, np.tile([[0.3, 0.1, 0.2]], (200, 1)))
    assert generate(session, tuning=tuning).clusters_created == 1


@pytest.mark.parametrize("tuning", [Tuning(), Tuning(few=120)], ids=["all small", "one large"])
def test_scopes_are_clustered_by_themselves(tuning: Tuning, session: Session) -> None:
    rows, _ = made_library(9, photos=400, themes=4, spread=0.05)
    add_photos(session, rows)
    execute(
        session,
        "CREATE OR REPLACE VIEW usable_photos AS SELECT id, path, embedding, cluster_id,"
        " CASE WHEN id <= 200 THEN 7 WHEN id <= 300 THEN 8 WHEN id <= 301 THEN 9 END::bigint"
        " AS scope FROM photos",
    )
    result = generate(session, tuning=tuning, granularity=20)
    assert (result.scopes, result.photos_processed) == (4, 400)
    of_scopes = query(
        session,
        "SELECT count(*), bool_and(scoped.scope IS NOT DISTINCT FROM usable.scope)"
        " FROM usable_photos AS usable"
        " JOIN scoped_clusters AS scoped ON usable.cluster_id = scoped.id",
    )
    assert of_scopes == [(400, True)]
    assert running.check(session).ok


def test_dry_run_recluster_pins_and_undo(session: Session) -> None:
    rows, _ = made_library(10, photos=300, themes=6, spread=0.05)
    add_photos(session, rows)
    empty = snapshot(session)
    assert generate(session, dry_run=True, granularity=10).clusters_created == 6
    assert snapshot(session) == empty
    generate(session, granularity=10)
    assert work_tables(session) == []
    first, last = query(session, "SELECT min(cluster_id), max(cluster_id) FROM photos")[0]
    execute(
        session,
        f"UPDATE photos SET cluster_id = {last}, cluster_pinned = TRUE WHERE id ="
        f" (SELECT min(id) FROM photos WHERE cluster_id = {first})",
    )
    before = clusters_by_photo(session)
    again = generate(session, recluster=True, granularity=10)
    assert (again.clusters_kept, again.clusters_created) == (6, 0)
    assert np.array_equal(clusters_by_photo(session), before)
    finer = generate(session, recluster=True, granularity=60)
    assert finer.clusters_created > 0
    running.undo(session, finer.run_id)
    assert np.array_equal(clusters_by_photo(session), before)
    assert running.check(session).ok
    new = add_photos(session, rows[:5] + 0.001, [f"new{place}" for place in range(5)])
    assert running.assign(session).photos_assigned == len(new)


def test_a_photo_that_changes_meanwhile_is_left(
    session: Session, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another embedding, after the versions of rows were noted."""
    rows, _ = made_library(11, photos=100)
    ids = add_photos(session, rows)
    graphs = Leiden._graphs

    def change(self: Leiden, task: Any, **keep: Any) -> Any:
        yield from graphs(self, task, **keep)
        changed = f"UPDATE photos SET embedding = '{rows[50].tolist()}' WHERE id = {ids[0]}"
        with Session.open(database_url) as other:
            execute(other, changed)

    monkeypatch.setattr(Leiden, "_graphs", change)
    result = generate(session)
    assert result.skipped["changed_meanwhile"] == 1
    assert clusters_by_photo(session)[0] == 0


def test_neighbours_are_kept_by_a_run_that_looked_at_all_photos(session: Session) -> None:
    rows, _ = made_library(15, photos=200, themes=6, spread=0.05)
    ids = np.array(add_photos(session, rows))
    generate(session, tuning=BY_SKETCHES, keep=True, neighbours=6, dry_run=True)
    assert query(session, "SELECT count(*) FROM photo_neighbour_lists") == [(0,)]
    generate(session, tuning=BY_SKETCHES, keep=True, neighbours=6)
    found = query(
        session, "SELECT photo_id, neighbour_ids, distances FROM photo_neighbour_lists ORDER BY 1"
    )
    assert [photo_id for photo_id, _, _ in found] == ids.tolist()
    near = ids[nearest(rows, 6)].tolist()
    hits = [len({*own} & {*expected}) for (_, own, _), expected in zip(found, near, strict=True)]
    assert np.mean(hits) / 6 >= 0.95
    _, own, away = found[7]
    expected = 1 - rows[np.array(own) - ids[0]].astype(float) @ rows[7]
    np.testing.assert_allclose(away, expected, atol=1e-5)
    ask = f"SELECT neighbour_id, run_id FROM photo_neighbours({ids[7]}, 6)"
    assert query(session, ask) == [(photo_id, 1) for photo_id in own]
    new = add_photos(session, rows[:2] + 0.001, ["new", "newer"])
    generate(session, keep=True)  # of these two alone: neighbours among them are nobody's
    assert query(session, "SELECT count(*) FROM photo_neighbour_lists") == [(200,)]
    execute(session, f"DELETE FROM photos WHERE id = {ids[0]}")
    generate(session, keep=True, recluster=True)
    kept = query(session, "SELECT photo_id, run_id FROM photo_neighbour_lists ORDER BY 1")
    assert kept == [(photo_id, 3) for photo_id in [*ids[1:].tolist(), *new]]
    assert work_tables(session) == []


@pytest.mark.parametrize("tuning", [Tuning(), BY_SKETCHES], ids=["exact", "by sketches"])
def test_the_kept_graph_is_used_until_a_photo_changes(
    tuning: Tuning, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, _ = made_library(16, photos=160, themes=8, dimensions=32, spread=0.1)
    ids = add_photos(session, rows)
    first = generate(session, tuning=tuning, keep=True, granularity=20)
    before = clusters_by_photo(session)

    def find(*asked: Any, **wanted: Any) -> None:
        raise AssertionError("neighbours are sought")

    with monkeypatch.context() as patch:
        patch.setattr(neighbours, "_Finder", find)
        again = generate(session, tuning=tuning, keep=True, granularity=20, recluster=True)
        assert np.array_equal(clusters_by_photo(session), before)
        assert (again.recall, again.photos_moved) == (first.recall, 0)
        execute(session, f"UPDATE photos SET embedding = '{rows[9].tolist()}' WHERE id = {ids[0]}")
        with pytest.raises(AssertionError, match="neighbours are sought"):
            generate(session, tuning=tuning, keep=True, recluster=True)
    generate(session, tuning=tuning, keep=True, recluster=True)
    kept = query(session, "SELECT run_id, count(*) FROM photo_neighbour_lists GROUP BY 1")
    assert kept == [(4, 160)]


def test_commands_for_people(run_cli: Run, session: Session, database_url: str) -> None:
    rows, _ = made_library(12, photos=400, themes=8, spread=0.05)
    add_photos(session, rows)
    Path("image_embed.yml").write_text(
        f"database:\n  url: {database_url!r}\nclustering:\n  algorithm: leiden\n"
    )
    explained = run_cli("generate", "--explain")
    assert "-- sql/graph/find_neighbours.sql, once" in explained.out
    made = run_cli("generate", "--k", "8")
    assert made.code == 0, made.err
    assert "400 photos in 8 clusters (leiden, cosine, seed 0)" in made.out
    assert show_run(session, 1).run["settings"]["leiden"]["k"] == 8
    assert show_run(session, 1).run["k_requested"] == 8
    assert show_run(session, 1).run["recall"] == 1.0
    fewer = run_cli("generate", "--k", "3", "--recluster", "--dry-run").out
    assert "About 3 were asked for; the nearest that was found is 8.\n" in fewer
    assert run_cli("runs", "show", "1").code == run_cli("check").code == 0
    assert run_cli("report", "--out", "page").code == 0
    wrong = run_cli("generate", "--k", "0")
    assert "--k: clustering.leiden.k is 0; allowed: a whole number from 1" in wrong.refusal(2)


def test_a_sweep_walks_granularities(run_cli: Run, session: Session, database_url: str) -> None:
    """By cells and exact, in a cluster or not; it writes nothing."""
    rows, _ = made_library(15, photos=600, themes=8, spread=0.08)
    add_photos(session, rows)
    generate(session, granularity=1)
    by_cells = Leiden(BY_SKETCHES)
    with nothing_changes(session, everything):
        found = running.sweep(session, [1, 4, 60], settings(), algorithm=by_cells, connections=1)
        asked = ("sweep", "--algorithm", "leiden", "--database-url", database_url)
        told = run_cli(*asked, "--values", "1..16", "--steps", "3", "--out", "sweep.html")
        printed = json.loads(run_cli(*asked, "--values", "1,4,16", "--json").out)
    assert [candidate.clusters for candidate in found.candidates[:2]] == [8, 8]
    assert (found.candidates[2].clusters > 20, found.photos_tried) == (True, 600)
    again = running.sweep(session, [1, 4, 60], settings(), algorithm=by_cells)
    for one, other in zip(found.candidates, again.candidates, strict=True):
        assert replace(one, seconds=0) == replace(other, seconds=0)
    assert told.code == 0, told.err
    heading, _, second, *_ = told.out.splitlines()
    assert re.split(r"\s{2,}", heading)[:3] == ["granularity", "score", "beyond chance"]
    assert second.split()[:3] == ["4", "<-", "suggested"]
    assert "Suggested granularity: 4. The measures agree." in told.out
    assert "3 values of granularity, each in one graph of 600 photos, in two that lack" in told.out
    assert told.err.splitlines()[-3:] == ["granularity=1", "granularity=4", "granularity=16"]
    assert "Suggested granularity: 4" in Path("sweep.html").read_text()
    assert (printed["suggested_granularity"], printed["photos_trained"]) == (4, 600)
    assert [row["granularity"] for row in printed["candidates"]] == [1, 4, 16]
    wrong = run_cli(*asked, "--k", "5,9").refusal(2)
    assert "--k is for a sweep of k alone; --values takes the granularity of leiden" in wrong


def test_a_sweep_that_is_interrupted_keeps_what_it_has(session: Session) -> None:
    add_photos(session, made_library(16, photos=100)[0])
    with pytest.raises(KeyboardInterrupt):
        running.sweep(session, [1, 2, 4], settings(), progress=StopsAt(1))
    found = running.sweep(session, [1, 2, 4], settings(), progress=StopsAt(4))
    assert [candidate.granularity for candidate in found.candidates] == [1, 2]
    assert found.interrupted
    assert work_tables(session) == []


def test_a_sweep_of_what_can_not_be_swept(session: Session) -> None:
    with pytest.raises(LibraryError, match="there is no photo with an embedding to try anything"):
        running.sweep(session, [1], settings())
    add_photos(session, np.zeros((5, 3)))
    with pytest.raises(LibraryError, match="all embeddings are zero vectors"):
        running.sweep(session, [1], settings())
    add_photos(session, [[1, 0, 0]], ["lonely"])
    found = running.sweep(session, [1, 2], settings())
    assert (found.suggested, found.photos_tried) == (None, 1)


def test_what_it_needs_is_said_in_a_line(
    session: Session, on_database: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_photos(session, made_library(13, photos=20)[0])
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, "fluffy_sql.graph.communities", raising=False)
        patch.setattr("importlib.util.find_spec", lambda package: None)
        refused = on_database("generate", "--algorithm", "leiden")
    assert refused.code == 2
    told = 'the algorithm leiden needs scikit-network; run: pip install "fluffy_sql[graph]"'
    assert refused.err.splitlines()[-1] == f"fluffy-sql: {told}"


def test_distributed_photos_are_refused(session: Session) -> None:
    task: Any = type("T", (), {"session": type("S", (), {"distributed": True})()})
    with pytest.raises(Exception, match="can't cluster photos that are distributed over several"):
        Leiden().fit(task)


def test_a_killed_run_leaves_nothing(session: Session, database_url: str) -> None:
    add_photos(session, made_library(14, photos=200)[0])
    before = snapshot(session)
    asked = ("generate", "--algorithm", "leiden")
    kill(session, database_url, "fluffy_sql.graph.communities", "label", *asked)
    assert snapshot(session) == before
    assert generate(session).photos_processed == 200
    assert work_tables(session) == []


@pytest.mark.parametrize(("contender", "clusters"), [("graph", 0), ("leiden", 5), ("dbscan", 5)])
def test_the_benchmark_runs_it(
    contender: str, clusters: int, session: Session, database_url: str
) -> None:
    add_photos(session, made_library(16, photos=300, themes=5)[0])
    import_module(f"benchmarks.contenders.{contender}").run(database_url, None)
    assert query(session, "SELECT count(*) FROM clusters WHERE photos_count > 0") == [(clusters,)]
    assert work_tables(session) == []
