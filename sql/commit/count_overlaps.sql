-- How many photos a new cluster has in common with each old one.
-- Parameters: labels integer[] (as in work_assignments)
-- Returns: place (of the label, from 0), cluster_id (null: photos that were in none), photos; no row for a pair that
--   has none in common.
SELECT
    (made.place - 1)::integer AS place,
    photos.cluster_id::bigint AS cluster_id,
    count(*) AS photos
FROM work_assignments AS assignment
INNER JOIN unnest(%(labels)s::integer[]) WITH ORDINALITY AS made (label, place) ON assignment.label = made.label
INNER JOIN photos ON assignment.photo_id = photos.id
GROUP BY made.place, photos.cluster_id
ORDER BY made.place, photos.cluster_id;
