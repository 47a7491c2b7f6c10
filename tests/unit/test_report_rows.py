"""Rows of photos that fill the width."""

import numpy as np
import pytest

from fluffy_sql.operations.report.justify import Fit, justify


def rows(ratios: list[float]) -> list[list[Fit]]:
    fits = justify(ratios)
    assert len(fits) == len(ratios)
    found = []
    while fits:
        found.append(fits[: fits[0].in_row])
        fits = fits[fits[0].in_row :]
    return found


@pytest.mark.parametrize("photos", [7, 12, 36, 200])
def test_rows_are_full_and_about_as_high(photos: int) -> None:
    ratios = [float(one) for one in np.random.default_rng(0).uniform(0.46, 2.2, photos)]
    begin = 0
    for row in rows(ratios):
        assert all(fit.in_row == len(row) for fit in row)
        assert sum(fit.share for fit in row) == pytest.approx(1)
        assert all(fit.grows for fit in row)
        height = 1_376 / sum(ratios[begin : begin + len(row)])
        assert 100 < height <= 240
        # As wide as it is for its height.
        shares = [fit.share / ratio for fit, ratio in zip(row, ratios[begin:], strict=False)]
        assert max(shares) == pytest.approx(min(shares))
        begin += len(row)


def test_too_few_photos_do_not_become_giants() -> None:
    [one] = justify([1.5])
    assert one.share == pytest.approx(1.5 * 240 / 1_376)
    assert not one.grows
    assert [fit.in_row for fit in justify([1.0, 1.0])] == [2, 2]
    assert justify([]) == []


def test_rather_two_rows_of_six_than_one_of_twelve() -> None:
    assert [len(row) for row in rows([1.0] * 12)] == [6, 6]
