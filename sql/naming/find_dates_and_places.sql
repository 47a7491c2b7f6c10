-- When and where the photos of some clusters were taken, as embed read it of their files: the days that nine tenths of
-- those with a date lie between, and the middle of those with a place. The same of all photos of a scope, to tell what
-- is special about a cluster.
-- Parameters: cluster_ids bigint[]
-- Returns: cluster_id (null: all photos of the scope), scope, dated (photos with a date), first_day, last_day, located
--   (photos with a place), latitude, longitude (of the middle), near (how many lie within a tenth of a degree of it).
WITH known AS MATERIALIZED (
    SELECT
        photo.cluster_id::bigint AS cluster_id,
        photo.scope::bigint AS scope,
        file.taken_at,
        file.latitude,
        file.longitude
    FROM usable_photos AS photo
    INNER JOIN photo_files AS file ON photo.id = file.photo_id
    WHERE file.taken_at IS NOT NULL OR file.latitude IS NOT NULL
),

-- of_group: what may be null is not joined by a hash.
asked AS MATERIALIZED (
    SELECT
        cluster_id || '/' || coalesce(scope::text, '') AS of_group,
        cluster_id,
        scope,
        taken_at,
        latitude,
        longitude
    FROM known
    WHERE cluster_id = any(%(cluster_ids)s::bigint[])
    UNION ALL
    SELECT
        '/' || coalesce(scope::text, '') AS of_group,
        NULL AS cluster_id,
        scope,
        taken_at,
        latitude,
        longitude
    FROM known
),

middles AS (
    SELECT
        of_group,
        min(cluster_id) AS cluster_id,
        min(scope) AS scope,
        count(taken_at) AS dated,
        percentile_disc(ARRAY[0.05, 0.95]) WITHIN GROUP (ORDER BY taken_at) AS days,
        count(latitude) AS located,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY latitude) AS latitude,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY longitude) AS longitude
    FROM asked
    GROUP BY of_group
)

SELECT
    middle.cluster_id,
    middle.scope,
    middle.dated,
    middle.days[1]::date AS first_day,
    middle.days[2]::date AS last_day,
    middle.located,
    middle.latitude,
    middle.longitude,
    count(*) FILTER (
        WHERE
        abs(one.latitude - middle.latitude) <= 0.1
        AND abs(one.longitude - middle.longitude) * cos(radians(middle.latitude)) <= 0.1
    ) AS near
FROM middles AS middle
INNER JOIN asked AS one ON middle.of_group = one.of_group
GROUP BY
    middle.cluster_id,
    middle.scope,
    middle.dated,
    middle.days,
    middle.located,
    middle.latitude,
    middle.longitude
ORDER BY middle.cluster_id ASC NULLS FIRST;
