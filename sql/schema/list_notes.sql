-- What an owner should know of the library's tables, and nothing is wrong with.
-- Returns: note (as a person reads it).
SELECT
    'photos has row-level security: commands of fluffy_sql refuse a role that a policy hides photos from, triggers'
    || ' count and guard all photos, and who may look at a view of fluffy_sql sees only what the policies let that'
    || ' role see'
    || CASE
        WHEN photos.relforcerowsecurity
            THEN '; it is forced on the owner, too, whose counts may then be wrong: give the owner BYPASSRLS'
        ELSE ''
    END AS note
FROM pg_class AS photos
WHERE photos.oid = to_regclass('photos') AND photos.relrowsecurity
UNION ALL
SELECT
    'photos is a part of ' || part.inhparent::regclass || ', and triggers do not count what is changed by that name;'
    || ' fluffy-sql check --repair counts again' AS note
FROM pg_inherits AS part
WHERE part.inhrelid = to_regclass('photos');
