-- Finds the first row whose path several photos share: a table made elsewhere may allow that.
-- Returns: photo_path, row_number, line_number (null if rows have no lines), photos (how many there are); one row, or
--   none.
SELECT
    staged.photo_path,
    staged.row_number,
    staged.line_number,
    count(*) AS photos
FROM pg_temp.photo_import AS staged
INNER JOIN photos ON staged.photo_path = photos.path
GROUP BY staged.photo_path, staged.row_number, staged.line_number
HAVING count(*) > 1
ORDER BY staged.row_number
LIMIT 1;
