"""The page: one HTML file that needs nothing beside it, neither a network nor a script."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Any

from markupsafe import Markup

from fluffy_sql import __version__
from fluffy_sql.embedding.files import Reason
from fluffy_sql.operations.report import album, charts, words
from fluffy_sql.operations.report.album import GroupPictures, Pictures
from fluffy_sql.operations.report.folder import GENERATOR, SHEETS
from fluffy_sql.operations.report.model import SECTIONS, Comparable, Library, SecondLook
from fluffy_sql.operations.report.second_look import TOO_SMALL, TOO_WIDE
from fluffy_sql.operations.report.template import find_template
from fluffy_sql.words import count

# More rows than this are folded away until one asks for them.
_ROWS_LEFT_OPEN = 24


def render(
    library: Library,
    pictures: Sequence[Pictures],
    unreadable: Mapping[str, int],
    now: datetime,
    alike: Sequence[GroupPictures] = (),
) -> Iterator[str]:
    """The page, piece by piece, made `now`.

    Pictures are those of the clusters that are shown, in their order; `unreadable` counts photos
    that could not be read, by reason; `alike` are groups of near-duplicates.
    """
    template = find_template(
        "page.html",
        printable=words.printable,
        distance=words.distance,
        count=count,
        title_of=album.title,
        sheet=lambda cluster: f"{SHEETS}/{album.sheet_name(cluster)}",
    )
    return template.generate(**_content(library, pictures, unreadable, now), alike=alike)


def _content(
    library: Library, pictures: Sequence[Pictures], unreadable: Mapping[str, int], now: datetime
) -> dict[str, Any]:
    icons = {made.shown.cluster.id: made.icon for made in pictures if made.icon}
    looks = _looks_by_cluster(library.second_look)
    photos = sum(cluster.photos for cluster in library.clusters)
    return {
        "generator": Markup(GENERATOR),  # noqa: S704 - written here
        "version": __version__,
        "now": now,
        "library": library,
        "clusters": {cluster.id: cluster for cluster in library.clusters},
        "shown": {made.shown.cluster.id for made in pictures},
        "photos": photos,
        "groups": [_view(group, looks, icons) for group in library.groups],
        "facts": _facts(library),
        "looks": looks,
        "icons": icons,
        "pictures": pictures,
        "strips": _strips(library.groups),
        "sections": SECTIONS,
        "section_heading": album.section_heading,
        "with_silhouettes": any(c.silhouette is not None for c in library.clusters),
        "unreadable": [(Reason(name).words, number) for name, number in unreadable.items()],
        "unreadable_total": sum(unreadable.values()),
        "looked_at": sum(len(shown.photos) for shown in library.shown),
        "table_open": len(library.clusters) <= _ROWS_LEFT_OPEN,
        "chart_width": charts.WIDTH,
        "chart_height": charts.HEIGHT,
    }


def _looks_by_cluster(looks: Sequence[SecondLook]) -> dict[int, list[SecondLook]]:
    by_cluster = defaultdict(list)
    for look in looks:
        for cluster_id in look.cluster_ids:
            by_cluster[cluster_id].append(look)
    return by_cluster


def _view(
    group: Comparable, looks: Mapping[int, Sequence[SecondLook]], icons: Mapping[int, str]
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
        "map": charts.chart_of_map(group, group.map, icons) if group.map else None,
    }


def _facts(library: Library) -> list[tuple[str, str, str]]:
    """The numbers at the top: what, how much, and what that means."""
    sizes = [cluster.photos for cluster in library.clusters]
    facts = [
        (
            "Photos in a cluster",
            f"{median(sizes):,.0f}",
            f"the median; {sizes[-1]:,} to {sizes[0]:,}",
        )
    ]
    # Distances of another metric or length would be of another kind.
    main = library.groups[0]
    spreads = [cluster.spread for cluster in main.clusters if cluster.spread]
    if spreads:
        photos = sum(spread.measured for spread in spreads)
        mean = sum(spread.mean * spread.measured for spread in spreads) / photos
        metric = {"cosine": "cosine", "l2": "Euclidean"}[main.metric]
        facts.append(("Mean distance", words.distance(mean), f"{metric}, to the centroid"))
    newest = library.runs[0] if library.runs else None
    if newest and newest["silhouette"] is not None:
        meaning = "0: between clusters; 1: far from all others"
        of_run = f" of run {newest['id']}" if len(library.runs) > 1 else ""
        facts.append((f"Silhouette{of_run}", f"{newest['silhouette']:.2f}", meaning))
    cases = library.second_look_found
    facts.append(("Worth a second look", f"{cases:,}", "of size, width or likeness"))
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
