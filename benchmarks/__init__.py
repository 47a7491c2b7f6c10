"""Benchmarks: fluffy_sql beside the ways that take the embeddings out of the database.

`python -m benchmarks --help` says how to run them. They need the extra `bench`.
"""
