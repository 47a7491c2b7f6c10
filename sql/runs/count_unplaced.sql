-- Photos that an undo left in no cluster, since the one that the run took them from is gone; after they were moved.
-- Returns: photos.
SELECT count(*) AS photos
FROM work_assignments AS assignment
INNER JOIN photos AS photo ON assignment.photo_id = photo.id
WHERE assignment.label = -1 AND photo.cluster_id IS NULL;
