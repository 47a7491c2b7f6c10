"""Which granularity to suggest, and why. Pure: measures in, a decision and its reasons out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fluffy_sql.algorithms import Measure, Suggestion, Swept
from fluffy_sql.words import plain

# Below this, two lists of themes share too little to compare granularities by them.
# (Photos at random in 8 dimensions reached .54, those of DINOv2 that are hard to tell apart .71.)
_UNSTABLE = 0.6
# Of the weight of edges, what themes must have beyond chance. (At a small granularity a null graph
# is one theme, and what good themes have beyond that was between -.04 and .02.)
_BY_CHANCE = 0.05
# Measures this near to their highest count as that: other seeds differ as much.
_AS_GOOD = 0.05

GRANULARITY_SWEPT = Swept(
    setting="granularity",
    usual="0.125..16",
    least=0,
    whole=False,
    measures=(
        Measure(
            name="score",
            title="score",
            heading="score",
            digits=3,
            hint="higher is better",
            explained="stability times what is beyond chance",
        ),
        Measure(
            name="beyond_chance",
            title="beyond chance",
            heading="beyond chance",
            digits=3,
            hint="higher is better",
            explained=(
                "the share of the edges' weight that is inside of themes, less the share inside of"
                " those found if the same edges join photos at random"
            ),
        ),
        Measure(
            name="stability",
            title="stability",
            heading="stability",
            digits=3,
            hint="higher is better",
            explained=(
                "how alike the themes are, by other seeds in graphs that lack some of the edges"
                " (adjusted Rand index)"
            ),
        ),
        Measure(name="clusters", title="themes", heading="themes", hint="rise with granularity"),
        Measure(name="modularity", title="modularity", heading="modularity", digits=3),
        Measure(name="smallest_cluster", title="smallest theme", heading="smallest"),
        Measure(name="largest_cluster", title="largest theme", heading="largest"),
        Measure(name="seconds", title="seconds", heading="seconds", digits=1),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One granularity of a sweep, with the names `sweep --json` uses.

    Attributes:
        granularity: that was tried.
        clusters: how many themes it makes.
        smallest_cluster, largest_cluster: their photos.
        stability: mean adjusted Rand index of these themes and those of two graphs that lack some
            edges, each pair compared.
        modularity: of the themes, at this granularity.
        beyond_chance: the share of weight inside of themes, less that inside of those of the same
            graph, rewired at random.
        score: stability times what is beyond chance.
        seconds: how long it took.
    """

    granularity: float
    clusters: int
    smallest_cluster: int
    largest_cluster: int
    stability: float
    modularity: float
    beyond_chance: float
    score: float
    seconds: float


def suggest(candidates: Sequence[Candidate]) -> Suggestion:
    """The granularity with the best score: most of what is no chance, and found again.

    What is beyond chance falls as themes that belong together are split; stability falls as themes
    that don't are joined, now these, now those. The distance of modularity to that of a random
    graph would not do: it falls with granularity itself, and likes few large themes.
    """
    chosen = max(candidates, key=lambda candidate: candidate.score)
    if all(candidate.clusters == 1 for candidate in candidates):
        return Suggestion.nothing("every granularity tried makes one theme: try larger ones")
    if chosen.beyond_chance < _BY_CHANCE:
        return Suggestion.nothing(
            "no granularity tried finds more than chance: at small ones a null graph is one theme,"
            " too, so try larger ones"
        )
    if chosen.stability < _UNSTABLE:
        return Suggestion.nothing(
            f"themes agree to {chosen.stability:.2f} only when some edges are left out: these"
            " photos form no groups that come out the same each time"
        )
    reasons = [
        _explain("stability", _stability, chosen, candidates),
        _explain("the share beyond chance", _beyond_chance, chosen, candidates),
        f"it makes {chosen.clusters:,} themes of {chosen.smallest_cluster:,} to"
        f" {chosen.largest_cluster:,} photos",
    ]
    if len(candidates) > 1 and chosen in {candidates[0], candidates[-1]}:
        beyond = "larger" if chosen == candidates[-1] else "smaller"
        reasons.append(
            f"{plain(chosen.granularity)} is an end of the range: try {beyond} ones, too"
        )
    agree = all(_is_as_good(value, chosen, candidates) for value in (_stability, _beyond_chance))
    return Suggestion(chosen.granularity, measures_agree=agree, reasons=tuple(reasons))


def _stability(candidate: Candidate) -> float:
    return candidate.stability


def _beyond_chance(candidate: Candidate) -> float:
    return candidate.beyond_chance


def _is_as_good(
    value: Callable[[Candidate], float], chosen: Candidate, candidates: Sequence[Candidate]
) -> bool:
    return value(chosen) >= max(map(value, candidates)) - _AS_GOOD


def _explain(
    name: str,
    value: Callable[[Candidate], float],
    chosen: Candidate,
    candidates: Sequence[Candidate],
) -> str:
    best = max(candidates, key=value)
    if value(best) == value(chosen):
        return f"{name} is highest at {plain(chosen.granularity)} ({value(chosen):.3f})"
    return (
        f"{name} is highest at {plain(best.granularity)} ({value(best):.3f};"
        f" at {plain(chosen.granularity)} {value(chosen):.3f})"
    )
