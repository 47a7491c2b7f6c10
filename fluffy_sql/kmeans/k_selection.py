"""Which k to suggest, and why. Pure: measures in, a decision and its reasons out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log

from fluffy_sql.algorithms import Measure, Suggestion, Swept
from fluffy_sql.runs.measures import Measures

# Clusters of fewer photos can't show a theme, and the smaller they are, the better silhouette and
# Davies-Bouldin index look: 710 DINOv2 embeddings have their best at any k that ends the range.
_LEAST_PHOTOS_PER_CLUSTER = 10
# Stabilities this close count as equal: another pair of seeds differs as much.
_SAME_STABILITY = 0.02
# Below this, two trainings share too little to compare values of k by them.
_UNSTABLE = 0.5
# Best values whose k lies this factor from the suggestion speak for it.
_NEAR = 2.0
# After an elbow, inertia falls at less than this share of its rate before.
_BEND = 0.5
# It takes a rate before and one after.
_LEAST_RATES = 2
# One that has another on both sides.
_LEAST_TO_COMPARE = 3

K_SWEPT = Swept(
    setting="k",
    usual="5..200",
    least=2,  # a single cluster can't be measured against others
    whole=True,
    measures=(
        Measure(
            name="silhouette",
            title="silhouette",
            heading="silhouette",
            digits=3,
            hint="higher is better",
            explained="how much nearer photos are to their own centroid than to the next, 0 to 1",
        ),
        Measure(
            name="davies_bouldin",
            title="Davies-Bouldin",
            heading="davies-b.",
            digits=2,
            hint="lower is better",
            explained="how wide clusters are for the distance to their worst neighbour",
        ),
        Measure(
            name="calinski_harabasz",
            title="Calinski-Harabasz",
            heading="calinski-h.",
            digits=1,
            hint="higher is better",
            explained="variance between clusters over that within",
        ),
        Measure(
            name="stability",
            title="stability",
            heading="stability",
            digits=2,
            hint="higher is better",
            explained="how alike two trainings with different seeds are (adjusted Rand index)",
        ),
        Measure(
            name="inertia",
            title="inertia",
            heading="inertia",
            digits=1,
            hint="an elbow, if there is one",
            explained="squared distances to centroids, summed",
        ),
        Measure(name="smallest_cluster", title="smallest cluster", heading="smallest"),
        Measure(name="largest_cluster", title="largest cluster", heading="largest"),
        Measure(name="seconds", title="seconds", heading="seconds", digits=1),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Candidate(Measures):
    """One k of a sweep, with the names `sweep --json` uses.

    Attributes:
        k: how many clusters were asked for.
        clusters: how many have photos.
        inertia: sum of squared distances of the photos measured to their centroids.
        stability: adjusted Rand index of two trainings with different seeds.
        seconds: how long both took, and measuring them.
    """

    k: int
    clusters: int
    inertia: float
    stability: float
    seconds: float


_Value = Callable[[Candidate], float | None]


@dataclass(frozen=True)
class _Criterion:
    """What one measure has to say.

    Attributes:
        name: of the measure.
        best: the candidate it prefers; None if it has no preference.
        value: its value at a candidate; None: it is undefined there.
        digits: how many of the value are worth telling.
        superlative: `highest`, `lowest` or the like.
        favours_few: whether it is often best at the smallest k, whatever the photos.
        must_agree: whether the measures can't agree without it.
    """

    name: str
    best: Candidate | None
    value: _Value
    digits: int
    superlative: str = "highest"
    favours_few: bool = False
    must_agree: bool = False


def suggest(candidates: Sequence[Candidate], photos: int) -> Suggestion:
    """The k that silhouette, Davies-Bouldin index and stability like best between them.

    Each ranks the candidates, and the smallest sum of ranks wins, of equals the smaller k.
    Calinski-Harabasz index and the elbow of inertia are only witnesses: the first falls with k if
    clusters overlap, the second seldom exists.

    Args:
        candidates: by rising k, at least one.
        photos: how many they were trained on.
    """
    measured = [c for c in candidates if c.silhouette is not None]
    if not measured:
        return Suggestion.nothing(_why_nothing(candidates))
    trusted = [c for c in measured if _can_be_judged(c, photos)] or measured
    ranks = [_ranks(trusted, measure) for measure in (_silhouette, _separation, _stability)]
    sums = [sum(of_one) for of_one in zip(*ranks, strict=True)]
    chosen = trusted[sums.index(min(sums))]
    witnesses = _criteria(trusted)
    agree = _agree(witnesses, chosen, trusted)
    reasons = [_explain(witness, chosen, candidates) for witness in witnesses]
    reasons += _caveats(chosen, trusted, candidates)
    return Suggestion(chosen.k, measures_agree=agree, reasons=tuple(reasons))


def _why_nothing(candidates: Sequence[Candidate]) -> str:
    if all(candidate.clusters == 1 for candidate in candidates):
        return "all embeddings are equal: there is nothing to suggest"
    return "no measure is defined for any k tried: there is nothing to suggest"


def _can_be_judged(candidate: Candidate, photos: int) -> bool:
    """Whether it has as many clusters as asked for, with enough photos each."""
    enough = photos >= _LEAST_PHOTOS_PER_CLUSTER * candidate.k
    return enough and candidate.clusters == candidate.k


def _silhouette(candidate: Candidate) -> float | None:
    return candidate.silhouette


def _separation(candidate: Candidate) -> float | None:
    """The Davies-Bouldin index negated, so that more is better, as for the others."""
    return None if candidate.davies_bouldin is None else -candidate.davies_bouldin


def _stability(candidate: Candidate) -> float:
    return round(candidate.stability / _SAME_STABILITY) * _SAME_STABILITY


def _ranks(candidates: Sequence[Candidate], measure: _Value) -> list[int]:
    """How many candidates are better, for each; one for which it is undefined is behind all."""
    values = [measure(candidate) for candidate in candidates]
    known = [value for value in values if value is not None]
    return [
        len(known) if value is None else sum(other > value for other in known) for value in values
    ]


def _best(candidates: Sequence[Candidate], measure: _Value) -> Candidate | None:
    """The first of the candidates with the largest value; None if it is defined for none."""
    known = [(value, c) for c in candidates if (value := measure(c)) is not None]
    return max(known, key=lambda pair: pair[0])[1] if known else None


def _criteria(candidates: Sequence[Candidate]) -> list[_Criterion]:
    # The largest of equally stable ones: a few large groups are found again all too easily.
    most_stable = max(candidate.stability for candidate in candidates)
    stable = [c for c in candidates if c.stability >= most_stable - _SAME_STABILITY]
    is_highest = stable[-1].stability == most_stable
    return [
        _Criterion(
            "silhouette", _best(candidates, _silhouette), _silhouette, digits=3, must_agree=True
        ),
        _Criterion(
            "Davies-Bouldin",
            _best(candidates, _separation),
            lambda candidate: candidate.davies_bouldin,
            digits=2,
            superlative="lowest",
            must_agree=True,
        ),
        _Criterion(
            "stability",
            stable[-1],
            lambda candidate: candidate.stability,
            digits=2,
            superlative="highest" if is_highest else "as good as the highest",
            favours_few=True,
        ),
        _Criterion(
            "Calinski-Harabasz",
            _best(candidates, lambda candidate: candidate.calinski_harabasz),
            lambda candidate: candidate.calinski_harabasz,
            digits=1,
            favours_few=True,
        ),
        _Criterion("inertia", _elbow(candidates), lambda candidate: candidate.inertia, digits=1),
    ]


def _elbow(candidates: Sequence[Candidate]) -> Candidate | None:
    """Where inertia stops falling at the rate it fell: in logarithms, since both span decades."""
    rates = [
        log(before.inertia / after.inertia) / log(after.k / before.k)
        for before, after in pairwise(candidates)
        if before.inertia > 0 and after.inertia > 0
    ]
    if len(rates) < len(candidates) - 1 or len(rates) < _LEAST_RATES:
        return None
    bends = [before - after for before, after in pairwise(rates)]
    place = max(range(len(bends)), key=bends.__getitem__)
    is_bend = rates[place] > 0 and rates[place + 1] < _BEND * rates[place]
    return candidates[place + 1] if is_bend else None


def _at_an_end(candidate: Candidate, candidates: Sequence[Candidate]) -> bool:
    return candidate.k in {candidates[0].k, candidates[-1].k}


def _agree(witnesses: list[_Criterion], chosen: Candidate, candidates: Sequence[Candidate]) -> bool:
    """Whether all measures with a best inside the range have it near the suggestion.

    Silhouette and Davies-Bouldin index must have one.
    """
    for witness in witnesses:
        best = witness.best
        if best is None or _at_an_end(best, candidates):
            if witness.must_agree:
                return False
        elif max(best.k, chosen.k) > _NEAR * min(best.k, chosen.k):
            return False
    return True


def _explain(witness: _Criterion, chosen: Candidate, candidates: Sequence[Candidate]) -> str:
    """One measure's reason in words."""
    best = witness.best
    if witness.name == "inertia":
        found = f"has an elbow at {best.k:,}" if best else "falls with k without an elbow"
        return f"inertia {found}"
    if best is None:
        return f"{witness.name} is undefined"
    told = f"{witness.name} is {witness.superlative} at {best.k:,}"
    values = f" ({witness.value(best):,.{witness.digits}f}"
    if best.k != chosen.k:
        here = witness.value(chosen)
        shown = "undefined" if here is None else f"{here:,.{witness.digits}f}"
        values += f"; at {chosen.k:,} {shown}"
    if best.k == chosen.k or not _at_an_end(best, candidates):
        return f"{told}{values})"
    if witness.favours_few and best.k == candidates[0].k:
        return f"{told}{values}), the smallest k tried: it favours few clusters"
    return f"{told}{values}), an end of the range: its best may lie beyond"


def _caveats(
    chosen: Candidate, trusted: Sequence[Candidate], candidates: Sequence[Candidate]
) -> list[str]:
    """What a user should know before following the suggestion."""
    warnings = []
    if len(trusted) < _LEAST_TO_COMPARE:
        warnings.append(
            f"{len(trusted)} k considered: a best between others takes at least {_LEAST_TO_COMPARE}"
        )
    elif _at_an_end(chosen, candidates):
        beyond = "larger" if chosen.k == candidates[-1].k else "smaller"
        warnings.append(f"{chosen.k:,} is an end of the range: try {beyond} k, too")
    if len(trusted) < len(candidates):
        left_out = len(candidates) - len(trusted)
        warnings.append(
            f"{left_out} k not considered: fewer than {_LEAST_PHOTOS_PER_CLUSTER} photos a cluster,"
            " or fewer clusters than asked for"
        )
    if chosen.stability < _UNSTABLE:
        warnings.append(
            f"two trainings at {chosen.k:,} agree to {chosen.stability:.2f} only: these photos"
            " form no groups that come out the same each time"
        )
    return warnings
