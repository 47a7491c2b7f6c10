-- It stays through fluffy-sql detach, for a trigger of the application's calls it: photos come in all the same, and
-- are placed by the next fluffy-sql assign.
CREATE OR REPLACE FUNCTION place_new_photo()
RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_WHEN <> 'AFTER' THEN
        RAISE WARNING 'place_new_photo places no photo in a trigger that is fired before the photo is there; make it AFTER INSERT OR UPDATE';
        RETURN NEW;
    END IF;
    -- one after the other: a call of a function that is gone fails before anything of its condition is looked at
    IF to_regprocedure('library_is_whole()') IS NULL THEN
        RETURN NULL;
    ELSIF NOT library_is_whole() THEN
        RETURN NULL;
    END IF;
    PERFORM assign_photo(NEW.id::bigint, nullif(TG_ARGV[0], '')::double precision);
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION place_new_photo() IS
'A trigger that places photos as they come, as assign_photo does: those that usable_photos shows, by the embedding and the scope that it shows. Its argument, if any, is max_distance. Example: CREATE TRIGGER place_new_photo AFTER INSERT OR UPDATE OF embedding ON photos FOR EACH ROW EXECUTE FUNCTION place_new_photo(0.3);';
