-- One pass over the photos of some clusters: how far each lies from its centroid, by cluster; and of the clusters to be
-- shown, the photos to look at, each of them once.
--   central: the nearest to the centroid. outermost: the farthest. A cluster too small for both in full is halved.
--   between: drawn by a hash of the id from the rest; what has no distance is among these.
-- Parameters: cluster_ids bigint[] (measured), shown_ids bigint[] (of these, to be shown), photos integer (most in each
--   section)
-- Returns: cluster_id, measured (photos that have a distance), mean_distance, max_distance, lower_quartile,
--   upper_quartile, picked (whether the photo is to be looked at), section, rank, distance, photo_id, path. By cluster
--   and rank; of a cluster that is not shown, its most central photo alone.
SELECT *
FROM (
    SELECT
        drawn.cluster_id,
        drawn.measured,
        drawn.mean_distance,
        drawn.max_distance,
        max(drawn.distance) FILTER (WHERE drawn.rank = (drawn.measured + 3) / 4) OVER cluster AS lower_quartile,
        max(drawn.distance) FILTER (WHERE drawn.rank = (3 * drawn.measured + 3) / 4) OVER cluster AS upper_quartile,
        drawn.cluster_id = any(%(shown_ids)s::bigint[])
        AND (drawn.section <> 'between' OR drawn.draw <= %(photos)s::integer) AS picked,
        drawn.section,
        drawn.rank,
        drawn.distance,
        drawn.photo_id,
        drawn.path
    FROM (
        SELECT
            *,
            row_number() OVER (
                PARTITION BY cluster_id, section ORDER BY hashint8extended(photo_id, 0), photo_id
            ) AS draw
        FROM (
            SELECT
                *,
                CASE
                    WHEN rank <= least(%(photos)s::integer, (measured + 1) / 2) THEN 'central'
                    WHEN rank > measured THEN 'between'
                    WHEN rank > measured - least(%(photos)s::integer, measured / 2) THEN 'outermost'
                    ELSE 'between'
                END AS section
            FROM (
                SELECT
                    member.cluster_id::bigint AS cluster_id,
                    member.rank,
                    member.distance,
                    member.photo_id::bigint AS photo_id,
                    member.path,
                    count(member.distance) OVER cluster AS measured,
                    avg(member.distance) OVER cluster AS mean_distance,
                    max(member.distance) OVER cluster AS max_distance
                FROM cluster_members AS member
                WHERE member.cluster_id = any(%(cluster_ids)s::bigint[])
                WINDOW cluster AS (PARTITION BY member.cluster_id)
            ) AS measured
        ) AS sectioned
    ) AS drawn
    WINDOW cluster AS (PARTITION BY drawn.cluster_id)
) AS shown
WHERE picked OR rank = 1
ORDER BY cluster_id, rank;
