-- Keeps what was measured of the clusters of a run; part of the final transaction. Distances are those of all photos
-- that the run assigned, in its metric: the work table holds distances between unit vectors under cosine,
-- whose squares are twice the cosine distance.
-- Each cluster's are sorted by themselves: all of them, by label and distance, took 1.6 times as long.
-- Parameters: run_id bigint, metric text, labels integer[] (as in work_assignments), cluster_ids bigint[]
--   (the cluster of each), measured_labels integer[], silhouettes double precision[] (of each of these),
--   davies_bouldins double precision[], photos_measured bigint[]
-- Returns: nothing; the row count is the clusters.
INSERT INTO cluster_quality (
    run_id, cluster_id, photos, mean_distance, max_distance, distance_percentiles, silhouette, davies_bouldin,
    photos_measured
)
SELECT
    %(run_id)s::bigint AS run_id,
    cluster.id AS cluster_id,
    assigned.photos,
    spread.mean_distance,
    spread.max_distance,
    spread.distance_percentiles,
    measured.silhouette,
    measured.davies_bouldin,
    coalesce(measured.photos, 0) AS photos_measured
FROM unnest(%(labels)s::integer[], %(cluster_ids)s::bigint[]) AS made (label, cluster_id)
INNER JOIN clusters AS cluster ON made.cluster_id = cluster.id
INNER JOIN (
    SELECT
        label,
        count(*) AS photos,
        array_agg(
            CASE WHEN %(metric)s::text = 'cosine' THEN distance * distance / 2 ELSE distance END
        ) AS distances
    FROM work_assignments
    GROUP BY label
) AS assigned ON made.label = assigned.label
CROSS JOIN
    LATERAL (
        SELECT
            avg(away.distance ORDER BY away.distance) AS mean_distance,
            max(away.distance) AS max_distance,
            percentile_cont((
                SELECT array_agg(step / 100::double precision ORDER BY step) AS fractions
                FROM generate_series(0, 100) AS hundred (step)
            )) WITHIN GROUP (ORDER BY away.distance) AS distance_percentiles
        FROM unnest(assigned.distances) AS away (distance)
    ) AS spread
LEFT JOIN
    unnest(
        %(measured_labels)s::integer[],
        %(silhouettes)s::double precision[],
        %(davies_bouldins)s::double precision[],
        %(photos_measured)s::bigint[]
    ) AS measured (label, silhouette, davies_bouldin, photos)
    ON made.label = measured.label;
