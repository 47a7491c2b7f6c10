-- A kept list is used if it still holds: all its photos are usable photos of the scope, as far away as they were. Else
-- all photos of the scope are compared. As in cluster_neighbors, vector() fetches an embedding once.
CREATE OR REPLACE FUNCTION photo_neighbours(photo_id bigint, n bigint DEFAULT 10)
RETURNS TABLE (neighbour_id bigint, distance double precision, path text, run_id bigint)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH own AS MATERIALIZED (
        SELECT
            usable.id,
            usable.scope,
            vector(usable.embedding, -1, FALSE) AS embedding,
            coalesce(finder.metric, placer.metric, 'cosine') AS metric,
            kept.run_id,
            kept.neighbour_ids[1:$2::integer] AS neighbour_ids,
            kept.distances[1:$2::integer] AS distances
        FROM usable_photos AS usable
        LEFT JOIN photo_neighbour_lists AS kept ON usable.id = kept.photo_id
        LEFT JOIN cluster_runs AS finder ON kept.run_id = finder.id
        LEFT JOIN clusters AS cluster ON usable.cluster_id = cluster.id
        LEFT JOIN cluster_runs AS placer ON cluster.run_id = placer.id
        WHERE usable.id = $1
    ),

    listed AS MATERIALIZED (
        SELECT
            other.id,
            other.path,
            listed.was,
            listed.place,
            own.run_id,
            centroid_distance(other.embedding, own.embedding, own.metric) AS distance
        FROM own
        CROSS JOIN LATERAL unnest(own.neighbour_ids, own.distances) WITH ORDINALITY AS listed (id, was, place)
        CROSS JOIN
            LATERAL (
                SELECT
                    usable.id::bigint AS id,
                    usable.path::text AS path,
                    vector(usable.embedding, -1, FALSE) AS embedding
                FROM usable_photos AS usable
                WHERE usable.id = listed.id AND usable.scope IS NOT DISTINCT FROM own.scope
                OFFSET 0
            ) AS other
    ),

    held AS MATERIALIZED (
        SELECT count(distance) = $2 AND bool_and(abs(distance - was) <= 0.0001 * greatest(was, 0.01)) AS held
        FROM listed
    )

    SELECT
        found.id AS neighbour_id,
        found.distance,
        found.path,
        found.run_id
    FROM (
        SELECT
            listed.id,
            listed.distance,
            listed.path,
            listed.run_id,
            listed.place
        FROM listed
        INNER JOIN held ON held.held
        UNION ALL
        (
            SELECT
                measured.id,
                measured.distance,
                measured.path,
                NULL::bigint AS run_id,
                row_number() OVER (ORDER BY measured.distance, measured.id) AS place
            FROM (
                SELECT
                    other.id,
                    other.path,
                    centroid_distance(other.embedding, own.embedding, own.metric) AS distance
                FROM own
                INNER JOIN held ON held.held IS NOT TRUE
                CROSS JOIN
                    LATERAL (
                        SELECT
                            usable.id::bigint AS id,
                            usable.path::text AS path,
                            vector(usable.embedding, -1, FALSE) AS embedding
                        FROM usable_photos AS usable
                        WHERE usable.id <> own.id AND usable.scope IS NOT DISTINCT FROM own.scope
                        OFFSET 0
                    ) AS other
                OFFSET 0
            ) AS measured
            WHERE measured.distance IS NOT NULL
            ORDER BY measured.distance, measured.id
            LIMIT $2
        )
    ) AS found
    ORDER BY found.place;
END;

COMMENT ON FUNCTION photo_neighbours(bigint, bigint) IS
'The n usable photos of its scope that are most alike to a photo, nearest first, in the metric of the run that kept its neighbours, else of its cluster, else by cosine. run_id: they are read from what this run kept (clustering.leiden.keep), so photos that came later are not among them; null: all photos of the scope were compared just now. Example: SELECT * FROM photo_neighbours(1, n => 5);';
