-- Whether any migration was ever applied here.
-- Returns: one boolean.
SELECT to_regclass('fluffy_sql_migrations') IS NOT NULL AS has_migrations_table;
