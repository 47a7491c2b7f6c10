-- cluster_central_photos from its other end.
CREATE OR REPLACE FUNCTION cluster_outermost_photos(cluster_id bigint, n bigint DEFAULT 10)
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
    ORDER BY member.rank DESC
    LIMIT $2;
END;

COMMENT ON FUNCTION cluster_outermost_photos(bigint, bigint) IS
'The n photos that fit a cluster least, farthest from its centroid first: cluster_central_photos from its other end; n null: all. Photos without a distance are left out. Example: SELECT * FROM cluster_outermost_photos(1, n => 5);';
