"""The sample is drawn with few fetches, and then read without any."""

import pytest

from fluffy_sql.postgres.session import Session
from tests.plans.helpers import (
    Explained,
    cells,
    draw_sample,
    explain,
    fetches_so_far,
    fill,
    in_cells,
    random_centroids,
    toast_bytes,
)

PHOTOS = 300
K = 20


@pytest.fixture
def sampled(session: Session) -> Session:
    """A session on photos that are all in the sample."""
    fill(session, PHOTOS)
    draw_sample(session, PHOTOS)
    return session


def step(session: Session, name: str = "kmeans/lloyd_step", last_row: int = PHOTOS) -> Explained:
    return explain(
        session,
        name,
        watched="work_sample",
        centroids=random_centroids(session, K),
        after_row=0,
        last_row=last_row,
        starts=[1],
        followed=True,
    )


def step_by_cell(session: Session) -> Explained:
    return explain(
        session,
        "kmeans/lloyd_step_by_cell",
        watched="work_sample",
        **cells(session, K),
        cells=in_cells(PHOTOS),
        after_row=0,
        last_row=PHOTOS,
        starts=[1],
    )


@pytest.mark.parametrize("normalize", [True, False])
def test_only_the_drawn_photos_are_fetched(session: Session, normalize: bool) -> None:
    fill(session, 1_000)
    before = fetches_so_far(session, "photos")
    draw_sample(session, 50, normalize=normalize)
    assert fetches_so_far(session, "photos") - before == pytest.approx(50, abs=3)


def test_the_sample_lies_in_line(sampled: Session) -> None:
    assert toast_bytes(sampled, "work_sample") == 0


def test_a_step_fetches_nothing(sampled: Session) -> None:
    assert step(sampled).fetches == 0


def test_a_step_by_cell_fetches_nothing(sampled: Session) -> None:
    assert step_by_cell(sampled).fetches == 0


def test_a_step_by_cell_reads_the_sample_once_and_only_the_candidates(sampled: Session) -> None:
    explained = step_by_cell(sampled)
    [sample] = [n for n in explained.nodes if n.get("Relation Name") == "work_sample"]
    assert (sample["Actual Loops"], sample["Actual Rows"]) == (1, PHOTOS)
    [candidates] = [n for n in explained.nodes if n["Node Type"] == "Function Scan"]
    assert (candidates["Actual Loops"], candidates["Actual Rows"]) == (PHOTOS, K - 2)


def test_a_step_on_a_sample_out_of_line_fetches_each_row_for_each_centroid(
    session: Session,
) -> None:
    fill(session, PHOTOS)
    session.connection.execute("ALTER TABLE work_sample RESET (toast_tuple_target)")
    session.connection.execute(
        "INSERT INTO work_sample SELECT row_number() OVER (), id, embedding FROM photos"
    )
    assert step(session).fetches >= K * PHOTOS


def test_a_step_reads_the_sample_once_and_centroids_from_its_parameter(sampled: Session) -> None:
    explained = step(sampled)
    of_sample, of_centroids = explained.scans()
    assert of_sample == ("Seq Scan", "work_sample")
    assert of_centroids == ("Function Scan", "unnest")
    [sample] = [n for n in explained.nodes if n.get("Relation Name") == "work_sample"]
    assert (sample["Actual Loops"], sample["Actual Rows"]) == (1, PHOTOS)


def test_the_planner_knows_how_many_centroids_there_are(sampled: Session) -> None:
    [unnest] = [n for n in step(sampled).nodes if n["Node Type"] == "Function Scan"]
    assert unnest["Plan Rows"] == K


def test_no_worker_is_started_for_each_row(sampled: Session) -> None:
    # As tempting as it can be made.
    for setting in ("parallel_setup_cost", "parallel_tuple_cost", "min_parallel_table_scan_size"):
        sampled.connection.execute("SELECT set_config(%s, '0', FALSE)", (setting,))
    gathers = [n["Actual Loops"] for n in step(sampled).nodes if "Gather" in n["Node Type"]]
    assert gathers in ([], [1])
