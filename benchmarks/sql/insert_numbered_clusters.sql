-- Makes clusters 1 to k.
-- Parameters: k integer
-- Returns: nothing; the row count is k.
INSERT INTO clusters (id)
SELECT number FROM generate_series(1, %(k)s::integer) AS number;
