-- For looking closer at clusters. BEGIN ATOMIC (and RETURN) binds names when a function is made: the search_path of
-- whoever calls it does not matter, and the planner can still put its body in the place of the call, which SET
-- search_path would forbid. usable_photos is bound as a view, not as its text of now, so replacing it takes effect.
-- Arguments are $1, $2, ...: a column of that name, and an adopted table may have any, would come before an argument.
-- depends: 0006_quality

-- The rule of cluster_members. Where its arguments are columns, as below, the planner puts the expression in the place
-- of the call.
CREATE FUNCTION centroid_distance(embedding vector, centroid vector, metric text DEFAULT 'cosine')
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN vector_dims(embedding) <> vector_dims(centroid) THEN NULL
    WHEN metric = 'l2' THEN embedding <-> centroid
    ELSE nullif(embedding <=> centroid, 'NaN')
END;

COMMENT ON FUNCTION centroid_distance(vector, vector, text) IS
'How far an embedding is from a centroid: Euclidean distance where metric is l2, else cosine distance (0 to 2). Null where one is null, the lengths differ, or cosine meets a zero vector. Example: SELECT centroid_distance(''[3, 4]'', ''[0, 0]'', metric => ''l2'');';

CREATE FUNCTION cluster_central_photos(cluster_id bigint, n bigint DEFAULT 10)
RETURNS TABLE (rank bigint, distance double precision, photo_id bigint, path text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        member.rank,
        member.distance,
        member.photo_id::bigint AS photo_id,
        member.path::text AS path
    FROM cluster_members AS member
    WHERE member.cluster_id = $1 AND member.distance IS NOT NULL
    ORDER BY member.rank
    LIMIT $2;
END;

COMMENT ON FUNCTION cluster_central_photos(bigint, bigint) IS
'The n most typical photos of a cluster, nearest to its centroid first; n null: all. Rank and distance are those of cluster_members; photos without a distance are left out. Example: SELECT * FROM cluster_central_photos(1, n => 5);';

CREATE FUNCTION cluster_outermost_photos(cluster_id bigint, n bigint DEFAULT 10)
RETURNS TABLE (rank bigint, distance double precision, photo_id bigint, path text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        member.rank,
        member.distance,
        member.photo_id::bigint AS photo_id,
        member.path::text AS path
    FROM cluster_members AS member
    WHERE member.cluster_id = $1 AND member.distance IS NOT NULL
    ORDER BY member.rank DESC
    LIMIT $2;
END;

COMMENT ON FUNCTION cluster_outermost_photos(bigint, bigint) IS
'The n photos that fit a cluster least, farthest from its centroid first: cluster_central_photos from its other end; n null: all. Photos without a distance are left out. Example: SELECT * FROM cluster_outermost_photos(1, n => 5);';

-- Draws first, then fetches and measures only what was drawn.
CREATE FUNCTION cluster_random_photos(cluster_id bigint, n bigint DEFAULT 10, seed bigint DEFAULT 0)
RETURNS TABLE (distance double precision, photo_id bigint, path text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        centroid_distance(fetched.embedding, cluster.centroid, run.metric) AS distance,
        drawn.id AS photo_id,
        drawn.path
    FROM clusters AS cluster
    LEFT JOIN cluster_runs AS run ON cluster.run_id = run.id
    CROSS JOIN
        LATERAL (
            SELECT
                photo.id::bigint AS id,
                photo.path::text AS path,
                photo.embedding,
                hashint8extended(photo.id::bigint, coalesce($3, 0)) AS draw
            FROM usable_photos AS photo
            WHERE photo.cluster_id = cluster.id
            ORDER BY draw, id
            LIMIT $2
        ) AS drawn
    CROSS JOIN LATERAL unnest(ARRAY[drawn.embedding]) AS fetched (embedding)
    WHERE cluster.id = $1
    ORDER BY drawn.draw, drawn.id;
END;

COMMENT ON FUNCTION cluster_random_photos(bigint, bigint, bigint) IS
'n photos of a cluster, drawn by a hash of id and seed: the same ones for the same seed; n null: all, shuffled. The distance is that of cluster_members, null where nothing can be measured. Example: SELECT * FROM cluster_random_photos(1, n => 5, seed => 42);';

-- The inner OFFSET 0 fetches a centroid once where it lies out of line, for vector() returns the value itself; unnest
-- would double the time of a pair. The outer one has a distance computed once for the filter and the order.
CREATE FUNCTION cluster_neighbors(cluster_id bigint, n bigint DEFAULT 10)
RETURNS TABLE (neighbor_id bigint, distance double precision, name text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        measured.id AS neighbor_id,
        measured.distance,
        measured.name
    FROM (
        SELECT
            other.id,
            other.name,
            centroid_distance(other.centroid, fetched.centroid, run.metric) AS distance
        FROM clusters AS own
        LEFT JOIN cluster_runs AS run ON own.run_id = run.id
        CROSS JOIN LATERAL unnest(ARRAY[own.centroid]) AS fetched (centroid)
        CROSS JOIN (
            SELECT
                id::bigint AS id,
                name::text AS name,
                vector(centroid, -1, FALSE) AS centroid
            FROM clusters
            OFFSET 0
        ) AS other
        WHERE own.id = $1 AND other.id <> own.id
        OFFSET 0
    ) AS measured
    WHERE measured.distance IS NOT NULL
    ORDER BY measured.distance, measured.id
    LIMIT $2;
END;

COMMENT ON FUNCTION cluster_neighbors(bigint, bigint) IS
'The n clusters whose centroids are nearest to that of a cluster, of every run and status, in the metric of its own run; n null: all. Clusters without a distance to it are left out. Example: SELECT * FROM cluster_neighbors(1, n => 3);';

CREATE FUNCTION vector_nearest_clusters(embedding vector, n bigint DEFAULT 1)
RETURNS TABLE (cluster_id bigint, distance double precision, metric text, name text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        measured.id AS cluster_id,
        measured.distance,
        measured.metric,
        measured.name
    FROM (
        SELECT
            active.id,
            active.name,
            active.metric,
            centroid_distance(fetched.embedding, active.centroid, active.metric) AS distance
        FROM unnest(ARRAY[$1]) AS fetched (embedding)
        CROSS JOIN (
            SELECT
                cluster.id::bigint AS id,
                cluster.name::text AS name,
                coalesce(run.metric, 'cosine') AS metric,
                vector(cluster.centroid, -1, FALSE) AS centroid
            FROM clusters AS cluster
            LEFT JOIN cluster_runs AS run ON cluster.run_id = run.id
            -- an adopted table may keep its status as text
            WHERE cluster.status::text = '0'
            OFFSET 0
        ) AS active
        OFFSET 0
    ) AS measured
    WHERE measured.distance IS NOT NULL
    ORDER BY measured.distance, measured.id
    LIMIT $2;
END;

COMMENT ON FUNCTION vector_nearest_clusters(vector, bigint) IS
'Where a vector would go: the n active clusters (status 0) whose centroids are nearest, each in the metric of its run; n null: all. Distances in different metrics do not compare. Clusters without a distance to it are left out. Example: SELECT * FROM vector_nearest_clusters((SELECT embedding FROM photos WHERE id = 1), n => 3);';

CREATE FUNCTION photo_nearest_clusters(photo_id bigint, n bigint DEFAULT 1)
RETURNS TABLE (cluster_id bigint, distance double precision, metric text, name text, is_member boolean)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        nearest.cluster_id,
        nearest.distance,
        nearest.metric,
        nearest.name,
        coalesce(nearest.cluster_id = photo.cluster_id, FALSE) AS is_member
    FROM usable_photos AS photo
    CROSS JOIN LATERAL vector_nearest_clusters(photo.embedding, $2) AS nearest
    WHERE photo.id = $1
    ORDER BY nearest.distance, nearest.cluster_id;
END;

COMMENT ON FUNCTION photo_nearest_clusters(bigint, bigint) IS
'Where a usable photo would go, as vector_nearest_clusters says of its embedding; is_member: it is there already. Example: SELECT * FROM photo_nearest_clusters(1, n => 3);';
