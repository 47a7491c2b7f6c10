-- Lists the usable photos that have an embedding and no cluster, and may get one.
-- Returns: nothing; the row count is how many there are.
INSERT INTO work_candidates (position, photo_id, scope)
SELECT
    row_number() OVER (ORDER BY usable.scope ASC NULLS FIRST, usable.id ASC) AS position,
    usable.id AS photo_id,
    usable.scope
FROM usable_photos AS usable
INNER JOIN photos AS photo ON usable.id = photo.id
WHERE usable.cluster_id IS NULL AND usable.embedding IS NOT NULL AND photo.cluster_pinned IS NOT TRUE;
