-- Notes the photos of some scopes and the versions of their rows, before any embedding is read: a photo that changes
-- later is not as it was looked at, and is left for the next run.
-- Parameters: scopes bigint[], unscoped boolean (also those without a scope), clustered boolean (also those in a
--   cluster)
-- Returns: nothing; the row count is the photos.
INSERT INTO work_assignments (photo_id, label, row_version)
SELECT
    usable.id,
    -2 AS label,
    stored.xmin AS row_version
FROM usable_photos AS usable
INNER JOIN photos AS stored ON usable.id = stored.id
WHERE
    (usable.scope = any(%(scopes)s::bigint[]) OR (usable.scope IS NULL AND %(unscoped)s::boolean))
    AND (%(clustered)s::boolean OR usable.cluster_id IS NULL)
    AND usable.embedding IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM work_duplicates AS aside
        WHERE aside.photo_id = usable.id
    );
