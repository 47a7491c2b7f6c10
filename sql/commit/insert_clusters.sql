-- Makes the clusters of a run, in the order of the centroids, so that ids rise in that order. By the function, which
-- knows the column that a scope is written to. Timestamps are given: a table that Rails made has no defaults for them.
-- Parameters: run_id bigint, centroids vector[], scopes bigint[] (of each; null: unscoped)
-- Returns: id; one row for each centroid.
SELECT made.id
FROM make_clusters(%(run_id)s::bigint, %(centroids)b::vector[], %(scopes)s::bigint[]) AS made (id);
