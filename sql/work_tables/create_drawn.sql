-- The photos that a run trains on, in an order drawn from its seed: the first n are a sample of n. Where a run trains
-- for many scopes at once, those of a scope are side by side.
-- Returns: nothing.
CREATE UNLOGGED TABLE fluffy_sql_work.drawn (
    position bigint PRIMARY KEY,
    photo_id bigint NOT NULL,
    scope bigint
);
