-- Takes some of the photos that a run assigned to a range of its clusters, and measures how well these are separated:
-- the simplified silhouette, (other - own) / max(own, other), from the distances to the own and to the nearest other
-- centroid of the same scope. That is looked for among the clusters nearest to the own one: of 4,114 CLIP embeddings at
-- k=100, 0.9995 have it among 64, and the mean is 0.00003 too high.
-- Photos are drawn by a hash of id and seed, those below a threshold. One that was embedded again meanwhile with
-- another length is passed over. OFFSET 0 makes it look up each photo by its key, and fetch it once.
-- Parameters: labels integer[], blocks vector[] (centroids of these, end to end), per_block integer, length integer
--   (the three as in kmeans/lloyd_step_by_cell), candidates integer[] (the clusters nearest to the first, then to the
--   next, as places in labels from 0; -1: there is none), width integer (candidates of each), normalize boolean,
--   dimensions integer, seed bigint, threshold bigint (-2^63: none, 2^63 - 1: all), after_place integer (exclusive, in
--   labels), last_place integer
-- Returns: nothing; the row count is the photos drawn.
INSERT INTO work_measured (photo_id, label, distance, silhouette, embedding)
SELECT
    drawn.photo_id,
    drawn.label,
    drawn.distance,
    coalesce(
        (nearest.other - drawn.distance) / nullif(greatest(nearest.other, drawn.distance), 0), nearest.other
    ) AS silhouette,
    photo.embedding
FROM work_assignments AS drawn
INNER JOIN
    unnest((%(labels)s::integer[])[%(after_place)s::integer + 1:%(last_place)s::integer])
    WITH ORDINALITY AS own (label, place)
    ON drawn.label = own.label
CROSS JOIN
    LATERAL (
        SELECT comparable_embedding(usable.embedding, %(normalize)s::boolean) AS embedding
        FROM usable_photos AS usable
        WHERE usable.id = drawn.photo_id AND usable.embedding IS NOT NULL
        OFFSET 0
    ) AS photo
CROSS JOIN
    LATERAL (
        SELECT
            min(
                subvector(
                    (%(blocks)b::vector[])[1 + another.place / %(per_block)s::integer],
                    1 + mod(another.place, %(per_block)s::integer) * %(length)s::integer,
                    %(length)s::integer
                ) <-> photo.embedding
            ) AS other
        FROM
            unnest(
                (%(candidates)b::integer[])[
                    (%(after_place)s::integer + own.place - 1) * %(width)s::integer + 1:
                    (%(after_place)s::integer + own.place) * %(width)s::integer
                ]
            ) AS another (place)
        WHERE another.place >= 0
    ) AS nearest
WHERE
    hashint8extended(drawn.photo_id, %(seed)s::bigint) <= %(threshold)s::bigint
    AND vector_dims(photo.embedding) = %(dimensions)s::integer;
