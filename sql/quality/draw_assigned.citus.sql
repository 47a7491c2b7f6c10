-- What draw_assigned does, where photos are distributed: each photo is measured on its shard, against all other
-- centroids of its scope. To gather photos by cluster would be to send them.
-- Parameters: labels integer[], centroids vector[] (of these), scopes integer[] (numbers of theirs), normalize boolean,
--   dimensions integer, seed bigint, threshold bigint (-2^63: none, 2^63 - 1: all), after_place integer (exclusive, in
--   labels), last_place integer
-- Returns: nothing; the row count is the photos drawn.
INSERT INTO fluffy_sql_work.measured (photo_id, label, distance, silhouette, embedding)
SELECT
    drawn.photo_id,
    drawn.label,
    drawn.distance,
    coalesce(
        (nearest.other - drawn.distance) / nullif(greatest(nearest.other, drawn.distance), 0), nearest.other
    ) AS silhouette,
    photo.embedding
FROM fluffy_sql_work.assignments AS drawn
INNER JOIN unnest(%(labels)s::integer[], %(scopes)s::integer[]) AS own (label, scope) ON drawn.label = own.label
INNER JOIN photos ON drawn.photo_id = photos.id
CROSS JOIN
    LATERAL (
        SELECT
            CASE
                WHEN %(normalize)s::boolean THEN l2_normalize(photos.embedding)
                ELSE vector(photos.embedding, -1, FALSE)
            END AS embedding
        LIMIT 1
    ) AS photo
CROSS JOIN
    LATERAL (
        SELECT min(another.centroid <-> photo.embedding) AS other
        FROM
            unnest(%(labels)s::integer[], %(centroids)b::vector[], %(scopes)s::integer[])
                AS another (label, centroid, scope)
        WHERE another.scope = own.scope AND another.label <> drawn.label
    ) AS nearest
WHERE
    drawn.label = any((%(labels)s::integer[])[%(after_place)s::integer + 1:%(last_place)s::integer])
    AND hashint8extended(drawn.photo_id, %(seed)s::bigint) <= %(threshold)s::bigint
    AND vector_dims(photo.embedding) = %(dimensions)s::integer;
