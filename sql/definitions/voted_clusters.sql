-- Photos of the clusters are read in
-- blocks, each once for all embeddings that are near, as in graph/find_neighbours, which says why it is written so.
-- The 16 clusters with the nearest centroids hold 0.997 of the 15 nearest of 3,291 CLIP embeddings (73 clusters), and
-- no photo of 823 went elsewhere (November 2026); an exact search reads all photos of a scope for one new one.
-- The nearest has one vote, the second half a one, the n-th 1/n: all neighbours of a small theme's photo are not of
-- that theme. Votes are added in one order, so that half of them is half of them.
CREATE OR REPLACE FUNCTION voted_clusters(
    embeddings vector[], cluster_ids bigint[], centroids vector[], neighbours integer, normalized boolean,
    without_vote bigint[] DEFAULT '{}'
) RETURNS TABLE (place bigint, chosen bigint, distance double precision)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH looking AS MATERIALIZED (
        SELECT
            asked.place,
            asked.embedding,
            (
                SELECT array_agg(near.id)
                FROM (
                    SELECT cluster.id
                    FROM unnest($2, $3) AS cluster (id, centroid)
                    ORDER BY cluster.centroid <-> asked.embedding, cluster.id
                    LIMIT 16
                ) AS near
            ) AS clusters
        FROM unnest($1) WITH ORDINALITY AS asked (embedding, place)
    ),

    blocks AS MATERIALIZED (
        SELECT
            numbered.cluster_id,
            array_agg(numbered.id) AS photo_ids
        FROM (
            SELECT
                usable.id,
                usable.cluster_id,
                row_number() OVER (PARTITION BY usable.cluster_id ORDER BY usable.id) AS number
            FROM usable_photos AS usable
            WHERE
                usable.cluster_id IN (SELECT unnest(looking.clusters) FROM looking)
                AND NOT EXISTS (
                    SELECT
                    FROM unnest($6) AS changed (id)
                    WHERE changed.id = usable.id
                )
        ) AS numbered
        GROUP BY numbered.cluster_id, numbered.number / 2048
    ),

    found AS MATERIALIZED (
        SELECT
            near.place,
            block.cluster_id,
            near.photo_id,
            near.distance
        FROM blocks AS block
        CROSS JOIN
            LATERAL (
                SELECT
                    array_agg(photo.id) AS photo_ids,
                    array_agg(photo.embedding) AS embeddings
                FROM (
                    SELECT
                        usable.id,
                        comparable_embedding(usable.embedding, $5) AS embedding
                    FROM usable_photos AS usable
                    WHERE usable.id = any(block.photo_ids)
                    OFFSET 0
                ) AS photo
                WHERE
                    vector_dims(photo.embedding) = vector_dims($3[1])
                    AND (NOT $5 OR vector_norm(photo.embedding) > 0)
            ) AS voters
        CROSS JOIN
            LATERAL (
                SELECT
                    looking.place,
                    nearest.photo_id,
                    nearest.distance
                FROM looking
                CROSS JOIN
                    LATERAL (
                        SELECT
                            voter.photo_id,
                            voter.embedding <-> looking.embedding AS distance
                        FROM (
                            SELECT
                                unnest(voters.photo_ids) AS photo_id,
                                unnest(voters.embeddings) AS embedding
                        ) AS voter
                        ORDER BY distance, voter.photo_id
                        LIMIT $4
                    ) AS nearest
                WHERE block.cluster_id = any(looking.clusters)
                OFFSET 0
            ) AS near
    ),

    votes AS (
        SELECT
            ranked.place,
            ranked.cluster_id,
            sum(1 / ranked.rank::double precision ORDER BY ranked.rank) AS given
        FROM (
            SELECT
                found.place,
                found.cluster_id,
                row_number() OVER (PARTITION BY found.place ORDER BY found.distance, found.photo_id) AS rank
            FROM found
            WHERE found.distance < 'Infinity'
        ) AS ranked
        WHERE ranked.rank <= $4
        GROUP BY ranked.place, ranked.cluster_id
    )

    SELECT
        looking.place,
        cluster.place AS chosen,
        cluster.centroid <-> looking.embedding AS distance
    FROM (
        SELECT
            votes.place,
            votes.cluster_id,
            votes.given,
            sum(votes.given) OVER (PARTITION BY votes.place) AS of_all
        FROM votes
    ) AS counted
    INNER JOIN looking ON counted.place = looking.place
    INNER JOIN unnest($2, $3) WITH ORDINALITY AS cluster (id, centroid, place) ON counted.cluster_id = cluster.id
    WHERE counted.given > counted.of_all / 2;
END;

COMMENT ON FUNCTION voted_clusters(vector[], bigint[], vector[], integer, boolean, bigint[]) IS
'The cluster, of those given, that has more than half of the votes of the photos nearest to each embedding; the n-th nearest has 1/n of a vote. place and chosen: of the embedding and of the cluster, from 1; distance: to its centroid, Euclidean. An embedding whose neighbours agree on no cluster has no row. normalized: embeddings are compared by their directions, as those given are; without_vote: photos that have none. For runs of fluffy_sql.';
