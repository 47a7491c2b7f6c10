-- BEGIN ATOMIC (and RETURN) binds names when a function is made: the search_path of whoever calls it does not matter,
-- and the planner can still put its body in the place of the call, which SET search_path would forbid. usable_photos is
-- bound as a view, not as its text of now, so replacing it takes effect. Arguments are $1, $2, ...: a column of that
-- name, and an adopted table may have any, would come before an argument. So it is in all functions for looking.
CREATE OR REPLACE FUNCTION cluster_central_photos(cluster_id bigint, n bigint DEFAULT 10)
RETURNS TABLE (rank bigint, distance double precision, photo_id bigint, path text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        member.rank,
        member.distance,
        member.photo_id::bigint AS photo_id,
        member.path::text AS path
    FROM cluster_members AS member
    WHERE member.cluster_id = $1 AND member.distance IS NOT NULL
    ORDER BY member.rank
    LIMIT $2;
END;

COMMENT ON FUNCTION cluster_central_photos(bigint, bigint) IS
'The n most typical photos of a cluster, nearest to its centroid first; n null: all. Rank and distance are those of cluster_members; photos without a distance are left out. Example: SELECT * FROM cluster_central_photos(1, n => 5);';
