-- Counts the usable photos without a cluster that are not listed, by reason.
-- Returns: without_embedding, pinned (out of all clusters, by a person); one row.
SELECT
    count(*) FILTER (WHERE usable.embedding IS NULL AND photo.cluster_pinned IS NOT TRUE) AS without_embedding,
    count(*) FILTER (WHERE photo.cluster_pinned) AS pinned
FROM usable_photos AS usable
INNER JOIN photos AS photo ON usable.id = photo.id
WHERE usable.cluster_id IS NULL;
