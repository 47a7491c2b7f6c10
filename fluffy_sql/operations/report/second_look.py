"""Which clusters are worth a second look, and why: pure rules on a few numbers of each."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from statistics import median

from fluffy_sql.operations.report.model import Cluster, SecondLook
from fluffy_sql.operations.report.words import distance
from fluffy_sql.words import count

TOO_WIDE = "too wide"
TOO_SMALL = "too small"
EMPTY = "empty"
NOT_COMPARED = "not compared"
NEARLY_THE_SAME = "nearly the same"

# With fewer clusters one can't say what is usual.
_FEWEST_TO_COMPARE = 5
# Standard deviations, estimated by the median absolute deviation: 1 in 700 by chance.
_DEVIATIONS = 3.0
_DEVIATION_OF_NORMAL = 1.4826
# If all are much alike, nobody could see three deviations.
_WIDER_AT_LEAST = 1.25
_SMALL_SHARE = 0.2
# Widths over distance, as in the Davies-Bouldin index. Photos differ from their centroid in many
# directions and centroids from each other in few, so 1 to 2 is quite usual.
_ALIKE_AT_LEAST = 2.5
_ALIKE_ABOVE_USUAL = 1.5
_ALIKE_ALWAYS = 4.0


@dataclass(frozen=True)
class _Found:
    """A reason for a second look, and how far it is beyond the limit: 1 is at the limit."""

    look: SecondLook
    excess: float


def second_looks(clusters: Sequence[Cluster]) -> list[SecondLook]:
    """Clusters that are too wide, too small, empty, nearly the same, or not to be compared.

    They can be compared with each other. The clearest of each kind come first, so that many of one
    kind leave room for another.
    """
    rules = (_nearly_the_same, _too_wide, _too_small, _empty, _not_compared)
    by_kind = [sorted(rule(clusters), key=lambda one: -one.excess) for rule in rules]
    in_turn = chain.from_iterable(zip_longest(*by_kind))
    return [one.look for one in in_turn if one is not None]


def _too_wide(clusters: Sequence[Cluster]) -> Iterable[_Found]:
    means = [cluster.spread.mean for cluster in clusters if cluster.spread]
    if len(means) < _FEWEST_TO_COMPARE:
        return
    usual, deviation = _usual(means)
    limit = max(usual + _DEVIATIONS * deviation, usual * _WIDER_AT_LEAST)
    for cluster in clusters:
        if cluster.spread and cluster.spread.mean > limit > 0:
            reason = (
                f"Its photos lie {distance(cluster.spread.mean)} from the centroid on average;"
                f" half of the clusters stay within {distance(usual)}."
            )
            yield _Found(SecondLook((cluster.id,), TOO_WIDE, reason), cluster.spread.mean / limit)


def _too_small(clusters: Sequence[Cluster]) -> Iterable[_Found]:
    if len(clusters) < _FEWEST_TO_COMPARE:
        return
    usual = median(cluster.photos for cluster in clusters)
    for cluster in clusters:
        if 0 < cluster.photos < _SMALL_SHARE * usual:
            reason = (
                f"It has {count(cluster.photos, 'photo')};"
                f" half of the clusters have {usual:,.0f} or more."
            )
            excess = _SMALL_SHARE * usual / cluster.photos
            yield _Found(SecondLook((cluster.id,), TOO_SMALL, reason), excess)


def _empty(clusters: Sequence[Cluster]) -> Iterable[_Found]:
    ids = tuple(cluster.id for cluster in clusters if not cluster.photos and not cluster.retired)
    if ids:
        reason = "No usable photo is in it." if len(ids) == 1 else "No usable photo is in them."
        yield _Found(SecondLook(ids, EMPTY, reason), 1.0)


def _not_compared(clusters: Sequence[Cluster]) -> Iterable[_Found]:
    without = {
        cluster.id: cluster.photos - (cluster.spread.measured if cluster.spread else 0)
        for cluster in clusters
        if cluster.dimensions is not None
    }
    ids = tuple(cluster_id for cluster_id, photos in without.items() if photos)
    if ids:
        reason = (
            f"{count(sum(without.values()), 'photo')} without a distance to the centroid: with no"
            " embedding, one of another length, or one of zeros."
        )
        yield _Found(SecondLook(ids, NOT_COMPARED, reason), 1.0)


def _nearly_the_same(clusters: Sequence[Cluster]) -> Iterable[_Found]:
    widths = {cluster.id: cluster.spread.mean for cluster in clusters if cluster.spread}
    apart: dict[frozenset[int], float] = {}
    likeness: dict[frozenset[int], float] = {}
    worst = []
    for cluster in clusters:
        mine = []
        for near in cluster.neighbours:
            if cluster.id in widths and near.cluster_id in widths:
                pair = frozenset((cluster.id, near.cluster_id))
                one, other = widths[cluster.id], widths[near.cluster_id]
                apart[pair] = near.distance
                likeness[pair] = _likeness(cluster.metric, one, other, near.distance)
                mine.append(likeness[pair])
        worst.extend(sorted(mine)[-1:])
    limit = _alike_limit(worst)
    alike = [pair for pair, ratio in likeness.items() if ratio > limit]
    for group in _linked(alike):
        among = [pair for pair in alike if pair <= group]
        reason = (
            f"Their centroids are {_range(apart[pair] for pair in among)} apart, and their photos"
            f" lie {_range(widths[cluster_id] for cluster_id in group)} from them on average."
        )
        look = SecondLook(tuple(sorted(group)), NEARLY_THE_SAME, reason)
        yield _Found(look, max(likeness[pair] for pair in among) / limit)


def _linked(pairs: Iterable[frozenset[int]]) -> list[frozenset[int]]:
    """Pairs that have a member in common, as one group."""
    groups: list[frozenset[int]] = []
    for pair in pairs:
        apart = [group for group in groups if not group & pair]
        joined = [group for group in groups if group & pair]
        groups = [*apart, pair.union(*joined)]
    return groups


def _range(values: Iterable[float]) -> str:
    told = [distance(value) for value in sorted(values)]
    return told[0] if told[0] == told[-1] else f"{told[0]} to {told[-1]}"


def _likeness(metric: str, one: float, other: float, apart: float) -> float:
    """How wide two clusters are for their distance; as lengths, whichever the metric."""
    if metric == "cosine":  # half the square of the distance between unit vectors
        one, other, apart = (math.sqrt(2 * value) for value in (one, other, apart))
    return (one + other) / apart if apart > 0 else math.inf


def _alike_limit(worst: Sequence[float]) -> float:
    """Above what is usual here, since some embeddings lie closer together than others."""
    finite = [ratio for ratio in worst if math.isfinite(ratio)]
    if len(finite) < _FEWEST_TO_COMPARE:
        return _ALIKE_AT_LEAST
    usual, deviation = _usual(finite)
    return min(max(_ALIKE_AT_LEAST, usual + _ALIKE_ABOVE_USUAL * deviation), _ALIKE_ALWAYS)


def _usual(values: Sequence[float]) -> tuple[float, float]:
    """The median, and a standard deviation that a few odd values do not move."""
    middle = median(values)
    return middle, _DEVIATION_OF_NORMAL * median(abs(value - middle) for value in values)
