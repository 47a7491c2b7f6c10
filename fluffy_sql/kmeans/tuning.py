"""Numbers that k-means goes by and that no setting changes: measured, not chosen by users."""

from dataclasses import dataclass

# Share of photos whose nearest centroid must be among those they are compared with.
LEAST_RECALL = 0.99


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """For measurements, and for tests that treat a small library like a large one."""

    # A sample is never smaller, unless the library is: with few clusters it costs next to nothing.
    least_sample: int = 8_192
    # What the search for a start may hold in memory, as float4 rows, unless there are so many
    # clusters that each would have fewer rows than this. (It is held twice for a while.)
    seeding_bytes: int = 8 * 2**20
    least_seeding_per_cluster: int = 3
    # Seeds far from each other (k-means++) take a time that grows with the square of k; without it
    # any rows are seeds.
    seeds_apart: bool = True
    # Of rows that are fetched, those of one statement, as float4.
    fetched_bytes: int = 2 * 2**20
    # Photos from which directions are found, and others that show whether candidates suffice.
    most_photos: int = 2_048
    # A message to Postgres ends at 1 GiB; a statement gets all centroids in one, beside other
    # things.
    most_bytes: int = 1_000_000_000

    # Fewer centroids are all compared: cells would cost what they save (k=200: 113 cells).
    least_centroids: int = 300
    # What share of rows must find their centroid among the candidates around their last one: else
    # it is sought in cells, or among all. Rows that stray from theirs find it late or never, so
    # this decides how many photos have the nearest in the end: at k=1,000, with 32 candidates and
    # 0.99, 992 to 994 of 1,000, with 64 and 0.995 some 995.
    least_recall_of_rows: float = 0.995
    # A row that is new in the batch may find its centroid in the next step.
    least_recall_at_first: float = 0.97
    # The same in the final pass, in which all that strayed before counts, too.
    least_recall_of_photos: float = LEAST_RECALL

    # No sample is drawn of fewer photos, so nothing is gained by clustering such a scope alone; and
    # a step over this many takes as long as the ten or so statements that many steps of one scope
    # would take.
    small_scope: int = 8_192
    # The centroids of all scopes of a batch, which are held a few times over.
    centroid_bytes: int = 8 * 2**20
