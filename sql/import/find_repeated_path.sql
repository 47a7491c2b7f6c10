-- Finds the first row whose path an earlier row of the file had already.
-- Returns: photo_path, row_number, line_number (null if rows have no lines), earlier_row; one row, or none if every
--   path is named once.
SELECT
    numbered.photo_path,
    numbered.row_number,
    numbered.line_number,
    numbered.earlier_row
FROM (
    SELECT
        photo_path,
        row_number,
        line_number,
        lag(row_number) OVER (PARTITION BY photo_path ORDER BY row_number) AS earlier_row
    FROM pg_temp.photo_import
) AS numbered
WHERE numbered.earlier_row IS NOT NULL
ORDER BY numbered.row_number
LIMIT 1;
