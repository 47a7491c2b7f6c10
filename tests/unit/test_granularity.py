"""The sweep of Leiden: what is measured of themes, and which granularity is suggested."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from fluffy_sql.graph.communities import communities
from fluffy_sql.graph.edges import Edges, shared_neighbours
from fluffy_sql.graph.granularity import Candidate, suggest
from fluffy_sql.graph.neighbours import Graph
from fluffy_sql.graph.sweep import (
    GranularitySweep,
    adjusted_rand_index,
    inside,
    modularity,
    rewired,
    thinned,
)
from tests.conftest import made_library


def neighbours_of(rows: NDArray[Any], count: int = 15) -> NDArray[np.int32]:
    apart = np.linalg.norm(rows[:, None].astype(float) - rows[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    return np.argsort(apart, axis=1)[:, :count].astype(np.int32)


def sweep_of(rows: NDArray[Any]) -> GranularitySweep:
    everyone = np.ones(len(rows), dtype=np.bool_)
    graph = Graph(neighbours_of(rows), everyone, [(0, len(rows))], 1.0)
    return GranularitySweep(graph, [0.5, 1, 2, 4, 8, 16], seed=0)


def moons(pairs: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Pairs of half circles in 64 dimensions, 200 rows a pair."""
    turns = generator.uniform(0, np.pi, (pairs, 2, 100))
    flat = np.stack([np.cos(turns), np.sin(turns)], axis=-1)
    flat[:, 1] = [1, 0.5] - flat[:, 1]
    axes = np.linalg.qr(generator.normal(size=(64, 2)))[0]
    places = 2 * generator.normal(size=(pairs, 1, 1, 64))
    rows: NDArray[np.float64] = (flat @ axes.T + places).reshape(-1, 64)
    return rows + 0.01 * generator.normal(size=rows.shape)


def sets_of_several_shapes() -> dict[str, tuple[NDArray[Any], range]]:
    """Rows, and how many themes may be suggested."""
    generator = np.random.default_rng(0)
    sizes = np.array([300, 150, 80, 60, 40, 40, 30, 20])
    uneven = np.repeat(generator.normal(size=(8, 64)), sizes, axis=0)
    upper = np.repeat(generator.normal(size=(4, 32)), 5, axis=0)
    lower = np.repeat(upper + 0.5 * generator.normal(size=(20, 32)), 30, axis=0)
    return {
        "uneven sizes": (uneven + 0.6 * generator.normal(size=uneven.shape), range(8, 9)),
        "a third is noise": (
            np.concatenate(
                [made_library(1, photos=600, themes=12)[0], generator.normal(size=(300, 16))]
            ),
            range(10, 24),
        ),
        "moons": (moons(3, generator), range(6, 25)),
        "themes of themes": (lower + 0.3 * generator.normal(size=lower.shape), range(20, 21)),
    }


@pytest.mark.parametrize("shape", sets_of_several_shapes())
def test_what_is_suggested_makes_about_as_many_themes_as_there_are(shape: str) -> None:
    rows, themes = sets_of_several_shapes()[shape]
    sweep = sweep_of(rows)
    candidates = [sweep.try_value(value) for value in sweep.values]
    suggested = sweep.suggest(candidates)
    [made] = [one.clusters for one in candidates if one.granularity == suggested.value]
    assert made in themes


def test_noise_alone_has_nothing_to_suggest() -> None:
    sweep = sweep_of(np.random.default_rng(1).normal(size=(400, 64)))
    suggested = sweep.suggest([sweep.try_value(value) for value in sweep.values])
    assert suggested.value is None
    assert "form no groups that come out the same each time" in suggested.reasons[0]


def matrix(edges: Edges) -> NDArray[np.float64]:
    """Weights of edges."""
    dense = np.zeros((len(edges), len(edges)))
    owners = np.repeat(np.arange(len(edges)), np.diff(edges.starts))
    np.add.at(dense, (owners, edges.others), edges.weights)
    return dense


def test_measures_are_those_of_the_field() -> None:
    edges = shared_neighbours(neighbours_of(made_library(2, photos=200, spread=0.3)[0]))
    first, second = communities(edges, 1.0), communities(edges, 2.0)
    weights = matrix(edges)
    for resolution in (0.5, 2.0):
        strengths = weights.sum(axis=1)
        gains = weights - resolution * np.outer(strengths, strengths)
        expected = gains[first[:, None] == first].sum()
        assert modularity(edges, first, resolution) == pytest.approx(expected, abs=1e-6)
    assert inside(edges, first) == pytest.approx(weights[first[:, None] == first].sum())
    expected = adjusted_rand_score(first, second)
    assert adjusted_rand_index(first, second) == pytest.approx(expected)
    assert adjusted_rand_index(first, first) == 1


def test_graphs_to_compare_with_are_like_the_graph() -> None:
    """Rewired, each photo has its edges still, but for those that would join it to itself."""
    edges = shared_neighbours(neighbours_of(made_library(3, photos=400)[0]))
    generator = np.random.default_rng(0)
    random = rewired(edges, generator)
    lost = np.diff(edges.starts) - np.diff(random.starts)
    assert lost.min() >= 0
    assert lost.sum() < 0.02 * len(edges.others)
    there, dense = matrix(edges) > 0, matrix(random)
    assert np.allclose(dense, dense.T)
    assert dense.sum() == pytest.approx(1)
    assert dense[there].sum() < 0.2
    order = generator.permutation(400).astype(np.int32)
    fewer = matrix(thinned(edges, order, generator))[order][:, order]
    assert (fewer > 0).sum() == pytest.approx(0.85 * there.sum(), rel=0.05)
    assert np.allclose(fewer, fewer.T)
    assert fewer[there].sum() == pytest.approx(1)


def candidate(granularity: float, **changes: Any) -> Candidate:
    values: dict[str, Any] = {
        "granularity": granularity,
        "clusters": 10,
        "smallest_cluster": 5,
        "largest_cluster": 50,
        "stability": 0.9,
        "modularity": 0.9,
        "beyond_chance": 0.5,
        "seconds": 1.0,
    }
    values |= changes
    return Candidate(**values, score=values["stability"] * values["beyond_chance"])


def test_each_measure_keeps_the_other_honest() -> None:
    found = suggest(
        [
            candidate(0.5, beyond_chance=0.8, stability=0.6),
            candidate(1, beyond_chance=0.7, stability=0.9),
            candidate(2, beyond_chance=0.4, stability=1.0),
        ]
    )
    assert (found.value, found.measures_agree) == (1, False)
    assert found.reasons == (
        "stability is highest at 2 (1.000; at 1 0.900)",
        "the share beyond chance is highest at 0.5 (0.800; at 1 0.700)",
        "it makes 10 themes of 5 to 50 photos",
    )


def test_ends_of_the_range_and_single_themes_are_told() -> None:
    found = suggest([candidate(1), candidate(2, stability=0.95, beyond_chance=0.55)])
    assert (found.value, found.measures_agree) == (2, True)
    assert found.reasons[-1] == "2 is an end of the range: try larger ones, too"
    by_chance = suggest([candidate(8, beyond_chance=-0.1), candidate(9, beyond_chance=0.01)])
    assert by_chance.value is None
    assert by_chance.reasons[0].startswith("no granularity tried finds more than chance")
    lone = suggest([candidate(1, clusters=1), candidate(2, clusters=1)])
    assert (lone.value, lone.reasons) == (
        None,
        ("every granularity tried makes one theme: try larger ones",),
    )
