"""Sweeps: what they measure, suggest and leave behind, which is nothing."""

import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fluffy_sql.errors import BusyError, LibraryError
from fluffy_sql.kmeans.kmeans import KMeans
from fluffy_sql.kmeans.tuning import Tuning
from fluffy_sql.operations.sweep import SweepResult
from fluffy_sql.postgres.session import Session
from fluffy_sql.runs.progress import Progress
from tests import running
from tests.conftest import Run, add_photos, made_library
from tests.integration.helpers import everything, generate, interrupt, nothing_changes, work_tables


def sweep(
    at: Session,
    ks: Sequence[int],
    *,
    connections: int = 2,
    progress: Progress | None = None,
    **settings: Any,
) -> SweepResult:
    return running.sweep(
        at, ks, running.settings(**settings), connections=connections, progress=progress
    )


class At(Progress):
    """Does something when the sweep turns to a k."""

    def __init__(self, k: int, action: Callable[[], None]) -> None:
        self._k = k
        self._action = action

    def trying(self, setting: str, value: float) -> None:
        if (setting, value) == ("k", self._k):
            self._action()


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_the_number_of_themes_is_suggested(metric: str, session: Session) -> None:
    add_photos(session, made_library(6, photos=1_500, themes=12, spread=0.08)[0])
    found = sweep(session, [3, 4, 6, 8, 12, 17, 24, 34], metric=metric)
    assert (found.suggested, found.measures_agree) == (12, True)
    assert [candidate.k for candidate in found.candidates] == [3, 4, 6, 8, 12, 17, 24, 34]
    assert (found.photos, found.photos_tried) == (1_500, 1_500)
    assert found.candidates[0].photos_measured == 1_500
    assert not found.interrupted
    assert found.candidates[4].stability == 1
    assert found.candidates[-1].stability < 0.9


def test_photos_without_themes_are_said_to_have_none(session: Session) -> None:
    add_photos(session, np.random.default_rng(0).normal(size=(1_000, 32)))
    found = sweep(session, [4, 8, 16, 32, 64])
    assert not found.measures_agree
    assert any("form no groups" in reason for reason in found.reasons)


def test_a_row_of_a_sweep_is_what_generate_measures(session: Session) -> None:
    """Where the library is its own sample; in more dimensions than are trained in."""
    add_photos(session, made_library(6, dimensions=160, spread=0.3)[0])
    [found] = sweep(session, [10], seed=3).candidates
    result = generate(session, k=10, seed=3)
    assert result.quality is not None
    assert found.silhouette == result.quality.silhouette
    assert found.davies_bouldin == result.quality.davies_bouldin
    assert found.calinski_harabasz == result.quality.calinski_harabasz
    assert found.smallest_cluster == result.quality.smallest_cluster
    assert found.largest_cluster == result.quality.largest_cluster
    assert found.inertia == pytest.approx(result.inertia, abs=1e-5)


def test_a_seed_gives_one_result_whatever_the_connections(session: Session) -> None:
    add_photos(session, made_library(6, spread=0.3)[0])

    def measures(**changes: Any) -> list[dict[str, Any]]:
        candidates = sweep(session, [4, 9], **changes).candidates
        return [{**vars(candidate), "seconds": 0} for candidate in candidates]

    assert measures() == measures(connections=1)
    assert measures() != measures(seed=1)


def test_every_k_shares_one_bounded_sample(session: Session) -> None:
    add_photos(session, made_library(6, photos=2_000)[0])
    found = running.sweep(
        session,
        [4, 8],
        running.settings(sample_per_cluster=50),
        algorithm=KMeans(Tuning(least_sample=1)),
    )
    assert (found.photos, found.photos_tried) == (2_000, 400)
    assert found.candidates[0].photos_measured == 400


def test_photos_in_a_cluster_are_swept_too_and_stay_there(session: Session) -> None:
    add_photos(session, made_library(6)[0])
    generate(session, k=5)
    with nothing_changes(session, everything):
        assert sweep(session, [3, 6]).photos == 600


def test_what_is_left_out_is_told(session: Session) -> None:
    add_photos(session, [*made_library(6, photos=20)[0], None])
    found = sweep(session, [2, 19, 20, 500])
    assert [*found.left_out] == [20, 500]
    assert [candidate.k for candidate in found.candidates] == [2, 19]


def test_copies_are_no_clusters(session: Session) -> None:
    add_photos(session, [[1, 0], [0, 1]] * 40)
    found = sweep(session, [2, 5])
    assert [candidate.clusters for candidate in found.candidates] == [2, 2]
    assert found.suggested == 2


@pytest.mark.parametrize(
    ("embeddings", "expected"),
    [
        ([], "there is no photo with an embedding to try anything on"),
        ([[1, 0], [0, 1]], "only 2 photos with an embedding, too few for k = 2"),
        ([[1, 0], [0, 1], [1, 1, 1]], "the embeddings are of several dimensions"),
        ([[0, 0]] * 5, "all embeddings are zero vectors"),
    ],
)
def test_what_can_not_be_swept(
    embeddings: list[list[float]], expected: str, session: Session
) -> None:
    add_photos(session, embeddings)
    with pytest.raises(LibraryError, match=expected):
        sweep(session, [2, 3])
    assert work_tables(session) == []


def test_an_interrupted_sweep_keeps_what_it_has(session: Session) -> None:
    add_photos(session, made_library(6)[0])
    found = sweep(session, [3, 6, 9], progress=At(9, interrupt))
    assert found.interrupted
    assert [candidate.k for candidate in found.candidates] == [3, 6]
    assert work_tables(session) == []
    with pytest.raises(KeyboardInterrupt):
        sweep(session, [3, 6], progress=At(3, interrupt))
    assert work_tables(session) == []


def test_nothing_else_runs_beside_a_sweep(session: Session) -> None:
    add_photos(session, made_library(6)[0])
    refused = []

    def run_both() -> None:
        for other in (lambda: generate(session, k=3), lambda: sweep(session, [3])):
            with pytest.raises(BusyError, match="another run or sweep is at work") as caught:
                other()
            refused.append(caught.value)

    sweep(session, [3, 4], progress=At(4, run_both))
    assert len(refused) == 2


# The command


@pytest.fixture
def run_sweep(on_database: Run, session: Session) -> Run:
    """Runs a sweep over 600 photos."""
    add_photos(session, made_library(6)[0])
    return partial(on_database, "sweep")


def test_a_sweep_for_people(run_sweep: Run) -> None:
    finished = run_sweep("--k", "4,8,16")
    assert finished.code == 0
    heading, *lines = finished.out.splitlines()
    assert heading.split() == [
        *("k", "silhouette", "davies-b.", "calinski-h.", "stability", "inertia", "smallest"),
        *("largest", "seconds"),
    ]
    assert [line.split()[0] for line in lines[:3]] == ["4", "8", "16"]
    assert [line for line in lines if "<- suggested" in line] == [lines[1]]
    assert lines[3] == "Suggested k: 8. The measures agree."
    assert lines[-1].startswith(
        "3 values of k, each trained twice on 600 of 600 photos and measured on 600 (cosine, seed"
    )
    assert finished.err.splitlines()[:4] == [
        *("survey", "600 photos of 16 dimensions", "sample", "k=4")
    ]


def test_a_sweep_with_json_has_the_promised_keys(run_sweep: Run) -> None:
    finished = run_sweep("--json", "--k", "4..16", "--steps", "3")
    assert finished.code == 0
    found = json.loads(finished.out)
    assert list(found) == [
        *("suggested_k", "measures_agree", "reasons", "candidates", "metric", "seed", "photos"),
        *("photos_trained", "left_out", "interrupted", "seconds", "chart"),
    ]
    assert list(found["candidates"][0]) == [
        *("silhouette", "davies_bouldin", "calinski_harabasz"),
        *("smallest_cluster", "largest_cluster", "photos_measured"),
        *("k", "clusters", "inertia", "stability", "seconds"),
    ]
    assert (found["suggested_k"], found["measures_agree"], found["chart"]) == (8, True, None)
    assert [candidate["k"] for candidate in found["candidates"]] == [4, 8, 16]


@pytest.mark.parametrize("name", ["chart.html", "chart.png", "CHART.PNG"])
def test_a_chart_is_drawn(name: str, run_sweep: Run, tmp_path: Path) -> None:
    finished = run_sweep("--k", "4,8", "--out", str(tmp_path / name))
    assert finished.code == 0
    assert finished.out.splitlines()[-1] == f"Chart: {tmp_path / name}"
    assert (tmp_path / name).stat().st_size > 4_000


def test_an_interrupted_sweep_prints_what_it_has_and_draws_it(
    run_sweep: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: Progress, setting: str, value: float) -> None:
        if (setting, value) == ("k", 8):
            raise KeyboardInterrupt

    monkeypatch.setattr("fluffy_sql.cli.progress_bar.RunProgress.trying", interrupt)
    chart = tmp_path / "chart.html"
    finished = run_sweep("--json", "--k", "3,4,8", "--out", str(chart))
    assert finished.code == 130
    found = json.loads(finished.out)
    assert found["interrupted"]
    assert [candidate["k"] for candidate in found["candidates"]] == [3, 4]
    assert "ended before all were tried" in chart.read_text(encoding="utf-8")
    assert finished.err.splitlines()[-1].startswith("fluffy-sql: stopped;")


@pytest.mark.parametrize(
    "ks", ["", "x", "1", "1..5", "5..5", "9..5", "5..", "5...9", "2,1", "2,,3", "-5..9", "5.5", "٣"]
)
def test_k_that_is_neither_range_nor_list_is_refused(ks: str, run_cli: Run) -> None:
    refusal = run_cli("sweep", "--k", ks).refusal(2)
    assert refusal.startswith(f"--k is {ks!r}; allowed: a range such as 5..200 or")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--k", "2,3", "--steps", "5"], "--steps is for a range such as 5..200"),
        (["--steps", "1"], "Invalid value for '--steps'"),
        (["--out", "chart.svg"], "chart.svg: a chart is an .html or a .png file"),
        (["--out", "no/chart.png"], "no/chart.png: there is no folder no; make it first"),
        (["--metric", "cosinus"], "cosinus"),
    ],
)
def test_what_can_not_be_asked_of_a_sweep(
    arguments: list[str], expected: str, run_cli: Run
) -> None:
    assert expected in run_cli("sweep", *arguments).refusal(2)


def test_without_the_extra_a_chart_is_refused_before_the_sweep(
    run_cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fluffy_sql.operations.report.sweep_chart", None)
    assert 'pip install "fluffy_sql[report]"' in run_cli("sweep", "--out", "chart.png").refusal(2)


@pytest.mark.parametrize("form", ["text", "html", "json"])
def test_equal_embeddings_have_nothing_to_suggest(
    form: str, session: Session, database_url: str, run_cli: Run, tmp_path: Path
) -> None:
    add_photos(session, np.ones((1_000, 8)))
    chart = tmp_path / "sweep.html"
    asked = {"text": (), "html": ("--out", str(chart)), "json": ("--json",)}[form]
    finished = run_cli("sweep", "--k", "2..8", *asked, "--database-url", database_url)
    assert finished.code == 0
    told = chart.read_text() if form == "html" else finished.out
    assert "all embeddings are equal: there is nothing to suggest" in told
    assert not re.search(r"-1\.0|\binf\b|Infinity|NaN", told)
    if form == "json":
        found = json.loads(told)
        assert found["suggested_k"] is None
        assert {candidate["silhouette"] for candidate in found["candidates"]} == {None}
    else:
        assert "undefined" in told


def test_of_few_distinct_embeddings_no_k_beyond_is_an_end(session: Session) -> None:
    add_photos(session, np.repeat(np.eye(7), 30, axis=0))
    found = sweep(session, [*range(2, 21)])
    assert found.suggested == 7
    assert not [reason for reason in found.reasons if "7 is an end" in reason or "inf)" in reason]
