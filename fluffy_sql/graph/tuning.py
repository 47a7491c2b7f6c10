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

    # Bytes of a sketch, with what else comes of a photo 150, and coordinates in it: the first have
    # a byte, of the others two share one. Of the 15 nearest of 100,000 made photos of 512
    # dimensions 0.97 are among the 33 whose sketches are nearest (49 with 74 coordinates, December
    # 2026).
    sketch_width: int = 74
    sketch_axes: int = 128
    # Cells of sketches for each square root of photos, and how they are trained. Some 50 photos lie
    # in one of 100,000.
    cells_of_sketches: float = 6
    sample_per_cell: int = 16
    cell_steps: int = 2
    # Candidates of a row are sought among this many times as many rows around it: a row costs the
    # client 4 ns there, and a candidate the server 0.8 us. Looked for first are this many for each
    # neighbour that is sought.
    candidates_of_neighbour: float = 2.5
    rows_around: int = 60
    # If they are too few, this many times as many.
    more_candidates: float = 1.2
    # More than the 0.95 that is promised, since themes suffer: of 100,000 made photos they agree
    # with what these are of to 0.884 (NMI) at a recall of 0.968, and to 0.890 at 0.979.
    sought_recall: float = 0.98
    # But no photo is compared with more than this many, though it would take more: of photos at
    # random all. So 1 ms a photo and connection (512 dimensions).
    most_compared: int = 1_000
    # Photos that the recall is measured on, some at a time, until this many pairs were compared;
    # these in pieces, for connections to share. By their sketches 3 to 8 % of all are compared, of
    # photos at random all. From this share up a pair costs less if all are compared.
    checked_photos: int = 128
    most_checked: int = 1_024
    checked_pairs: int = 600_000
    checks: int = 4
    pairs_at_once: int = 32_768
    share_of_all: float = 0.15

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
