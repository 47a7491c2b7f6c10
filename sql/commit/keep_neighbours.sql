-- Keeps the neighbours that a run found, in place of those that an older one kept. Those of photos that changed since
-- the run looked at them are left; called before photos are moved, which changes their versions.
-- Parameters: run_id bigint, metric text
-- Returns: nothing; the row count is the lists that were written.
INSERT INTO photo_neighbour_lists (photo_id, run_id, scope, neighbour_ids, distances)
SELECT
    usable.id,
    %(run_id)s::bigint AS run_id,
    usable.scope,
    found.neighbour_ids,
    apart.distances
FROM work_neighbours AS found
INNER JOIN usable_photos AS usable ON found.photo_id = usable.id
INNER JOIN photos AS photo ON found.photo_id = photo.id
INNER JOIN work_assignments AS assignment ON found.photo_id = assignment.photo_id
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
        neighbour_ids = excluded.neighbour_ids,
        distances = excluded.distances;
