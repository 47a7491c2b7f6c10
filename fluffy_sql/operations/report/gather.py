"""Asks the database for what a report shows: sums and averages, and the photos to look at."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.errors import LibraryError, UsageError
from fluffy_sql.operations.history import require_succeeded
from fluffy_sql.operations.names import suggest_names
from fluffy_sql.operations.report import model
from fluffy_sql.operations.report.geometry import main_axes, nearest_others
from fluffy_sql.operations.report.layout import Layout, lay_out
from fluffy_sql.operations.report.second_look import second_looks
from fluffy_sql.postgres.session import Session
from fluffy_sql.runs.owners import FoundScope, Owners

# With twelve photos in each section these make a page that still goes by mail.
MOST_CLUSTERS = 200

_NEIGHBOURS = 3
# Circles on the map, and what tells which are to be side by side: lists that a run kept, and how
# many neighbours of each.
_MAPPED_CLUSTERS = 400
_LINKED_PHOTOS, _LINKS = 20_000, 8
_MOST_SECOND_LOOKS = 30
# Groups of near-duplicates, moves, and photos of each.
_MOST_GROUPS = 12
_MOST_ALIKE = 6


def gather(session: Session, selection: model.Selection) -> model.Library:
    """What the database knows of the clusters in scope, as of one moment.

    Embeddings stay where they are: what comes back are centroids, and a few numbers for each
    cluster, each photo to be shown and each photo of a sample.

    Args:
        session: on a migrated database.
        selection: which clusters.

    Raises:
        LibraryError: there are no clusters in scope.
        UsageError: a cluster was asked for that is not in scope.
        HistoryError: there is no run to compare with.
        DatabaseError: Postgres refused a statement.
    """
    session.use_vectors()
    owners = Owners(session)
    asked = owners.find(selection.scope)
    clusters = session.fetch_as(
        model.Cluster,
        "report/list_clusters",
        run_id=selection.run_id,
        every_scope=asked is None,
        scope=asked.scope if asked else None,
    )
    owners.require_one([cluster.scope for cluster in clusters], asked, "clusters")
    shown = _to_be_shown(clusters, selection)
    ids = [cluster.id for cluster in clusters]
    spreads, picked = _measure(session, ids, shown, selection.photos)
    clusters = [replace(cluster, spread=spreads.get(cluster.id)) for cluster in clusters]
    centroids = _centroids(session, clusters)
    groups = [_group(session, alike, centroids) for alike in _alike(clusters)]
    found = [look for group in groups for look in second_looks(group.clusters)]
    looks = found[:_MOST_SECOND_LOOKS]
    if not (selection.largest or selection.cluster_ids):
        # If there are very many, only the largest are shown, and those to look at again.
        with_photos = {cluster.id for cluster in clusters if cluster.photos}
        again = {cluster_id for look in looks for cluster_id in look.cluster_ids}
        added = (again & with_photos) - shown
        picked |= _measure(session, sorted(added), added, selection.photos)[1]
        shown |= added
    run_ids = sorted({cluster.run_id for cluster in clusters if cluster.run_id is not None})
    runs = session.fetch_all("runs/list", run_ids=run_ids, most=None)
    among_others = {cluster.id: cluster for group in groups for cluster in group.clusters}
    elsewhere: dict[int, model.Neighbour] = {}
    for group in groups:
        elsewhere |= _elsewhere(session, group, centroids, picked)
    ordered = tuple(among_others[cluster_id] for cluster_id in ids)
    return model.Library(
        clusters=ordered,
        shown=tuple(
            model.Shown(
                cluster,
                tuple(
                    replace(photo, elsewhere=elsewhere.get(photo.photo_id))
                    for photo in picked.get(cluster.id, ())
                ),
            )
            for cluster in ordered
            if cluster.id in shown
        ),
        groups=tuple(groups),
        runs=tuple(runs),
        second_look=tuple(looks),
        second_look_found=len(found),
        duplicates=_duplicates(session, asked),
        moves=_moves(session, selection.compared_to, ids),
        suggested={
            one.cluster_id: one.name
            for one in suggest_names(session, run_id=selection.run_id, scope=selection.scope)
            if one.name
        },
    )


def _duplicates(session: Session, asked: FoundScope | None) -> model.Duplicates | None:
    """The largest groups of near-duplicates; on Citus there are none."""
    if session.distributed:
        return None
    rows = session.fetch_all(
        "report/list_duplicates",
        every_scope=asked is None,
        scope=asked.scope if asked else None,
        most_groups=_MOST_GROUPS,
        most_photos=_MOST_ALIKE,
    )
    if not rows:
        return None
    columns = ("photo_id", "path", "rank", "distance")
    groups: dict[int, list[model.Photo]] = {}
    for row in rows:
        photo = model.Photo(section="duplicate", **{column: row[column] for column in columns})
        groups.setdefault(row["group_id"], []).append(photo)
    sizes = {row["group_id"]: row["photos"] for row in rows}
    return model.Duplicates(
        rows[0]["groups"],
        rows[0]["photos_in_groups"],
        tuple(
            model.DuplicateGroup(group_id, sizes[group_id], tuple(photos))
            for group_id, photos in groups.items()
        ),
    )


def _moves(session: Session, run_id: int | None, ids: Sequence[int]) -> model.Moves | None:
    """What runs moved since one ended; the largest moves with some photos."""
    if run_id is None:
        return None
    require_succeeded(session, run_id)
    rows = session.fetch_all(
        "report/list_moves",
        after_run=run_id,
        cluster_ids=ids,
        most_moves=_MOST_GROUPS,
        most_photos=_MOST_ALIKE,
    )
    moves: dict[tuple[int | None, int | None], list[dict[str, Any]]] = {}
    for row in rows:
        moves.setdefault((row["from_cluster_id"], row["to_cluster_id"]), []).append(row)
    largest = tuple(
        model.Move(
            before,
            now,
            some[0]["photos"],
            tuple(
                model.Photo(row["photo_id"], row["path"], "moved", row["place"], None)
                for row in some
            ),
        )
        for (before, now), some in moves.items()
    )
    found, photos = (rows[0]["moves"], rows[0]["moved"]) if rows else (0, 0)
    return model.Moves(run_id, found, photos, largest)


def _to_be_shown(clusters: Sequence[model.Cluster], selection: model.Selection) -> set[int]:
    """Ids of the clusters to be shown with photos."""
    of_run = "" if selection.run_id is None else f" of run {selection.run_id}"
    if not clusters:
        advice = "; make some: fluffy-sql generate" if selection.run_id is None else ""
        raise LibraryError(f"there are no clusters{of_run} to look at{advice}")
    known = [cluster.id for cluster in clusters]
    if unknown := set(selection.cluster_ids).difference(known):
        raise UsageError(f"there is no cluster {min(unknown)}{of_run}; see: fluffy-sql clusters")
    return set(selection.cluster_ids or known[: selection.largest or MOST_CLUSTERS])


def _measure(
    session: Session, ids: Sequence[int], shown: set[int], photos: int
) -> tuple[dict[int, model.Spread], dict[int, list[model.Photo]]]:
    """How wide clusters are, and the photos of those to be shown; by cluster."""
    spreads: dict[int, model.Spread] = {}
    picked: dict[int, list[model.Photo]] = {}
    for row in session.fetch_all(
        "report/measure_and_pick", cluster_ids=ids, shown_ids=sorted(shown), photos=photos
    ):
        if row["measured"]:
            spreads[row["cluster_id"]] = model.Spread(
                measured=row["measured"],
                mean=row["mean_distance"],
                largest=row["max_distance"],
                lower_quartile=row["lower_quartile"],
                upper_quartile=row["upper_quartile"],
            )
        if row["picked"]:
            columns = ("photo_id", "path", "section", "rank", "distance")
            photo = model.Photo(**{column: row[column] for column in columns})
            picked.setdefault(row["cluster_id"], []).append(photo)
    return spreads, picked


def _alike(clusters: Iterable[model.Cluster]) -> list[list[model.Cluster]]:
    """The clusters by what they can be compared with; most photos first."""
    groups: dict[tuple[str, int | None], list[model.Cluster]] = {}
    for cluster in clusters:
        groups.setdefault((cluster.metric, cluster.dimensions), []).append(cluster)
    return sorted(groups.values(), key=lambda group: -sum(cluster.photos for cluster in group))


def _centroids(
    session: Session, clusters: Sequence[model.Cluster]
) -> dict[int, NDArray[np.float32]]:
    """What photos are compared with: under cosine of length 1."""
    metrics = {cluster.id: cluster.metric for cluster in clusters if cluster.dimensions is not None}
    centroids = {}
    for row in session.fetch_all("report/fetch_centroids", cluster_ids=list(metrics)):
        centroid = row["centroid"]
        if metrics[row["id"]] == "cosine":
            centroid = centroid / max(float(np.linalg.norm(centroid)), np.finfo(np.float32).tiny)
        centroids[row["id"]] = centroid
    return centroids


def _group(
    session: Session, clusters: list[model.Cluster], by_id: dict[int, NDArray[np.float32]]
) -> model.Comparable:
    """Clusters of one metric and one length, with their neighbours and the map of them."""
    metric, dimensions = clusters[0].metric, clusters[0].dimensions
    if dimensions is None:
        return model.Comparable(metric, None, tuple(clusters), map=None)
    ids = [cluster.id for cluster in clusters]
    centroids = np.stack([by_id[cluster_id] for cluster_id in ids])
    places, distances = nearest_others(centroids, metric, _NEIGHBOURS)
    near = tuple(
        replace(
            cluster,
            neighbours=tuple(
                model.Neighbour(ids[place], float(distance))
                for place, distance in zip(places[row], distances[row], strict=True)
            ),
        )
        for row, cluster in enumerate(clusters)
    )
    links = _links(session, ids[:_MAPPED_CLUSTERS])
    return model.Comparable(
        metric, dimensions, near, _map(near, centroids, links), links is not None
    )


def _links(session: Session, ids: Sequence[int]) -> NDArray[np.float64] | None:
    """How often photos of one cluster are neighbours of another's; None if no run kept any."""
    if session.distributed:
        return None
    rows = session.fetch_all(
        "report/count_links", cluster_ids=ids, most=_LINKED_PHOTOS, neighbours=_LINKS
    )
    place = {cluster_id: place for place, cluster_id in enumerate(ids)}
    links = np.zeros((len(ids), len(ids)))
    for row in rows:
        links[place[row["cluster_id"]], place[row["other_id"]]] = row["links"]
    return links if rows else None


def _map(
    clusters: Sequence[model.Cluster],
    centroids: NDArray[np.float32],
    links: NDArray[np.float64] | None,
) -> Layout | None:
    sizes = np.array([cluster.photos for cluster in clusters])
    if not len(main_axes(centroids, sizes).shares):
        return None
    return lay_out(centroids[:_MAPPED_CLUSTERS], sizes[:_MAPPED_CLUSTERS], links)


def _elsewhere(
    session: Session,
    group: model.Comparable,
    by_id: dict[int, NDArray[np.float32]],
    picked: dict[int, list[model.Photo]],
) -> dict[int, model.Neighbour]:
    """The nearest cluster but its own, of each photo to be shown."""
    ids = [cluster.id for cluster in group.clusters]
    if group.dimensions is None or len(ids) == 1:
        return {}
    under_cosine = group.metric == "cosine"
    return {
        row["photo_id"]: model.Neighbour(
            row["cluster_id"],
            # Of unit vectors, the squared distance is twice the cosine distance.
            row["distance"] ** 2 / 2 if under_cosine else row["distance"],
        )
        for row in session.fetch_all(
            "report/find_next_clusters",
            photo_ids=[photo.photo_id for one in ids for photo in picked.get(one, ())],
            normalize=under_cosine,
            dimensions=group.dimensions,
            cluster_ids=ids,
            centroids=session.vector_array(np.stack([by_id[one] for one in ids])),
        )
    }
