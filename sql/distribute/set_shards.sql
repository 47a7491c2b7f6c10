-- Into how many shards photos are about to be cut; local to the transaction.
-- Parameters: shards integer
-- Returns: shard_count (as it is now).
SELECT set_config('citus.shard_count', (%(shards)s::integer)::text, TRUE) AS shard_count;
