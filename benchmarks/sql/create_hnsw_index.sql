-- Builds the index that an application would search in: photos_embedding_idx, if it is of photos. Without parallel
-- workers, since these share as much memory as they may use, which containers do not let them.
-- Parameters: table_name text
-- Returns: nothing.
DO $do$
BEGIN
    PERFORM
        set_config('maintenance_work_mem', '8GB', TRUE),
        set_config('max_parallel_maintenance_workers', '0', TRUE);
    EXECUTE 'CREATE INDEX ON ' || quote_ident(%(table_name)s) || ' USING hnsw (embedding vector_l2_ops)';
END
$do$;
