-- Where names without a schema are looked up, as a setting is written.
-- Returns: search_path text.
SELECT current_setting('search_path') AS search_path;
