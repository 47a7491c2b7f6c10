"""Numbers that the graph goes by and that no setting changes: measured, not chosen by users."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """For measurements, and for tests that treat a small library like a large one."""

    # Photos of a scope that are all compared with each other: 8,192 x 512 take 6 s on two cores.
    few: int = 8_192
    # Rows that a statement looks from, and rows that are read into arrays at once.
    rows_at_once: int = 512
    rows_of_block: int = 2_048

    # Cells are trained briefly: what they miss costs a few more probes. On 4,114 CLIP embeddings
    # four of the cells around a photo's own hold 0.985 of its 15 nearest neighbours.
    photos_per_cell: int = 100
    sample_per_cell: int = 16
    cell_steps: int = 10
    # Cells that a row looks into at first, and among how many times as many around its own.
    least_probes: int = 4
    width: int = 8
    # A little more than is promised, since the sample is small.
    sought_recall: float = 0.96
    checked_photos: int = 256
    checks: int = 8
