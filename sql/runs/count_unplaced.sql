-- Photos that an undo left in no cluster, since the one that the run took them from is gone; after they were moved.
-- Compared as sets: a planner whose statistics are from before thinks that no photo is in no cluster, and a join looked
-- through all assignments again for each of them (minutes for 100,000).
-- Returns: photos.
SELECT count(*) AS photos
FROM (
    SELECT photo_id
    FROM work_assignments
    WHERE label = -1
    INTERSECT
    SELECT id
    FROM photos
    WHERE cluster_id IS NULL
) AS unplaced;
