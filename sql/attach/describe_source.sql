-- What an attached library reads.
-- Returns: name, query, columns, types; no row if the library keeps its photos itself.
SELECT
    name,
    query,
    columns,
    types
FROM attached_source;
