-- What summarize_assignments does, where the work table is distributed: each shard sums up its own, and what is sorted
-- first would have to be sent.
-- Returns: label, photos, error (sum of squared distances); no row for a centroid without photos.
SELECT
    label,
    count(*) AS photos,
    sum(distance * distance) AS error
FROM work_assignments
GROUP BY label;
