-- Lets names mean tables and views of a library. What it has not is found in public, as photos of an adopted one.
-- Parameters: schema text
-- Returns: one row of no interest.
SELECT set_config('search_path', %(schema)s::text || ', public', FALSE);
