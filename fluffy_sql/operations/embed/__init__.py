"""Makes embeddings of photos. What it needs is the extra `photos`."""
