"""A year of a library in 52 weeks: photos come, go and change, people name, merge and set aside."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.operations.prune import prune_clusters
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.transaction import LockLimits
from tests import running
from tests.conftest import add_photos
from tests.integration.helpers import execute, query

WEEKS = 52
THEMES = 24
DIMENSIONS = 24
HISTORY = 10
KS = (40, 60, 30)
BOUNDED = (
    *("cluster_run_moves", "cluster_run_clusters", "cluster_run_steps", "cluster_quality"),
    *("cluster_levels", "retired_clusters", "photo_count_changes", "cluster_run_checkpoints"),
)


@dataclass
class Year:
    """What happens to a library, drawn by a seed; a photo's path begins with its theme."""

    session: Session
    generator: np.random.Generator = field(default_factory=lambda: np.random.default_rng(52))
    photos: int = 0

    def __post_init__(self) -> None:
        self.centers = np.linalg.qr(self.generator.normal(size=(DIMENSIONS, DIMENSIONS)))[0]

    def embeddings(self, themes: NDArray[np.int64]) -> NDArray[np.float32]:
        noise = 0.06 * self.generator.normal(size=(len(themes), DIMENSIONS))
        return (self.centers[themes] + noise).astype(np.float32)

    def add(self, photos: int) -> None:
        themes = self.generator.integers(THEMES, size=photos)
        paths = [f"{theme}/{self.photos + i}.jpg" for i, theme in enumerate(themes)]
        add_photos(self.session, self.embeddings(themes), paths)
        self.photos += photos

    def embed_again(self) -> None:
        """Another picture is at the path: it shows another theme.

        Of photos that a run placed: those that a person placed stay, whatever they show later.
        """
        found = query(
            self.session,
            "SELECT id FROM photos JOIN (SELECT DISTINCT ON (photo_id) photo_id, to_cluster_id"
            " FROM cluster_moves ORDER BY photo_id, run_id DESC) AS placed"
            " ON placed.photo_id = id AND placed.to_cluster_id = cluster_id"
            " ORDER BY md5(path) LIMIT 5",
        )
        for (photo_id,), theme in zip(found, self.generator.integers(THEMES, size=5), strict=True):
            [embedding] = self.embeddings(np.array([theme]))
            self.session.connection.execute(
                "UPDATE photos SET embedding = %s, path = %s WHERE id = %s",
                (embedding, f"{theme}/again-{photo_id}-{self.generator.integers(10**9)}", photo_id),
            )

    def name_largest(self) -> None:
        """A person looks at the largest clusters without a name, and names what is to be seen."""
        for (cluster_id,) in query(
            self.session,
            "SELECT id FROM clusters WHERE name IS NULL AND photos_count > 0"
            " ORDER BY photos_count DESC, id LIMIT 2",
        ):
            execute(
                self.session,
                f"UPDATE clusters SET name = '{self.theme_of(cluster_id)}' WHERE id = {cluster_id}",
            )

    def merge_twins(self) -> None:
        """A person sees two clusters of one name and makes them one."""
        twins = query(
            self.session,
            "SELECT min(id), max(id) FROM clusters WHERE photos_count > 0"
            " GROUP BY name HAVING count(*) > 1 AND name IS NOT NULL ORDER BY 1 LIMIT 1",
        )
        for kept, merged in twins:
            execute(
                self.session,
                f"UPDATE photos SET cluster_id = {kept} WHERE cluster_id = {merged}",
                f"DELETE FROM clusters WHERE id = {merged}",
            )

    def theme_of(self, cluster_id: int) -> str:
        """The theme of most of its photos."""
        shown = Counter(
            path.partition("/")[0]
            for (path,) in query(
                self.session,
                "SELECT path FROM photos WHERE cluster_id = %s ORDER BY path",
                cluster_id,
            )
        )
        return str(shown.most_common(1)[0][0])


def rows(session: Session) -> dict[str, int]:
    return {name: query(session, f"SELECT count(*) FROM {name}")[0][0] for name in BOUNDED}


def test_names_stay_on_their_themes_and_tables_stay_small(session: Session) -> None:
    year = Year(session)
    year.add(800)
    running.generate(session, running.settings(k=KS[0], history=HISTORY))
    sizes = []
    for week in range(WEEKS):
        year.add(12)
        taken_away = "SELECT id FROM photos ORDER BY md5(path) DESC LIMIT 10"
        execute(session, f"DELETE FROM photos WHERE id IN ({taken_away})")
        year.embed_again()
        running.assign(session, moved=True)
        if week % 4 == 3:
            k = KS[week // 4 % len(KS)]
            running.generate(session, running.settings(k=k, history=HISTORY), recluster=True)
            in_use = "SELECT count(*) FROM clusters WHERE photos_count > 0"
            assert query(session, in_use) == [(k,)]
            pruned = prune_clusters(session, LockLimits())
            assert all(cluster.name for cluster in pruned.kept)
        year.name_largest()
        year.merge_twins()
        named = query(
            session, "SELECT id, name FROM clusters WHERE name IS NOT NULL AND photos_count > 0"
        )
        assert [name for _, name in named] == [year.theme_of(found) for found, _ in named]
        assert running.check(session).findings == ()
        sizes.append(rows(session))
    retired = "SELECT count(*) FROM clusters WHERE photos_count = 0"
    assert query(session, retired)[0][0] <= THEMES
    runs = "SELECT count(DISTINCT run_id) FROM cluster_run_moves"
    assert query(session, runs)[0][0] <= HISTORY
    half, whole = sizes[WEEKS // 2], sizes[-1]
    assert {name: whole[name] for name in BOUNDED if whole[name] > 1.5 * half[name] + 50} == {}
