-- On Citus, has the limit of limit_waiting hold on the servers of the shards, too: set_config goes to none of them.
-- Local to the transaction.
-- Returns: nothing.
DO $$
BEGIN
    PERFORM set_config('citus.propagate_set_commands', 'local', TRUE);
    EXECUTE 'SET LOCAL lock_timeout TO ' || quote_literal(current_setting('lock_timeout'));
END
$$;
