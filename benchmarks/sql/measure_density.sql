-- The median distance of photos to the fifth photo near each, of 64 of them: what dbscan-copy takes as eps. Each
-- embedding is fetched once, and OFFSET 0 keeps them out of the sort.
-- Returns: eps.
WITH chosen AS MATERIALIZED (
    SELECT array_agg(vector(embedding, -1, FALSE)) AS embeddings
    FROM (
        SELECT embedding
        FROM photos
        ORDER BY hashint8(id)
        LIMIT 64
    ) AS some_photos
),

near AS (
    SELECT (array_agg(another.distance ORDER BY another.distance))[6] AS distance
    FROM photos
    CROSS JOIN LATERAL unnest(ARRAY[photos.embedding]) AS fetched (embedding)
    CROSS JOIN
        LATERAL (
            SELECT
                one.place,
                one.embedding <-> fetched.embedding AS distance
            FROM chosen
            CROSS JOIN unnest(chosen.embeddings) WITH ORDINALITY AS one (embedding, place)
            OFFSET 0
        ) AS another
    GROUP BY another.place
)

SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY distance) AS eps
FROM near;
