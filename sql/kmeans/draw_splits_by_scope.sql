-- Draws one row of each given cluster of several scopes, as draw_splits does.
-- Parameters: after_rows bigint[] (of each scope, exclusive), last_rows bigint[], centroids vector[] (those of the
--   first scope, then of the next), firsts integer[] (place in centroids of the first of each scope, from 1),
--   lasts integer[], split_scopes integer[] (place of the scope of each cluster, from 0), split_labels integer[] (of
--   each), seed bigint
-- Returns: scope, label (as in lloyd_step_by_scope), embedding; no row for a cluster whose rows all lie on the
--   centroid.
SELECT DISTINCT ON (scope.place, nearest.label)
    (scope.place - 1)::integer AS scope,
    nearest.label,
    sample.embedding
FROM (
    SELECT
        asked.place,
        asked.after_row,
        asked.last_row,
        (%(centroids)b::vector[])[asked.first:asked.last] AS centroids
    FROM
        unnest(
            %(after_rows)s::bigint[], %(last_rows)s::bigint[], %(firsts)s::integer[], %(lasts)s::integer[]
        ) WITH ORDINALITY AS asked (after_row, last_row, first, last, place)
    OFFSET 0
) AS scope
CROSS JOIN
    LATERAL (
        SELECT
            own.position,
            own.embedding
        FROM work_sample AS own
        WHERE own.position > scope.after_row AND own.position <= scope.last_row
        OFFSET 0
    ) AS sample
CROSS JOIN
    LATERAL (
        SELECT
            (centroid.place - 1)::integer AS label,
            centroid.embedding <-> sample.embedding AS distance
        FROM unnest(scope.centroids) WITH ORDINALITY AS centroid (embedding, place)
        ORDER BY distance, label
        LIMIT 1
    ) AS nearest
INNER JOIN unnest(%(split_scopes)s::integer[], %(split_labels)s::integer[]) AS split (scope, label)
    ON split.scope = scope.place - 1 AND nearest.label = split.label
WHERE nearest.distance > 0
ORDER BY
    scope.place ASC,
    nearest.label ASC,
    -ln(
        ((hashint8extended(sample.position, %(seed)s::bigint) & 9007199254740991)::double precision + 0.5)
        / 9007199254740992
    ) / (nearest.distance * nearest.distance) ASC,
    sample.position ASC;
