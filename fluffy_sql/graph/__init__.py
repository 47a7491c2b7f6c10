"""Clustering by a graph of nearest neighbours, which is found in the database."""
