-- Makes the clusters of a run, in the order of the centroids, so that ids rise in that order.
-- Timestamps are given: a table that Rails made has no defaults for them.
-- Parameters: run_id bigint, centroids vector[]
-- Returns: id; one row for each centroid.
INSERT INTO clusters (status, photos_count, centroid, run_id, created_at, updated_at)
SELECT
    0 AS status,
    0 AS photos_count,
    made.centroid,
    %(run_id)s::bigint AS run_id,
    now() AS created_at,
    now() AS updated_at
FROM unnest(%(centroids)b::vector[]) WITH ORDINALITY AS made (centroid, place)
ORDER BY made.place
RETURNING id;
