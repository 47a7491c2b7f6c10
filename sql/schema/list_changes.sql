-- What has changed since views, functions and triggers were made: migrate makes them for what there is.
-- Returns: change (as a person reads it).
SELECT known.name || ' was moved to the schema ' || place.nspname AS change
FROM application_tables AS known
INNER JOIN pg_class ON known.relation = pg_class.oid
INNER JOIN pg_namespace AS place ON pg_class.relnamespace = place.oid
WHERE place.nspname <> known.place
UNION ALL
SELECT 'clusters.' || definitions.scope_column || ' was renamed to ' || renamed.attname AS change
FROM definitions
INNER JOIN application_tables AS known ON known.name = 'clusters'
INNER JOIN pg_attribute AS renamed
    ON known.relation = renamed.attrelid AND definitions.scope_number = renamed.attnum AND NOT renamed.attisdropped
WHERE
    NOT EXISTS (
        SELECT FROM pg_attribute AS found
        WHERE found.attrelid = known.relation AND found.attname = definitions.scope_column AND NOT found.attisdropped
    )
ORDER BY change;
