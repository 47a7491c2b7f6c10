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

from fluffy_sql.operations.report.album import Place, make_pictures
from fluffy_sql.operations.report.layout import lay_out
from fluffy_sql.operations.report.model import (
    BETWEEN,
    CENTRAL,
    OUTERMOST,
    Comparable,
    Library,
    Neighbour,
    Photo,
    SecondLook,
    Shown,
)
from fluffy_sql.operations.report.page import render
from tests.browser.axe import load_axe, needs_axe, serious_findings
from tests.browser.chromium import Browser, chromium, find_chromium
from tests.unit.report_helpers import RUN, a_cluster

PROGRAM = find_chromium()
pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="there is no Chromium on this machine: make test-browser"
)

CLUSTERS = 100
# Of the first two 12 in each section, of the others two.
MANY = 2
DESK, PHONE = (1280, 900), (390, 844)
WINDOWS = [(*size, dark) for size in (DESK, PHONE) for dark in (False, True)]
in_every_window = pytest.mark.parametrize(
    ("width", "height", "dark"), WINDOWS, ids=["desk", "desk dark", "phone", "phone dark"]
)
on_desk_and_phone = pytest.mark.parametrize(
    ("width", "height"), [DESK, PHONE], ids=["desk", "phone"]
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on clusters whose names and paths try to break out of the layout."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "clusters").mkdir()
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    for index, size in enumerate([(1_600, 1_200), (240, 320), (900, 90), (60, 60)]):
        color = (60 * index, 200 - 50 * index, 120)
        Image.new("RGB", size, color).save(folder / f"{index}.jpg", exif=exif)
    shown = [_shown(cluster_id) for cluster_id in range(1, CLUSTERS + 1)]
    pictures = make_pictures(shown, Place(folder, folder), folder / "clusters", lambda _: None)
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
        # The last six are in one group, and of these two in one of a finer level.
        parent_ids=(95 if cluster_id > 98 else cluster_id, min(cluster_id, 95)),
    )
    photos = 12 if cluster_id <= MANY else 2
    # The large one is in the first clusters alone: to scale it down takes the longest.
    first = 0 if cluster_id <= MANY else 1
    return Shown(
        cluster,
        tuple(
            Photo(
                photo_id=1_000 * cluster_id + rank,
                path="p" * 900 if rank == 9 else f"{first + rank % (5 - first)}.jpg",
                section=(CENTRAL, BETWEEN, OUTERMOST)[rank // photos],
                rank=(1, 1_000, 1_000_000)[rank // photos] + rank,
                distance=0.01 * rank if rank else None,
                elsewhere=Neighbour(1 + cluster_id % CLUSTERS, 0.3),
            )
            for rank in range(3 * photos)
        ),
    )


def _library(shown: list[Shown]) -> Library:
    clusters = tuple(one.cluster for one in shown)
    centroids = np.random.default_rng(0).normal(size=(CLUSTERS, 8)).astype(np.float32)
    layout = lay_out(centroids, np.array([200 - cluster.id for cluster in clusters]))
    looks = (
        SecondLook(tuple(range(4, 25)), "nearly the same", "They are near."),
        *(SecondLook((cluster_id,), "too wide", "It is wide.") for cluster_id in range(1, 9)),
    )
    groups = (Comparable("cosine", 8, clusters, layout),)
    return Library(clusters, tuple(shown), groups, (RUN,), looks, len(looks))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert PROGRAM is not None
    with chromium(PROGRAM, tmp_path_factory.mktemp("chromium") / "profile") as running:
        yield running


def go(browser: Browser, place: str) -> None:
    """Follows a link within the page."""
    browser.run(
        f"location.hash = '{place}';"
        " new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
    )


def boxes(browser: Browser, selector: str) -> list[list[float]]:
    """Left, top, right and bottom of what can be seen of it."""
    found: list[list[float]] = browser.run(
        f"""[...document.querySelectorAll('{selector}')].map((one) => {{
            const box = one.getBoundingClientRect()
            return [box.left, box.top, box.right, box.bottom]
        }}).filter((box) => box[2] > box[0])"""
    )
    return found


def overlapping(places: list[list[float]]) -> list[tuple[list[float], list[float]]]:
    return [
        (one, other)
        for index, one in enumerate(places)
        for other in places[:index]
        if one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
    ]


def pixels(png: bytes) -> NDArray[np.int16]:
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB"), dtype=np.int16)


# The first screen, and how long the page is


@on_desk_and_phone
def test_the_page_begins_with_a_wall_of_covers(
    browser: Browser, page: Path, width: int, height: int
) -> None:
    browser.show(page, width=width, height=height, dark=False)
    covers = boxes(browser, ".card .cover")
    assert len(covers) == CLUSTERS
    first_row = [cover for cover in covers if cover[1] == covers[0][1]]
    assert len(first_row) == (6 if width == DESK[0] else 2)
    assert first_row[0][3] < 600
    # Each a mosaic with a name or number, how many photos, and a word for how tight it is.
    pictured = (
        "[...document.querySelectorAll('.cover')].map((c) => getComputedStyle(c).backgroundImage)"
    )
    assert all(address.startswith('url("data:image/webp') for address in browser.run(pictured))
    words = browser.run("[...document.querySelectorAll('.card')].map((card) => card.innerText)")
    assert words[3].split() == [
        *("Cluster", "4", "308,641", "photos", "tight", "0.0800", "nearly", "the", "same"),
        *("too", "wide"),
    ]
    order = browser.run("[...document.querySelectorAll('.card')].map((card) => card.id)")
    assert order[:16] == [f"card-{index}" for index in range(1, 17)]


@on_desk_and_phone
def test_no_view_of_it_is_too_long_and_nothing_scrolls_by_itself(
    browser: Browser, page: Path, width: int, height: int
) -> None:
    browser.show(page, width=width, height=height, dark=False)
    tall = "document.documentElement.scrollHeight"
    assert browser.run(tall) < (10_000 if width == DESK[0] else 15_000)
    assert browser.run("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    go(browser, "cluster-1")
    assert browser.run(tall) < 4_000
    assert boxes(browser, ".card") == []


def test_what_comes_after_the_wall(browser: Browser, page: Path) -> None:
    browser.show(page, width=DESK[0], height=DESK[1], dark=False)
    sections = browser.run("[...document.querySelectorAll('section')].map((one) => one.id)")
    assert sections == ["wall", "second-look", "map", "unreadable", "numbers"]
    folded = "[...document.querySelectorAll('#numbers table, #numbers .chart, #numbers .run')]"
    assert browser.run(f"{folded}.map((one) => one.checkVisibility())") == [False] * 4
    # More than six cases are folded, too.
    looks = "[...document.querySelectorAll('.look')].map((one) => one.checkVisibility())"
    assert browser.run(looks) == [True] * 6 + [False] * 3


def test_groups_of_clusters_are_frames_around_their_covers(browser: Browser, page: Path) -> None:
    browser.show(page, width=DESK[0], height=DESK[1], dark=False)
    outer, inner = boxes(browser, ".group")
    for frame, members in ((outer, range(95, 101)), (inner, (95, 99, 100))):
        for cluster_id in members:
            [card] = boxes(browser, f"#card-{cluster_id}")
            assert frame[0] < card[0] < card[2] < frame[2]
            assert frame[1] < card[1] < card[3] < frame[3]


@in_every_window
def test_nothing_is_wider_than_the_window(
    browser: Browser, page: Path, width: int, height: int, *, dark: bool
) -> None:
    browser.show(page, width=width, height=height, dark=dark)
    browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert browser.run("document.documentElement.scrollWidth") == width
    beyond = """
        [...document.querySelectorAll('body *')]
            .filter((one) => !one.closest('.map, svg, .skip, .jump'))
            .filter((one) => {
                const box = one.getBoundingClientRect()
                return box.width && (box.right > innerWidth + 0.5 || box.left < -0.5)
            })
            .map((one) => one.outerHTML.slice(0, 80))
    """
    assert browser.run(beyond) == []


# From cluster to cluster


def seen_cluster(browser: Browser) -> Any:
    """The heading of the cluster that is to be seen."""
    return browser.run(
        "[...document.querySelectorAll('.cluster')].filter((one) => one.offsetHeight)"
        ".map((one) => one.id).join()"
    )


def press(browser: Browser, key: str) -> None:
    browser.press(key)
    browser.run("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


def test_links_and_keys_lead_from_cluster_to_cluster(browser: Browser, page: Path) -> None:
    browser.show(page, width=DESK[0], height=DESK[1], dark=False)
    browser.run("document.querySelector('#card-40 a').click()")
    assert seen_cluster(browser) == "cluster-40"
    assert browser.run("scrollY") == 0
    browser.run("document.querySelector('#cluster-40 .bar [rel=next]').click()")
    assert seen_cluster(browser) == "cluster-41"
    for key, expected in (("ArrowLeft", "cluster-40"), ("ArrowRight", "cluster-41")):
        press(browser, key)
        assert seen_cluster(browser) == expected
    press(browser, "Escape")
    assert seen_cluster(browser) == ""
    # Back at its cover, wherever that is.
    [card] = boxes(browser, "#card-41")
    assert 0 < card[1] < card[3] < DESK[1]


# Photos open


@pytest.mark.parametrize(
    ("width", "height", "script"),
    [(*DESK, False), (*PHONE, True)],
    ids=["desk, no script", "phone"],
)
def test_every_photo_opens(
    browser: Browser, page: Path, width: int, height: int, *, script: bool
) -> None:
    if not script:
        html = page.read_text(encoding="utf-8")
        page = page.with_name("plain.html")
        page.write_text(html[: html.index("<script>")], encoding="utf-8")
    browser.show(page, width=width, height=height, dark=False)
    opened = browser.run(
        """(async () => {
            const seen = []
            for (const link of document.querySelectorAll('#cluster-1 .photo:nth-child(3n) .open')) {
                location.hash = link.getAttribute('href')
                await new Promise((done) => setTimeout(done))
                const large = link.querySelector('.large')
                if (large) await large.decode()
                const box = link.getBoundingClientRect()
                const words = link.parentElement.querySelector('figcaption').innerText
                seen.push([large ? large.naturalWidth : 0, box.width, box.height, words])
            }
            return seen
        })()"""
    )
    assert len(opened) == 12
    for _, wide, tall, words in opened:
        assert wide > 0.9 * width
        assert tall > 0.3 * height
        assert "Cluster 2, 0.3000." in " ".join(words.split())
    assert {natural for natural, *_ in opened} == {0, 1_600, 240, 900, 60}
    words = " ".join(opened[1][3].split())
    assert words.startswith("0.jpg open the file Cluster 1")
    assert "central, rank 6; far from the centroid, distance 0.0500." in words
    assert "Taken 2024-05-06 07:08. 1,600 by 1,200 pixels." in words


def test_an_open_photo_by_keys_and_back_to_where_one_was(browser: Browser, page: Path) -> None:
    browser.show(page, width=DESK[0], height=DESK[1], dark=False)
    go(browser, "cluster-1")
    browser.run("document.querySelector('#t1-20').click()")
    press(browser, "ArrowRight")
    assert browser.run("location.hash") == "#p1-21"
    # Nothing behind it can be reached: the focus goes round within.
    within = set()
    for _ in range(9):
        browser.press("Tab")
        within.add(browser.run("document.activeElement.closest('.photo')?.id ?? 'body'"))
    assert within <= {"p1-21", "body"}
    press(browser, "ArrowLeft")
    press(browser, "Escape")
    assert browser.run("[location.hash, document.activeElement.id]") == ["#t1-20", "t1-20"]
    [tile] = boxes(browser, "#t1-20")
    assert 0 <= tile[1] < tile[3] <= DESK[1]
    # A click beside its words closes it, too.
    go(browser, "p1-3")
    browser.run("document.querySelector('#p1-3 img').click()")
    assert browser.run("location.hash") == "#t1-3"


@on_desk_and_phone
def test_rows_fill_the_width(browser: Browser, page: Path, width: int, height: int) -> None:
    browser.show(page, width=width, height=height, dark=False)
    go(browser, "cluster-1")
    [whole, *_] = boxes(browser, "#cluster-1 .photos")
    tiles = boxes(browser, "#cluster-1 .photos:first-of-type .photo")
    rows: dict[float, list[list[float]]] = {}
    for tile in tiles:
        rows.setdefault(round(tile[1]), []).append(tile)
    assert sum(len(row) for row in rows.values()) == 36
    for row in rows.values():
        assert row[0][0] == pytest.approx(whole[0], abs=1)
        assert row[-1][2] == pytest.approx(whole[2], abs=1)
        if width == PHONE[0]:
            assert len(row) == 3
        else:
            # All as high as the row, but for tiles of photos that can't be read.
            assert max(tile[3] for tile in row) - min(tile[3] for tile in row) < 2
    assert overlapping(tiles) == []


def test_outermost_photos_say_where_they_would_rather_be(browser: Browser, page: Path) -> None:
    browser.show(page, width=DESK[0], height=DESK[1], dark=False)
    go(browser, "cluster-1")
    pulls = browser.run(
        "[...document.querySelectorAll('#cluster-1 .pull')].map((a) => [a.innerText, a.hash])"
    )
    assert pulls[0] == ["nearer to 2", "#cluster-2"]
    assert ["nearly as near to 2", "#cluster-2"] in pulls
    assert len(boxes(browser, "#cluster-1 .pull")) == len(pulls)


# The map


@on_desk_and_phone
def test_pictures_on_the_map_stay_apart(
    browser: Browser, page: Path, width: int, height: int
) -> None:
    browser.show(page, width=width, height=height, dark=False)
    pictures = boxes(browser, ".plane .icon")
    assert len(pictures) > 50
    assert overlapping(pictures) == []
    [area] = boxes(browser, ".plane")
    assert all(area[0] <= one[0] and one[2] <= area[2] for one in pictures)
    assert all(area[1] <= one[1] and one[3] <= area[3] for one in pictures)


def test_each_point_has_a_title_and_a_link_and_shows_its_photo(
    browser: Browser, page: Path
) -> None:
    browser.show(page, width=DESK[0], height=DESK[1], dark=False)
    points = browser.run(
        """[...document.querySelectorAll('.dots a')].map((a) => [
            a.querySelector('title').textContent,
            document.querySelector(a.getAttribute('href'))?.className,
        ])"""
    )
    assert len(points) == MANY * 36 + (CLUSTERS - MANY) * 6
    assert all(title and place == "photo" for title, place in points)
    browser.run("document.querySelector('#map').scrollIntoView()")
    assert boxes(browser, ".tip") == []
    point = browser.run(
        """(() => {
            const box = document.querySelectorAll('.dots a')[1].getBoundingClientRect()
            return [box.left + box.width / 2, box.top + box.height / 2]
        })()"""
    )
    browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=point[0], y=point[1])
    assert len(boxes(browser, ".tip")) == len(boxes(browser, ".tip img")) == 1
    assert browser.run("document.querySelector('.tip').innerText").endswith("1.jpg")


def test_the_map_can_be_looked_at_more_closely(browser: Browser, page: Path) -> None:
    browser.show(page, width=DESK[0], height=DESK[1], dark=False)
    [before] = boxes(browser, ".plane")
    for _ in range(2):
        browser.run("document.querySelector('.zoom button').click()")
    [after] = boxes(browser, ".plane")
    assert after[2] - after[0] == pytest.approx(2.25 * (before[2] - before[0]))
    assert browser.run("document.documentElement.scrollWidth") == DESK[0]
    assert overlapping(boxes(browser, ".plane .icon")) == []


# For everyone


@in_every_window
def test_light_is_light_dark_is_dark_and_neither_is_blank(
    browser: Browser, page: Path, width: int, height: int, *, dark: bool
) -> None:
    browser.show(page, width=width, height=height, dark=dark)
    for place in ("top", "map", "cluster-1"):
        go(browser, place)
        seen = pixels(browser.screenshot())
        assert seen.shape == (height, width, 3)
        # Most of it is paper; words and photos stand out from it.
        paper = np.median(seen.reshape(-1, 3), axis=0)
        assert (paper.max() < 60) if dark else (paper.min() > 200)
        apart = np.abs(seen - paper).max(axis=2) > 80
        assert 0.01 < apart.mean() < 0.6


def test_nothing_is_asked_of_the_network(browser: Browser, page: Path) -> None:
    browser.show(page, width=DESK[0], height=DESK[1], dark=False)
    # Photos are read when they are opened, and not before.
    assert [url for url in browser.requested if not url.startswith("data:")] == [page.as_uri()]
    go(browser, "p1-1")
    browser.run("document.querySelector('#p1-1 .large').decode()")
    assert browser.requested[-1] == f"{page.parent.as_uri()}/0.jpg"
    # The page's own policy would stop all else.
    loaded = browser.run(
        "new Promise((done) => { const i = new Image(); i.onload = () => done('loaded');"
        " i.onerror = () => done('refused'); i.src = 'http://127.0.0.1:1/0.jpg' })"
    )
    assert loaded == "refused"


def test_a_page_that_was_sent_without_its_photos_shows_the_small_ones(
    browser: Browser, page: Path, tmp_path: Path
) -> None:
    sent = tmp_path / "index.html"
    sent.write_bytes(page.read_bytes())
    browser.show(sent, width=DESK[0], height=DESK[1], dark=False)
    go(browser, "p1-2")
    [small] = boxes(browser, "#p1-2 .small")
    assert small[3] - small[1] > DESK[1] / 2
    # A file that is not there leaves no mark.
    assert browser.run("document.querySelector('#p1-2 .large').alt") == ""


def test_the_keyboard_finds_its_way(browser: Browser, page: Path) -> None:
    browser.show(page, width=DESK[0], height=DESK[1], dark=False)
    browser.press("Tab")
    focused = "document.activeElement"
    assert browser.run(f"{focused}.className") == "skip"
    # A skip link that can't be seen once it has the focus helps nobody.
    assert browser.run(f"{focused}.getBoundingClientRect().top") >= 0
    press(browser, "Enter")
    assert browser.run("location.hash") == "#wall"
    browser.press("Tab")
    assert browser.run(f"{focused}.hash") == "#cluster-1"
    assert browser.run(f"getComputedStyle({focused}).outlineStyle") == "solid"
    press(browser, "Enter")
    browser.press("Tab")
    assert browser.run(f"{focused}.closest('.cluster').id") == "cluster-1"


def test_a_screen_reader_is_told_what_there_is(browser: Browser, page: Path) -> None:
    browser.show(page, width=DESK[0], height=DESK[1], dark=False)

    def told() -> list[tuple[str, str]]:
        return [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in browser.send("Accessibility.getFullAXTree")["nodes"]
            if not node["ignored"]
        ]

    nodes = told()
    assert {"banner", "main", "navigation", "contentinfo"} <= {role for role, _ in nodes}
    assert ("heading", "100 clusters of 6,404,118 photos") in nodes
    links = [name for role, name in nodes if role == "link"]
    assert all(links)
    assert any(name.startswith("Cluster 4 308,641 photos tight 0.0800") for name in links)
    browser.run("document.querySelector('#charts').open = true")
    charts = [name for role, name in told() if role in {"image", "img"}]
    assert len([name for name in charts if "half have" in name]) == 2
    go(browser, "cluster-1")
    images = [name for role, name in told() if role in {"image", "img"}]
    assert len(images) > 25
    assert all(name.startswith("Cluster 1") for name in images)


@needs_axe
@pytest.mark.parametrize(("width", "height", "dark"), [WINDOWS[0], WINDOWS[-1]])
def test_axe_finds_nothing_serious(
    browser: Browser, page: Path, width: int, height: int, *, dark: bool
) -> None:
    browser.show(page, width=width, height=height, dark=dark)
    # Of what there are many of, a few will do.
    many = (
        ".cluster:not(#cluster-1), .card:nth-child(n + 4), .photo:nth-child(n + 4),"
        " .plane svg g, .plane li:nth-child(n + 4), tbody tr:nth-child(n + 4)"
    )
    browser.run(f"document.querySelectorAll('{many}').forEach((one) => one.remove())")
    load_axe(browser)
    for place in ("", "cluster-1", "p1-2"):
        go(browser, place)
        assert serious_findings(browser) == [], place
