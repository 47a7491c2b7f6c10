"""The sweep of DBSCAN: the k-distance curve, and the clusters of each eps; of one set of pairs."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.algorithms import LEFT_OUT, Suggestion, Task
from fluffy_sql.errors import LibraryError
from fluffy_sql.graph.density import k_distances, label
from fluffy_sql.graph.eps import Candidate, suggest
from fluffy_sql.graph.pairs import Pairs, pairs_within
from fluffy_sql.graph.photos import as_kmeans
from fluffy_sql.graph.tuning import Tuning
from fluffy_sql.kmeans.sample import Sample
from fluffy_sql.postgres.work_tables import work_tables
from fluffy_sql.words import count, plain

# Shares of the photos at whose k-distances eps is tried, besides the knee and what is beyond it:
# the curve may be so steep there that none of these is near.
_SHARES = np.linspace(0.05, 0.95, 10)
_BEYOND = (1.0, 1.1, 1.25)
_DIGITS = 3
# Pairs are sought within an eps at which this share of the photos is core, and some way beyond.
_CORE = 0.95


class EpsSweep:
    """Finds clusters at each eps.

    Attributes:
        values: the eps.
        left_out: none.
        photos: that were compared.
    """

    left_out: Sequence[float] = ()

    def __init__(
        self, pairs: Pairs, values: Sequence[float], most: float, min_samples: int
    ) -> None:
        self._pairs = pairs
        self._most = most
        self._min_samples = min_samples
        self.photos = int(pairs.compared.sum())
        self._curve = np.sort(k_distances(pairs, min_samples)[pairs.compared])
        self._knee = knee(self._curve)
        self.values = values or self._values()

    def _values(self) -> list[float]:
        """Along the curve, as few digits as tell them apart."""
        places = np.ceil(_SHARES * self.photos).astype(np.intp) - 1
        found = self._curve[places[places >= 0]]
        wanted = [
            *found[np.isfinite(found)].tolist(),
            *(beyond * (self._knee or 0) for beyond in _BEYOND),
        ]
        rounded = {_round_up(value) for value in wanted if value > 0}
        return sorted(value for value in rounded if value <= self._most) or [self._most]

    def try_value(self, value: float) -> Candidate:
        """Clusters of one eps."""
        begun = time.perf_counter()
        near = self._pairs.distance <= np.float32(value)
        pairs = replace(
            self._pairs,
            first=self._pairs.first[near],
            second=self._pairs.second[near],
            distance=self._pairs.distance[near],
        )
        labels = label(pairs, self._min_samples)
        sizes = np.bincount(labels[labels >= 0])
        return Candidate(
            eps=value,
            core_share=round(float((self._curve <= np.float32(value)).mean()), 6),
            clusters=len(sizes),
            noise_share=round(float((labels == LEFT_OUT).sum() / self.photos), 6),
            largest_share=round(float(sizes.max() / sizes.sum()), 6) if len(sizes) else None,
            seconds=round(time.perf_counter() - begun, 3),
        )

    def suggest(self, candidates: Sequence[Candidate]) -> Suggestion:
        """The eps at the knee, or a smaller one."""
        return suggest(candidates, self._knee)

    def basis(self, candidates: Sequence[Candidate]) -> str:
        """How they were tried."""
        del candidates
        return f"of all pairs of {count(self.photos, 'photo')} within {plain(self._most)}"


@contextmanager
def eps_sweep(
    task: Task[Any], values: Sequence[float], min_samples: int, tuning: Tuning
) -> Iterator[EpsSweep]:
    """Finds pairs within the largest eps, which all are tried on.

    Raises:
        LibraryError: all photos are equal, or too many pairs are within the largest eps asked for.
    """
    task.log.phase("sample")
    most = max([*values, _largest_eps(task, min_samples, tuning)])
    if not most:
        raise LibraryError(
            "too few photos differ to find an eps by their distances; name some with --values, or"
            " add photos"
        )
    with work_tables(task.session, "work_assignments"), pairs_within(task, most, tuning) as pairs:
        yield EpsSweep(pairs, values, most, min_samples)


def _largest_eps(task: Task[Any], min_samples: int, tuning: Tuning) -> float:
    """An eps some way beyond the knee, by the distances of some photos; 0: these are all equal.

    Nearly all photos are core at it, unless that takes too many pairs.
    """
    with Sample.drawn(as_kmeans(task), 1) as sample:
        _, photos = sample.fetch_some()
    distances = _distances(photos, normalize=task.normalize)
    different = distances[distances > 0]
    if not len(different):
        return 0.0
    # As many of these photos as are near stand for `min_samples` of all.
    photos_for_one = task.survey.eligible / len(photos)
    near = min(max(1, round((min_samples - 1) / photos_for_one)), len(photos) - 1)
    core_distances = np.partition(distances, near, axis=1)[:, near]
    found = _BEYOND[-1] * float(np.quantile(core_distances, _CORE, method="higher"))
    share = min(1.0, 2 * tuning.pairs_of_sweep / task.survey.eligible**2)
    bound = float(np.quantile(different, share, method="higher"))
    return _round_up(min(max(found, float(different.min())), bound))


def _distances(photos: NDArray[np.float32], *, normalize: bool) -> NDArray[np.float32]:
    """Between all, the metric's; 0 if two are equal but for rounding."""
    norms = np.einsum("ij,ij->i", photos, photos)
    squared = norms[:, None] + norms[None, :] - 2 * (photos @ photos.T)
    squared[squared <= 1e-6 * norms.max(initial=0)] = 0
    distances: NDArray[np.float32] = squared / 2 if normalize else np.sqrt(squared)
    return distances


def knee(curve: NDArray[np.float32]) -> float | None:
    """Where a rising curve bends upward the most; None: it does not.

    That is where it is farthest below the line between its ends (Satopaa, Albrecht, Irwin and
    Raghavan 2011, Kneedle). Values that are infinite are no part of it.
    """
    known = curve[np.isfinite(curve)]
    if not len(known) or known[-1] <= 0:
        return None
    line = np.linspace(known[0], known[-1], len(known))
    bend = int(np.argmax(line - known))
    if bend == 0 and known[0] < known[-1]:
        return None
    return _round_up(float(known[bend] or known[-1]))


def _round_up(value: float) -> float:
    """To a few digits, so that it can be copied; never below, so that no pair is lost."""
    unit = 10.0 ** (math.floor(math.log10(value)) - _DIGITS + 1)
    return float(f"{math.ceil(value / unit) * unit:.{_DIGITS}g}")
