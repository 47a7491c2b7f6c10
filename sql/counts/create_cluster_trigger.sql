-- Counts the photos of a cluster that comes, or changes its id.
-- Returns: nothing.
CREATE OR REPLACE TRIGGER fluffy_sql_count_cluster
BEFORE INSERT OR UPDATE OF id ON clusters
FOR EACH ROW EXECUTE FUNCTION fluffy_sql_count_cluster();
