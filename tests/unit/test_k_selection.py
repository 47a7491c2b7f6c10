"""Choosing k: which one is suggested, and what is said of it."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluffy_sql.kmeans.k_selection import Candidate, suggest
from fluffy_sql.operations.sweep import spread_evenly


def candidate(k: int, **changes: Any) -> Candidate:
    values: dict[str, Any] = {
        "k": k,
        "clusters": k,
        "inertia": 1_000 / k,
        "silhouette": 0.2,
        "davies_bouldin": 2.0,
        "calinski_harabasz": 50.0,
        "smallest_cluster": 10,
        "largest_cluster": 30,
        "photos_measured": 1_000,
        "stability": 0.8,
        "seconds": 1.0,
    }
    return Candidate(**(values | changes))


def peaked(best: int, ks: tuple[int, ...] = (5, 10, 20, 40, 80)) -> list[Candidate]:
    """Candidates of which silhouette, Davies-Bouldin index and stability like one the best."""
    return [
        candidate(
            k,
            silhouette=0.4 - 0.001 * abs(k - best),
            davies_bouldin=1 + 0.01 * abs(k - best),
            calinski_harabasz=500 - k,
            stability=0.9 - 0.002 * abs(k - best),
        )
        for k in ks
    ]


def changed(candidates: list[Candidate], k: int, **changes: Any) -> list[Candidate]:
    return [Candidate(**{**vars(one), **changes}) if one.k == k else one for one in candidates]


# Which k to try


def test_a_range_is_spread_evenly_in_ratio() -> None:
    assert spread_evenly(5, 80, 5, whole=True) == [5, 10, 20, 40, 80]


def test_fractions_are_told_in_two_digits_but_for_the_ends() -> None:
    assert spread_evenly(0.125, 16, 4, whole=False) == [0.125, 0.63, 3.2, 16]


@given(st.integers(2, 1_000), st.integers(1, 10_000), st.integers(2, 30))
def test_both_ends_are_tried_and_none_twice(lowest: int, more: int, steps: int) -> None:
    ks = spread_evenly(lowest, lowest + more, steps, whole=True)
    assert (ks[0], ks[-1]) == (lowest, lowest + more)
    assert ks == sorted(set(ks))
    assert len(ks) <= steps


# Which k is suggested


def test_measures_that_like_the_same_k_agree() -> None:
    found = suggest(peaked(20), 10_000)
    assert (found.value, found.measures_agree) == (20, True)
    assert found.reasons == (
        "silhouette is highest at 20 (0.400)",
        "Davies-Bouldin is lowest at 20 (1.00)",
        "stability is highest at 20 (0.90)",
        "Calinski-Harabasz is highest at 5 (495.0; at 20 480.0), the smallest k tried: it favours"
        " few clusters",
        "inertia falls with k without an elbow",
    )


def test_a_factor_of_two_is_still_agreement_and_more_is_not() -> None:
    one_step = changed(peaked(20), 40, davies_bouldin=0.5)
    assert suggest(one_step, 10_000).measures_agree
    ks = (5, 10, 20, 45, 90)
    two_steps = changed(peaked(20, ks), 45, davies_bouldin=0.5)
    found = suggest(two_steps, 10_000)
    assert (found.value, found.measures_agree) == (20, False)
    assert "Davies-Bouldin is lowest at 45 (0.50; at 20 1.00)" in found.reasons


def test_a_k_that_is_nearly_as_stable_as_the_suggestion_is_not_called_the_highest() -> None:
    candidates = changed(changed(peaked(20), 20, stability=1.0), 40, stability=0.99)
    found = suggest(candidates, 100_000)
    assert found.value == 20
    assert "stability is as good as the highest at 40 (0.99; at 20 1.00)" in found.reasons


def test_stability_elsewhere_inside_the_range_is_disagreement() -> None:
    candidates = changed(peaked(40), 10, stability=0.99)
    found = suggest(candidates, 10_000)
    assert (found.value, found.measures_agree) == (40, False)
    assert "stability is highest at 10 (0.99; at 40 0.90)" in found.reasons


def test_of_equally_stable_k_the_largest_counts() -> None:
    candidates = [Candidate(**{**vars(one), "stability": 1.0}) for one in peaked(20)]
    candidates = changed(candidates, 80, stability=0.5)
    candidates = changed(candidates, 40, stability=0.5)
    found = suggest(candidates, 10_000)
    assert (found.value, found.measures_agree) == (20, True)
    assert "stability is highest at 20 (1.00)" in found.reasons


def test_a_best_at_the_end_of_the_range_is_no_agreement() -> None:
    found = suggest(peaked(80), 10_000)
    assert (found.value, found.measures_agree) == (80, False)
    assert "80 is an end of the range: try larger k, too" in found.reasons
    assert "5 is an end of the range: try smaller k, too" in suggest(peaked(5), 10_000).reasons


def test_a_measure_that_goes_on_getting_better_says_so() -> None:
    candidates = changed(peaked(20), 80, silhouette=0.5)
    found = suggest(candidates, 10_000)
    assert (found.value, found.measures_agree) == (20, False)
    assert found.reasons[0] == (
        "silhouette is highest at 80 (0.500; at 20 0.400), an end of the range: its best may lie"
        " beyond"
    )


def test_clusters_too_small_to_judge_are_not_suggested() -> None:
    found = suggest(peaked(80), 410)
    assert found.value == 40
    assert found.reasons[-1].startswith("1 k not considered: fewer than 10 photos a cluster")


def test_fewer_clusters_than_asked_for_are_not_suggested() -> None:
    found = suggest(changed(peaked(40), 40, clusters=33), 10_000)
    assert found.value == 20
    assert "not considered" in found.reasons[-1]


UNDEFINED: dict[str, Any] = dict.fromkeys(("silhouette", "davies_bouldin", "calinski_harabasz"))


def test_equal_embeddings_have_nothing_to_suggest() -> None:
    found = suggest([candidate(k, clusters=1, **UNDEFINED) for k in (2, 3)], 5)
    assert (found.value, found.measures_agree) == (None, False)
    assert found.reasons == ("all embeddings are equal: there is nothing to suggest",)


def test_where_none_can_be_judged_one_that_has_measures_is_suggested() -> None:
    found = suggest([candidate(2, clusters=1, **UNDEFINED), candidate(3)], 5)
    assert (found.value, found.measures_agree) == (3, False)
    assert not re.search(r"-1\.0|inf\b|\b0\.0", " ".join(found.reasons))


def test_an_undefined_measure_is_no_best_and_no_worst_number() -> None:
    found = suggest([candidate(k, davies_bouldin=None) for k in (5, 10, 20)], 10_000)
    assert "Davies-Bouldin is undefined" in found.reasons
    some = changed(peaked(20), 20, calinski_harabasz=None)
    assert "Calinski-Harabasz is highest at 5 (495.0; at 20 undefined), the smallest k tried" in (
        " ".join(suggest(some, 10_000).reasons)
    )


def test_an_end_is_one_of_those_asked_for() -> None:
    few = [
        candidate(k, clusters=min(k, 7), silhouette=k / 100, davies_bouldin=1 / k)
        for k in (2, 5, 7, 10, 20)
    ]
    found = suggest(few, 10_000)
    assert found.value == 7
    assert not any("end of the range" in reason for reason in found.reasons)


def test_one_k_alone_is_suggested_without_agreement() -> None:
    found = suggest([candidate(7)], 1_000)
    assert (found.value, found.measures_agree) == (7, False)
    assert found.reasons[-1] == "1 k considered: a best between others takes at least 3"


def test_groups_that_do_not_come_out_twice_are_told() -> None:
    candidates = [Candidate(**{**vars(one), "stability": 0.1}) for one in peaked(20)]
    assert suggest(candidates, 10_000).reasons[-1] == (
        "two trainings at 20 agree to 0.10 only: these photos form no groups that come out"
        " the same each time"
    )


def test_equals_go_to_the_smaller_k() -> None:
    assert suggest([candidate(5), candidate(10), candidate(20)], 10_000).value == 5


# The elbow


def with_inertia(*inertias: float) -> list[Candidate]:
    ks = (5, 10, 20, 40, 80)
    return [
        Candidate(**{**vars(one), "inertia": inertia})
        for one, inertia in zip(peaked(20, ks), inertias, strict=True)
    ]


def test_an_elbow_is_where_inertia_stops_falling() -> None:
    found = suggest(with_inertia(1_000, 500, 250, 230, 215), 10_000)
    assert "inertia has an elbow at 20" in found.reasons


@pytest.mark.parametrize(
    "inertias", [(1_000, 500, 250, 125, 62), (1_000, 900, 800, 700, 600), (1_000, 500, 250, 125, 0)]
)
def test_a_curve_without_a_bend_has_no_elbow(inertias: tuple[float, ...]) -> None:
    assert (
        "inertia falls with k without an elbow" in suggest(with_inertia(*inertias), 10_000).reasons
    )


def test_an_elbow_elsewhere_is_disagreement() -> None:
    assert suggest(with_inertia(1_000, 500, 250, 230, 215), 10_000).measures_agree
    candidates = changed(peaked(40, (5, 10, 20, 40, 80, 160)), 5, inertia=1_000)
    for k, inertia in ((10, 500), (20, 480), (40, 460), (80, 440), (160, 420)):
        candidates = changed(candidates, k, inertia=inertia)
    found = suggest(candidates, 10_000)
    assert "inertia has an elbow at 10" in found.reasons
    assert not found.measures_agree
