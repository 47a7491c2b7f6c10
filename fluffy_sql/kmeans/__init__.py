"""k-means in the database."""
