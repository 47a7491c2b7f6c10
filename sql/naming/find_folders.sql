-- The folder that says most of each cluster without a name: the share of its photos that lie in it or below, less the
-- share of all photos of its scope. So neither a folder of all photos is found nor one of a few.
-- Photos are counted by folder first, since there are far fewer folders than photos.
-- Parameters: cluster_ids bigint[]
-- Returns: cluster_id, photos (of it), scope_photos (of its scope), folder (null: its photos are in none), in_folder
--   (how many of its photos are in it or below), scope_in_folder (how many of its scope).
WITH counted AS MATERIALIZED (
    SELECT
        cluster_id::bigint AS cluster_id,
        scope::bigint AS scope,
        coalesce(substring(path FROM '^(.*)/'), '') AS folder,
        count(*) AS photos
    FROM usable_photos
    GROUP BY cluster_id, scope, coalesce(substring(path FROM '^(.*)/'), '')
),

below AS (
    SELECT
        counted.cluster_id,
        counted.scope,
        array_to_string(split.parts[1:depth], '/') AS folder,
        sum(counted.photos) AS photos
    FROM counted
    CROSS JOIN LATERAL (SELECT string_to_array(counted.folder, '/') AS parts) AS split
    CROSS JOIN LATERAL generate_series(1, cardinality(split.parts)) AS depth
    GROUP BY counted.cluster_id, counted.scope, array_to_string(split.parts[1:depth], '/')
),

shares AS (
    SELECT
        cluster_id,
        folder,
        photos,
        sum(photos) OVER (PARTITION BY scope, folder) AS of_scope
    FROM below
    WHERE folder <> ''
)

SELECT DISTINCT ON (cluster.id)
    cluster.id AS cluster_id,
    cluster.photos::bigint AS photos,
    cluster.scope_photos::bigint AS scope_photos,
    share.folder,
    coalesce(share.photos, 0)::bigint AS in_folder,
    coalesce(share.of_scope, 0)::bigint AS scope_in_folder
FROM (
    SELECT
        cluster_id AS id,
        sum(photos) AS photos,
        sum(sum(photos)) OVER (PARTITION BY scope) AS scope_photos
    FROM counted
    GROUP BY cluster_id, scope
) AS cluster
LEFT JOIN shares AS share ON cluster.id = share.cluster_id
WHERE cluster.id = any(%(cluster_ids)s::bigint[])
ORDER BY
    cluster.id ASC,
    share.photos / cluster.photos - share.of_scope / cluster.scope_photos DESC NULLS LAST,
    length(share.folder) DESC,
    share.folder COLLATE "C" ASC;
