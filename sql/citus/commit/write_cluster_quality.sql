-- write_cluster_quality, if the work table is distributed. Percentiles need all distances sorted, which would
-- have to be sent for it: instead each shard counts its photos by label and distance, in steps of less than 1 in a
-- hundred. A percentile lies between photos as for percentile_cont, and may be too large by as much.
-- Parameters: run_id bigint, metric text, labels integer[] (as in work_assignments), cluster_ids bigint[]
--   (the cluster of each), measured_labels integer[], silhouettes double precision[] (of each of these),
--   davies_bouldins double precision[], photos_measured bigint[]
-- Returns: nothing; the row count is the clusters.
WITH step AS MATERIALIZED (
    SELECT
        placed.label,
        floor(ln(greatest(placed.distance, 1e-30)) * 128) AS place,
        count(*) AS photos,
        sum(placed.distance) AS total,
        min(placed.distance) AS nearest,
        max(placed.distance) AS farthest
    FROM (
        SELECT
            label,
            CASE WHEN %(metric)s::text = 'cosine' THEN distance * distance / 2 ELSE distance END AS distance
        FROM work_assignments
    ) AS placed
    GROUP BY placed.label, floor(ln(greatest(placed.distance, 1e-30)) * 128)
),

risen AS MATERIALIZED (
    SELECT
        label,
        farthest,
        lead(nearest, 1, farthest) OVER by_distance AS next,
        sum(photos) OVER by_distance - photos AS before,
        sum(photos) OVER by_distance AS up_to,
        sum(photos) OVER whole AS of_label,
        sum(total) OVER whole AS total
    FROM step
    WINDOW by_distance AS (PARTITION BY label ORDER BY place), whole AS (PARTITION BY label)
),

assigned AS MATERIALIZED (
    SELECT
        risen.label,
        max(risen.of_label) AS photos,
        max(risen.total) / max(risen.of_label) AS mean_distance,
        max(risen.farthest) AS max_distance,
        array_agg(
            risen.farthest
            + CASE WHEN rank.whole + 1 < risen.up_to THEN 0 ELSE rank.part END * (risen.next - risen.farthest)
            ORDER BY hundred.part
        ) AS distance_percentiles
    FROM risen
    CROSS JOIN
        LATERAL generate_series(
            ceil(risen.before * 100 / greatest(risen.of_label - 1, 1))::integer,
            CASE
                WHEN risen.up_to = risen.of_label THEN 100
                ELSE ceil(risen.up_to * 100 / (risen.of_label - 1))::integer - 1
            END
        ) AS hundred (part)
    CROSS JOIN
        LATERAL (
            SELECT
                floor(hundred.part * (risen.of_label - 1) / 100) AS whole,
                hundred.part * (risen.of_label - 1) / 100 - floor(hundred.part * (risen.of_label - 1) / 100) AS part
        ) AS rank
    GROUP BY risen.label
)

INSERT INTO cluster_quality (
    run_id, cluster_id, photos, mean_distance, max_distance, distance_percentiles, silhouette, davies_bouldin,
    photos_measured
)
SELECT
    %(run_id)s::bigint AS run_id,
    cluster.id AS cluster_id,
    assigned.photos,
    assigned.mean_distance,
    assigned.max_distance,
    assigned.distance_percentiles,
    measured.silhouette,
    measured.davies_bouldin,
    coalesce(measured.photos, 0) AS photos_measured
FROM unnest(%(labels)s::integer[], %(cluster_ids)s::bigint[]) AS made (label, cluster_id)
INNER JOIN clusters AS cluster ON made.cluster_id = cluster.id
INNER JOIN assigned ON made.label = assigned.label
LEFT JOIN
    unnest(
        %(measured_labels)s::integer[],
        %(silhouettes)s::double precision[],
        %(davies_bouldins)s::double precision[],
        %(photos_measured)s::bigint[]
    ) AS measured (label, silhouette, davies_bouldin, photos)
    ON made.label = measured.label;
