"""README and docs: examples run, references are complete, links lead somewhere."""
