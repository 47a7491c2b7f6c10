-- Lists the models that embeddings are of.
-- Returns: stage, provider, model, dimensions, root.
SELECT
    stage,
    provider,
    model,
    dimensions,
    root
FROM embedding_models;
