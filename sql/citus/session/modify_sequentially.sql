-- On Citus, makes a transaction write shard after shard on each server: one that has written photos on many connections
-- at once may not write clusters, which photos refer to, any more. Local to the transaction; no SELECT, for after one
-- it is too late to say how isolated the transaction is.
-- Returns: nothing.
SET LOCAL "citus.multi_shard_modify_mode" TO 'sequential';
