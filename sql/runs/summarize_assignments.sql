-- Photos and inertia by label. Sorted, so that the same assignments add up to the same inertia, by what is quickly
-- sorted: labels and distances took three times as long. If distributed, each shard sorts and sums up its own.
-- Returns: label, photos, error (sum of squared distances); no row for a centroid without photos.
SELECT
    label,
    count(*) AS photos,
    sum(distance * distance) AS error
FROM (
    SELECT
        label,
        distance
    FROM work_assignments
    WHERE label >= 0
    ORDER BY photo_id
) AS sorted
GROUP BY label;
