-- Drops what the migration made and nothing else. The extension stays: other tables may use its type.

DO $$
DECLARE
    made record;
BEGIN
    FOR made IN
        SELECT kind, table_name, name FROM fluffy_sql_created_objects
        ORDER BY array_position(ARRAY['view', 'constraint', 'index', 'column', 'table'], kind), table_name DESC, name
    LOOP
        CASE made.kind
            WHEN 'constraint' THEN
                EXECUTE format('ALTER TABLE IF EXISTS %I DROP CONSTRAINT IF EXISTS %I', made.table_name, made.name);
            WHEN 'index' THEN
                EXECUTE format('DROP INDEX IF EXISTS %I', made.name);
            WHEN 'column' THEN
                EXECUTE format('ALTER TABLE IF EXISTS %I DROP COLUMN IF EXISTS %I', made.table_name, made.name);
            WHEN 'table' THEN
                EXECUTE format('DROP TABLE IF EXISTS %I', made.name);
            WHEN 'view' THEN
                EXECUTE format('DROP VIEW IF EXISTS %I', made.name);
        END CASE;
    END LOOP;
END
$$;

DROP TABLE fluffy_sql_created_objects;
