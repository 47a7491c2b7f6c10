-- Forgets the photos that got another owner or another embedding, or are no longer usable, since they were assigned: if
-- the view usable_photos looks these up in another table, that does not show in the row of a photo. They are left for
-- the next run. Fingerprints of one embedding differ by rounding; photos of other labels stay. One that was left out
-- (label -1) may be of any owner.
-- Parameters: labels integer[] (as in work_assignments), scopes bigint[] (of each; null: unscoped), normalize boolean,
--   fingerprint_vector vector (as in kmeans/assign_photos, as long as any embedding)
-- Returns: nothing; the row count is how many there were.
DELETE FROM work_assignments AS assignment
USING unnest(%(labels)s::integer[], %(scopes)s::bigint[]) AS made (label, scope)
WHERE
    assignment.label = made.label
    AND NOT EXISTS (
        SELECT
        FROM usable_photos AS usable
        CROSS JOIN
            LATERAL (
                SELECT comparable_embedding(usable.embedding, %(normalize)s::boolean) AS embedding
                LIMIT 1
            ) AS photo
        WHERE
            usable.id = assignment.photo_id
            AND (made.label < 0 OR usable.scope IS NOT DISTINCT FROM made.scope)
            AND abs(
                (photo.embedding <#> subvector(%(fingerprint_vector)b::vector, 1, vector_dims(photo.embedding)))
                - assignment.fingerprint
            ) <= 0.00001 * greatest(vector_norm(photo.embedding), 1e-30)
    );
