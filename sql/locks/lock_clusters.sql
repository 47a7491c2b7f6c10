-- Waits, holding nothing that others could wait for, until nobody has a cluster locked, and keeps everyone from locking
-- one until the transaction ends: from then on it waits for nobody, so it is part of no deadlock. Rows locked one by
-- one could make two wait for each other, in whatever order. Reading goes on, and so do photos that come or change
-- without a cluster.
-- Returns: nothing.
LOCK TABLE clusters IN EXCLUSIVE MODE;
