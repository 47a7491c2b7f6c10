-- Counts what was found of the photos without a cluster, by what keeps them from getting one. Only those that no
-- cluster could be found for are looked at once more.
-- Parameters: normalize boolean, scopes bigint[], dimensions integer[] (scopes and lengths of the centroids there are)
-- Returns: looked_at, undecided (its neighbours agree on no cluster), noise (no core photo is near), too_far,
--   without_limit (it would go to a cluster whose distances at training are not known), zero_vector, no_cluster (none
--   of their scope has a centroid of their length); one row.
SELECT
    count(*) AS looked_at,
    count(*) FILTER (WHERE assignment.label = -3) AS undecided,
    count(*) FILTER (WHERE assignment.label = -4) AS noise,
    count(*) FILTER (WHERE assignment.label = -1) AS too_far,
    count(*) FILTER (WHERE assignment.label = -2) AS without_limit,
    count(*) FILTER (WHERE there.dimensions IS NOT NULL AND photo.norm = 0) AS zero_vector,
    count(*) FILTER (WHERE photo.dimensions IS NOT NULL AND there.dimensions IS NULL) AS no_cluster
FROM work_candidates AS candidate
LEFT JOIN work_assignments AS assignment ON candidate.photo_id = assignment.photo_id
LEFT JOIN LATERAL (
    SELECT
        vector_dims(fetched.embedding) AS dimensions,
        CASE WHEN %(normalize)s::boolean THEN vector_norm(fetched.embedding) END AS norm
    FROM usable_photos AS found
    CROSS JOIN LATERAL unnest(ARRAY[found.embedding]) AS fetched (embedding)
    WHERE found.id = candidate.photo_id AND assignment.photo_id IS NULL AND found.cluster_id IS NULL
    OFFSET 0
) AS photo ON TRUE
LEFT JOIN unnest(%(scopes)s::bigint[], %(dimensions)s::integer[]) AS there (scope, dimensions)
    ON
        coalesce(candidate.scope, 0) = coalesce(there.scope, 0)
        AND (candidate.scope IS NULL) = (there.scope IS NULL)
        AND photo.dimensions = there.dimensions
WHERE candidate.cluster_id IS NULL;
