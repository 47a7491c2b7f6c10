-- The rows that try_rows read.
-- Returns: key_and_version.
SELECT listed.key_and_version
FROM json_array_elements_text(current_setting('fluffy_sql.source_rows')::json) AS listed (key_and_version);
