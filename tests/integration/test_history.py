"""What runs did: shown, compared, taken back."""

import json
from functools import partial
from typing import Any

import pytest

from fluffy_sql.errors import DatabaseError, HistoryError
from fluffy_sql.operations.history import compare_runs, show_run
from fluffy_sql.postgres.session import Session
from tests import running
from tests.conftest import Run, add_photos, made_library
from tests.integration.helpers import (
    clusters_by_photo,
    execute,
    generate,
    inject,
    query,
    wrong_counts,
)
from tests.integration.test_recluster import recluster
from tests.running import undo


@pytest.fixture(autouse=True)
def _photos(session: Session) -> None:
    add_photos(session, made_library(5, spread=0.1)[0])


def state(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    """Everything but when rows were last written."""
    return {
        "photos": query(
            session, "SELECT to_jsonb(p) - 'updated_at' FROM photos AS p ORDER BY p.id"
        ),
        "clusters": query(
            session, "SELECT to_jsonb(c) - 'updated_at' FROM clusters AS c ORDER BY c.id"
        ),
    }


def test_what_leaves_no_record_uses_up_no_number(session: Session) -> None:
    generate(session, k=5, dry_run=True)
    running.explain(session, running.settings(k=5))
    assert generate(session, k=5).run_id == 1
    generate(session, k=6, recluster=True, dry_run=True)
    execute(session, "UPDATE photos SET cluster_id = NULL WHERE id % 3 = 0")
    running.assign(session, dry_run=True)
    assert running.assign(session, max_distance=0).run_id is None  # none is that near
    assert running.assign(session).run_id == 2
    assert undo(session, 2).run_id == 3


# Undo


def test_undoing_the_first_run_leaves_a_library_without_clusters(session: Session) -> None:
    before = state(session)
    run_id = generate(session, k=8).run_id
    result = undo(session, run_id)
    assert state(session) == before
    assert (result.photos_moved, result.photos_left, result.clusters_deleted) == (600, 0, 8)
    assert query(session, "SELECT kind, status, undone_by FROM cluster_runs ORDER BY id") == [
        ("generate", "succeeded", result.run_id),
        ("undo", "succeeded", None),
    ]


@pytest.mark.parametrize("k", [5, 8, 13])
@pytest.mark.parametrize("cold", [False, True])
def test_undoing_a_recluster_returns_exactly_the_state_before(
    cold: bool, k: int, session: Session
) -> None:
    generate(session, k=8)
    execute(session, "UPDATE clusters SET name = 'n' || id WHERE id < 5")
    before = state(session)
    run_id = recluster(session, k=k, cold=cold, seed=11, metric="l2").run_id
    assert state(session) != before
    undone = undo(session, run_id)
    assert (undone.clusters_restored, undone.clusters_left) == (8, 0)
    assert state(session) == before
    assert wrong_counts(session) == []


def test_runs_are_undone_one_after_the_other(session: Session) -> None:
    states, runs = [state(session)], [generate(session, k=8).run_id]
    for k in (5, 12, 7):
        states.append(state(session))
        runs.append(recluster(session, k=k, cold=True).run_id)
    with pytest.raises(HistoryError, match=f"run {runs[3]} builds on run {runs[1]}; undo"):
        undo(session, runs[1])
    while runs:
        undo(session, runs.pop())
        assert state(session) == states.pop()


def test_placing_photos_is_undone_as_well(session: Session) -> None:
    generate(session, k=8)
    add_photos(session, made_library(6)[0], [f"new{i}" for i in range(600)])
    before = state(session)
    run_id = running.assign(session).run_id
    assert state(session) != before
    assert undo(session, run_id).photos_moved == 600
    assert state(session) == before
    assert wrong_counts(session) == []


def test_a_run_on_other_photos_does_not_stand_in_the_way(session: Session) -> None:
    first = generate(session, k=8).run_id
    add_photos(session, made_library(6)[0], [f"new{i}" for i in range(600)])
    generate(session, k=4)
    later = clusters_by_photo(session)[600:]
    undo(session, first)
    assert set(clusters_by_photo(session)[:600]) == {0}
    assert (clusters_by_photo(session)[600:] == later).all()


def test_a_run_that_moves_photos_of_another_builds_on_it(session: Session) -> None:
    first = generate(session, k=8).run_id
    execute(session, "UPDATE photos SET cluster_id = NULL WHERE id < 50")
    second = generate(session, k=3).run_id
    with pytest.raises(HistoryError, match=f"run {second} builds on run {first}"):
        undo(session, first)
    undo(session, second)
    assert undo(session, first).photos_left == 49


def test_what_people_did_since_stays(session: Session) -> None:
    run_id = generate(session, k=8).run_id
    first = clusters_by_photo(session)
    query(session, "UPDATE clusters SET name = 'mine' WHERE id = %s RETURNING id", int(first[0]))
    elsewhere = int(first[1] % 8) + 1
    query(session, "UPDATE photos SET cluster_id = %s WHERE id = 2 RETURNING id", elsewhere)
    execute(session, "UPDATE photos SET cluster_pinned = TRUE WHERE id = 3")
    execute(session, "DELETE FROM photos WHERE id = 4")
    query(session, "UPDATE clusters SET status = 1 WHERE id = %s RETURNING id", int(first[5]))
    result = undo(session, run_id)
    assert (result.photos_moved, result.photos_left) == (597, 3)
    stayed = {2: elsewhere, 3: int(first[2])}
    assert dict(query(session, "SELECT id, cluster_id FROM photos WHERE cluster_id > 0")) == stayed
    kept = {row[0] for row in query(session, "SELECT id FROM clusters")}
    assert kept == {int(first[0]), int(first[5]), *stayed.values()}
    assert (result.clusters_left, result.clusters_deleted) == (len(kept), 8 - len(kept))
    assert wrong_counts(session) == []


def test_a_photo_whose_old_cluster_is_gone_is_put_into_none(session: Session) -> None:
    generate(session, k=8)
    before = clusters_by_photo(session)
    run_id = recluster(session, k=3).run_id
    [(gone,)] = query(session, "SELECT id FROM clusters WHERE photos_count = 0 ORDER BY id LIMIT 1")
    query(session, "DELETE FROM clusters WHERE id = %s RETURNING id", gone)
    undo(session, run_id)
    after = clusters_by_photo(session)
    assert set(after[before == gone]) == {0}
    assert (after[before != gone] == before[before != gone]).all()


@pytest.mark.parametrize(
    ("prepare", "expected"),
    [
        ("SELECT 1", "there is no run 77; fluffy-sql runs lists them"),
        ("UPDATE cluster_runs SET id = DEFAULT, status = 'failed'", "has status failed"),
    ],
)
def test_what_can_not_be_undone(prepare: str, expected: str, session: Session) -> None:
    run_id = generate(session, k=3).run_id
    if "UPDATE" in prepare:
        execute(session, "UPDATE cluster_runs SET status = 'failed'")
    else:
        run_id = 77
    with pytest.raises(HistoryError, match=expected):
        undo(session, run_id)


def test_nothing_is_undone_twice_and_no_undo_is_undone(session: Session) -> None:
    run_id = generate(session, k=3).run_id
    undone = undo(session, run_id)
    with pytest.raises(HistoryError, match=f"was undone already, by run {undone.run_id}"):
        undo(session, run_id)
    with pytest.raises(HistoryError, match="is an undo itself"):
        undo(session, undone.run_id)


def test_a_run_from_before_moves_were_kept_can_not_be_undone(session: Session) -> None:
    run_id = generate(session, k=3).run_id
    execute(session, "UPDATE cluster_runs SET photos_moved = NULL")
    with pytest.raises(HistoryError, match="is older than the record of moves"):
        undo(session, run_id)


def test_only_so_many_runs_are_remembered(session: Session) -> None:
    first = generate(session, k=8, history=2).run_id
    second = recluster(session, k=5, history=2).run_id
    third = recluster(session, k=7, history=2).run_id
    assert undo(session, third).photos_moved > 0
    with pytest.raises(HistoryError, match=f"the moves of run {first} are deleted"):
        undo(session, first)
    assert second is not None
    assert show_run(session, second).moves


def test_an_undo_that_fails_changes_nothing(session: Session) -> None:
    run_id = generate(session, k=3).run_id
    before = state(session), query(session, "SELECT r::text FROM cluster_runs AS r")
    inject(session, "TRIGGER fault AFTER DELETE ON clusters")
    with pytest.raises(DatabaseError, match="injected"):
        undo(session, run_id)
    assert (state(session), query(session, "SELECT r::text FROM cluster_runs AS r")) == before


# Showing and comparing


def test_a_run_is_shown_whole(session: Session) -> None:
    generate(session, k=8)
    result = recluster(session, k=5)
    assert result.run_id is not None
    details = show_run(session, result.run_id)
    assert details.run["kind"] == "recluster"
    assert details.run["settings"]["kmeans"]["k"] == 5
    assert details.run["silhouette"] == result.quality.silhouette  # type: ignore[union-attr]
    assert len(details.steps) == result.iterations
    assert result.changes is not None
    assert details.clusters == result.changes.clusters
    assert details.moves == result.changes.moves


def test_two_runs_are_compared(session: Session) -> None:
    generate(session, k=8)
    first = clusters_by_photo(session)
    recluster(session, k=5)
    recluster(session, k=12, cold=True, seed=4)
    last = clusters_by_photo(session)
    found = compare_runs(session, 1, 3)
    assert found.values["k_requested"] == (8, 12)
    assert found.values["kind"] == ("generate", "recluster")
    assert found.values["settings.seed"] == (0, 4)
    assert "metric" not in found.values
    moved = {(m.from_cluster_id, m.to_cluster_id): m.photos for m in found.moves}
    pairs = list(zip(first.tolist(), last.tolist(), strict=True))
    assert moved == {pair: pairs.count(pair) for pair in set(pairs) if pair[0] != pair[1]}
    photos = [move.photos for move in found.moves]
    assert photos == sorted(photos, reverse=True)


def test_the_same_library_can_be_told(session: Session) -> None:
    first = generate(session, k=8)
    second = recluster(session, k=400, metric="cosine", seed=2)
    assert first.embeddings_digest is not None
    assert second.embeddings_digest == first.embeddings_digest
    execute(session, "UPDATE photos SET embedding = embedding + embedding WHERE id = 7")
    assert recluster(session, k=8, metric="l2").embeddings_digest != first.embeddings_digest
    found = compare_runs(session, 1, 3)
    assert "embeddings_digest" in found.values
    assert "embeddings_digest" not in compare_runs(session, 1, 2).values


def test_what_was_undone_between_two_runs_was_not_moved(session: Session) -> None:
    generate(session, k=8)
    undo(session, recluster(session, k=5).run_id)
    assert compare_runs(session, 1, 3).moves == ()


def test_a_failed_run_is_not_compared(session: Session) -> None:
    generate(session, k=8)
    execute(session, "UPDATE cluster_runs SET status = 'failed'")
    with pytest.raises(HistoryError, match="run 1 has status failed"):
        compare_runs(session, 1, 1)


# The commands


@pytest.fixture
def runs(on_database: Run, session: Session) -> Run:
    """Runs a command on the history of two runs."""
    generate(session, k=8)
    recluster(session, k=5)
    return partial(on_database, "runs")


def test_the_commands_for_people(runs: Run) -> None:
    listed = runs()
    assert [line.split()[:3] for line in listed.out.splitlines()[1:]] == [
        ["2", "recluster", "succeeded"],
        ["1", "generate", "succeeded"],
    ]
    shown = runs("show", "2")
    assert shown.code == 0
    assert shown.out.startswith("Run 2, recluster (kmeans, cosine, seed 0): succeeded, ")
    assert "emptied" in shown.out
    assert "warm start" not in shown.out
    assert "warm start" in runs("show", "2", "--steps").out
    compared = runs("diff", "1", "2")
    assert any(line.split() == ["k_requested", "8", "5"] for line in compared.out.splitlines())
    undone = runs("undo", "2")
    assert undone.code == 0
    assert undone.out.startswith("Run 3 undid run 2: ")
    assert [line.split()[:3] for line in runs().out.splitlines()[1:3]] == [
        ["3", "undo", "succeeded"],
        ["2", "recluster", "undone"],
    ]
    assert runs("diff", "1", "3").out.endswith("No photo was moved between them.\n")


def test_the_commands_with_json(runs: Run) -> None:
    shown = json.loads(runs("show", "2", "--json").out)
    assert list(shown) == ["run", "steps", "clusters", "moves"]
    compared = json.loads(runs("diff", "1", "2", "--json").out)
    assert compared["values"]["k_requested"] == [8, 5]
    assert compared["moves"] == shown["moves"]
    undone = json.loads(runs("undo", "2", "--json").out)
    assert list(undone) == [
        *("run_id", "undone", "photos_moved", "photos_left", "photos_unplaced"),
        *("clusters_restored", "clusters_deleted", "clusters_left", "seconds"),
    ]
    assert undone["photos_moved"] == shown["run"]["photos_moved"]


def test_mistakes_are_told(runs: Run) -> None:
    for command in (["show", "9"], ["undo", "9"], ["diff", "1", "9"]):
        assert runs(*command).refusal() == "there is no run 9; fluffy-sql runs lists them"
    assert runs("show", "x").code == 2


def test_options_before_a_subcommand_are_refused(run_cli: Run) -> None:
    finished = run_cli("runs", "--limit", "3", "show", "1")
    assert finished.code == 2
    assert "options go after show" in finished.err
