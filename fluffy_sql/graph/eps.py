"""Which eps of DBSCAN to suggest, and why. Pure: measures in, a decision and its reasons out."""

from collections.abc import Sequence
from dataclasses import dataclass

from fluffy_sql.algorithms import Measure, Suggestion, Swept
from fluffy_sql.words import count, plain

# Clusters may have grown together if one has most photos in clusters, and a smaller eps tells if it
# keeps most photos in clusters: this share of them.
_LEAST_KEPT = 0.75
# Nothing is told apart if one cluster has this share of all photos.
_ALL_IN_ONE = 0.9
# An eps is near the knee if neither is more than this many times the other.
_NEAR = 1.25

EPS_SWEPT = Swept(
    setting="eps",
    usual="",
    least=0,
    whole=False,
    measures=(
        Measure(
            name="core_share",
            title="k-distance curve",
            heading="core",
            digits=3,
            hint="bends at the knee",
            explained=(
                "the share of photos that have `min_samples` photos within eps, themselves among"
                " them: their core distance is at most eps"
            ),
        ),
        Measure(
            name="clusters",
            title="clusters",
            heading="clusters",
            hint="fall where they grow together",
        ),
        Measure(
            name="noise_share",
            title="noise",
            heading="noise",
            digits=3,
            hint="falls with eps",
            explained="the share of photos in no cluster",
        ),
        Measure(
            name="largest_share",
            title="largest cluster",
            heading="largest",
            digits=3,
            hint="leaps where they grow together",
            explained="its share of the photos in clusters",
        ),
        Measure(name="seconds", title="seconds", heading="seconds", digits=1),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One eps of a sweep, with the names `sweep --json` uses.

    Attributes:
        eps: that was tried.
        core_share: share of the photos that are core.
        clusters: how many there are.
        noise_share: share of the photos in none.
        largest_share: share of the photos in clusters that the largest has; None: there is none.
        seconds: how long it took.
    """

    eps: float
    core_share: float
    clusters: int
    noise_share: float
    largest_share: float | None
    seconds: float


def suggest(candidates: Sequence[Candidate], knee: float | None) -> Suggestion:
    """The eps at the knee of the k-distance curve, or a smaller one if clusters are one there.

    Beyond the knee (Ester, Kriegel, Sander and Xu 1996; found as by Satopaa and others 2011), few
    more photos are core. In many dimensions clusters may grow together before it. Nothing is
    suggested if no eps was tried near the knee, or if all photos are one cluster there.

    Args:
        candidates: by rising eps, at least one.
        knee: None: the curve has none.
    """
    if all(candidate.clusters == 0 for candidate in candidates):
        return Suggestion.nothing(
            "no eps tried makes a cluster: try larger ones, or fewer min_samples"
        )
    if knee is None:
        return Suggestion.nothing(
            "the k-distance curve has no knee: choose by the numbers of clusters and of noise"
        )
    at_knee = min(candidates, key=lambda candidate: _times(candidate.eps, knee))
    if _times(at_knee.eps, knee) > _NEAR:
        return Suggestion.nothing(
            f"the k-distance curve has its knee at {plain(knee)}, and no eps near it was tried"
        )
    reasons = [f"the k-distance curve has its knee at {plain(knee)}"]
    chosen = at_knee
    if _has_most_in_one(at_knee):
        chosen = _before_they_grew_together(candidates, at_knee)
        reasons.append(
            f"at {plain(at_knee.eps)} one cluster has {at_knee.largest_share:.0%} of the photos in"
            " clusters"
        )
        if chosen != at_knee:
            reasons.append(
                f"{plain(chosen.eps)} is the largest tried below, at which none has most"
            )
    if (chosen.largest_share or 0) * (1 - chosen.noise_share) > _ALL_IN_ONE:
        return Suggestion.nothing(
            f"at {plain(chosen.eps)}, the knee of the k-distance curve, nearly all photos are one"
            " cluster: density does not tell them apart"
        )
    reasons.append(
        f"it makes {count(chosen.clusters, 'cluster')} and leaves {chosen.noise_share:.0%} of the"
        " photos as noise"
    )
    return Suggestion(
        chosen.eps,
        measures_agree=not _has_most_in_one(at_knee),
        reasons=tuple(reasons),
    )


def _has_most_in_one(candidate: Candidate) -> bool:
    """Whether the largest cluster is nearer to all photos than to an equal share of them."""
    share = candidate.largest_share
    return share is not None and share >= (1 + 1 / candidate.clusters) / 2


def _times(one: float, other: float) -> float:
    return max(one, other) / min(one, other)


def _before_they_grew_together(candidates: Sequence[Candidate], at_knee: Candidate) -> Candidate:
    """The largest eps below at which no cluster has most photos, if enough are still in one."""
    apart = [
        candidate
        for candidate in candidates
        if candidate.eps < at_knee.eps
        and candidate.clusters
        and not _has_most_in_one(candidate)
        and 1 - candidate.noise_share >= _LEAST_KEPT * (1 - at_knee.noise_share)
    ]
    return apart[-1] if apart else at_knee
