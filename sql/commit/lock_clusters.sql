-- Waits, holding nothing that others could wait for, until no open transaction has written to a cluster, and keeps all
-- others from writing to one until this one ends. Rows locked one by one could make two wait
-- for each other, in whatever order. Reads are not blocked, nor photos that come or change without moving.
-- Returns: nothing.
LOCK TABLE clusters IN SHARE ROW EXCLUSIVE MODE;
