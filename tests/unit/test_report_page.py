"""The page: complete by itself, readable by everyone, whatever is in the database."""

import base64
import hashlib
import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from fluffy_sql.embedding.files import Reason
from fluffy_sql.embedding.pictures import PictureFacts
from fluffy_sql.operations.report.album import PagePhoto, Pictures
from fluffy_sql.operations.report.folder import GENERATOR
from fluffy_sql.operations.report.model import (
    SECTIONS,
    Cluster,
    Comparable,
    Library,
    Neighbour,
    SecondLook,
    Shown,
)
from fluffy_sql.operations.report.page import Group, grouped, render
from fluffy_sql.resources import _PACKAGE
from tests.unit.report_helpers import RUN, Page, a_cluster, a_library, a_photo

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FACTS = PictureFacts(4_000, 3_000, datetime(2024, 5, 6, 7, 8))  # noqa: DTZ001 - a camera's clock
URI = "data:image/webp;base64,AAAA"
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>.jpg',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "</style><style>*{display:none}",
    "two\nlines\r\t\0.jpg",
    "\u202egnp.exe",
    "half a \udcff letter",
    "🌲👩‍🚀 森林 Wälder",
    "x" * 4_000,
    "&lt;b&gt; & co",
]


def pictures_of(shown: Shown, lost: Mapping[int, Reason] | None = None) -> Pictures:
    """Every photo has a picture, but for those lost."""
    troubles = lost or {}
    sections = {
        section: [
            PagePhoto(photo, trouble=troubles[photo.photo_id])
            if photo.photo_id in troubles
            else PagePhoto(photo, URI, 160, 120, f"../in/{photo.photo_id}.jpg", FACTS)
            for photo in shown.section(section)
        ]
        for section in SECTIONS
    }
    cover = URI if shown.photos else ""
    return Pictures(shown, sections, cover, on_cover=bool(cover), sheet_bytes=9)


def html_of(library: Library, lost: Mapping[int, Reason] | None = None) -> str:
    pictures = [pictures_of(shown, lost) for shown in library.shown]
    unreadable = sum((made.troubles() for made in pictures), Counter[str]())
    return "".join(render(library, pictures, unreadable, NOW))


def some_photos(first: int = 1, section: str = "central", number: int = 2) -> list[object]:
    return [a_photo(i, section=section) for i in range(first, first + number)]


def everything() -> Library:
    """A library with something in every corner of the page."""
    first = Shown(
        a_cluster(1, photos=20, silhouette=0.5, near={2: 0.04}),
        (
            a_photo(1),
            a_photo(2, distance=None),
            a_photo(9, section="between"),
            a_photo(20, section="outermost"),
            a_photo(21, section="outermost"),
        ),
    )
    second = Shown(a_cluster(2, photos=2, name="cats", status=1, near={1: 0.04}), (a_photo(30),))
    return a_library(
        first,
        second,
        others=[a_cluster(3, photos=1, near={1: 0.4, 2: 0.5})],
        looks=[
            SecondLook((1, 2), "nearly the same", "They are near."),
            SecondLook((3,), "too small", "It has 1 photo."),
        ],
    )


# The page stands by itself


def test_nothing_is_loaded_but_photos_beside_it() -> None:
    html = html_of(everything(), {2: Reason.MISSING})
    page = Page(html)
    [policy] = [meta["content"] for meta in page.all("meta") if "http-equiv" in meta]
    # Its one script is known by its hash, and nothing goes to a network.
    [script] = re.findall("<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy == (
        "default-src 'none'; img-src data: 'self' file:; style-src 'unsafe-inline';"
        f" script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert page.all("script") == [{}]
    assert not {"link", "iframe", "object", "embed", "form", "base"} & {
        tag for tag, _ in page.elements
    }
    small = [image for image in page.all("img") if image["class"] == "small"]
    large = [image for image in page.all("img") if image["class"] == "large"]
    assert len(small) == len(large) == 5
    assert all(image["src"].startswith("data:") for image in small)
    # Not before it is opened.
    assert all(image["src"].startswith("../in/") for image in large)
    assert {image["loading"] for image in large} == {"lazy"}
    assert set(re.findall(r"url\((.{5})", html)) == {"data:"}
    assert re.findall(r"https?://|//[a-z]|@import", html.replace(script, "")) == []
    assert not [name for _, of in page.elements for name in of if name.startswith("on")]


def test_an_earlier_report_is_known_by_its_page() -> None:
    assert GENERATOR in html_of(everything())[:2_000]


def test_links_lead_somewhere() -> None:
    page = Page(html_of(everything(), {2: Reason.MISSING}))
    links = [link["href"] for link in page.all("a")]
    inside = {link[1:] for link in links if link.startswith("#")}
    assert inside <= set(page.ids())
    assert {link for link in links if not link.startswith(("#", "../in/"))} == {
        "clusters/0001.png",
        "clusters/0002.png",
    }
    assert {"cluster-1", "cluster-2", "unreadable"} <= inside
    # Not shown, so there is nothing to lead to.
    assert "cluster-3" not in inside


# Everyone can read it


def test_headings_are_in_order() -> None:
    levels = [level for level, _ in Page(html_of(everything())).headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert all(text.strip() for _, text in Page(html_of(everything())).headings)


def test_ids_are_unique_and_what_is_referred_to_exists() -> None:
    page = Page(html_of(everything(), {2: Reason.MISSING}))
    ids = page.ids()
    assert len(set(ids)) == len(ids)
    referred = {
        name
        for _, of in page.elements
        for attribute in ("aria-labelledby", "aria-describedby")
        for name in of.get(attribute, "").split()
    }
    assert referred
    assert referred <= set(ids)


def test_each_picture_is_told_in_words() -> None:
    page = Page(html_of(everything(), {2: Reason.MISSING}))
    told = [image["alt"] for image in page.all("img") if image["class"] == "small"]
    assert told == [
        "Cluster 1, central, rank 1, distance 0.0100: p1.jpg",
        "Cluster 1, between, rank 9, distance 0.0900: p9.jpg",
        "Cluster 1, outermost, rank 21, distance 0.2100: p21.jpg",
        "Cluster 1, outermost, rank 20, distance 0.2000: p20.jpg",
        "Cluster 2: cats, central, rank 30, distance 0.3000: p30.jpg",
    ]
    [lost] = [link for link in page.all("a") if link.get("class") == "open lost"]
    assert lost["aria-label"] == "missing: Cluster 1, central, rank 2, no distance: p2.jpg"
    drawn = [of for tag, of in page.elements if tag == "svg"]
    assert all(of.get("role") == "img" or of.get("aria-hidden") == "true" for of in drawn)


def test_landmarks_a_skip_link_and_a_language() -> None:
    page = Page(html_of(everything()))
    tags = [tag for tag, _ in page.elements]
    assert [tags.count(tag) for tag in ("header", "main", "footer")] == [1, 1, 1]
    assert page.all("html") == [{"lang": "en"}]
    assert page.all("a")[0] == {"class": "skip", "href": "#wall"}
    names = [nav["aria-label"] for nav in page.all("nav")]
    assert names == ["Parts of this report", "From cluster 1", "From cluster 2"]
    assert all({"aria-labelledby", "aria-label"} & set(of) for of in page.all("section"))


def test_the_table_says_what_its_cells_are() -> None:
    page = Page(html_of(everything()))
    assert len(page.all("table")) == len(page.all("caption")) == 1
    assert {cell["scope"] for cell in page.all("th")} == {"col", "row"}
    columns = [cell for cell in page.all("th") if cell["scope"] == "col"]
    assert len(columns) == 7
    assert len(page.all("td")) == 3 * 6


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(
        weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True)
    )


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(theme: int) -> None:
    """As WCAG asks at level AA: 4.5 for text, 3 for marks."""
    css = (_PACKAGE / "operations" / "report" / "templates" / "page.css").read_text(
        encoding="utf-8"
    )
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    assert len(blocks) == 2
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[theme]))
    for text in ("ink", "soft", "link"):
        for behind in ("paper", "card", "tint"):
            assert contrast(colours[text], colours[behind]) >= 4.5, (text, behind)
    assert contrast(colours["mark"], colours["mark-tint"]) >= 4.5
    for mark in ("bar", "mark", *(f"c{number}" for number in range(1, 9))):
        assert contrast(colours[mark], colours["card"]) >= 3, mark


# Whatever is in the database


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_names_and_paths_are_text(text: str) -> None:
    def html_with(name: str) -> str:
        library = a_library(
            Shown(a_cluster(1, name=name, near={2: 0.1}), (a_photo(1, name), a_photo(2, name))),
            Shown(a_cluster(2, near={1: 0.1}), ()),
            looks=[SecondLook((1, 2), "nearly the same", "They are near.")],
        )
        return html_of(library, {2: Reason.MISSING})

    def skeleton(of: Page) -> list[tuple[str, list[str]]]:
        return [(tag, sorted(attributes)) for tag, attributes in of.elements if tag != "script"]

    html = html_with(text)
    page = Page(html)
    assert skeleton(page) == skeleton(Page(html_with("x")))
    html.encode("utf-8")
    assert not set("\0\u202e") & set(html)
    assert "two\nlines" not in html
    if text.isprintable():
        assert text in page.text
        assert text in page.all("img")[0]["alt"]


def test_what_can_not_be_seen_is_spelt_out() -> None:
    shown = Shown(a_cluster(1), (a_photo(1, "two\nlines \u202etxt"),))
    assert r"two\nlines \u202etxt" in Page(html_of(a_library(shown))).text


def test_a_path_longer_than_any_is_cut() -> None:
    shown = Shown(a_cluster(1, name="n" * 10**6), (a_photo(1, "p" * 10**6),))
    assert len(html_of(a_library(shown))) < 200_000


# Whatever there is to tell


def told(library: Library, lost: Mapping[int, Reason] | None = None) -> str:
    return Page(html_of(library, lost)).words()


def test_what_is_told_of_a_cluster() -> None:
    words = told(everything())
    assert "Cluster 1 20 photos mean distance 0.1000" in words
    assert "nearly the same as 2 They are near." in words
    assert "Largest distance 0.2000" in words
    assert "Nearest other clusters cats 0.0400" in words
    assert "Central nearest to the centroid" in words
    assert "Random 1 of the 16 others" in words
    assert "Outermost farthest from the centroid; these may not belong" in words
    assert "cats Cluster 2 unusable 2 photos" in words


def test_what_is_told_of_a_photo() -> None:
    elsewhere = Neighbour(2, 0.105)
    central, pulled = a_photo(1, elsewhere=elsewhere), a_photo(20, elsewhere=elsewhere)
    outermost = replace(pulled, section="outermost")
    library = a_library(
        Shown(a_cluster(1, near={2: 0.1}), (central, outermost)), Shown(a_cluster(2), ())
    )
    html = html_of(library)
    words = Page(html).words()
    assert (
        "p1.jpg open the file Cluster 1: central, rank 1; close to the centroid, distance 0.0100."
        " Nearest other: Cluster 2, 0.1050. Taken 2024-05-06 07:08. 4,000 by 3,000 pixels."
    ) in words
    assert "far from the centroid, distance 0.2000. It is nearer to Cluster 2, 0.1050." in words
    # On the photo itself, only of those that are farthest.
    assert html.count('<a class="pull" href="#cluster-2">nearer to 2</a>') == 1


def test_one_goes_from_cluster_to_cluster_and_from_photo_to_photo() -> None:
    html = html_of(everything())
    ways = re.findall(r'rel="(prev|next|up)" href="#([\w-]+)"', html)
    assert [way for way in ways if not way[1].startswith(("p", "t"))] == [
        *(("up", "card-1"), ("next", "cluster-2"), ("up", "card-2"), ("prev", "cluster-1"))
    ]
    assert ways[2:8] == [
        *(("next", "p1-2"), ("up", "t1-1")),
        *(("prev", "p1-1"), ("next", "p1-3"), ("up", "t1-2"), ("prev", "p1-2")),
    ]


def test_groups_of_coarser_levels_are_frames_on_the_wall() -> None:
    parents = {1: (1, 1), 4: (1, 1), 6: (6, 1), 2: (2, 2), 3: (3, 3), 5: (3, 3)}
    clusters = [
        a_cluster(cluster_id, photos=70 - 10 * cluster_id, parent_ids=above)
        for cluster_id, above in parents.items()
    ]
    clusters.sort(key=lambda cluster: -cluster.photos)

    def drawn(wall: Sequence[Cluster | Group]) -> list[Any]:
        return [one.id if isinstance(one, Cluster) else drawn(one.members) for one in wall]

    assert drawn(grouped(clusters)) == [[[1, 4], 6], [3, 5], 2]
    # A level at which all are together tells nothing.
    assert drawn(grouped([replace(one, parent_ids=(9,)) for one in clusters])) == [1, 2, 3, 4, 5, 6]
    words = told(a_library(*(Shown(one, ()) for one in clusters)))
    assert "Group of Cluster 1 3 clusters, 100 photos Group of Cluster 1 2 clusters" in words


def test_quality_is_told_where_it_was_measured() -> None:
    words = told(everything())
    assert "0.61 silhouette" in words
    assert "Silhouette 0.610" in words
    two = told(a_library(Shown(a_cluster(1), ()), runs=[RUN, RUN]))
    assert "0.61 silhouette of run 1" in two
    assert "Davies-Bouldin index 1.250" in words
    assert "Calinski-Harabasz index 1,234.5" in words
    nothing = dict.fromkeys(
        [
            *("silhouette", "davies_bouldin", "calinski_harabasz", "recall", "inertia_per_photo"),
            *("smallest_cluster", "largest_cluster", "clusters_created", "photos_processed"),
            *("dimensions", "iterations"),
        ]
    )
    bare = {**RUN, **nothing}
    words = told(a_library(Shown(a_cluster(1), ()), runs=[bare]))
    assert "Run 1: kmeans, cosine, k 3, seed 0 When 2026-01-02 03:04 UTC took 1.5 s" in words
    assert words.count("None") == 1  # as in "Worth a second look None."
    assert "silhouette" not in words.lower()


def test_nothing_worth_a_second_look_is_said() -> None:
    words = told(a_library(Shown(a_cluster(1), ())))
    assert "Worth a second look None. No cluster is empty, much wider" in words


def test_of_many_clusters_in_one_case_some_are_named() -> None:
    shown = [Shown(a_cluster(index), ()) for index in range(1, 13)]
    looks = [
        SecondLook(tuple(range(1, 13)), "empty", "No usable photo is in them."),
        SecondLook((1, 2, 3), "nearly the same", "They are near."),
    ]
    words = told(a_library(*shown, looks=looks))
    assert "Clusters 1, 2, 3, 4, 5, 6, 7, 8 and 4 more empty No usable photo" in words
    assert "Clusters 1, 2 and 3 nearly the same" in words
    assert "nearly the same as 2 and 3 They are near." in words


def test_more_cases_than_are_listed_are_counted() -> None:
    library = everything()
    more = Library(**{**vars(library), "second_look_found": 40})
    assert "The 2 clearest of 40 cases." in told(more)


def test_photos_that_could_not_be_read_are_counted() -> None:
    words = told(everything(), {1: Reason.MISSING, 2: Reason.MISSING, 30: Reason.DAMAGED})
    assert "3 photos of 6 are labelled tiles in their clusters. 2 missing 1 damaged" in words
    assert "could not be read" not in told(everything())


def test_only_some_clusters_are_shown() -> None:
    assert "2 clusters of 3 are shown; all are in the table" in told(everything())


def test_clusters_without_a_run_a_centroid_or_photos() -> None:
    lonely = a_cluster(1, photos=3, mean=None, dimensions=None, run_id=None)
    empty = a_cluster(2, photos=0, mean=None, run_id=None)
    photos = tuple(a_photo(i, section="between", distance=None) for i in range(1, 4))
    library = Library(
        clusters=(lonely, empty),
        shown=(Shown(lonely, photos), Shown(empty, ())),
        groups=(
            Comparable("cosine", None, (lonely,), None),
            Comparable("cosine", 4, (empty,), None),
        ),
        runs=(),
        second_look=(),
        second_look_found=0,
    )
    words = told(library)
    assert "No run of fluffy_sql made these clusters" in words
    assert "It has no centroid, so its photos have no distance to it. " in words
    assert "Photos all of them" in words
    assert "p1.jpg open the file Cluster 1: between, rank 1; no distance." in words
    assert "No photo is in it." in words
    assert "1 cluster without a centroid" in words
    assert "There is no map: one cluster has nothing to lie beside." in words


def test_numbers_are_folded_away() -> None:
    assert all("open" not in of for of in Page(html_of(everything())).all("details"))
