"""Numbers that the graph goes by and that no setting changes: measured, not chosen by users."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """For measurements, and for tests that treat a small library like a large one."""

    # Photos of a scope that are all compared with each other: 4,114 x 512 take 3 s on two busy
    # cores (November 2026).
    few: int = 5_000
    # Rows that a statement looks from, and rows that are read into arrays at once.
    rows_at_once: int = 512
    rows_of_block: int = 2_048

    # Cells are trained briefly, from any photos: 10 steps on twice as many photos took 4 s more for
    # 100,000 photos, and found no more neighbours; nor did k-means++, which at 10,000 cells takes
    # as long as all else.
    photos_per_cell: int = 100
    sample_per_cell: int = 8
    cell_steps: int = 3
    # Cells that a row looks into at first, and among how many times as many around its own. Four
    # hold 0.98 of the 15 nearest of 4,114 CLIP embeddings, and 0.99 of 100,000 made ones.
    least_probes: int = 4
    width: int = 8
    # A little more than the 0.95 that is promised, since the sample is small.
    sought_recall: float = 0.96
    # But no photo is compared with more than this many on the mean, though it would take more: of
    # photos at random all. 0.2 us each, so 1 ms a photo and connection (512 dimensions).
    most_compared: int = 5_000
    checked_photos: int = 256
    checks: int = 8

    # Of a scope whose pairs are sought: cells for each square root of its photos. A row is compared
    # with half of the centers, and then with fewer rows the smaller cells are.
    cells_of_root: float = 2
    # Rows that a statement pairs: the more, the less often a cell is read.
    rows_of_pairs: int = 1_024
    # Cells, or small scopes, in which equal photos are sought at once.
    blocks_at_once: int = 16
    # What all pairs may take: 12 bytes each, twice for a moment.
    most_pairs: int = 20_000_000
    # About how many a sweep looks for.
    pairs_of_sweep: int = 4_000_000
