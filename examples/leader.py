"""Leader clustering: an algorithm of one statement, as a package of your own would bring it.

The first photo without a label leads; all within `radius` of it get its label, and so on. What has
fewer than `least` photos is left out as noise. Hartigan 1975, Clustering Algorithms, chapter 3.
"""

from pydantic import Field

from fluffy_sql.algorithms import Algorithm, AlgorithmSettings, Fit, Task
from fluffy_sql.postgres.statements import parse
from fluffy_sql.runs.labels import fit_of_labels

FOLLOW = parse("leader/follow", """-- Gives the photos near the first one without a label a label.
-- Parameters: label integer, radius double precision, clustered boolean, dimensions integer,
--   normalize boolean
-- Returns: nothing; the row count is the photos.
WITH eligible AS MATERIALIZED (
    SELECT usable.id, usable.scope, usable.embedding, stored.xmin AS row_version
    FROM usable_photos AS usable
    INNER JOIN photos AS stored ON usable.id = stored.id
    WHERE (usable.cluster_id IS NULL OR %(clustered)s::boolean)
        AND vector_dims(usable.embedding) = %(dimensions)s::integer
        AND (vector_norm(usable.embedding) > 0 OR NOT %(normalize)s::boolean)
        AND NOT EXISTS (SELECT FROM work_assignments WHERE photo_id = usable.id)
)
INSERT INTO work_assignments (photo_id, label, row_version)
SELECT near.id, %(label)s::integer, near.row_version
FROM eligible AS near
INNER JOIN (SELECT * FROM eligible ORDER BY id LIMIT 1) AS leader
    ON near.scope IS NOT DISTINCT FROM leader.scope
WHERE CASE WHEN %(normalize)s::boolean THEN near.embedding <=> leader.embedding
    ELSE near.embedding <-> leader.embedding END <= %(radius)s::double precision;
""")  # fmt: skip
LEAVE_OUT = parse("leader/leave_out", """-- Takes the label from photos that have few beside them.
-- Parameters: least bigint
-- Returns: nothing; the row count is the photos.
DELETE FROM work_assignments WHERE label IN (
    SELECT label FROM work_assignments GROUP BY label HAVING count(*) < %(least)s::bigint
);
""")  # fmt: skip


class LeaderSettings(AlgorithmSettings):
    radius: float = Field(default=0.3, gt=0, description="a distance, more than 0")
    least: int = Field(default=5, ge=1, description="a whole number from 1 up")


class Leader(Algorithm[LeaderSettings]):
    settings = LeaderSettings

    def fit(self, task: Task[LeaderSettings]) -> Fit:
        task.log.phase("assign")
        asked = {"clustered": task.reclusters, "dimensions": task.survey.dimensions,
                 "normalize": task.normalize, "radius": task.settings.radius}  # fmt: skip
        label = 0
        while photos := task.session.execute(FOLLOW, label=label, **asked):
            task.log.photos(photos)
            label += 1
        noise = task.session.execute(LEAVE_OUT, least=task.settings.least)
        return fit_of_labels(task, left_out={"noise": noise})
