"""The interactive page of a report in a real browser: its wall is searched, filtered and sorted."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from PIL import Image

from fluffy_sql.operations.report.album import Place, make_group_pictures, make_pictures
from fluffy_sql.operations.report.model import Move, Moves, Shown
from fluffy_sql.operations.report.page import render
from tests.browser.axe import load_axe, needs_axe, serious_findings
from tests.browser.chromium import Browser, chromium, find_chromium
from tests.unit.report_helpers import a_cluster, a_library, a_photo

PROGRAM = find_chromium()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium on this machine")

# Photos, mean distance, name, year and parents of clusters 1 to 6.
CLUSTERS: Sequence[tuple[int, float, str | None, int, tuple[int, ...]]] = (
    (90, 0.3, "Harbour", 2024, (1, 1)),
    (80, 0.2, None, 2019, (1, 1)),
    (70, 0.1, "</script><b>", 2022, (3, 1)),
    (60, 0.1, None, 2021, (4, 4)),
    (50, 0.1, None, 2020, (4, 4)),
    (40, 0.1, None, 2018, (6, 6)),
)
Set = Callable[..., Any]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("interactive")
    shown = []
    for place, (photos, mean, name, year, parents) in enumerate(CLUSTERS, start=1):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9003] = f"{year}:05:06 07:08:09"
        Image.new("RGB", (90, 60), (40 * place, 90, 90)).save(folder / f"a{place}.jpg", exif=exif)
        cluster = a_cluster(place, photos=photos, mean=mean, name=name, parent_ids=parents)
        shown.append(Shown(cluster, (a_photo(place, f"a{place}.jpg"),)))
    (folder / "clusters").mkdir()
    place_of = Place(folder, folder)
    moves = (Move(9, 2, 12, (a_photo(1, "a1.jpg"),)), Move(1, None, 3, (a_photo(2, "a2.jpg"),)))
    library = a_library(*shown)
    library = type(library)(
        **vars(library) | {"moves": Moves(3, 2, 15, moves), "suggested": {2: "wood"}}
    )
    page = folder / "index.html"
    with page.open("w", encoding="utf-8") as file:
        file.writelines(
            render(
                library,
                make_pictures(shown, place_of, folder / "clusters", lambda _: None),
                {},
                datetime.now(UTC),
                moved=make_group_pictures(moves, place_of),
                interactive=True,
            )
        )
    assert PROGRAM is not None
    with chromium(PROGRAM, tmp_path_factory.mktemp("chromium") / "profile") as running:
        running.show(page, width=1280, height=900, dark=False)
        yield running


@pytest.fixture
def seen(browser: Browser) -> Set:
    """What the wall shows once its controls are set: ids of clusters, those of groups as lists."""

    def seen(**controls: object) -> Any:
        values = {"find": "", "sort": "photos", "tight": "", "least": 0, "level": 0} | controls
        values = {"from": "", "to": ""} | values
        return browser.run(
            f"""(() => {{
                const form = document.querySelector('.tools')
                const values = Object.entries({values!r})
                for (const [name, value] of values) form.elements[name].value = value
                form.dispatchEvent(new Event('input'))
                const id = (card) => Number(card.id.slice(5))
                return [...document.querySelector('.wall').children].map((one) =>
                    one.matches('.card') ? id(one) : [...one.querySelectorAll('.card')].map(id))
            }})()"""
        )

    return seen


def test_the_script_runs_and_nothing_is_asked_of_the_network(browser: Browser) -> None:
    assert browser.run("document.querySelector('.tools').hidden") is False
    assert [url for url in browser.requested if url.startswith("http")] == []
    # It begins with the coarsest groups, as the page without a script does.
    assert browser.run("document.querySelectorAll('.wall > .group').length") == 2


def test_clusters_are_found_by_name_and_by_path(browser: Browser, seen: Set) -> None:
    assert seen(find="harb") == [1]
    assert seen(find="WOOD") == [2]
    assert seen(find="a5.jpg") == [5]
    assert seen(find="</script>") == [3]
    assert seen(find="nothing") == []
    assert browser.run("document.querySelector('.tools output').textContent") == "0 of 6 clusters"


def test_clusters_are_filtered_and_sorted(seen: Set) -> None:
    assert seen() == [1, 2, 3, 4, 5, 6]
    assert seen(sort="mean") == [3, 4, 5, 6, 2, 1]
    assert seen(sort="date") == [6, 2, 5, 4, 3, 1]
    assert seen(least=70) == [1, 2, 3]
    assert seen(tight="loose") == [1, 2]
    assert seen(**{"from": "2019-05-06", "to": "2021-01-01"}) == [2, 5]


def test_a_slider_goes_through_the_levels(browser: Browser, seen: Set) -> None:
    assert seen(level=1) == [[1, 2], 3, [4, 5], 6]
    assert seen(level=2, sort="mean") == [[3, 2, 1], [4, 5], 6]
    title = "document.querySelector('.wall .group p').innerText"
    assert browser.run(title) == "Group of Harbour 3 clusters, 240 photos"
    assert seen(level=2, find="a4.jpg") == [4]


def test_what_was_moved_is_shown_side_by_side(browser: Browser) -> None:
    words = browser.run("[...document.querySelectorAll('.move')].map((move) => move.innerText)")
    assert [" ".join(text.split()) for text in words] == [
        "Before Cluster 9, which is not in this report 12 photos some of them Now Cluster 2",
        "Before Cluster 1 Harbour 3 photos some of them Now in no cluster",
    ]
    assert browser.run("document.querySelectorAll('.move .photo img.small').length") == 2


@needs_axe
def test_axe_finds_nothing_serious_in_the_controls_and_the_moves(browser: Browser) -> None:
    load_axe(browser)
    assert serious_findings(browser) == []
