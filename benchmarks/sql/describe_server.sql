-- What ran, and the settings that matter for how fast it does.
-- Returns: one row: postgres, pgvector, settings (an object by name).
SELECT
    current_setting('server_version') AS postgres,
    (
        SELECT default_version FROM pg_available_extensions
        WHERE name = 'vector'
    ) AS pgvector,
    (
        SELECT jsonb_object_agg(name, current_setting(name)) FROM pg_settings
        WHERE
            name IN (
                'checkpoint_timeout', 'effective_cache_size', 'fsync', 'full_page_writes', 'maintenance_work_mem',
                'max_parallel_maintenance_workers', 'max_parallel_workers', 'max_parallel_workers_per_gather',
                'max_wal_size', 'shared_buffers', 'synchronous_commit', 'wal_level', 'work_mem'
            )
    ) AS settings;
