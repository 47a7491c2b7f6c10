"""The final transaction of a run: clusters, photos, counts and the record, or none of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fluffy_sql.algorithms import LEFT_OUT, Fit
from fluffy_sql.errors import PostconditionError
from fluffy_sql.postgres.counter_cache import moves_are_counted
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import LONGEST_VECTOR, fingerprint_vector
from fluffy_sql.runs.cluster_matching import OldCluster, Overlap, match_clusters
from fluffy_sql.runs.following import leave_changed_in_source
from fluffy_sql.runs.measures import Measures
from fluffy_sql.runs.moves import Changes, ClusterChange, Move, move_photos, prune_moves
from fluffy_sql.runs.quality import ClusterQuality, Quality
from fluffy_sql.runs.record import RunResult
from fluffy_sql.settings import ClusteringSettings
from fluffy_sql.words import count

# The postcondition compares this many photos with every centroid; at most this many pairs.
_CHECKED_PHOTOS = 1_000
_CHECKED_PAIRS = 300_000


@dataclass(frozen=True)
class Outcome:
    """What is about to be committed.

    Attributes:
        fit: the labels and centroids.
        skipped: photos that stay as they are, by reason.
        quality: of all clusters together.
        clusters: of each, if it was measured.
        reads_other_tables: whether what usable_photos shows of a photo may have changed since,
            although its row did not.
    """

    fit: Fit
    skipped: dict[str, int]
    quality: Quality
    clusters: list[ClusterQuality]
    reads_other_tables: bool = False


class FinalTransaction:
    """Writes what a run found. Call its methods inside one transaction.

    Args:
        session: the run's main connection, in a transaction.
        run_id: the run.
        settings: what it was asked for.
        outcome: what it found.
    """

    def __init__(
        self, session: Session, run_id: int, settings: ClusteringSettings, outcome: Outcome
    ) -> None:
        self._session = session
        self._run_id = run_id
        self._settings = settings
        self._outcome = outcome
        self._fit = outcome.fit

    def place(self) -> Changes:
        """Makes a cluster for each label and puts photos without a cluster into them.

        Raises:
            PostconditionError: the result breaks a promise.
        """
        self._leave_changed()
        self._keep_neighbours()
        cluster_ids = self._insert(range(len(self._fit.labels)))
        moves = self._move(cluster_ids)
        # Asked after photos are written: from then on nobody can make or drop a trigger.
        if not moves_are_counted(self._session):
            self._session.execute(
                "commit/write_counts",
                cluster_ids=[move.to_cluster_id for move in moves],
                photos=[move.photos for move in moves],
            )
        return self._finish(cluster_ids, cluster_ids, moves)

    def replace(self) -> Changes:
        """Puts all photos into the clusters of the run; old ones that continue are kept.

        A new cluster that continues an old one takes its id, and with it its name, its status and
        all that refers to it. Old clusters without a successor are retired: somebody may have
        named them, and rows of an application may refer to them.

        Raises:
            PostconditionError: the result breaks a promise.
        """
        self._leave_changed()
        self._keep_neighbours()
        old = self._session.fetch_as(OldCluster, "commit/lock_old_clusters")
        self._session.execute(
            "commit/record_old_clusters",
            run_id=self._run_id,
            cluster_ids=[cluster.id for cluster in old],
            photos=[cluster.photos for cluster in old],
        )
        matched = self._match(old)
        self._keep(matched)
        new = [place for place in range(len(self._fit.labels)) if place not in matched]
        created = self._insert(new)
        ids = matched | dict(zip(new, created, strict=True))
        cluster_ids = [ids[place] for place in range(len(self._fit.labels))]
        moves = self._move(cluster_ids)
        if not moves_are_counted(self._session):
            self._session.execute("commit/recount", cluster_ids=None)
        for name in (
            "commit/record_kept_clusters",
            "commit/return_clusters",
            "commit/retire_clusters",
        ):
            self._session.execute(name, run_id=self._run_id)
        return self._finish(cluster_ids, created, moves)

    def _keep_neighbours(self) -> None:
        if self._fit.keeps_neighbours:
            self._session.execute("commit/forget_neighbours")
            self._session.execute(
                "commit/keep_neighbours",
                run_id=self._run_id,
                metric=self._settings.metric,
                fingerprint_vector=fingerprint_vector(LONGEST_VECTOR),
            )

    def _match(self, old: list[OldCluster]) -> dict[int, int]:
        if not (old and len(self._fit.labels)):
            return {}
        shared = self._session.fetch_as(
            Overlap, "commit/count_overlaps", labels=self._fit.labels.tolist()
        )
        spread = float(np.sqrt((self._fit.inertia or 0.0) / self._fit.photos.sum()))
        return match_clusters(shared, self._fit.centroids, self._fit.scopes, spread, old)

    def _leave_changed(self) -> None:
        """Leaves photos that the view now shows with another owner or embedding to the next run."""
        leave_changed_in_source(self._session)
        if not self._outcome.reads_other_tables:
            return
        self._session.execute(
            "commit/forget_changed",
            labels=[*self._fit.labels.tolist(), LEFT_OUT],
            scopes=[*self._fit.scopes, None],
            normalize=self._settings.normalize,
            fingerprint_vector=fingerprint_vector(LONGEST_VECTOR),
        )

    def _keep(self, matched: dict[int, int]) -> None:
        """Gives continued clusters the centroids of the run."""
        places = list(matched)
        if not places:
            return
        self._session.execute(
            "commit/keep_clusters",
            run_id=self._run_id,
            cluster_ids=list(matched.values()),
            centroids=self._session.vector_array(self._fit.centroids[places]),
        )

    def _insert(self, places: Sequence[int]) -> list[int]:
        """Makes clusters of these centroids; returns their ids in the same order."""
        if not len(places):
            return []
        made = self._session.fetch_all(
            "commit/insert_clusters",
            run_id=self._run_id,
            centroids=self._session.vector_array(self._fit.centroids[list(places)]),
            scopes=[self._fit.scopes[place] for place in places],
        )
        return sorted(row["id"] for row in made)

    def _move(self, cluster_ids: list[int]) -> list[Move]:
        """Photos go into the clusters of their labels; what was left out goes into none."""
        labels = [*self._fit.labels.tolist(), LEFT_OUT]
        return move_photos(self._session, self._run_id, labels, [*cluster_ids, None])

    def close(self, result: RunResult) -> None:
        """Closes the run's record."""
        quality = result.quality
        assert quality is not None  # noqa: S101 - a result of nothing is not committed
        self._session.execute(
            "commit/close_run",
            run_id=self._run_id,
            photos_processed=result.photos_processed,
            photos_moved=result.photos_moved,
            skipped=json.dumps(result.skipped),
            clusters_created=result.clusters_created,
            clusters_kept=result.clusters_kept,
            inertia=result.inertia,
            iterations=result.iterations,
            converged=result.converged,
            recall=result.recall,
            **quality.measures(),
            embeddings_digest=result.embeddings_digest,
            scopes=result.scopes,
            seconds=json.dumps(result.seconds),
        )
        self._session.execute("commit/drop_checkpoint", run_id=self._run_id)
        prune_moves(self._session, keep=self._settings.history)

    def _finish(self, cluster_ids: list[int], created: list[int], moves: list[Move]) -> Changes:
        for name in ("commit/drop_empty_clusters", "commit/record_new_clusters"):
            self._session.execute(name, run_id=self._run_id, cluster_ids=created)
        self._check(cluster_ids)
        self._keep_quality(cluster_ids)
        clusters = self._session.fetch_as(
            ClusterChange, "commit/list_cluster_changes", run_id=self._run_id
        )
        moves.sort(
            key=lambda move: (-move.photos, move.from_cluster_id or 0, move.to_cluster_id or 0)
        )
        return Changes(tuple(clusters), tuple(moves))

    def _keep_quality(self, cluster_ids: list[int]) -> None:
        measured = self._outcome.clusters
        self._session.execute(
            "commit/write_cluster_quality",
            run_id=self._run_id,
            metric=self._settings.metric,
            labels=self._fit.labels.tolist(),
            cluster_ids=cluster_ids,
            measured_labels=[cluster.label for cluster in measured],
            silhouettes=[cluster.silhouette for cluster in measured],
            davies_bouldins=[cluster.davies_bouldin for cluster in measured],
            photos_measured=[cluster.photos_measured for cluster in measured],
        )
        for level, numbers in enumerate(self._fit.levels, start=1):
            self._session.execute(
                "commit/write_cluster_levels",
                run_id=self._run_id,
                cluster_ids=cluster_ids,
                level=level,
                numbers=numbers.tolist(),
            )

    def _check(self, cluster_ids: list[int]) -> None:
        """Holds the result to its promises before it is committed."""
        if not np.isfinite(self._fit.centroids).all():
            raise PostconditionError(
                f"run {self._run_id}: a centroid is not finite; nothing was written"
            )
        if self._fit.recall is None or not cluster_ids:
            return
        photos = max(1, min(_CHECKED_PHOTOS, _CHECKED_PAIRS // len(cluster_ids)))
        # Twice what may be missed: this sample is a small one.
        most = 2 * (1 - self._fit.least_recall) * photos
        misplaced = self._count_misplaced(cluster_ids, photos)
        if misplaced > most and self._session.attached:
            # The source is not locked: what was embedded anew since it was placed does not count.
            leave_changed_in_source(self._session)
            misplaced = self._count_misplaced(cluster_ids, photos)
        if misplaced > most:
            raise PostconditionError(
                f"run {self._run_id}: {count(misplaced, 'photo')} of the sample checked not at the"
                " nearest centroid; nothing was written"
            )

    def _count_misplaced(self, cluster_ids: list[int], photos: int) -> int:
        """Of a sample of photos, those that are not at their nearest centroid."""
        misplaced: int = self._session.fetch_value(
            "commit/count_misplaced",
            labels=self._fit.labels.tolist(),
            cluster_ids=cluster_ids,
            normalize=self._settings.normalize,
            seed=self._settings.seed,
            photos=photos,
        )
        return misplaced


def quality_of_run(outcome: Outcome, changes: Changes) -> Measures:
    """A run's quality for the record: measures, and the sizes of the clusters that have photos."""
    sizes = [cluster.photos for cluster in changes.clusters if cluster.photos]
    return replace(
        Measures(**outcome.quality.measures()),
        smallest_cluster=min(sizes, default=0),
        largest_cluster=max(sizes, default=0),
    )
