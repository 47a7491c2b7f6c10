-- As voted_clusters, for clusters of DBSCAN: all their photos are compared, since a cluster may reach anywhere. Whether
-- a photo is a core is counted when it is asked for, and not kept: photos come and go. Mostly the nearest is one, and
-- enough of those around it are in its own cluster; unnest gives them in their order, so the search ends at the first.
CREATE OR REPLACE FUNCTION nearest_cores(
    embeddings vector[], cluster_ids bigint[], centroids vector[], within double precision, core_of integer,
    normalized boolean, without_vote bigint[] DEFAULT '{}'
) RETURNS TABLE (place bigint, chosen bigint, distance double precision)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH looking AS MATERIALIZED (
        SELECT
            asked.place,
            asked.embedding
        FROM unnest($1) WITH ORDINALITY AS asked (embedding, place)
    ),

    blocks AS MATERIALIZED (
        SELECT array_agg(numbered.id) AS photo_ids
        FROM (
            SELECT
                usable.id,
                row_number() OVER (ORDER BY usable.id) AS number
            FROM usable_photos AS usable
            WHERE
                usable.cluster_id = any($2)
                AND NOT EXISTS (
                    SELECT
                    FROM unnest($7) AS changed (id)
                    WHERE changed.id = usable.id
                )
        ) AS numbered
        GROUP BY numbered.number / 2048
    ),

    found AS MATERIALIZED (
        SELECT
            near.place,
            array_agg(near.photo_id ORDER BY near.distance, near.photo_id) AS photo_ids
        FROM blocks AS block
        CROSS JOIN
            LATERAL (
                SELECT
                    array_agg(photo.id) AS photo_ids,
                    array_agg(photo.embedding) AS embeddings
                FROM (
                    SELECT
                        usable.id,
                        comparable_embedding(usable.embedding, $6) AS embedding
                    FROM usable_photos AS usable
                    WHERE usable.id = any(block.photo_ids)
                    OFFSET 0
                ) AS photo
                WHERE
                    vector_dims(photo.embedding) = vector_dims($3[1])
                    AND (NOT $6 OR vector_norm(photo.embedding) > 0)
            ) AS members
        CROSS JOIN
            LATERAL (
                SELECT
                    looking.place,
                    member.photo_id,
                    member.embedding <-> looking.embedding AS distance
                FROM looking
                CROSS JOIN
                    LATERAL (
                        SELECT
                            unnest(members.photo_ids) AS photo_id,
                            unnest(members.embeddings) AS embedding
                    ) AS member
                WHERE member.embedding <-> looking.embedding <= $4
                OFFSET 0
            ) AS near
        GROUP BY near.place
    )

    SELECT
        found.place,
        cluster.place AS chosen,
        cluster.centroid <-> looking.embedding AS distance
    FROM found
    INNER JOIN looking ON found.place = looking.place
    CROSS JOIN
        LATERAL (
            SELECT core.cluster_id
            FROM unnest(found.photo_ids) AS near (photo_id)
            CROSS JOIN
                LATERAL (
                    SELECT
                        usable.cluster_id,
                        usable.scope,
                        comparable_embedding(usable.embedding, $6) AS embedding
                    FROM usable_photos AS usable
                    WHERE usable.id = near.photo_id
                    OFFSET 0
                ) AS core
            WHERE
                $5 <= (
                    SELECT count(*)
                    FROM (
                        SELECT
                        FROM usable_photos AS other
                        WHERE
                            other.cluster_id = core.cluster_id
                            AND vector_dims(other.embedding) = vector_dims(core.embedding)
                            AND comparable_embedding(other.embedding, $6) <-> core.embedding <= $4
                        LIMIT $5
                    ) AS around
                )
                OR $5 <= (
                    SELECT count(*)
                    FROM (
                        SELECT
                        FROM usable_photos AS other
                        WHERE
                            other.scope IS NOT DISTINCT FROM core.scope
                            AND vector_dims(other.embedding) = vector_dims(core.embedding)
                            AND comparable_embedding(other.embedding, $6) <-> core.embedding <= $4
                        LIMIT $5
                    ) AS around
                )
            LIMIT 1
        ) AS nearest
    INNER JOIN unnest($2, $3) WITH ORDINALITY AS cluster (id, centroid, place) ON nearest.cluster_id = cluster.id;
END;

COMMENT ON FUNCTION nearest_cores(vector[], bigint[], vector[], double precision, integer, boolean, bigint[]) IS
'For each embedding, the cluster (one of those given) of the nearest core photo within a Euclidean distance. A core photo has at least core_of photos of its scope, counting itself, within that distance. place, chosen, distance, normalized, without_vote: as in voted_clusters. For runs of fluffy_sql.';
