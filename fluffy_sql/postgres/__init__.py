"""Connections, statements, the embedded server and the schema."""
