"""What is compared. Each contender is a module with `run(url, k)`, which clusters the table there.

The modules are imported only by the process that runs one: each brings libraries of its own, and
its memory is measured.
"""

from dataclasses import dataclass

REFERENCE = "fluffy_sql"
REFERENCE_WITHOUT_K = "leiden"
FLOOR = "floor"


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
    """

    name: str
    what: str
    labels: bool = True
    least_k: int = 1
    most_pairs: int | None = None
    by_k: bool = True
    most_rows: int | None = None

    @property
    def module(self) -> str:
        """The module to import."""
        return f"benchmarks.contenders.{self.name.replace('-', '_')}"

    def makes_sense(self, rows: int, k: int | None) -> bool:
        """Whether to run it if nobody asked for it by name."""
        if k is None:
            return self.most_rows is None or rows <= self.most_rows
        return k >= self.least_k and (self.most_pairs is None or rows * k <= self.most_pairs)


CONTENDERS = (
    Contender(REFERENCE, "clusters in the database, this project"),
    Contender("sklearn-select", "scikit-learn MiniBatchKMeans, fed by SELECT"),
    Contender("sklearn-copy", "the same, fed by binary COPY parsed as one NumPy array"),
    Contender("faiss-select", "FAISS Kmeans (25 iterations, 256 photos a cluster), fed by SELECT"),
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
    Contender(REFERENCE_WITHOUT_K, "the algorithm leiden of this project", by_k=False),
    Contender("graph", "its graph of neighbours alone", labels=False, by_k=False),
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
    ),
    Contender(
        "dbscan-copy",
        "scikit-learn DBSCAN (min_samples=5, eps=median distance to the 5th neighbour), fed by"
        " binary COPY; up to 30,000 photos",
        by_k=False,
        most_rows=30_000,
    ),
)


def contender_named(name: str) -> Contender:
    """The contender of that name.

    Raises:
        KeyError: there is none.
    """
    return {contender.name: contender for contender in CONTENDERS}[name]
