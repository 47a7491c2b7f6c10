-- What commit/forget_changed does, for photos that assign is about to place.
-- Parameters: normalize boolean, fingerprint_vector vector (as in kmeans/assign_photos, as long as any embedding)
-- Returns: nothing; the row count is how many there were.
DELETE FROM work_placements AS placement
USING work_candidates AS candidate
WHERE
    placement.photo_id = candidate.photo_id
    AND NOT EXISTS (
        SELECT
        FROM usable_photos AS usable
        CROSS JOIN
            LATERAL (
                SELECT
                    CASE
                        WHEN %(normalize)s::boolean THEN l2_normalize(usable.embedding)
                        ELSE vector(usable.embedding, -1, FALSE)
                    END AS embedding
                LIMIT 1
            ) AS photo
        WHERE
            usable.id = placement.photo_id
            AND usable.scope IS NOT DISTINCT FROM candidate.scope
            AND abs(
                (photo.embedding <#> subvector(%(fingerprint_vector)b::vector, 1, vector_dims(photo.embedding)))
                - placement.fingerprint
            ) <= 0.0001 * greatest(vector_norm(photo.embedding), 1e-30)
    );
