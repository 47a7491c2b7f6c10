-- Asked by every function that a trigger of an application's table calls: a statement of the application never fails
-- because somebody renamed or dropped what these functions use.
CREATE OR REPLACE FUNCTION library_is_whole()
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN to_regclass('usable_photos') IS NOT NULL
        AND to_regclass('scoped_clusters') IS NOT NULL
        AND to_regclass('photo_count_changes') IS NOT NULL
        AND (
            SELECT count(*) = 5
            FROM pg_attribute
            WHERE NOT attisdropped
                AND (
                    (attrelid = to_regclass('photos') AND attname IN ('id', 'cluster_id', 'cluster_pinned'))
                    OR (attrelid = to_regclass('clusters') AND attname IN ('id', 'photos_count'))
                )
        );
END
$$;

COMMENT ON FUNCTION library_is_whole() IS
'Whether all is there that triggers of fluffy_sql use: not if a column was renamed, or after fluffy-sql detach. Then they do nothing. Example: SELECT library_is_whole();';
