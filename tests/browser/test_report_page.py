"""The page of a report in a real browser: light and dark, on a desk and on a phone."""

import io
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fluffy_sql.operations.report.album import make_pictures
from fluffy_sql.operations.report.model import (
    BETWEEN,
    CENTRAL,
    OUTERMOST,
    Comparable,
    Library,
    LibraryMap,
    Photo,
    SecondLook,
    Shown,
)
from fluffy_sql.operations.report.page import render
from tests.browser.chromium import Browser, chromium, find_chromium
from tests.unit.report_helpers import RUN, a_cluster

PROGRAM = find_chromium()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium on this machine")

CLUSTERS = 30
DESK, PHONE = (1280, 900), (390, 844)
WINDOWS = [(*size, dark) for size in (DESK, PHONE) for dark in (False, True)]
in_every_window = pytest.mark.parametrize(
    ("width", "height", "dark"), WINDOWS, ids=["desk", "desk dark", "phone", "phone dark"]
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on clusters whose names and paths try to break out of the layout."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "clusters").mkdir()
    for index, size in enumerate([(320, 240), (240, 320), (900, 90), (60, 60)]):
        color = (60 * index, 200 - 50 * index, 120)
        Image.new("RGB", size, color).save(folder / f"{index}.jpg")
    shown = [_shown(cluster_id) for cluster_id in range(1, CLUSTERS + 1)]
    pictures = make_pictures(shown, folder, folder / "clusters", lambda _: None)
    unreadable = sum((made.troubles() for made in pictures), Counter[str]())
    file = folder / "index.html"
    with file.open("w", encoding="utf-8") as written:
        written.writelines(render(_library(shown), pictures, unreadable, datetime.now(UTC)))
    return file


def _shown(cluster_id: int) -> Shown:
    names = {1: "x" * 400, 2: "a very long name of many words " * 9, 3: "森林 🌲"}
    near = {1 + (cluster_id + step) % CLUSTERS: 0.1 * step for step in (1, 2, 3)}
    cluster = a_cluster(
        cluster_id,
        photos=1_234_567 // cluster_id,
        mean=0.02 * cluster_id,
        near=near,
        name=names.get(cluster_id),
        status=cluster_id % 2,
        silhouette=0.5,
    )
    photos = [
        Photo(
            photo_id=rank,
            path="p" * 900 if rank == 9 else f"{rank % 5}.jpg",
            section=(CENTRAL, BETWEEN, OUTERMOST)[rank // 12],
            rank=(1, 1_000, 1_000_000)[rank // 12] + rank,
            distance=0.01 * rank if rank else None,
        )
        for rank in range(36)
    ]
    return Shown(cluster, tuple(photos))


def _library(shown: list[Shown]) -> Library:
    clusters = tuple(one.cluster for one in shown)
    random = np.random.default_rng(0)
    places = random.normal(size=(len(clusters), 2))
    dots = places.repeat(60, axis=0) + random.normal(scale=0.2, size=(60 * len(clusters), 2))
    ids = [cluster.id for cluster in clusters for _ in range(60)]
    looks = (
        SecondLook(tuple(range(4, 25)), "nearly the same", "They are near."),
        SecondLook((1,), "too wide", "It is wide."),
    )
    library_map = LibraryMap(places, dots, ids, (0.4, 0.2))
    groups = (Comparable("cosine", 4, clusters, library_map),)
    return Library(clusters, tuple(shown), groups, (RUN,), looks, len(looks))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert PROGRAM is not None
    with chromium(PROGRAM, tmp_path_factory.mktemp("chromium") / "profile") as running:
        yield running


def pixels(png: bytes) -> NDArray[np.int16]:
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB"), dtype=np.int16)


@in_every_window
def test_nothing_is_wider_than_the_window(
    browser: Browser, page: Path, width: int, height: int, *, dark: bool
) -> None:
    browser.show(page, width=width, height=height, dark=dark)
    browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert browser.run("document.documentElement.scrollWidth") == width
    beyond = """
        [...document.querySelectorAll('body *')]
            .filter((one) => !one.closest('.map, svg, .skip'))
            .filter((one) => {
                const box = one.getBoundingClientRect()
                return box.width && (box.right > innerWidth + 0.5 || box.left < -0.5)
            })
            .map((one) => one.outerHTML.slice(0, 80))
    """
    assert browser.run(beyond) == []


@in_every_window
def test_pins_stay_on_the_map_and_apart(
    browser: Browser, page: Path, width: int, height: int, *, dark: bool
) -> None:
    browser.show(page, width=width, height=height, dark=dark)
    boxes = """
        [...document.querySelectorAll('.map, .pins .icon')].map((one) => {
            const box = one.getBoundingClientRect()
            return [box.left, box.top, box.right, box.bottom]
        }).filter((box) => box[2] > box[0])
    """
    area, *pins = browser.run(boxes)
    assert len(pins) >= 4
    for index, (left, top, right, bottom) in enumerate(pins):
        assert left >= area[0]
        assert top >= area[1]
        assert right <= area[2]
        assert bottom <= area[3]
        for other in pins[:index]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top


@in_every_window
def test_light_is_light_dark_is_dark_and_neither_is_blank(
    browser: Browser, page: Path, width: int, height: int, *, dark: bool
) -> None:
    browser.show(page, width=width, height=height, dark=dark)
    for place in ("body", "#overview", "#clusters"):
        browser.run(f"document.querySelector('{place}').scrollIntoView({{behavior: 'instant'}})")
        seen = pixels(browser.screenshot())
        assert seen.shape == (height, width, 3)
        # Most of it is paper; words and photos stand out from it.
        paper = np.median(seen.reshape(-1, 3), axis=0)
        assert (paper.max() < 60) if dark else (paper.min() > 200)
        apart = np.abs(seen - paper).max(axis=2) > 80
        assert 0.01 < apart.mean() < 0.6


@in_every_window
def test_photos_are_large_enough_and_none_is_distorted(
    browser: Browser, page: Path, width: int, height: int, *, dark: bool
) -> None:
    browser.show(page, width=width, height=height, dark=dark)
    shown = browser.run(
        "[...document.images].map((i) => [i.width / i.height, i.naturalWidth / i.naturalHeight,"
        " i.height])"
    )
    assert len(shown) > 500
    for ratio, natural, tall in shown:
        assert ratio == pytest.approx(natural, rel=0.05)
        assert tall >= 70


def test_nothing_is_asked_of_the_network(browser: Browser, page: Path) -> None:
    browser.show(page, width=DESK[0], height=DESK[1], dark=False)
    assert [url for url in browser.requested if not url.startswith("data:")] == [page.as_uri()]
    # The page's own policy would stop it, too.
    loaded = browser.run(
        "new Promise((done) => { const i = new Image(); i.onload = () => done('loaded');"
        f" i.onerror = () => done('refused'); i.src = '{page.parent.as_uri()}/0.jpg' }})"
    )
    assert loaded == "refused"


def test_the_keyboard_finds_its_way(browser: Browser, page: Path) -> None:
    browser.show(page, width=DESK[0], height=DESK[1], dark=False)
    browser.press("Tab")
    focused = "document.activeElement"
    assert browser.run(f"{focused}.className") == "skip"
    # A skip link that can't be seen once it has the focus helps nobody.
    assert browser.run(f"{focused}.getBoundingClientRect().top") >= 0
    browser.press("Enter")
    assert browser.run("location.hash") == "#clusters"
    assert browser.run(f"{focused}.id") == "clusters"
    browser.press("Tab")
    outline = browser.run(f"getComputedStyle({focused}).outlineStyle + {focused}.tagName")
    assert outline == "solidA"


def test_a_screen_reader_is_told_what_there_is(browser: Browser, page: Path) -> None:
    browser.show(page, width=DESK[0], height=DESK[1], dark=False)
    nodes = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in browser.send("Accessibility.getFullAXTree")["nodes"]
        if not node["ignored"]
    ]

    def names(role: str) -> list[str]:
        return [name for found, name in nodes if found == role]

    assert {"banner", "main", "navigation", "contentinfo"} <= {role for role, _ in nodes}
    images = names("image") + names("img")
    assert len(images) > 500
    assert all(images)
    assert all(names("link"))
    charts = [name for name in images if name.startswith(("Photos in", "Distance of"))]
    assert len(charts) == 2
    assert all("half have" in name for name in charts)
    assert names("heading")[0].endswith("photos")


def test_who_wants_less_motion_gets_none(browser: Browser, page: Path) -> None:
    def scrolling(preference: str) -> Any:
        browser.send(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-reduced-motion", "value": preference}],
        )
        return browser.run("getComputedStyle(document.documentElement).scrollBehavior")

    browser.show(page, width=DESK[0], height=DESK[1], dark=False)
    assert scrolling("no-preference") == "smooth"
    assert scrolling("reduce") == "auto"
