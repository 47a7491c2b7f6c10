"""The chart of a sweep: what the page and the picture show, and to whom."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fluffy_sql.errors import ReportError, UsageError
from fluffy_sql.kmeans.k_selection import K_SWEPT, Candidate
from fluffy_sql.operations.report.sweep_chart import _labelled, _short, chart_writer
from fluffy_sql.operations.sweep import SweepResult
from tests.unit.report_helpers import Page


def result_of(ks: Sequence[int], **changes: object) -> SweepResult:
    candidates = tuple(
        Candidate(
            k=k,
            clusters=k,
            inertia=12_345.6 / k,
            silhouette=0.2 + 0.001 * k,
            davies_bouldin=3 - 0.01 * k,
            calinski_harabasz=500.0 / k,
            smallest_cluster=3,
            largest_cluster=1_234,
            photos_measured=4_000,
            stability=0.75,
            seconds=1.5,
        )
        for k in ks
    )
    result = SweepResult(
        swept=K_SWEPT,
        suggested=ks[-1],
        measures_agree=True,
        reasons=("silhouette is highest at <b>8</b> & more", "because"),
        candidates=candidates,
        metric="cosine",
        seed=5,
        photos=12_345,
        photos_tried=6_000,
        left_out=(),
        basis="each trained twice on 6,000 of 12,345 photos and measured on 4,000",
        interrupted=False,
        seconds=9.5,
    )
    return replace(result, **changes)  # type: ignore[arg-type]


def page_of(result: SweepResult, tmp_path: Path) -> tuple[str, Page]:
    chart_writer(tmp_path / "chart.html")(result)
    text = (tmp_path / "chart.html").read_text(encoding="utf-8")
    return text, Page(text)


def test_the_page_says_what_is_suggested_and_shows_every_k(tmp_path: Path) -> None:
    _, page = page_of(result_of([4, 8, 16]), tmp_path)
    assert "Suggested k: 16, the measures agree" in page.words()
    assert "silhouette is highest at <b>8</b> & more" in page.words()
    assert not page.all("b")
    assert [a["scope"] for a in page.all("th")] == ["col"] * 8 + ["row"] * 3
    assert "3,086.4" in page.words()
    assert len(page.all("svg")) == 5
    assert len(page.all("circle")) == 5 * (3 + 1)
    assert "each trained twice on 6,000 of 12,345 photos and measured on 4,000" in page.words()


def test_disagreement_and_interruption_are_told(tmp_path: Path) -> None:
    result = replace(result_of([4, 8]), measures_agree=False, interrupted=True)
    _, page = page_of(result, tmp_path)
    assert "Suggested k: 8, the measures disagree" in page.words()
    assert "2 values of k, ended before all were tried" in page.words()


def test_every_chart_is_told_in_words(tmp_path: Path) -> None:
    _, page = page_of(result_of([4, 8, 16]), tmp_path)
    told = [svg["aria-label"] for svg in page.all("svg")]
    assert told[0] == "Silhouette by k: from 0.204 at k=4 to 0.216 at k=16."
    assert told[4] == "Inertia by k: from 771.6 at k=16 to 3,086.4 at k=4."
    assert all(svg["role"] == "img" for svg in page.all("svg"))


def test_the_page_needs_nothing_beside_it(tmp_path: Path) -> None:
    text, page = page_of(result_of([4, 8]), tmp_path)
    assert not re.search(r"(src|href)=\"(?!#)", text)
    assert not page.all("script")
    assert "url(" not in text
    ids = page.ids()
    assert len(ids) == len(set(ids))
    assert {a["href"] for a in page.all("a")} <= {f"#{name}" for name in ids}


def test_measures_that_are_missing_leave_a_gap(tmp_path: Path) -> None:
    result = result_of([4, 8, 16])
    first = replace(result.candidates[0], silhouette=None, davies_bouldin=None)
    result = replace(result, candidates=(first, *result.candidates[1:]))
    _, page = page_of(result, tmp_path)
    assert len(page.all("circle")) == 5 * (3 + 1) - 2
    chart_writer(tmp_path / "chart.png")(result)


@pytest.mark.parametrize("name", ["chart.html", "chart.png"])
def test_one_k_without_any_measure_is_drawn(name: str, tmp_path: Path) -> None:
    lonely = replace(
        result_of([1]).candidates[0], silhouette=None, davies_bouldin=None, calinski_harabasz=None
    )
    chart_writer(tmp_path / name)(replace(result_of([1]), candidates=(lonely,)))
    assert (tmp_path / name).stat().st_size > 4_000


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    chart_writer(tmp_path / "chart.png")(result_of([5, 10, 20, 40]))
    with Image.open(tmp_path / "chart.png") as picture:
        assert picture.size == (1_800, 1_050)
        pixels = np.asarray(picture.convert("RGB"))
    blue = (pixels == (0x00, 0x72, 0xB2)).all(axis=2)
    assert blue.sum() > 5 * 100  # the suggested k, in each chart
    assert (pixels.min(axis=2) < 128).mean() > 0.01


@pytest.mark.parametrize("name", ["chart.svg", "chart", "chart.html.gz"])
def test_other_files_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"a chart is an \.html or a \.png file"):
        chart_writer(Path(name))


def test_a_file_that_can_not_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "chart.png").mkdir()
    with pytest.raises(ReportError, match="the chart can't be written: Is a directory"):
        chart_writer(tmp_path / "chart.png")(result_of([4, 8]))
    assert [file.name for file in tmp_path.iterdir()] == ["chart.png"]


def test_values_under_a_chart_have_room_and_the_suggested_one_is_among_them() -> None:
    ks = [5, 6, 7, 8, 9, 10, 40, 48, 50]
    written = _labelled(result_of(ks, suggested=40))
    assert {5, 40} <= set(written) <= set(ks)
    assert all(next_one / one > (50 / 5) ** (1 / 8) for one, next_one in pairwise(written))
    assert _labelled(result_of([7], suggested=None)) == [7]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.1234, "0.12"), (999.0, "999.00"), (1_234.5, "1,234"), (12_345, "12.3k"), (2e6, "2.0M")],
)
def test_numbers_find_room_beside_a_chart(value: float, expected: str) -> None:
    assert _short(value, 2) == expected
