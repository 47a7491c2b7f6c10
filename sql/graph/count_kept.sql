-- Counts how many of the photos that were noted are as they were when their neighbours were kept, and among whom: if
-- all are, and none is kept that was not noted, nothing would be found that is not kept. Embeddings are told apart by
-- fingerprints; those of one embedding differ by rounding.
-- Parameters: scopes bigint[], unscoped boolean (as in graph/note_photos), neighbours integer (at least this many are
--   kept of each, or all of its scope), metric text, fingerprint_vector vector (as in commit/keep_neighbours)
-- Returns: noted, unchanged, kept (all of these scopes), recall (the least of the runs that kept them).
SELECT
    count(*) AS noted,
    count(*) FILTER (
        WHERE
        run.metric = %(metric)s::text
        AND cardinality(kept.neighbour_ids) >= least(%(neighbours)s::integer, photo.of_scope - 1)
        AND abs(photo.product - kept.fingerprint) <= 0.00001 * greatest(photo.norm, 1e-30)
    ) AS unchanged,
    (
        SELECT count(*)
        FROM photo_neighbour_lists
        WHERE scope = any(%(scopes)s::bigint[]) OR (scope IS NULL AND %(unscoped)s::boolean)
    ) AS kept,
    min(run.recall) AS recall
FROM (
    SELECT
        fetched.id,
        fetched.scope,
        fetched.product,
        fetched.norm,
        count(*) OVER (PARTITION BY fetched.scope) AS of_scope
    FROM (
        SELECT
            usable.id,
            usable.scope,
            compared.embedding
            <#> subvector(%(fingerprint_vector)b::vector, 1, vector_dims(compared.embedding)) AS product,
            vector_norm(compared.embedding) AS norm
        FROM work_assignments AS noted
        INNER JOIN usable_photos AS usable ON noted.photo_id = usable.id
        CROSS JOIN
            LATERAL (
                SELECT comparable_embedding(usable.embedding, %(metric)s::text = 'cosine') AS embedding
                LIMIT 1
            ) AS compared
    ) AS fetched
) AS photo
LEFT JOIN photo_neighbour_lists AS kept ON photo.id = kept.photo_id AND photo.scope IS NOT DISTINCT FROM kept.scope
LEFT JOIN cluster_runs AS run ON kept.run_id = run.id;
