"""One run over many scopes."""
