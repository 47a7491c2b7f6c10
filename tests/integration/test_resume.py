"""Runs that were stopped while they trained go on from their last step."""

import json
from typing import Any

import numpy as np
import pytest

from fluffy_sql.algorithms import StepReport
from fluffy_sql.errors import FluffySqlError, HistoryError
from fluffy_sql.kmeans.kmeans import KMeans
from fluffy_sql.kmeans.tuning import Tuning
from fluffy_sql.postgres.session import Session
from fluffy_sql.runs.progress import Progress
from fluffy_sql.runs.record import RunResult
from tests import running
from tests.conftest import Run, add_photos, made_library
from tests.integration.helpers import (
    clusters_by_photo,
    cut_off_others,
    execute,
    generate,
    nothing_changes,
    query,
    work_tables,
)
from tests.integration.test_recluster import recluster


class StopsAt(Progress):
    """Stops a run at a phase, or at its n-th step of training."""

    def __init__(self, phase: str, steps: int | None = None) -> None:
        self._phase = phase
        self._steps = steps

    def phase(self, name: str) -> None:
        if name == self._phase and self._steps is None:
            raise KeyboardInterrupt

    def step(self, report: StepReport) -> None:
        if report.phase == self._phase and self._steps is not None:
            self._steps -= 1
            if not self._steps:
                raise KeyboardInterrupt


def resume(at: Session) -> RunResult:
    return running.generate(at, resume=True, algorithm=KMeans(SMALL))


@pytest.fixture(autouse=True)
def _photos(session: Session) -> None:
    """4,000 photos of 30 themes that run into each other, so that training takes steps."""
    add_photos(session, made_library(8, photos=4_000, themes=30, dimensions=160, spread=0.12)[0])


SMALL = Tuning(least_sample=1)
SETTINGS: dict[str, Any] = {"k": 12, "seed": 3, "batch_size": 300, "tolerance": 1e-6}
SETTINGS["tuning"] = SMALL


@pytest.mark.parametrize(
    "stop", [StopsAt("train", 1), StopsAt("train", 3), StopsAt("assign"), StopsAt("measure")]
)
def test_a_run_goes_on_to_the_end_it_would_have_had(stop: StopsAt, session: Session) -> None:
    whole = generate(session, **SETTINGS)
    expected = clusters_by_photo(session)
    execute(session, "DELETE FROM clusters")
    with pytest.raises(KeyboardInterrupt):
        generate(session, progress=stop, **SETTINGS)
    assert work_tables(session) == []
    result = resume(session)
    assert (result.run_id, result.iterations) == (2, whole.iterations)
    assert (result.k_requested, result.seed) == (12, 3)
    assert result.inertia == pytest.approx(whole.inertia, rel=1e-5)
    same = clusters_by_photo(session) - clusters_by_photo(session).min()
    assert np.mean(same == expected - expected.min()) > 0.999
    steps = query(session, "SELECT step FROM cluster_run_steps WHERE run_id = 2 ORDER BY step")
    assert [step for (step,) in steps] == list(range(1, (whole.iterations or 0) + 1))
    assert query(session, "SELECT status, error FROM cluster_runs ORDER BY id") == [
        ("succeeded", None),
        ("succeeded", None),
    ]
    assert query(session, "SELECT count(*) FROM cluster_run_checkpoints") == [(0,)]


def test_a_recluster_goes_on_as_one(session: Session) -> None:
    generate(session, **SETTINGS)
    execute(session, "UPDATE clusters SET name = 'n' || id")
    with pytest.raises(KeyboardInterrupt):
        recluster(session, progress=StopsAt("assign"), **(SETTINGS | {"k": 9}))
    result = resume(session)
    assert (result.kind, result.k_requested) == ("recluster", 9)
    assert result.clusters_kept + result.clusters_created == 9
    assert query(session, "SELECT count(*) FROM clusters WHERE name IS NOT NULL") == [(12,)]


def test_a_library_that_changed_meanwhile_is_clustered_as_it_is_now(session: Session) -> None:
    with pytest.raises(KeyboardInterrupt):
        generate(session, progress=StopsAt("train", 3), **SETTINGS)
    execute(session, "DELETE FROM photos WHERE id <= 1000")
    rows = made_library(9, photos=1_500, themes=30, dimensions=160)[0]
    add_photos(session, rows, [f"new{i}" for i in range(1_500)])
    result = resume(session)
    assert (result.photos_processed, result.clusters_created) == (4_500, 12)


def test_a_run_that_was_cut_off_can_be_resumed(session: Session) -> None:
    class CutsOff(StopsAt):
        def phase(self, name: str) -> None:
            if name == "assign":
                cut_off_others(session)

    with pytest.raises(FluffySqlError):
        generate(session, progress=CutsOff("assign"), **SETTINGS)
    assert query(session, "SELECT status FROM cluster_runs") == [("failed",)]
    assert resume(session).photos_processed == 4_000


@pytest.mark.parametrize("phase", ["sample", "seed"])
def test_a_run_that_did_not_train_yet_can_not_be_resumed(phase: str, session: Session) -> None:
    with pytest.raises(KeyboardInterrupt):
        generate(session, progress=StopsAt(phase), **SETTINGS)
    with pytest.raises(HistoryError, match="there is no run to resume"):
        resume(session)


def test_only_the_newest_run_can_be_resumed(session: Session) -> None:
    with pytest.raises(HistoryError, match="there is no run to resume"):
        resume(session)
    with pytest.raises(KeyboardInterrupt):
        generate(session, progress=StopsAt("assign"), **SETTINGS)
    generate(session, k=3)
    with nothing_changes(session), pytest.raises(HistoryError, match="the newest one succeeded"):
        resume(session)


def test_the_command(session: Session, on_database: Run) -> None:
    with pytest.raises(KeyboardInterrupt):
        generate(session, progress=StopsAt("assign"), **SETTINGS)
    finished = on_database("generate", "--resume", "--json")
    assert finished.code == 0
    assert json.loads(finished.out)["run_id"] == 1
    finished = on_database("generate", "--resume")
    assert finished.code == 1
    assert finished.err.endswith("fluffy-sql generate starts another\n")
    finished = on_database("generate", "--resume", "--k", "5")
    assert finished.code == 2
    assert "--resume takes the options of the killed run" in finished.err
