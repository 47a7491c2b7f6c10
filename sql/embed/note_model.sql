-- Writes down which model embeddings are of.
-- Parameters: stage text, provider text, model text, dimensions integer (null: not known yet), root text (null: as it
--   was)
-- Returns: nothing.
INSERT INTO embedding_models AS noted (stage, provider, model, dimensions, root)
VALUES (
    %(stage)s::text, %(provider)s::text, %(model)s::text, %(dimensions)s::integer, %(root)s::text
)
ON CONFLICT (stage) DO UPDATE SET
    provider = excluded.provider,
    model = excluded.model,
    dimensions = excluded.dimensions,
    root = coalesce(excluded.root, noted.root),
    since = CASE WHEN noted.model = excluded.model THEN noted.since ELSE excluded.since END;
