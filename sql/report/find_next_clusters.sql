-- Of some photos, the cluster that each would be in if its own were not there. Each embedding is fetched once.
-- The condition stands inside, so that nothing is measured of photos that can not be compared: of another length or,
-- under cosine, zero vectors. They are left out.
-- Parameters: photo_ids bigint[], normalize boolean, dimensions integer, cluster_ids bigint[], centroids vector[] (of
--   each, of length 1 if normalize)
-- Returns: photo_id, cluster_id, distance (Euclidean distance; of unit vectors if normalize); by photo.
SELECT
    usable.id::bigint AS photo_id,
    nearest.cluster_id,
    nearest.distance
FROM usable_photos AS usable
CROSS JOIN
    LATERAL (
        SELECT comparable_embedding(usable.embedding, %(normalize)s::boolean) AS embedding
        WHERE usable.id = any(%(photo_ids)s::bigint[])
        LIMIT 1
    ) AS fetched
CROSS JOIN
    LATERAL (
        SELECT
            other.cluster_id,
            other.centroid <-> fetched.embedding AS distance
        FROM unnest(%(cluster_ids)s::bigint[], %(centroids)b::vector[]) AS other (cluster_id, centroid)
        WHERE
            vector_dims(fetched.embedding) = %(dimensions)s::integer
            AND (NOT %(normalize)s::boolean OR vector_norm(fetched.embedding) > 0)
            AND other.cluster_id <> usable.cluster_id
        ORDER BY distance, other.cluster_id
        LIMIT 1
    ) AS nearest
WHERE usable.id = any(%(photo_ids)s::bigint[])
ORDER BY usable.id;
