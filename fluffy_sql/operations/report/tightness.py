"""How tight a cluster is, in one word: pure rules on a few numbers."""

from collections.abc import Sequence
from statistics import median

from fluffy_sql.operations.report.model import (
    BETWEEN,
    CENTRAL,
    OUTERMOST,
    Cluster,
    Photo,
    Shown,
    Spread,
)

TIGHT, LOOSE, MIXED = "tight", "loose", "mixed"
NEARER, NEARLY_AS_NEAR = "nearer to", "nearly as near to"

# With fewer clusters one can't say what is usual.
_FEWEST_TO_COMPARE = 5
# On Caltech-101 by k-means at k=100, half of the clusters that this calls mixed have no class that
# half of their photos are of; of the others, one in twelve (December 2026).
_WIDER = 1.1
_SHARE_BETWEEN = 0.2
_NEARLY = 1.25
# A photo that would rather be elsewhere is this near to it, for its distance to its own.
_RATHER = 1.1


def usual_width(clusters: Sequence[Cluster]) -> float | None:
    """The median of the mean distances; None if too few clusters have one."""
    means = [cluster.spread.mean for cluster in clusters if cluster.spread]
    return median(means) if len(means) >= _FEWEST_TO_COMPARE else None


def tightness(shown: Shown, usual: float | None) -> str | None:
    """`tight`, `loose` or `mixed`; None if that can't be said.

    Mixed: its photos lie a tenth farther from the centroid than is usual, or more, and a fifth of
    them nearly as near to another cluster. Else tight up to the usual distance, and loose beyond.
    """
    spread = shown.cluster.spread
    if usual is None or spread is None:
        return None
    if spread.mean >= _WIDER * usual and _share_between(shown, spread) >= _SHARE_BETWEEN:
        return MIXED
    return TIGHT if spread.mean <= usual else LOOSE


def _share_between(shown: Shown, spread: Spread) -> float:
    """The share of its photos that lie nearly as near to another cluster, by those shown.

    All of the central and outermost ones are, and a sample of those between.
    """
    between, others = 0.0, spread.measured
    for section in (CENTRAL, OUTERMOST, BETWEEN):
        photos = [photo for photo in shown.section(section) if photo.distance is not None]
        of_all = others if section == BETWEEN else len(photos)
        near = sum(_is_near(photo, _NEARLY) for photo in photos)
        between += of_all * near / max(len(photos), 1)
        others -= len(photos)
    return between / spread.measured


def _is_near(photo: Photo, factor: float) -> bool:
    if photo.distance is None or photo.elsewhere is None:
        return False
    return photo.elsewhere.distance < factor * photo.distance


def pull(photo: Photo) -> str:
    """In words, whether a photo would rather be in the cluster that it is nearest to elsewhere."""
    if _is_near(photo, 1.0):
        return NEARER
    return NEARLY_AS_NEAR if _is_near(photo, _RATHER) else ""


def reach(distance: float | None, spread: Spread | None) -> str:
    """A distance to the centroid in words, among those of the cluster."""
    if distance is None or spread is None:
        return ""
    if distance <= spread.lower_quartile:
        return "close to the centroid"
    if distance <= spread.upper_quartile:
        return "at a usual distance"
    return "far from the centroid"
