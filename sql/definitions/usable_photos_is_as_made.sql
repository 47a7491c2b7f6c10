-- Whether usable_photos is the view that migrate makes, told by its text. With the search_path that it was made with:
-- the text has names qualified if they are not on it.
CREATE OR REPLACE FUNCTION usable_photos_is_as_made()
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN (
        SELECT rtrim(pg_get_viewdef('usable_photos'::regclass), ';') = rtrim(default_usable_photos, ';')
        FROM definitions
    );
END
$$;

COMMENT ON FUNCTION usable_photos_is_as_made() IS
'Whether the view usable_photos is as migrate makes it, so that every photo is usable and none has a scope. Example: SELECT usable_photos_is_as_made();';
