-- Waits, holding nothing that others could wait for, until nobody has written to a cluster without ending his
-- transaction, and keeps everyone from writing to one until this one ends. Rows locked one by one could make two wait
-- for each other, in whatever order. Reading goes on, and so do photos that come or change without moving.
-- Returns: nothing.
LOCK TABLE clusters IN SHARE ROW EXCLUSIVE MODE;
