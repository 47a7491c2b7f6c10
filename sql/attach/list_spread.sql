-- The tables that the SELECT of a source reads, itself or through views, and that Citus has distributed over servers or
-- put on each. Only if the extension is there, and after try_query.
-- Returns: name; in order.
WITH RECURSIVE used AS (
    SELECT to_regclass('pg_temp.fluffy_sql_source')::oid AS relation
    UNION
    SELECT pg_depend.refobjid AS relation
    FROM used
    INNER JOIN pg_rewrite ON used.relation = pg_rewrite.ev_class
    INNER JOIN pg_depend ON pg_rewrite.oid = pg_depend.objid
    WHERE pg_depend.classid = 'pg_rewrite'::regclass AND pg_depend.refclassid = 'pg_class'::regclass
)

SELECT pg_dist_partition.logicalrelid::text AS name
FROM pg_dist_partition
INNER JOIN used ON pg_dist_partition.logicalrelid = used.relation
ORDER BY name;
