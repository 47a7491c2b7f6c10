"""DBSCAN on pairs of near photos: which are core, which belong to these, and which are noise."""

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.algorithms import LEFT_OUT
from fluffy_sql.graph.pairs import Pairs, Places, components

Labels = NDArray[np.int32]


def label(pairs: Pairs, min_samples: int) -> Labels:
    """Labels of all photos, from 0; LEFT_OUT: noise, below that: it could not be compared.

    A photo with at least `min_samples` photos within the distance, itself among them, is core. Core
    photos that are near each other share a cluster. Any other photo near a core photo goes where
    the nearest of these is, of equally near ones where the first is; what remains is noise. (Ester,
    Kriegel, Sander and Xu 1996; they leave open where photos between two clusters go.)

    Returns:
        Shape (photos,).
    """
    core = pairs.compared & (neighbourhoods(pairs) >= min_samples)
    one, other = core[pairs.first], core[pairs.second]
    joined = one & other
    found = components(pairs.first[joined], pairs.second[joined], pairs.photos)
    labels = np.where(pairs.compared, LEFT_OUT, LEFT_OUT - 1).astype(np.int32)
    _, labels[core] = np.unique(found[core], return_inverse=True)
    border, nearest = _nearest_core(pairs, core, one != other)
    labels[border] = labels[nearest]
    return labels[pairs.originals]


def neighbourhoods(pairs: Pairs) -> NDArray[np.intp]:
    """How many photos are within the distance of each, itself among them; shape (photos,)."""
    equal, own, other, _ = _without_copies(pairs)
    near = equal + np.bincount(own, equal[other], pairs.photos).astype(np.intp)
    return near[pairs.originals]


def k_distances(pairs: Pairs, min_samples: int) -> NDArray[np.float32]:
    """The distance within which each photo has `min_samples`, itself among them; shape (photos,).

    It is infinite if it is larger than the distance within which pairs were sought.
    """
    equal, own, other, distance = _without_copies(pairs)
    order = np.lexsort((distance, own))
    own, other, distance = own[order], other[order], distance[order]
    # How many photos are as near as the other one of each pair: all so far, less those of others.
    so_far = np.cumsum(equal[other])
    starts = np.searchsorted(own, np.arange(pairs.photos))
    before = np.concatenate([[0], so_far])[starts]
    near = so_far - before[own] + equal[own]
    found = np.full(pairs.photos, np.inf, dtype=np.float32)
    enough = np.flatnonzero(near >= min_samples)
    reached, places = np.unique(own[enough], return_index=True)
    found[reached] = distance[enough[places]]
    found[equal >= min_samples] = 0
    return found[pairs.originals]


def _without_copies(
    pairs: Pairs,
) -> tuple[NDArray[np.intp], Places, Places, NDArray[np.float32]]:
    """How many photos are equal to each original, and pairs of originals, from both of their ends.

    Returns:
        Counts of shape (photos,); then both photos of each pair, and their distance.
    """
    equal = np.bincount(pairs.originals, minlength=pairs.photos)
    apart = pairs.originals[pairs.second] == pairs.second
    first, second = pairs.first[apart], pairs.second[apart]
    own, other = np.concatenate([first, second]), np.concatenate([second, first])
    return equal, own, other, np.tile(pairs.distance[apart], 2)


def _nearest_core(
    pairs: Pairs, core: NDArray[np.bool_], at_border: NDArray[np.bool_]
) -> tuple[Places, Places]:
    """The photos near a core photo that are none, and the core photo nearest to each."""
    first, second = pairs.first[at_border], pairs.second[at_border]
    borders = np.where(core[first], second, first)
    cores = np.where(core[first], first, second)
    order = np.lexsort((cores, pairs.distance[at_border], borders))
    border, places = np.unique(borders[order], return_index=True)
    return border, cores[order][places]
