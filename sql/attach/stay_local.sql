-- Keeps what an attached library is made of on this server, in this transaction: if tables of others are distributed,
-- Citus would make its functions on all servers, and refuses to, since its tables are on this one. Without Citus the
-- setting says nothing to anybody.
-- Returns: propagated; one row.
SELECT set_config('citus.enable_ddl_propagation', 'off', TRUE) AS propagated;
