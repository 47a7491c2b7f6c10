-- Makes the clusters of a run, in the order of the centroids, so that ids rise in that order. By the view, which knows
-- the column that a scope is written to.
-- Timestamps are given: a table that Rails made has no defaults for them.
-- Parameters: run_id bigint, centroids vector[], scopes bigint[] (of each)
-- Returns: id; one row for each centroid.
INSERT INTO scoped_clusters (status, photos_count, centroid, run_id, scope, created_at, updated_at)
SELECT
    0 AS status,
    0 AS photos_count,
    made.centroid,
    %(run_id)s::bigint AS run_id,
    made.scope,
    now() AS created_at,
    now() AS updated_at
FROM unnest(%(centroids)b::vector[], %(scopes)s::bigint[]) WITH ORDINALITY AS made (centroid, scope, place)
ORDER BY made.place
RETURNING id;
