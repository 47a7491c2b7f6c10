-- Has the photos of a range placed by the votes of their nearest neighbours, if the nearest cluster of theirs is one
-- whose run did not go by centroids. Photos that are to be placed again have no vote, since they are where they were as
-- they changed. A photo that is not as it was when assign/find_nearest read it is left in the end, by its version.
-- Labels below 0 are those of find_nearest, -3: the neighbours agree on no cluster, and -4: no core photo is near.
-- Parameters: scopes bigint[], firsts integer[], lasts integer[], labels integer[], cluster_ids bigint[] (of these),
--   centroids vector[], limits double precision[] (all as in find_nearest, of the clusters of one rule), neighbours
--   integer, within double precision, core_of integer (the rule, as in placing_rules), normalize boolean, after_row
--   bigint (exclusive), last_row bigint (inclusive)
-- Returns: nothing; the row count is the photos.
WITH nearest AS MATERIALIZED (
    SELECT
        listed.photo_id,
        listed.scope
    FROM work_candidates AS listed
    INNER JOIN work_assignments AS assignment ON listed.photo_id = assignment.photo_id
    WHERE
        listed.position > %(after_row)s::bigint
        AND listed.position <= %(last_row)s::bigint
        AND assignment.label = any(%(labels)s::integer[])
),

-- by itself: else rows with the arrays of all would be hashed
voted AS MATERIALIZED (
    SELECT
        photo.photo_id,
        CASE
            WHEN outcome.chosen IS NULL THEN CASE WHEN %(core_of)s::integer IS NULL THEN -3 ELSE -4 END
            WHEN
                (own.limits)[outcome.chosen] >= CASE
                    WHEN %(normalize)s::boolean THEN outcome.distance * outcome.distance / 2
                    ELSE outcome.distance
                END
                THEN (own.labels)[outcome.chosen]
            WHEN (own.limits)[outcome.chosen] IS NULL THEN -2
            ELSE -1
        END AS label
    FROM (
        SELECT
            asked.scope,
            (%(labels)s::integer[])[asked.first:asked.last] AS labels,
            (%(cluster_ids)s::bigint[])[asked.first:asked.last] AS cluster_ids,
            (%(centroids)b::vector[])[asked.first:asked.last] AS centroids,
            (%(limits)s::double precision[])[asked.first:asked.last] AS limits
        FROM unnest(%(scopes)s::bigint[], %(firsts)s::integer[], %(lasts)s::integer[]) AS asked (scope, first, last)
        OFFSET 0
    ) AS own
    CROSS JOIN (
        SELECT array_agg(photo_id) AS photo_ids
        FROM work_candidates
        WHERE cluster_id IS NOT NULL
    ) AS changed
    CROSS JOIN
        LATERAL (
            SELECT
                array_agg(nearest.photo_id) AS photo_ids,
                array_agg(comparable_embedding(usable.embedding, %(normalize)s::boolean)) AS embeddings
            FROM nearest
            INNER JOIN usable_photos AS usable ON nearest.photo_id = usable.id
            WHERE
                nearest.scope IS NOT DISTINCT FROM own.scope
                AND vector_dims(usable.embedding) = vector_dims(own.centroids[1])
        ) AS looked
    CROSS JOIN LATERAL unnest(looked.photo_ids) WITH ORDINALITY AS photo (photo_id, place)
    LEFT JOIN
        LATERAL clusters_by_neighbours(
            looked.embeddings,
            own.cluster_ids,
            own.centroids,
            %(neighbours)s::integer,
            %(within)s::double precision,
            %(core_of)s::integer,
            CASE WHEN %(normalize)s::boolean THEN 'cosine' ELSE 'l2' END,
            changed.photo_ids
        ) AS outcome
        ON photo.place = outcome.place
)

UPDATE work_assignments
SET label = voted.label
FROM voted
WHERE work_assignments.photo_id = voted.photo_id;
