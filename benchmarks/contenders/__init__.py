"""What is compared. Each contender is a module with `run(url, k)`, which clusters the table there.

If it knows how long its phases took, it returns that: seconds by phase.

The modules are imported only by the process that runs one: each brings libraries of its own, and
its memory is measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass

REFERENCE = "fluffy_sql"
REFERENCE_WITHOUT_K = "leiden"
FLOOR = "floor"

_MOST_INDEXED = 20_000
_IF_INDEXED = f"up to {_MOST_INDEXED:,} photos, unless it is named"


@dataclass(frozen=True)
class Contender:
    """One way to cluster, and where it makes sense.

    Attributes:
        name: as reports show it.
        what: as reports explain it.
        labels: whether it leaves labels whose inertia can be measured.
        least_k: below it, nobody would do this.
        most_pairs: with more rows times k, it would take too long.
        by_k: whether it is asked for k clusters; else it finds as many as there are, and may leave
            photos out.
        most_rows: with more, it would take too long.
        ours: whether it does what a command of this project does.
        source: a table of the same photos, to which its library is attached, in a schema of the
            same name; None: it clusters the table `photos`, which is adopted.
        indexed: whether there is an HNSW index on the embeddings.
    """

    name: str
    what: str
    labels: bool = True
    least_k: int = 1
    most_pairs: int | None = None
    by_k: bool = True
    most_rows: int | None = None
    ours: bool = False
    source: str | None = None
    indexed: bool = False

    @property
    def module(self) -> str:
        """The module to import."""
        return f"benchmarks.contenders.{self.name.replace('-', '_')}"

    @property
    def schema(self) -> str:
        """Where its library lies: as installed, if it is adopted."""
        return self.source or "fluffy_sql"

    def makes_sense(self, rows: int, k: int | None) -> bool:
        """Whether to run it if nobody asked for it by name."""
        if self.most_rows is not None and rows > self.most_rows:
            return False
        if k is None:
            return True
        return k >= self.least_k and (self.most_pairs is None or rows * k <= self.most_pairs)


CONTENDERS = (
    Contender(REFERENCE, "clusters in the database, this project", ours=True),
    Contender("attached", "the same, attached to a table", ours=True, source="pictures"),
    Contender(
        "attached-hnsw",
        f"the same, attached to a table with an HNSW index; {_IF_INDEXED}",
        ours=True,
        source="indexed_pictures",
        indexed=True,
        most_rows=_MOST_INDEXED,
    ),
    Contender(
        "adopted-hnsw",
        f"the same as {REFERENCE}, if the table has an HNSW index; {_IF_INDEXED}",
        ours=True,
        indexed=True,
        most_rows=_MOST_INDEXED,
    ),
    Contender("sklearn-select", "scikit-learn MiniBatchKMeans, fed by SELECT"),
    Contender("sklearn-copy", "the same, fed by binary COPY parsed as one NumPy array"),
    Contender("faiss-select", "FAISS Kmeans (25 iterations, 256 photos a cluster), fed by SELECT"),
    Contender("faiss-select-binary", "the same, fed by SELECT with values in binary"),
    Contender("faiss-copy", "the same, fed by binary COPY parsed as one NumPy array"),
    Contender(
        "sklearn-kmeans",
        "scikit-learn KMeans (n_init=1), fed by binary COPY; up to 25 million photos times k",
        most_pairs=25_000_000,
    ),
    Contender(
        "pgvector-ivfflat",
        "CREATE INDEX ... USING ivfflat with k lists, k >= 200: clusters, but gives no labels",
        labels=False,
        least_k=200,
    ),
    Contender(
        FLOOR,
        "fetches each embedding once and updates each row once, clustering nothing",
        labels=False,
    ),
    Contender(REFERENCE_WITHOUT_K, "the algorithm leiden of this project", by_k=False, ours=True),
    Contender("graph", "its graph of neighbours alone", labels=False, by_k=False, ours=True),
    Contender(
        "duplicates",
        "the near-duplicates that this project finds",
        labels=False,
        by_k=False,
        ours=True,
    ),
    Contender("evoc-copy", "EVoC, compiled before, fed by binary COPY", by_k=False),
    Contender(
        "hdbscan-copy",
        "scikit-learn HDBSCAN, fed by binary COPY; up to 10,000 photos",
        by_k=False,
        most_rows=10_000,
    ),
    Contender(
        "dbscan",
        "the algorithm dbscan of this project (min_samples=5, eps as below, found in SQL)",
        by_k=False,
        ours=True,
    ),
    Contender(
        "dbscan-copy",
        "scikit-learn DBSCAN (min_samples=5, eps=median distance to the 5th neighbour), fed by"
        " binary COPY; up to 30,000 photos",
        by_k=False,
        most_rows=30_000,
    ),
)


def entrants(
    contenders: Sequence[Contender], rows: int, k: int | None, *, limits: bool
) -> list[Contender]:
    """Who of them runs at a size.

    Args:
        contenders: who takes part.
        rows: photos in the table.
        k: clusters asked for; None: they find out how many.
        limits: whether to leave out what makes no sense.
    """
    return [
        contender
        for contender in contenders
        if contender.by_k == (k is not None) and (contender.makes_sense(rows, k) or not limits)
    ]


def contender_named(name: str) -> Contender:
    """The contender of that name.

    Raises:
        KeyError: there is none.
    """
    return {contender.name: contender for contender in CONTENDERS}[name]
