-- Measures how well cluster_id agrees with what the photos are of. A photo without a cluster counts as a cluster
-- of its own. A path is what photo_id is, with leading zeros or without; the id of an attached library may be another.
-- Returns: one row: nmi (normalized mutual information, by the mean of both entropies; null for a single cluster of a
--   single theme).
WITH pairs AS (
    SELECT
        coalesce(photos.cluster_id, -photos.id) AS cluster_id,
        themes.theme,
        count(*)::double precision AS photos
    FROM usable_photos AS photos
    INNER JOIN themes ON photos.path::bigint = themes.photo_id
    GROUP BY 1, 2
),

sizes AS (
    SELECT
        photos,
        sum(photos) OVER (PARTITION BY cluster_id) AS of_cluster,
        sum(photos) OVER (PARTITION BY theme) AS of_theme,
        sum(photos) OVER () AS of_all
    FROM pairs
)

SELECT
    2 * sum(photos * ln(photos * of_all / (of_cluster * of_theme)))
    / nullif(sum(photos * ln(of_all / of_cluster)) + sum(photos * ln(of_all / of_theme)), 0) AS nmi
FROM sizes;
