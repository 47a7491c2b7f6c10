"""Cluster the embeddings of a photo library where they live: in Postgres, with pgvector."""

from importlib.metadata import version

__version__ = version("fluffy_sql")
