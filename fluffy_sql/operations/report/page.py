"""The page: one HTML file that needs nothing beside it. Its one script makes it handier."""

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from markupsafe import Markup

from fluffy_sql import __version__
from fluffy_sql.embedding.files import Reason
from fluffy_sql.operations.report import album, charts, layout, words
from fluffy_sql.operations.report.album import GroupPictures, PagePhoto, Pictures
from fluffy_sql.operations.report.folder import GENERATOR, SHEETS
from fluffy_sql.operations.report.justify import Fit, justify
from fluffy_sql.operations.report.model import (
    SECTIONS,
    Cluster,
    Comparable,
    Library,
    SecondLook,
    Shown,
)
from fluffy_sql.operations.report.second_look import TOO_SMALL, TOO_WIDE
from fluffy_sql.operations.report.template import find_template, read_script
from fluffy_sql.operations.report.tightness import pull, reach, tightness, usual_width
from fluffy_sql.words import count

# More cases than this are folded away until one asks for them.
_LOOKS_LEFT_OPEN = 6


@dataclass(frozen=True)
class Group:
    """Clusters that a coarser level puts together.

    Attributes:
        cluster: the largest of them, whose id it has.
        members: clusters, and groups of a finer level; the one with most photos first.
    """

    cluster: Cluster
    members: "list[Cluster | Group]"
    clusters: int
    photos: int


def grouped(clusters: Sequence[Cluster], level: int | None = None) -> list[Cluster | Group]:
    """Clusters in groups of the coarsest level that tells some apart, and groups in those."""
    if level is None:
        level = max((len(cluster.parent_ids) for cluster in clusters), default=0)
    if not level:
        return list(clusters)
    together = defaultdict(list)
    for cluster in clusters:
        above = cluster.parent_ids[level - 1 : level]
        together[cluster.run_id, (above or [cluster.id])[0]].append(cluster)
    if len(together) == 1:
        return grouped(clusters, level - 1)
    members: list[Cluster | Group] = []
    for some in together.values():
        photos = sum(cluster.photos for cluster in some)
        inner = grouped(some, level - 1)
        members.append(Group(some[0], inner, len(some), photos) if len(some) > 1 else some[0])
    return sorted(members, key=lambda member: -member.photos)


def render(
    library: Library,
    pictures: Sequence[Pictures],
    unreadable: Mapping[str, int],
    now: datetime,
    alike: Sequence[GroupPictures] = (),
    *,
    moved: Sequence[GroupPictures] = (),
    interactive: bool = False,
) -> Iterator[str]:
    """The page, piece by piece, made `now`.

    Pictures are those of the clusters that are shown, in their order; `unreadable` counts photos
    that could not be read, by reason; `alike` are groups of near-duplicates, `moved` of moves. An
    `interactive` page has a script that searches, filters and sorts the wall.
    """
    template = find_template(
        "page.html",
        printable=words.printable,
        distance=words.distance,
        count=count,
        title_of=album.title,
        reach=reach,
        pull=pull,
        sheet=_sheet,
        fits=_fits,
    )
    content = _content(library, pictures, unreadable, now)
    script = ";\n".join(map(read_script, ["page.js", *["interactive.js"] * interactive]))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return template.generate(
        **content,
        script=Markup(script),  # noqa: S704 - files of ours
        script_hash=f"sha256-{digest}",
        alike=alike,
        moved=moved,
        interactive=interactive,
    )


def _sheet(cluster: Cluster) -> str:
    """The address of its contact sheet."""
    return f"{SHEETS}/{album.sheet_name(cluster)}"


def _fits(photos: Sequence[PagePhoto]) -> list[tuple[PagePhoto, Fit]]:
    """Photos with what each takes of its row."""
    return list(zip(photos, justify([photo.width / photo.height for photo in photos]), strict=True))


def _content(
    library: Library, pictures: Sequence[Pictures], unreadable: Mapping[str, int], now: datetime
) -> dict[str, Any]:
    covers = {made.shown.cluster.id: made for made in pictures if made.cover}
    looks = _looks_by_cluster(library.second_look)
    photos = sum(cluster.photos for cluster in library.clusters)
    shown = {made.shown.cluster.id: made.shown for made in pictures}
    shown_clusters = [made.shown.cluster for made in pictures]
    wall = grouped(shown_clusters)
    return {
        "generator": Markup(GENERATOR),  # noqa: S704 - written here
        "version": __version__,
        "now": now,
        "library": library,
        "clusters": {cluster.id: cluster for cluster in library.clusters},
        "shown": shown,
        "photos": photos,
        "groups": [_view(group, looks, shown) for group in library.groups],
        "facts": _facts(library),
        "looks": looks,
        "looks_left_open": _LOOKS_LEFT_OPEN,
        "covers": covers,
        "wall": wall,
        "pictures": pictures,
        "placed": {made.shown.cluster.id: _placed(made) for made in pictures},
        "ways": _ways(wall),
        "tight": _tightness(library),
        "dates": _dates(pictures),
        "levels": max((len(cluster.parent_ids) for cluster in shown_clusters), default=0),
        "strips": _strips(library.groups),
        "sections": SECTIONS,
        "section_heading": album.section_heading,
        "with_silhouettes": any(c.silhouette is not None for c in library.clusters),
        "unreadable": [(Reason(name).words, number) for name, number in unreadable.items()],
        "unreadable_total": sum(unreadable.values()),
        "looked_at": sum(len(shown.photos) for shown in library.shown),
        "chart_width": charts.WIDTH,
        "chart_height": charts.HEIGHT,
        "map_width": layout.WIDTH,
        "map_height": layout.HEIGHT,
    }


def _placed(made: Pictures) -> dict[int, str]:
    """Where on the page each photo of a cluster is."""
    photos = [one.photo for section in SECTIONS for one in made.sections[section]]
    return {
        photo.photo_id: f"{made.shown.cluster.id}-{place}"
        for place, photo in enumerate(photos, start=1)
    }


def _flat(wall: Iterable[Cluster | Group]) -> Iterator[Cluster]:
    for member in wall:
        if isinstance(member, Cluster):
            yield member
        else:
            yield from _flat(member.members)


def _ways(wall: Iterable[Cluster | Group]) -> dict[int, tuple[Cluster | None, Cluster | None]]:
    """For each cluster the one before and the one after it, as on the wall."""
    in_order = [None, *_flat(wall), None]
    return {
        cluster.id: (before, after)
        for before, cluster, after in zip(in_order, in_order[1:], in_order[2:], strict=False)
        if cluster
    }


def _tightness(library: Library) -> dict[int, str]:
    """How tight the clusters are that are shown, in a word, if that can be said."""
    usual = {
        cluster.id: usual_width(group.clusters)
        for group in library.groups
        for cluster in group.clusters
    }
    told = {one.cluster.id: tightness(one, usual[one.cluster.id]) for one in library.shown}
    return {cluster_id: word for cluster_id, word in told.items() if word}


def _dates(pictures: Iterable[Pictures]) -> dict[int, str]:
    """The day in the middle of those on which the photos that are shown were taken, if known."""
    dates = {}
    for made in pictures:
        facts = (photo.facts for photos in made.sections.values() for photo in photos)
        days = sorted(one.taken_at for one in facts if one and one.taken_at)
        if days:
            dates[made.shown.cluster.id] = f"{days[len(days) // 2]:%Y-%m-%d}"
    return dates


def _looks_by_cluster(looks: Sequence[SecondLook]) -> dict[int, list[SecondLook]]:
    by_cluster = defaultdict(list)
    for look in looks:
        for cluster_id in look.cluster_ids:
            by_cluster[cluster_id].append(look)
    return by_cluster


def _view(
    group: Comparable, looks: Mapping[int, Sequence[SecondLook]], shown: Mapping[int, Shown]
) -> dict[str, Any]:
    """Clusters that can be compared, as the page draws them."""

    def marked(kind: str) -> set[int]:
        return {
            cluster_id for cluster_id, of in looks.items() if any(one.kind == kind for one in of)
        }

    return {
        "group": group,
        "sizes": charts.chart_of_sizes(group.clusters, marked(TOO_SMALL)),
        "distances": charts.chart_of_distances(group.clusters, marked(TOO_WIDE)),
        "map": charts.chart_of_map(group, group.map, shown) if group.map else None,
    }


def _facts(library: Library) -> list[tuple[str, str]]:
    """The numbers at the top: what, and how much."""
    sizes = [cluster.photos for cluster in library.clusters]
    facts = [("photos in the usual cluster", f"{median(sizes):,.0f}")]
    if library.second_look_found:
        facts.append(("worth a second look", f"{library.second_look_found:,}"))
    # Distances of another metric or length would be of another kind.
    main = library.groups[0]
    spreads = [cluster.spread for cluster in main.clusters if cluster.spread]
    if spreads:
        photos = sum(spread.measured for spread in spreads)
        mean = sum(spread.mean * spread.measured for spread in spreads) / photos
        metric = {"cosine": "cosine", "l2": "Euclidean"}[main.metric]
        facts.append((f"mean distance ({metric})", words.distance(mean)))
    newest = library.runs[0] if library.runs else None
    if newest and newest["silhouette"] is not None:
        of_run = f" of run {newest['id']}" if len(library.runs) > 1 else ""
        facts.append((f"silhouette{of_run}", f"{newest['silhouette']:.2f}"))
    return facts


def _strips(groups: Sequence[Comparable]) -> dict[int, dict[str, float]]:
    """For each cluster with distances, their positions from 0 to 100, the largest of its group."""
    strips = {}
    for group in groups:
        top = max((c.spread.largest for c in group.clusters if c.spread), default=0) or 1
        for cluster in group.clusters:
            if cluster.spread:
                strips[cluster.id] = {
                    name: round(100 * value / top, 1)
                    for name, value in vars(cluster.spread).items()
                    if name != "measured"
                }
    return strips
