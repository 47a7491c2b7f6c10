-- How the photos fell. Sorted, so that the same assignments add up to the same inertia.
-- Returns: label, photos, error (sum of squared distances); no row for a centroid without photos.
SELECT
    label,
    count(*) AS photos,
    sum(distance * distance ORDER BY distance) AS error
FROM work_assignments
GROUP BY label;
