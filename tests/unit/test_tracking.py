"""How many rows are averaged together, so that the means that come back are not too many bytes."""

import pytest

from fluffy_sql.kmeans.nearest.tracking import rows_of_piece


@pytest.mark.parametrize(
    ("rows", "k", "width", "pieces"),
    [
        (128_000, 1_000, 128, 4),  # 32 rows for each centroid
        (128_000, 1_000, 768, 2),  # 3 MB of means each
        (640_000, 5_000, 768, 2),  # never one alone: two connections share them
    ],
)
def test_means_of_many_centroids_come_in_few_pieces(
    rows: int, k: int, width: int, pieces: int
) -> None:
    assert rows_of_piece(rows, k, width) == rows // pieces
