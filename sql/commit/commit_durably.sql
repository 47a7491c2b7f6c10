-- Makes a transaction's commit wait until it is on disk, if that is what the server does by default (see prepare).
-- Returns: nothing.
SET LOCAL synchronous_commit TO DEFAULT;
