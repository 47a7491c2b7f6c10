-- Keeps the neighbours that a run found, in place of those that an older one kept. Those of photos that changed since
-- the run looked at them are left; called before photos are moved, which changes their versions.
-- Parameters: run_id bigint, metric text, fingerprint_vector vector (as in kmeans/assign_photos, as long as any
--   embedding)
-- Returns: nothing; the row count is the lists that were written.
INSERT INTO photo_neighbour_lists (photo_id, run_id, scope, place, fingerprint, neighbour_ids, distances)
SELECT
    usable.id,
    %(run_id)s::bigint AS run_id,
    usable.scope,
    found.place,
    (
        compared.embedding
        <#> subvector(%(fingerprint_vector)b::vector, 1, vector_dims(compared.embedding))
    )::real AS fingerprint,
    found.neighbour_ids,
    apart.distances
FROM work_neighbours AS found
INNER JOIN usable_photos AS usable ON found.photo_id = usable.id
INNER JOIN photos AS photo ON found.photo_id = photo.id
INNER JOIN work_assignments AS assignment ON found.photo_id = assignment.photo_id
CROSS JOIN
    LATERAL (
        SELECT comparable_embedding(usable.embedding, %(metric)s::text = 'cosine') AS embedding
        LIMIT 1
    ) AS compared
CROSS JOIN
    LATERAL (
        SELECT
            array_agg(
                (
                    CASE
                        WHEN %(metric)s::text = 'cosine' THEN away.distance * away.distance / 2
                        ELSE away.distance
                    END
                )::real
                ORDER BY away.place
            ) AS distances
        FROM unnest(found.distances) WITH ORDINALITY AS away (distance, place)
    ) AS apart
WHERE photo.xmin = assignment.row_version AND apart.distances IS NOT NULL
ON CONFLICT (photo_id) DO UPDATE
    SET
        run_id = excluded.run_id,
        scope = excluded.scope,
        place = excluded.place,
        fingerprint = excluded.fingerprint,
        neighbour_ids = excluded.neighbour_ids,
        distances = excluded.distances;
