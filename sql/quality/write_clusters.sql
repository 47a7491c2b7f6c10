-- Keeps what was measured of the clusters of a run; part of the final transaction. Mean and largest distance are those
-- of all photos that the run assigned, in its metric: the work table holds distances between unit vectors under cosine,
-- whose squares are twice the cosine distance.
-- Parameters: run_id bigint, metric text, labels integer[] (as in fluffy_sql_assignments), cluster_ids bigint[] (the
--   cluster of each), measured_labels integer[], silhouettes double precision[] (of each of these),
--   davies_bouldins double precision[], photos_measured bigint[]
-- Returns: nothing; the row count is the clusters.
INSERT INTO cluster_quality (
    run_id, cluster_id, photos, mean_distance, max_distance, silhouette, davies_bouldin, photos_measured
)
SELECT
    %(run_id)s::bigint AS run_id,
    cluster.id AS cluster_id,
    cluster.photos_count AS photos,
    assigned.mean_distance,
    assigned.max_distance,
    measured.silhouette,
    measured.davies_bouldin,
    coalesce(measured.photos, 0) AS photos_measured
FROM unnest(%(labels)s::integer[], %(cluster_ids)s::bigint[]) AS made (label, cluster_id)
INNER JOIN clusters AS cluster ON made.cluster_id = cluster.id
INNER JOIN (
    SELECT
        label,
        CASE
            WHEN %(metric)s::text = 'cosine' THEN avg(distance * distance ORDER BY distance) / 2
            ELSE avg(distance ORDER BY distance)
        END AS mean_distance,
        CASE
            WHEN %(metric)s::text = 'cosine' THEN max(distance) * max(distance) / 2
            ELSE max(distance)
        END AS max_distance
    FROM fluffy_sql_assignments
    GROUP BY label
) AS assigned ON made.label = assigned.label
LEFT JOIN
    unnest(
        %(measured_labels)s::integer[],
        %(silhouettes)s::double precision[],
        %(davies_bouldins)s::double precision[],
        %(photos_measured)s::bigint[]
    ) AS measured (label, silhouette, davies_bouldin, photos)
    ON made.label = measured.label;
